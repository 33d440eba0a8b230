"""Before a pool is appended: does it fit the curated table, and is it not in there already?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.errors import ConfigError, InputError, TableError
from metaclip_spark.runs.identity import APPEND, BALANCE
from metaclip_spark.tables.schemas import DECISIONS, IMAGE_ID, LANGUAGE, PROVENANCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql.types import StructType

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.pools.source import Source
    from metaclip_spark.runs.stored_run import StoredRun


def is_appended(chain: Sequence[StoredRun], pool: Pool, source: Source, *, frozen: bool) -> bool:
    """Whether the newest run is the append of this pool, or has only brought that to another t.

    Args:
        chain: the runs behind the curated table, the newest last.
        pool: to be appended.
        source: what is in it.
        frozen: the mode asked for.

    Raises:
        TableError: the pool is part of the table by another run, in the other mode or with other columns: its rows
            would be there twice.
        ConfigError: another pool of the same name is.
    """
    readers = [run for run in chain if run.stage != BALANCE]
    for run in readers:
        before = run.pool
        if run.source.digest == source.digest and before.columns.text == pool.columns.text:
            newest = run is readers[-1] and run.stage == APPEND and before.settings() == pool.settings()
            if newest and run.frozen == frozen:
                return True
            raise TableError(
                f"the pool {', '.join(pool.paths)} is in the curated table already, by run {run.run_id} ({run.stage}): "
                "its rows would be counted and kept twice"
            )
        if pool.name and before.name == pool.name:
            raise ConfigError(
                f"the name {pool.name!r} belongs to {', '.join(before.paths)}, which run {run.run_id} read, but this "
                f"is {', '.join(pool.paths)}: give the pool a name of its own (--pool-name)"
            )
    return False


def refuse_unfit_base(base: StoredRun, *, frozen: bool) -> None:
    """Refuse to append where the result could not be that of a run over all pools.

    Raises:
        ConfigError: one text is chosen per image, or rows are there that frozen counts balanced.
    """
    if base.config.texts_per_image == "one_text_per_image":
        raise ConfigError(
            f"run {base.run_id} chose one text per image: an image of the new pool may be in the table with another "
            "text, so that the choice would have to be made again. Curate all pools together, with overwrite"
        )
    if base.frozen and not frozen:
        raise ConfigError(
            f"rows of run {base.run_id} were balanced by frozen counts, which do not hold all of its captions: append "
            "with frozen counts again, or curate all pools together, with overwrite"
        )


def refuse_other_columns(stored: StructType, new: StructType) -> None:
    """Rows of both pools stand in one table.

    Args:
        stored: of the curated table.
        new: of the open pool.

    Raises:
        InputError: columns are missing, added or of another type: all of them are listed.
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
            f"the pool does not have the columns of the curated table: {'; '.join(problems)}. Select, rename or cast "
            "them in the pool, or with --rename and --drop; columns with a meaning (text, id, URL, language) may be "
            "named differently"
        )
