"""Checks before a pool is appended: that it fits the curated table and is not part of it already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.errors import ConfigError, InputError, TableError
from metaclip_spark.runs.reopen_pool import pool_readers
from metaclip_spark.runs.stored_run import APPEND
from metaclip_spark.tables.schemas import DECISIONS, IMAGE_ID, LANGUAGE, PROVENANCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql.types import StructType

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.pools.source import Source
    from metaclip_spark.runs.stored_run import StoredRun


def is_appended(chain: Sequence[StoredRun], pool: Pool, source: Source, *, frozen: bool) -> bool:
    """Return whether the newest run is the append of this pool, or a rebalance after it.

    Args:
        chain: The runs behind the curated table, the newest last.
        pool: The pool to append.
        source: Its files or table versions.
        frozen: Whether the stored counts are to balance it.

    Raises:
        TableError: The pool is part of the table through another run, in the other mode or with other columns: its rows
            would be in the table twice.
        ConfigError: Another pool of the same name is part of the table.
    """
    readers = pool_readers(chain)
    for run in readers:
        before = run.pool
        if run.source.digest == source.digest and before.columns.text == pool.columns.text:
            is_newest = run is readers[-1] and run.stage == APPEND and before.settings() == pool.settings()
            if is_newest and run.frozen == frozen:
                return True
            raise TableError(
                f"The pool {', '.join(pool.paths)} is part of the curated table already, through run {run.run_id} "
                f"({run.stage}): its rows would be counted and kept twice. Append another pool."
            )
        if pool.name and before.name == pool.name:
            raise ConfigError(
                f"The pool name {pool.name!r} belongs to {', '.join(before.paths)}, which run {run.run_id} read, but "
                f"this pool is {', '.join(pool.paths)}. Give it a name of its own (--pool-name)."
            )
    return False


def check_parent(parent: StoredRun, *, frozen: bool) -> None:
    """Refuse to append if the result could not be that of one run over all pools.

    Raises:
        ConfigError: The parent chose one text per image, or frozen counts balanced some of its rows.
    """
    if parent.config.texts_per_image == "one_text_per_image":
        raise ConfigError(
            f"Run {parent.run_id} chose one text per image. An image of the new pool may be in the table with "
            "another text, so the choice would have to be made again. Curate all pools together, with overwrite."
        )
    if parent.frozen and not frozen:
        raise ConfigError(
            f"Frozen counts, which do not include all captions, balanced rows of run {parent.run_id}. Append with "
            "frozen counts again, or curate all pools together, with overwrite."
        )


def check_columns(stored: StructType, new: StructType) -> None:
    """Check that the rows of a pool fit into the curated table.

    Args:
        stored: Schema of the curated table.
        new: Schema of the open pool.

    Raises:
        InputError: Columns are missing, new or of another type; all of them are listed.
    """
    ours = {field.name for field in (LANGUAGE, IMAGE_ID, *DECISIONS, *PROVENANCE)}
    before, now = (
        {field.name: field.dataType.simpleString() for field in schema.fields if field.name not in ours}
        for schema in (stored, new)
    )
    problems = [f"{name!r} ({kind}) is missing" for name, kind in before.items() if name not in now]
    problems += [f"{name!r} ({kind}) is new" for name, kind in now.items() if name not in before]
    problems += [
        f"{name!r} is {now[name]}, not {kind}" for name, kind in before.items() if name in now and now[name] != kind
    ]
    if problems:
        raise InputError(
            f"The pool does not have the columns of the curated table: {'; '.join(problems)}. Select, rename or cast "
            "them in the pool, or use --rename and --drop. The columns for text, id, URL and language may have other "
            "names."
        )
