"""Single rows of the pool that a run read: by uid, by image, by a word of their captions."""

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

_MEANT: Final = ("uid", "text", "image_url", "language")
_NEAR: Final = 3
_TEXTS_AT_ONCE: Final = 10_000  # of one image, on the driver


@dataclass(frozen=True)
class PoolRow:
    """What decides a row.

    Attributes:
        uid: its id; None if it has none.
        text: bytes of its caption; None if it is null.
        language: of its caption; None if the pool has no such column, or null in it.
        image_url: of its image; None if the pool has no such column, or null in it.
    """

    uid: str | int | None
    text: bytes | None
    language: str | None = None
    image_url: str | None = None


def open_run_pool(spark: SparkSession, tables: Tables, run: StoredRun) -> DataFrame:
    """The columns that decide of the run's pool, as the run read it; where pools were appended, of all of them.

    If only some of these have a column for the language, rows of the others get the only one, as when they were read.

    Raises:
        InputError: a pool is gone, or is not what it was.
    """
    pools = [_as_read(spark, part) for part in runs_that_read(tables, run)]
    if any("language" in pool.columns for pool in pools):
        only = F.lit(next(iter(run.metadata_digests)))
        pools = [pool if "language" in pool.columns else pool.withColumn("language", only) for pool in pools]
    return reduce(DataFrame.unionByName, pools)


def runs_that_read(tables: Tables, run: StoredRun) -> list[StoredRun]:
    """The runs behind a run's rows, and itself, that read a pool of their own."""
    return pool_readers(lineage(stored_runs(tables), run))


def _as_read(spark: SparkSession, run: StoredRun) -> DataFrame:
    rows = reopen_pool(spark, run).rows
    return rows.select(*(name for name in _MEANT if name in rows.columns))


def find_in_pool(rows: DataFrame, uid: str | int) -> PoolRow:
    """The row of a uid; one of them, where rows share it against its promise.

    Raises:
        InputError: there is none; near ones are named.
    """
    with translated_job_errors():
        found = rows.where(of_uid(rows, uid)).limit(1).collect()
        if found:
            return as_pool_row(found[0])
        near = near_values(rows.select(F.col("uid").cast("string").alias("uid")), "uid", str(uid))
    hint = f"near ones are {', '.join(near)}" if near else "there is none near it"
    raise InputError(f"neither the curated table nor the pool has a row with uid {uid!r}: {hint}")


def of_uid(rows: DataFrame, uid: str | int) -> Column:
    """The condition that picks a uid, in the type that the table has.

    Raises:
        InputError: the table's uids are integers, and this is none.
    """
    if isinstance(rows.schema["uid"].dataType, T.StringType):
        return F.col("uid") == str(uid)
    try:
        return F.col("uid") == int(uid)
    except ValueError:
        raise InputError(f"uid {uid!r} is no integer, but the uids of this pool are: pass one of them") from None


def near_values(rows: DataFrame, column: str, sought: str) -> list[str]:
    """The few values of a string column that are nearest to one by edits, without case; nearest first."""
    most = max(1, len(sought) // 3)
    distance = F.levenshtein(F.lower(F.col(column)), F.lit(sought.lower()), most)
    near = rows.select(column, distance.alias("distance")).where("distance >= 0").distinct()
    return [row[0] for row in near.orderBy("distance", column).limit(_NEAR).collect()]


def chosen_text(rows: DataFrame, row: PoolRow, entries: RunEntries, seed: int) -> str | int | None:
    """The uid of the text that the run chose among the matched texts of a row's image and language.

    Args:
        rows: of the pool.
        row: a matched row with a uid and a URL.
        entries: of its language.
        seed: of the run.
    """
    image = image_id_column(F.lit(row.image_url))
    same = rows.where(image_id_column(F.col("image_url")).eqNullSafe(image)).where(F.col("uid").isNotNull())
    if row.language is not None:
        same = same.where(F.col("language") == row.language)
    least: tuple[int, Any] | None = None
    with translated_job_errors():
        texts = map(as_pool_row, same.toLocalIterator())
        while some := list(islice(texts, _TEXTS_AT_ONCE)):  # one URL of a pool may stand for a million texts
            matched = [text for text in some if text.text and entries.matcher.match(text.text)]
            hashes = choice_hashes(uid_array(matched), seed).tolist()
            found = zip(hashes, (text.uid for text in matched), strict=True)
            least = min(found if least is None else [least, *found], default=None)
    return None if least is None else least[1]


def rows_with_word(rows: DataFrame, word: str, language: str, limit: int) -> list[PoolRow]:
    """Some rows whose caption holds a word, as part of another one too; Spark stops at the limit.

    Args:
        rows: of the pool.
        word: without white space.
        language: of the rows, if the pool has several.
        limit: most rows.
    """
    holding = rows.where(F.contains(F.col("text").cast("string"), F.lit(word)))
    if "language" in rows.columns:
        holding = holding.where(F.col("language") == language)
    with translated_job_errors():
        return [as_pool_row(found) for found in holding.take(limit)]


def as_pool_row(row: Row) -> PoolRow:
    """A collected row of the pool."""
    values: dict[str, Any] = row.asDict()
    return PoolRow(
        uid=values["uid"],
        text=text_bytes(values["text"]),
        language=values.get("language"),
        image_url=values.get("image_url"),
    )


def uid_array(rows: Sequence[PoolRow]) -> pa.Array:
    """The uids of rows as text: an integer draws as its decimal digits do."""
    return pa.array([None if row.uid is None else str(row.uid) for row in rows], pa.string())


def text_bytes(text: str | bytearray | None) -> bytes | None:
    """A collected caption as bytes, of a string or a binary column."""
    return text.encode(errors="surrogatepass") if isinstance(text, str) else None if text is None else bytes(text)
