"""Schemas of the tables, with a comment on every column.

The curated table has the pool's own columns first and the decision columns last; the other tables are fixed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

if TYPE_CHECKING:
    from collections.abc import Sequence

CURATED: Final = "curated"
RESERVE: Final = "reserve"
ENTRY_COUNTS: Final = "entry_counts"
SIZE_CURVE: Final = "size_curve"
RUNS: Final = "runs"
METADATA: Final = "metadata"


def column(name: str, kind: T.DataType, comment: str, *, nullable: bool = True) -> T.StructField:
    """A field with its comment, which Delta keeps and `DESCRIBE` shows."""
    return T.StructField(name, kind, nullable, {"comment": comment})


_STRING, _LONG, _DOUBLE = T.StringType(), T.LongType(), T.DoubleType()
_COUNTERS = T.MapType(_STRING, _LONG)
_PLAIN: Final = {
    T.StringType: pa.string(),
    T.IntegerType: pa.int32(),
    T.LongType: pa.int64(),
    T.DoubleType: pa.float64(),
    T.TimestampType: pa.timestamp("us", "UTC"),
}

LANGUAGE: Final = column("language", _STRING, "language of the metadata that the caption was matched against")
IMAGE_ID: Final = column("image_id", _STRING, "first 24 hex digits of SHA-224 of image_url without tabs and spaces")

DECISIONS: Final = (
    column("matched_entries", T.ArrayType(T.IntegerType()), "ids of the metadata entries in the text, ascending"),
    column("probability", _DOUBLE, "q(t) = 1 - prod(1 - min(1, t / count)) over matched_entries"),
    column("draw", _DOUBLE, "u in (0, 1): XXH64 of uid under the run's seed, ((h >> 12) + 0.5) / 2**52"),
    column("admission_threshold", _DOUBLE, "least t at which the row is kept: up to the run's t, above it in reserve"),
)

PROVENANCE: Final = (
    column("pool_name", _STRING, "name of the pool that the row came from"),
    column("counts_version", _STRING, "the counts that balanced the row: key of entry_counts"),
    column("metadata_digest", _STRING, "SHA-256 of the language's metadata list"),
    column("run_id", _STRING, "the run that wrote the row: key of runs"),
)

INDEXED: Final = ("admission_threshold",)
"""Columns of the curated table whose least and greatest value are kept by file, for a table clustered by them."""

KEYS: Final = {
    ENTRY_COUNTS: "counts_version",
    SIZE_CURVE: "counts_version",
    RUNS: "run_id",
    METADATA: "language",
}
"""The same of the other tables: the column by which a file's rows are found."""

WITHOUT_DICTIONARY: Final = ("uid", "matched_entries.list.element", "probability", "draw", "admission_threshold")
"""Columns of the curated table written plain: a dictionary of the ids takes a twentieth of the JVM's time in the second
pass and makes the table 5 % smaller; one of the others is given up at its first megabyte."""

ENTRY_COUNTS_SCHEMA: Final = T.StructType(
    [
        column("counts_version", _STRING, "digest of the pool, the metadata and the matching rules"),
        column("language", _STRING, "language of the metadata"),
        column("entry_id", T.IntegerType(), "position of the entry in the metadata list, from 0"),
        column("entry", _STRING, "text of the entry"),
        column("count", _LONG, "captions whose match set holds the entry; entries that never matched have no row"),
        column("pool_name", _STRING, "name of the pool that was counted"),
        column("metadata_digest", _STRING, "SHA-256 of the metadata list"),
    ]
)

METADATA_SCHEMA: Final = T.StructType(
    [
        column(
            "metadata_version", _STRING, "SHA-256 of the language's list: the digest that a curation with it carries"
        ),
        column("language", _STRING, "language of the captions that it is for"),
        column("entry_id", T.IntegerType(), "position of the entry in the list, from 0"),
        column("entry", _STRING, "text of the entry"),
        column("entry_key", _STRING, "XXH64 of language, a zero byte and text: the same in every version of the list"),
        column("sources", T.ArrayType(_STRING), "sources that propose the entry, in the order of the merge"),
        column("admitted_by", _STRING, "the first of them, which put it into the list"),
        column("score", _DOUBLE, "there: occurrences, bits, views; null for WordNet's"),
    ]
)

SIZE_CURVE_SCHEMA: Final = T.StructType(
    [
        column("counts_version", _STRING, "the counts behind the thresholds"),
        column("language", _STRING, "language of the metadata"),
        column("threshold_bin", T.IntegerType(), "bin of the admission threshold: binary exponent and 6 mantissa bits"),
        column("upper_edge", _DOUBLE, "greatest t of the bin; rows of all bins up to here are kept at exactly this t"),
        column("rows", _LONG, "rows whose admission threshold lies in the bin"),
        column("run_id", _STRING, "the run that measured the curve; another seed draws another one"),
        column("complete_to", _DOUBLE, "greatest t to which the curve is complete after an append; null: everywhere"),
    ]
)

RUNS_SCHEMA: Final = T.StructType(
    [
        column("run_id", _STRING, "digest of inputs, configuration, metadata, semantics and draw version"),
        column("parent_run_id", _STRING, "the run whose result this one uses: curate counts, balance and append rows"),
        column("stage", _STRING, "count, curate, rebalance or append"),
        column("status", _STRING, "finished: written last, when all rows are written; restarted: started again since"),
        column("started_at", T.TimestampType(), "start, UTC"),
        column("finished_at", T.TimestampType(), "end of the last write before this row, UTC"),
        column("seconds", _DOUBLE, "duration"),
        column("t", T.MapType(_STRING, _DOUBLE), "threshold by language"),
        column("metadata_digests", T.MapType(_STRING, _STRING), "SHA-256 of the metadata list by language"),
        column("counts_version", _STRING, "key of the counts in entry_counts"),
        column("seed", _STRING, "seed of the draw, an unsigned 64-bit number in decimal digits"),
        column("semantics_version", T.IntegerType(), "version of the matching and balancing rules"),
        column("draw_version", _STRING, "version of the draw"),
        column("software", T.MapType(_STRING, _STRING), "versions of the software"),
        column("configuration", _STRING, "the configuration, JSON"),
        column("inputs", _STRING, "the pool's files or table version, as a digest with their number and bytes, JSON"),
        column("output_versions", _COUNTERS, "versions of the tables that the run wrote"),
        column("counters", _COUNTERS, "rows by what became of them, and what was written"),
        column("expected_size", _DOUBLE, "sum of q(t) over the matched rows, in rows"),
        column("expected_deviation", _DOUBLE, "sqrt of the sum of q(1 - q), in rows"),
        column("report", _STRING, "the run's report, JSON"),
    ]
)


_DECIDED = frozenset(field.name for field in (*DECISIONS, *PROVENANCE))
OURS: Final = {
    RUNS: frozenset(RUNS_SCHEMA.names),
    CURATED: _DECIDED,
    RESERVE: _DECIDED,
    ENTRY_COUNTS: frozenset(ENTRY_COUNTS_SCHEMA.names),
    SIZE_CURVE: frozenset(SIZE_CURVE_SCHEMA.names),
    METADATA: frozenset(METADATA_SCHEMA.names),
}
"""Columns by which a table is known as ours."""


def curated_schema(pool_fields: list[T.StructField], *, with_image_id: bool) -> T.StructType:
    """Schema of the curated table: the pool's columns, then what was decided and on what grounds.

    Args:
        pool_fields: the pool's columns under their canonical names (`storage.pool`).
        with_image_id: the pool has URLs, so that images have ids.
    """
    carried = [field for field in pool_fields if field.name != LANGUAGE.name]
    derived = [IMAGE_ID] if with_image_id else []
    return T.StructType([*carried, *derived, LANGUAGE, *DECISIONS, *PROVENANCE])


def in_arrow(rows: Sequence[Sequence[Any]], schema: T.StructType) -> pa.Table:
    """Rows of one of these tables as Arrow, in the schema's order.

    >>> in_arrow([("a", {"rows": 1}, None)], T.StructType([RUNS_SCHEMA[place] for place in (0, 17, 4)]))
    pyarrow.Table
    run_id: string
    counters: map<string, int64>
      child 0, entries: struct<key: string not null, value: int64> not null
          child 0, key: string not null
          child 1, value: int64
    started_at: timestamp[us, tz=UTC]
    ----
    run_id: [["a"]]
    counters: [[keys:["rows"]values:[1]]]
    started_at: [[null]]
    """
    columns = {}
    for place, field in enumerate(schema):
        values = [row[place] for row in rows]
        if isinstance(field.dataType, T.MapType):  # pyarrow takes pairs
            values = [value if value is None else list(value.items()) for value in values]
        columns[field.name] = pa.array(values, _arrow_type(field.dataType))
    return pa.table(columns)


def _arrow_type(kind: T.DataType) -> pa.DataType:
    if isinstance(kind, T.MapType):
        return pa.map_(_arrow_type(kind.keyType), _arrow_type(kind.valueType))
    if isinstance(kind, T.ArrayType):
        return pa.list_(_arrow_type(kind.elementType))
    return _PLAIN[type(kind)]
