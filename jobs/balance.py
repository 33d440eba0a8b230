"""Re-balance on a cluster: `spark-submit … jobs/balance.py --output … --t …`.

Takes the options of `metaclip-spark balance` and does the same; what spark-submit itself needs is in README.md beside
this file.
"""

from __future__ import annotations

import sys

from metaclip_spark.cli import main

if __name__ == "__main__":
    sys.exit(main(["balance", *sys.argv[1:]]))
