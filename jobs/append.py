"""Append a pool on a cluster: `spark-submit … jobs/append.py --pool … --metadata … --output …`.

Takes the options of `metaclip-spark append` and does the same; what spark-submit itself needs is in README.md beside
this file.
"""

from __future__ import annotations

import sys

from metaclip_spark.cli import main

if __name__ == "__main__":
    sys.exit(main(["append", *sys.argv[1:]]))
