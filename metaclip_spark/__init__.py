"""MetaCLIP's data curation on Spark: match captions to metadata entries, count, balance, explain every row.

Names are loaded at first use, so that importing the package needs neither pyspark nor a compiler warm-up.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metaclip_spark.audit.check import check
    from metaclip_spark.audit.diff.diff import diff
    from metaclip_spark.audit.dry_run import dry_run
    from metaclip_spark.audit.estimate.estimate import estimate
    from metaclip_spark.audit.explain.explain_caption import explain_caption, explain_uid
    from metaclip_spark.audit.explain.explain_entry import explain_entry
    from metaclip_spark.audit.inspect_tables import inspect
    from metaclip_spark.audit.sizes import sizes
    from metaclip_spark.config.curation import CurateConfig
    from metaclip_spark.config.metadata import MetadataConfig, MetadataSources
    from metaclip_spark.config.pool import Pool, PoolColumns
    from metaclip_spark.core.matching.compile_metadata import compile_metadata
    from metaclip_spark.core.matching.matcher import Matcher
    from metaclip_spark.curation.append.append import append
    from metaclip_spark.curation.curate import curate
    from metaclip_spark.curation.rebalance.rebalance import rebalance
    from metaclip_spark.errors import MetaclipSparkError
    from metaclip_spark.exports.probabilities import export_entry_probabilities
    from metaclip_spark.exports.rows import export_img2dataset, export_jsonl
    from metaclip_spark.exports.uids import export_datacomp
    from metaclip_spark.metadata.build import build_metadata
    from metaclip_spark.metadata.read_metadata import read_metadata
    from metaclip_spark.pools.presets import preset_pool
    from metaclip_spark.runs.report import CurateReport
    from metaclip_spark.tables.read_table import read_table

__version__ = "0.1.0"

__all__ = [
    "CurateConfig",
    "CurateReport",
    "Matcher",
    "MetaclipSparkError",
    "MetadataConfig",
    "MetadataSources",
    "Pool",
    "PoolColumns",
    "append",
    "build_metadata",
    "check",
    "compile_metadata",
    "curate",
    "diff",
    "dry_run",
    "estimate",
    "explain_caption",
    "explain_entry",
    "explain_uid",
    "export_datacomp",
    "export_entry_probabilities",
    "export_img2dataset",
    "export_jsonl",
    "inspect",
    "preset_pool",
    "read_metadata",
    "read_table",
    "rebalance",
    "sizes",
]

_HOMES = {
    "CurateConfig": "metaclip_spark.config.curation",
    "CurateReport": "metaclip_spark.runs.report",
    "Matcher": "metaclip_spark.core.matching.matcher",
    "MetaclipSparkError": "metaclip_spark.errors",
    "MetadataConfig": "metaclip_spark.config.metadata",
    "MetadataSources": "metaclip_spark.config.metadata",
    "Pool": "metaclip_spark.config.pool",
    "PoolColumns": "metaclip_spark.config.pool",
    "append": "metaclip_spark.curation.append.append",
    "build_metadata": "metaclip_spark.metadata.build",
    "check": "metaclip_spark.audit.check",
    "compile_metadata": "metaclip_spark.core.matching.compile_metadata",
    "curate": "metaclip_spark.curation.curate",
    "diff": "metaclip_spark.audit.diff.diff",
    "dry_run": "metaclip_spark.audit.dry_run",
    "explain_caption": "metaclip_spark.audit.explain.explain_caption",
    "explain_entry": "metaclip_spark.audit.explain.explain_entry",
    "explain_uid": "metaclip_spark.audit.explain.explain_caption",
    "export_datacomp": "metaclip_spark.exports.uids",
    "export_entry_probabilities": "metaclip_spark.exports.probabilities",
    "export_img2dataset": "metaclip_spark.exports.rows",
    "export_jsonl": "metaclip_spark.exports.rows",
    "inspect": "metaclip_spark.audit.inspect_tables",
    "estimate": "metaclip_spark.audit.estimate.estimate",
    "preset_pool": "metaclip_spark.pools.presets",
    "read_metadata": "metaclip_spark.metadata.read_metadata",
    "read_table": "metaclip_spark.tables.read_table",
    "rebalance": "metaclip_spark.curation.rebalance.rebalance",
    "sizes": "metaclip_spark.audit.sizes",
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
