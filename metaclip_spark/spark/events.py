"""One line of JSON in Python's log for each step and each finished run, for whoever collects logs.

The logger is "metaclip_spark", the level INFO; the command line writes it to standard error with `--log`.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from typing import Final

LOGGER: Final = logging.getLogger("metaclip_spark")


def log_event(**fields: object) -> None:
    """Log what happened, with its time."""
    if LOGGER.isEnabledFor(logging.INFO):
        LOGGER.info(json.dumps({"time": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"), **fields}))
