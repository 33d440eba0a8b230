"""Append a pool on a cluster: `spark-submit … jobs/append.py --pool … --metadata … --tables … …`.

Takes the options of `metaclip-spark append` and does the same. README.md beside this file has the options of
spark-submit.
"""

from __future__ import annotations

import sys

from metaclip_spark.cli import main

# Exits only after a failure: Databricks takes any SystemExit for one.
if __name__ == "__main__" and (code := main(["append", *sys.argv[1:]])):
    sys.exit(code)
