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
    from metaclip_spark.metadata_config import MetadataConfig, MetadataSources
    from metaclip_spark.presets import preset_pool
    from metaclip_spark.report.curate_report import CurateReport
    from metaclip_spark.stages.append import append
    from metaclip_spark.stages.build_metadata import build_metadata
    from metaclip_spark.stages.check_tables import check_tables
    from metaclip_spark.stages.curate import curate
    from metaclip_spark.stages.diff import diff
    from metaclip_spark.stages.dry_run import dry_run
    from metaclip_spark.stages.explain import explain_caption, explain_uid
    from metaclip_spark.stages.explain_entry import explain_entry
    from metaclip_spark.stages.export_probabilities import export_entry_probabilities
    from metaclip_spark.stages.export_rows import export_img2dataset, export_jsonl
    from metaclip_spark.stages.export_uids import export_datacomp
    from metaclip_spark.stages.inspect_tables import inspect
    from metaclip_spark.stages.pilot import pilot
    from metaclip_spark.stages.read_table import read_table
    from metaclip_spark.stages.rebalance import rebalance
    from metaclip_spark.stages.sizes import size_curves
    from metaclip_spark.storage.metadata_source import read_metadata

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
    "check_tables",
    "compile_metadata",
    "curate",
    "diff",
    "dry_run",
    "explain_caption",
    "explain_entry",
    "explain_uid",
    "export_datacomp",
    "export_entry_probabilities",
    "export_img2dataset",
    "export_jsonl",
    "inspect",
    "pilot",
    "preset_pool",
    "read_metadata",
    "read_table",
    "rebalance",
    "size_curves",
]

_HOMES = {
    "CurateConfig": "metaclip_spark.config",
    "CurateReport": "metaclip_spark.report.curate_report",
    "Matcher": "metaclip_spark.core.matching.matcher",
    "MetaclipSparkError": "metaclip_spark.errors",
    "MetadataConfig": "metaclip_spark.metadata_config",
    "MetadataSources": "metaclip_spark.metadata_config",
    "Pool": "metaclip_spark.config",
    "PoolColumns": "metaclip_spark.config",
    "append": "metaclip_spark.stages.append",
    "build_metadata": "metaclip_spark.stages.build_metadata",
    "check_tables": "metaclip_spark.stages.check_tables",
    "compile_metadata": "metaclip_spark.core.matching.tables",
    "curate": "metaclip_spark.stages.curate",
    "diff": "metaclip_spark.stages.diff",
    "dry_run": "metaclip_spark.stages.dry_run",
    "explain_caption": "metaclip_spark.stages.explain",
    "explain_entry": "metaclip_spark.stages.explain_entry",
    "explain_uid": "metaclip_spark.stages.explain",
    "export_datacomp": "metaclip_spark.stages.export_uids",
    "export_entry_probabilities": "metaclip_spark.stages.export_probabilities",
    "export_img2dataset": "metaclip_spark.stages.export_rows",
    "export_jsonl": "metaclip_spark.stages.export_rows",
    "inspect": "metaclip_spark.stages.inspect_tables",
    "pilot": "metaclip_spark.stages.pilot",
    "preset_pool": "metaclip_spark.presets",
    "read_metadata": "metaclip_spark.storage.metadata_source",
    "read_table": "metaclip_spark.stages.read_table",
    "rebalance": "metaclip_spark.stages.rebalance",
    "size_curves": "metaclip_spark.stages.sizes",
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
