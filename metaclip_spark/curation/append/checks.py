"""Checks before a pool is appended: that it fits the curated table and is not part of it already."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from pyspark.sql.types import StructField

from metaclip_spark.core.shell_words import shell_word
from metaclip_spark.errors import ConfigError, InputError, TableError
from metaclip_spark.pools.columns.aligned_rows import columns_without_values
from metaclip_spark.pools.columns.joined_types import joined_type
from metaclip_spark.runs.reopen_pool import pool_readers
from metaclip_spark.runs.stored_run import APPEND
from metaclip_spark.tables.schemas import DECISIONS, IMAGE_ID, LANGUAGE, PROVENANCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import DataFrame
    from pyspark.sql.types import DataType

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.pools.open_pool import OpenPool
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


def joined_columns(stored: DataFrame, opened: OpenPool) -> list[StructField]:
    """Return the pool's columns of the curated table, each in a type for the stored rows and the new ones.

    Args:
        stored: Rows of the curated table.
        opened: The open pool; a column that it is configured to drop is null in its rows.

    Raises:
        InputError: Columns are missing, new or of a type that cannot be joined; all of them are listed.
    """
    ours = {field.name for field in (LANGUAGE, IMAGE_ID, *DECISIONS, *PROVENANCE)}
    before, now = (
        {field.name: field for field in rows.schema.fields if field.name not in ours} for rows in (stored, opened.rows)
    )
    joined = {
        name: joined_type(field.dataType, now[name].dataType) if name in now else field.dataType
        for name, field in before.items()
    }
    differing = [name for name, kind in joined.items() if kind is None]
    if differing:
        empty_before = columns_without_values(stored, differing)
        empty_now = columns_without_values(opened.rows, differing)
        for name in differing:
            if name in empty_before:
                joined[name] = now[name].dataType
            elif name in empty_now:
                joined[name] = before[name].dataType
    own = _own_names(opened.pool)
    _check_fit(
        opened.pool,
        missing=[f"{name!r} is missing" for name in before if name not in now and name not in opened.pool.drop],
        new={own.get(name, name): f"{name!r} is new" for name in now if name not in before},
        differing={
            own.get(name, name): (
                f"{name!r} is {now[name].dataType.simpleString()}, not {before[name].dataType.simpleString()}",
                before[name].dataType,
            )
            for name, kind in joined.items()
            if kind is None
        },
    )
    return [
        StructField(name, kind, metadata=before[name].metadata) for name, kind in joined.items() if kind is not None
    ]


def _check_fit(
    pool: Pool, *, missing: Sequence[str], new: Mapping[str, str], differing: Mapping[str, tuple[str, DataType]]
) -> None:
    texts = [*missing, *new.values(), *(text for text, _ in differing.values())]
    if not texts:
        return
    named = {name for name in asdict(pool.columns).values() if name is not None}
    drops = [f"--drop {shell_word(name)}" for name in new if name not in named]
    casts = [f"--cast {shell_word(f'{name}={kind.simpleString()}')}" for name, (_, kind) in differing.items()]
    lost = [f"--drop {shell_word(name)}" for name in differing if name not in named]
    remedy = [f"Pass {' '.join([*drops, *casts])}"] if drops or casts else []
    remedy += [f"or {' '.join([*drops, *lost])}" if lost else ""]
    text = ", ".join(filter(None, remedy))
    absent = "Add the missing columns to the pool, or rename others to them (--rename). " if missing else ""
    raise InputError(
        f"The pool {', '.join(pool.paths)} does not have the columns of the curated table: {'; '.join(texts)}. "
        f"{absent}{text + '. ' if text else ''}The columns for text, id, URL and language may have other names."
    )


def _own_names(pool: Pool) -> dict[str, str]:
    """Return the names of columns in the pool by their names in the table."""
    meanings = {meaning: name for meaning, name in asdict(pool.columns).items() if name is not None}
    return meanings | {new: old for old, new in pool.renamed().items()}
