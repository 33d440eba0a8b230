"""Schemas of the tables, with a comment on every column.

The curated table has the pool's own columns first and the decision columns last; the other schemas are fixed.
"""

from __future__ import annotations

from typing import Final

from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

CURATED: Final = "curated"
RESERVE: Final = "reserve"
ENTRY_COUNTS: Final = "entry_counts"
SIZE_CURVE: Final = "size_curve"
RUNS: Final = "runs"
METADATA: Final = "metadata"


def column(name: str, kind: T.DataType, comment: str, *, nullable: bool = True) -> T.StructField:
    """Return a field with a comment, which Delta stores and `DESCRIBE` shows."""
    return T.StructField(name, kind, nullable, {"comment": comment})


_STRING, _LONG, _DOUBLE = T.StringType(), T.LongType(), T.DoubleType()
_COUNTERS = T.MapType(_STRING, _LONG)

LANGUAGE: Final = column("language", _STRING, "language of the metadata that the caption was matched against")
IMAGE_ID: Final = column("image_id", _STRING, "first 24 hex digits of SHA-224 of image_url without tabs and spaces")

DECISIONS: Final = (
    column("matched_entries", T.ArrayType(T.IntegerType()), "ids of the entries that match the caption, ascending"),
    column("probability", _DOUBLE, "q(t) = 1 - prod(1 - min(1, t / count)) over matched_entries"),
    column("draw", _DOUBLE, "u in (0, 1): ((h >> 12) + 0.5) / 2**52, where h is XXH64 of uid under the run's seed"),
    column(
        "admission_threshold",
        _DOUBLE,
        "smallest t at which the row is kept; at most the run's t in curated, above it in reserve",
    ),
)

PROVENANCE: Final = (
    column("pool_name", _STRING, "name of the pool that the row comes from"),
    column("counts_version", _STRING, "counts that balanced the row: key of entry_counts"),
    column("metadata_digest", _STRING, "SHA-256 of the metadata of the language"),
    column("run_id", _STRING, "run that wrote the row: key of runs"),
)

INDEXED: Final = ("admission_threshold",)
"""Columns of the curated table whose minimum and maximum are stored per file, for a table clustered by them."""

KEYS: Final = {
    ENTRY_COUNTS: "counts_version",
    SIZE_CURVE: "counts_version",
    RUNS: "run_id",
    METADATA: "language",
}
"""Columns of the other tables by which a file's rows are found."""

WITHOUT_DICTIONARY: Final = ("uid", "matched_entries.list.element", "probability", "draw", "admission_threshold")
"""Columns of the curated table that are written without a dictionary: that of the ids takes a twentieth of the JVM's
time in the second pass and makes the table 5 % smaller; those of the others are abandoned at the first megabyte."""

ENTRY_COUNTS_SCHEMA: Final = T.StructType(
    [
        column("counts_version", _STRING, "digest of the pool, the metadata and the matching rules"),
        column("language", _STRING, "language of the metadata"),
        column("entry_id", T.IntegerType(), "position of the entry in the metadata, from 0"),
        column("entry", _STRING, "text of the entry"),
        column("count", _LONG, "captions that match the entry; entries that never matched have no row"),
        column("pool_name", _STRING, "name of the pool that was counted"),
        column("metadata_digest", _STRING, "SHA-256 of the metadata"),
    ]
)

METADATA_SCHEMA: Final = T.StructType(
    [
        column("metadata_version", _STRING, "SHA-256 of the language's metadata: metadata_digest of curations with it"),
        column("language", _STRING, "language of the captions that the entry is matched against"),
        column("entry_id", T.IntegerType(), "position of the entry, from 0"),
        column("entry", _STRING, "text of the entry"),
        column(
            "entry_key", _STRING, "XXH64 of language, a zero byte and text: the same in every version of the metadata"
        ),
        column("sources", T.ArrayType(_STRING), "sources that propose the entry, in the order of the merge"),
        column("admitted_by", _STRING, "first of the sources, which admitted the entry"),
        column("score", _DOUBLE, "score in that source: occurrences, bits or views; null for WordNet"),
    ]
)

SIZE_CURVE_SCHEMA: Final = T.StructType(
    [
        column("counts_version", _STRING, "counts from which the thresholds follow: key of entry_counts"),
        column("language", _STRING, "language of the metadata"),
        column("threshold_bin", T.IntegerType(), "bin of the admission threshold: binary exponent and 6 mantissa bits"),
        column(
            "upper_edge",
            _DOUBLE,
            "largest t of the bin; the rows of all bins up to this one are exactly those kept at this t",
        ),
        column("rows", _LONG, "rows whose admission threshold lies in the bin"),
        column("run_id", _STRING, "run that measured the curve; another seed gives another curve"),
        column(
            "complete_to", _DOUBLE, "largest t up to which the curve is complete, after an append; null: everywhere"
        ),
    ]
)

RUNS_SCHEMA: Final = T.StructType(
    [
        column("run_id", _STRING, "digest of inputs, configuration, metadata, semantics and draw version"),
        column("parent_run_id", _STRING, "run whose result this run uses: counts (curate) or rows (rebalance, append)"),
        column("stage", _STRING, "count, curate, rebalance or append"),
        column("status", _STRING, "finished: written last, when all rows are written; restarted: started again since"),
        column("started_at", T.TimestampType(), "time of the start, UTC"),
        column("finished_at", T.TimestampType(), "time at which the last write before this row ended, UTC"),
        column("seconds", _DOUBLE, "duration in seconds"),
        column("t", T.MapType(_STRING, _DOUBLE), "threshold by language"),
        column("metadata_digests", T.MapType(_STRING, _STRING), "SHA-256 of the metadata by language"),
        column("counts_version", _STRING, "key of the counts in entry_counts"),
        column("seed", _STRING, "seed of the draw, an unsigned 64-bit number in decimal digits"),
        column("semantics_version", T.IntegerType(), "version of the matching and balancing rules"),
        column("draw_version", _STRING, "version of the draw"),
        column("software", T.MapType(_STRING, _STRING), "versions of the software"),
        column("configuration", _STRING, "the configuration, JSON"),
        column("inputs", _STRING, "files or table version of the pool: digest, number and bytes, JSON"),
        column("output_versions", _COUNTERS, "versions of the tables that the run wrote"),
        column("counters", _COUNTERS, "rows by outcome, and rows written"),
        column("expected_size", _DOUBLE, "sum of q(t) over the matched rows, in rows"),
        column("expected_deviation", _DOUBLE, "sqrt of the sum of q(1 - q), in rows"),
        column("report", _STRING, "report of the run, JSON"),
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
"""Columns by which a table is recognised as one of these."""


def curated_schema(pool_fields: list[T.StructField], *, with_image_id: bool) -> T.StructType:
    """Return the schema of the curated table: the pool's columns, then the decision and its grounds.

    Args:
        pool_fields: Columns of the pool under their canonical names.
        with_image_id: Whether the pool has URLs, from which ids of images follow.
    """
    carried = [field for field in pool_fields if field.name != LANGUAGE.name]
    derived = [IMAGE_ID] if with_image_id else []
    return T.StructType([*carried, *derived, LANGUAGE, *DECISIONS, *PROVENANCE])
