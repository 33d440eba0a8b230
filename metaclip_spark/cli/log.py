"""`--log`: the library's events as lines of JSON on standard error."""

from __future__ import annotations

import logging
import sys


def log_to_standard_error() -> None:
    """Write every event of this process; once, however often it is called."""
    logger = logging.getLogger("metaclip_spark")
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
