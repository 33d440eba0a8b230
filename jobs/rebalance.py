"""Rebalance on a cluster: `spark-submit … jobs/rebalance.py --tables … --t …`.

Takes the options of `metaclip-spark rebalance` and does the same. README.md beside this file has the options of
spark-submit.
"""

from __future__ import annotations

import sys

from metaclip_spark.cli import main

# Exit only on failure: Databricks reports every SystemExit as a failure.
if __name__ == "__main__" and (code := main(["rebalance", *sys.argv[1:]])):
    sys.exit(code)
