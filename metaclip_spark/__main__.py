"""Entry point of `python -m metaclip_spark`, which is the same as the `metaclip-spark` command."""

from __future__ import annotations

import sys

from metaclip_spark.cli import main

if __name__ == "__main__":
    sys.exit(main())
