"""Build metadata on a cluster: `spark-submit … jobs/metadata.py build --language … --dump … --page-views … --output …`.

Takes the options of `metaclip-spark metadata` and does the same; what spark-submit itself needs is in README.md beside
this file.
"""

from __future__ import annotations

import sys

from metaclip_spark.cli import main

# Only a failure exits: Databricks takes any SystemExit for one.
if __name__ == "__main__" and (code := main(["metadata", *sys.argv[1:]])):
    sys.exit(code)
