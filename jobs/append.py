"""Append a pool on a cluster: `spark-submit … jobs/append.py --pool … --metadata … --tables …`.

Takes the options of `metaclip-spark append` and does the same. README.md beside this file has the options of
spark-submit.
"""

from __future__ import annotations

import sys

from metaclip_spark.cli import main

# Exit only on failure: Databricks reports every SystemExit as a failure.
if __name__ == "__main__" and (code := main(["append", *sys.argv[1:]])):
    sys.exit(code)
