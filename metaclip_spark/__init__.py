"""MetaCLIP's data curation on Spark: match captions to metadata entries, count, balance, explain every row.

Names are loaded at first use, so that importing the package needs neither pyspark nor a compiler warm-up.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metaclip_spark.config import CurateConfig, Pool, PoolColumns
    from metaclip_spark.core.matching.matcher import Matcher
    from metaclip_spark.core.matching.tables import compile_metadata
    from metaclip_spark.errors import MetaclipSparkError
    from metaclip_spark.presets import preset_pool
    from metaclip_spark.report.curate_report import CurateReport
    from metaclip_spark.stages.curate import curate
    from metaclip_spark.storage.metadata_source import read_metadata

__version__ = "0.1.0"

__all__ = [
    "CurateConfig",
    "CurateReport",
    "Matcher",
    "MetaclipSparkError",
    "Pool",
    "PoolColumns",
    "compile_metadata",
    "curate",
    "preset_pool",
    "read_metadata",
]

_HOMES = {
    "CurateConfig": "metaclip_spark.config",
    "CurateReport": "metaclip_spark.report.curate_report",
    "Matcher": "metaclip_spark.core.matching.matcher",
    "MetaclipSparkError": "metaclip_spark.errors",
    "Pool": "metaclip_spark.config",
    "PoolColumns": "metaclip_spark.config",
    "compile_metadata": "metaclip_spark.core.matching.tables",
    "curate": "metaclip_spark.stages.curate",
    "preset_pool": "metaclip_spark.presets",
    "read_metadata": "metaclip_spark.storage.metadata_source",
}


def __getattr__(name: str) -> object:
    """Load a public name from its home (PEP 562)."""
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Public names, also those that are not loaded yet."""
    return sorted({*globals(), *__all__})
