"""Matching: captions to the ids of the metadata entries that they hold.

`oracle` is the rule, `compiled` and `artifact` are compiled metadata in memory and on disk, `tables` compiles it,
`matcher` is the way in. The kernels are read best after `DESIGN.md`.
"""
