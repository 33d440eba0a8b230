"""Rows of the pool that a run read, found by uid, by image, or by a word of their captions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.core.draw import choice_hashes
from metaclip_spark.curation.keep_balanced import image_id_column
from metaclip_spark.errors import InputError
from metaclip_spark.runs.reopen_pool import pool_readers, reopen_pool
from metaclip_spark.runs.tables_state import lineage, stored_runs
from metaclip_spark.spark.job_errors import translated_job_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, Row, SparkSession

    from metaclip_spark.runs.run_language import RunEntries
    from metaclip_spark.runs.stored_run import StoredRun
    from metaclip_spark.tables.tables import Tables

_DECIDING: Final = ("uid", "text", "image_url", "language")
_MAX_SIMILAR: Final = 3
_TEXTS_AT_ONCE: Final = 10_000  # texts of one image per batch on the driver


@dataclass(frozen=True)
class PoolRow:
    """The columns of a row that decide whether it is kept.

    Attributes:
        uid: Id of the row; None if it has none.
        text: Bytes of the caption; None if it is null.
        language: Language of the caption; None if it is null, or the pool has no such column.
        image_url: URL of the image; None if it is null, or the pool has no such column.
    """

    uid: str | int | None
    text: bytes | None
    language: str | None = None
    image_url: str | None = None


def open_run_pool(spark: SparkSession, tables: Tables, run: StoredRun) -> DataFrame:
    """Open the pool of a run and of the runs before it, with the columns that decide.

    If only some of the pools have a language column, rows of the others get the only language, as when they were read.

    Raises:
        InputError: A pool no longer exists, or has changed since it was read.
    """
    pools = [_as_read(spark, part) for part in runs_that_read(tables, run)]
    if any("language" in pool.columns for pool in pools):
        only = F.lit(next(iter(run.metadata_digests)))
        pools = [pool if "language" in pool.columns else pool.withColumn("language", only) for pool in pools]
    return reduce(DataFrame.unionByName, pools)


def runs_that_read(tables: Tables, run: StoredRun) -> list[StoredRun]:
    """Return the runs that a run's rows come from, itself included, that read a pool of their own."""
    return pool_readers(lineage(stored_runs(tables), run))


def _as_read(spark: SparkSession, run: StoredRun) -> DataFrame:
    rows = reopen_pool(spark, run).rows
    return rows.select(*(name for name in _DECIDING if name in rows.columns))


def find_in_pool(rows: DataFrame, uid: str | int) -> PoolRow:
    """Return the row with a uid, or one of them if several rows share it.

    Raises:
        InputError: No row has the uid. The message suggests similar ones.
    """
    with translated_job_errors():
        found = rows.where(of_uid(rows, uid)).limit(1).collect()
        if found:
            return as_pool_row(found[0])
        similar = similar_values(rows.select(F.col("uid").cast("string").alias("uid")), "uid", str(uid))
    hint = f" Similar uids: {', '.join(similar)}." if similar else ""
    raise InputError(f"Neither the curated table nor the pool has a row with uid {uid!r}.{hint}")


def of_uid(rows: DataFrame, uid: str | int) -> Column:
    """Return the condition that a row has a uid, in the type of the table.

    Raises:
        InputError: The uids of the table are integers, but this one is not.
    """
    if isinstance(rows.schema["uid"].dataType, T.StringType):
        return F.col("uid") == str(uid)
    try:
        return F.col("uid") == int(uid)
    except ValueError:
        raise InputError(f"Uid {uid!r} is not an integer, but the uids of this pool are. Pass an integer.") from None


def similar_values(rows: DataFrame, column: str, sought: str) -> list[str]:
    """Return up to three values of a string column with the smallest edit distance to one, ignoring case."""
    limit = max(1, len(sought) // 3)
    distance = F.levenshtein(F.lower(F.col(column)), F.lit(sought.lower()), limit)
    similar = rows.select(column, distance.alias("distance")).where("distance >= 0").distinct()
    return [row[0] for row in similar.orderBy("distance", column).limit(_MAX_SIMILAR).collect()]


def chosen_text(rows: DataFrame, row: PoolRow, entries: RunEntries, seed: int) -> str | int | None:
    """Return the uid of the text that the run chose among the matched texts of a row's image and language.

    Args:
        rows: Rows of the pool.
        row: Matched row with a uid and a URL.
        entries: Entries of its language.
        seed: Seed of the run.
    """
    image = image_id_column(F.lit(row.image_url))
    same = rows.where(image_id_column(F.col("image_url")).eqNullSafe(image)).where(F.col("uid").isNotNull())
    if row.language is not None:
        same = same.where(F.col("language") == row.language)
    smallest: tuple[int, Any] | None = None
    with translated_job_errors():
        texts = map(as_pool_row, same.toLocalIterator())
        while block := list(islice(texts, _TEXTS_AT_ONCE)):  # one URL of a pool may have a million texts
            matched = [text for text in block if text.text and entries.matcher.match(text.text)]
            hashes = choice_hashes(uid_array(matched), seed).tolist()
            found = zip(hashes, (text.uid for text in matched), strict=True)
            smallest = min(found if smallest is None else [smallest, *found], default=None)
    return None if smallest is None else smallest[1]


def rows_with_word(rows: DataFrame, word: str, language: str, limit: int) -> list[PoolRow]:
    """Return some rows whose caption contains a word, also as a part of another word.

    Args:
        rows: Rows of the pool.
        word: Text without white space.
        language: Language of the rows, if the pool has several.
        limit: Maximum number of rows.
    """
    found = rows.where(F.contains(F.col("text").cast("string"), F.lit(word)))
    if "language" in rows.columns:
        found = found.where(F.col("language") == language)
    with translated_job_errors():
        return [as_pool_row(row) for row in found.take(limit)]


def as_pool_row(row: Row) -> PoolRow:
    """Return a collected row of the pool as a PoolRow."""
    values: dict[str, Any] = row.asDict()
    return PoolRow(
        uid=values["uid"],
        text=text_bytes(values["text"]),
        language=values.get("language"),
        image_url=values.get("image_url"),
    )


def uid_array(rows: Sequence[PoolRow]) -> pa.Array:
    """Return the uids of rows as text: the draw of an integer is that of its decimal digits."""
    return pa.array([None if row.uid is None else str(row.uid) for row in rows], pa.string())


def text_bytes(text: str | bytearray | None) -> bytes | None:
    """Return a collected caption, of a string or a binary column, as bytes."""
    return text.encode(errors="surrogatepass") if isinstance(text, str) else None if text is None else bytes(text)
