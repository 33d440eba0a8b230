"""Matching of captions against metadata: which entries occur in a caption.

`matcher` is the entry point, and `oracle` defines the result. `compile_metadata` compiles an entry list, `artifact`
stores it in a file. `tokens` is the engine, used through `build_tables` and `match_rows`; `DESIGN.md` explains it.
"""
