"""Dry run of a curation: all checks before the first pass, and the plan. Nothing is written.

No rows are read, except where Spark needs them to find the columns: a JSON pool without a schema is read completely.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from metaclip_spark.audit.dry_run_report import DryRunReport
from metaclip_spark.config.curation import WAYS_TO_CHOOSE_T, CurateConfig
from metaclip_spark.core.entry_list import EntryFate
from metaclip_spark.curation.metadata_checks import metadata_for_pool
from metaclip_spark.pools.canonical_columns import meanings
from metaclip_spark.runs.frozen_counts import open_frozen_counts
from metaclip_spark.runs.identity import curation_identity
from metaclip_spark.runs.run import Run
from metaclip_spark.runs.stored_run import CURATE
from metaclip_spark.spark.locations import local_path, located
from metaclip_spark.tables.schemas import CURATED, ENTRY_COUNTS, RESERVE, RUNS, SIZE_CURVE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.tables.tables import Tables

# Decision columns (matched ids, numbers, run ids) add about half of the pool's bytes to a caption and a URL.
_DECISION_BYTES_SHARE: Final = 0.5
_THRESHOLD: Final = {
    "t": "t = {} matches",
    "target_size": "smallest t that keeps {} rows (needs one or two more passes)",
    "keep_share": "smallest t that keeps a share of {} of the rows read (needs one or two more passes)",
    "tail_share": "t at which the share of the matches on tail entries is {}",
}


def dry_run(
    spark: SparkSession,
    pool: Pool,
    metadata: CompiledMetadata | Mapping[str, CompiledMetadata],
    root: str,
    config: CurateConfig | None = None,
) -> DryRunReport:
    """Check the arguments of `curate`, and return what it would read and write with them.

    The arguments are those of `curate`.

    Raises:
        MetaclipSparkError: `curate` would raise this error before its first pass.
    """
    config = config or CurateConfig()
    with Run.open(spark, root, CURATE) as run:
        opened = run.open_pool(pool)
        pool, languages = opened.pool, metadata_for_pool(metadata, opened.pool, config)
        frozen = open_frozen_counts(spark, config.counts, languages).counts_version if config.counts else None
        run.identify(curation_identity(pool, opened.source, languages, config, frozen_counts=frozen))
        done = run.finished_report() is not None
        if not done:
            run.check_replaceable(overwrite=config.overwrite)
    tables, counted = run.tables, run.identity.counts_version in run.state.counts
    known = opened.source.bytes
    named = meanings(pool.columns)
    return DryRunReport(
        run_id=run.identity.run_id,
        source=opened.source.description,
        columns=_columns(opened.rows.schema, named),
        carried_columns=[name for name in opened.rows.columns if name not in {"uid", "text", "image_url", "language"}],
        metadata={
            language: (compiled.n_entries, compiled.report.counts[EntryFate.MATCHABLE])
            for language, compiled in languages.items()
        },
        threshold="; ".join(
            _THRESHOLD[name].format(getattr(config, name))
            for name in WAYS_TO_CHOOSE_T
            if getattr(config, name) is not None
        ),
        state="already finished" if done else "from stored counts" if counted else "new",
        tables=_tables(tables, config, done=done, counted=counted),
        max_table_bytes=None if known is None else round(known * (1 + _DECISION_BYTES_SHARE)),
        free_bytes=None if tables.folder is None else _free_bytes(located(spark, tables.folder)),
    )


def _columns(schema: StructType, named: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    own = {meaning: name for name, meaning in named.items()}
    return {
        meaning: (own.get(meaning, "(derived from image_url and text)"), schema[meaning].dataType.simpleString())
        for meaning in ("uid", "text", "image_url", "language")
        if meaning in schema.names
    }


def _tables(tables: Tables, config: CurateConfig, *, done: bool, counted: bool) -> dict[str, tuple[str, str]]:
    changes = {
        CURATED: "replaced in one commit" if tables.read(CURATED) is not None else "created",
        ENTRY_COUNTS: "stored counts used" if counted else "counts added",
        SIZE_CURVE: "curve of these counts written",
        RUNS: "row added last",
    }
    if config.reserve is not None:
        changes[RESERVE] = f"replaced by the rows above t, up to {config.reserve:,.10g}"
    return {name: (tables.path(name), "unchanged" if done else change) for name, change in changes.items()}


def _free_bytes(location: str) -> int | None:
    """Return the free bytes on the disk of the tables; None for a remote store."""
    folder = local_path(location)
    if folder is None:
        return None
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free
