"""One DataFrame of Parquet files whose columns differ in type, or have types that Spark reads only on request.

Files that one read schema suits are read together. The others are read by a schema of their own, and cast.
"""

from __future__ import annotations

from collections import Counter
from functools import reduce
from typing import TYPE_CHECKING, Final, NamedTuple

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.errors import InputError
from metaclip_spark.pools.columns.casts import cast_column, parsed_casts, type_problems
from metaclip_spark.pools.columns.joined_types import concrete, joined_of, parquet_reads_as
from metaclip_spark.pools.columns.parquet_footers import Footers, names_of
from metaclip_spark.spark.columns import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import Column, DataFrame, SparkSession

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.pools.columns.parquet_footers import Variant
    from metaclip_spark.pools.columns.parquet_types import ParquetColumn
    from metaclip_spark.pools.files.pool_files import PoolFiles

_MAX_NAMES: Final = 20_000  # of files that are read by a schema of their own: they are part of every plan
_MAX_READS: Final = 50
_FILE: Final = "_metadata.file_path"
_NANOSECONDS: Final = 1_000  # of a microsecond


class _Read(NamedTuple):
    """How a column of some files is read where the schema of all files does not suit them.

    Attributes:
        name: The column.
        kind: Type in the read schema; None: the column is left out, and null.
        nanoseconds: Whether the values are nanoseconds since 1970.
    """

    name: str
    kind: T.DataType | None
    nanoseconds: bool


_Reads = tuple[_Read, ...]


def joined_files(spark: SparkSession, pool: Pool, files: PoolFiles, found: Footers) -> DataFrame:
    """Return the rows of all files, each column in the type that holds the values of all of them.

    Dropped columns, which may be unreadable, are null, so that dropping them finds them.

    Raises:
        InputError: Columns cannot be read or joined; all of them are listed. Or the files need too many reads.
    """
    targets = _targets(pool, files, found.variants)
    reads: Counter[_Reads] = Counter()
    by_key: dict[str, _Reads] = {}
    for variant in found.variants:
        by_key[variant.key] = _exceptions(variant, targets)
        reads[by_key[variant.key]] += variant.files
    usual = reads.most_common(1)[0][0]
    others = [key for key, needed in by_key.items() if needed != usual]
    named = names_of(found, others, _MAX_NAMES + 1) if others else []
    if len(named) > _MAX_NAMES or len(reads) > _MAX_READS:
        raise InputError(
            f"The files of {', '.join(pool.paths)} need {len(reads)} different reads, because the types of "
            f"{_differing(others, found.variants, targets)} differ, and {sum(reads.values()) - reads[usual]:,} files "
            f"need one of their own; the limits are {_MAX_READS} reads and {_MAX_NAMES:,} files. Write the files with "
            "the same types, or leave columns out (--drop)."
        )
    groups: dict[_Reads, list[str]] = {}
    for name, key in named:
        groups.setdefault(by_key[key], []).append(name)
    rest = _part(spark, files, targets, usual)
    if groups:
        rest = rest.where(~F.col(_FILE).isin([name for names in groups.values() for name in names]))
    parts = [_selected(rest, targets, usual, pool)]
    for needed, names in groups.items():
        part = _part(spark, files, targets, needed).where(F.col(_FILE).isin(names))
        parts.append(_selected(part, targets, needed, pool))
    return reduce(lambda left, right: left.unionByName(right), parts)


def _targets(pool: Pool, files: PoolFiles, variants: Sequence[Variant]) -> dict[str, T.DataType]:
    """Return the joined types by name, of all columns but those that are to be dropped and partition folders."""
    occurrences: dict[str, tuple[str, dict[str, tuple[ParquetColumn, str, int]]]] = {}
    for variant in variants:
        for name, column in variant.columns.items():
            if name in pool.drop or name.casefold() in files.partitions:
                continue
            kinds = occurrences.setdefault(name.casefold(), (name, {}))[1]
            _, example, number = kinds.get(column.described, (column, variant.example, 0))
            kinds[column.described] = (column, example, number + variant.files)
    casts = {name.casefold(): kind for name, kind in parsed_casts(pool).items()}
    targets: dict[str, T.DataType] = {}
    problems: dict[str, tuple[str, T.DataType | None]] = {}
    for folded, (name, kinds) in occurrences.items():
        found = [column.kind for column, _, _ in kinds.values()]
        places = ", ".join(f"{text} in {number:,} file(s) ({file})" for text, (_, file, number) in kinds.items())
        readable = [kind for kind in found if kind is not None]
        if len(readable) < len(found):
            problems[name] = (f"{name!r} has a type that Spark cannot read: {places}", None)
            continue
        joined = casts.get(folded) or joined_of(readable)
        if joined is None:
            lists = [kind for kind in readable if isinstance(kind, T.ArrayType)]
            problems[name] = (f"{name!r} is {places}", lists[0] if lists else T.StringType())
        else:
            targets[name] = concrete(joined)
    if problems:
        raise type_problems(pool, problems)
    return targets


def _exceptions(variant: Variant, targets: Mapping[str, T.DataType]) -> _Reads:
    """Return the columns of some files that the schema of all files does not suit."""
    needed = []
    by_fold = {name.casefold(): name for name in targets}
    for own_name, column in variant.columns.items():
        name = by_fold.get(own_name.casefold())
        if name is None or column.kind is None:
            continue
        if column.nanoseconds:
            needed.append(_Read(name, T.LongType(), nanoseconds=True))
        elif not parquet_reads_as(column.kind, targets[name]):
            kind = None if isinstance(column.kind, T.NullType) else concrete(column.kind)
            needed.append(_Read(name, kind, nanoseconds=False))
    return tuple(sorted(needed, key=lambda read: read.name))


def _part(spark: SparkSession, files: PoolFiles, targets: Mapping[str, T.DataType], reads: _Reads) -> DataFrame:
    kinds = dict(targets) | {read.name: read.kind for read in reads}
    schema = T.StructType([T.StructField(name, kind) for name, kind in kinds.items() if kind is not None])
    return files.load(spark, "parquet", schema)


def _selected(part: DataFrame, targets: Mapping[str, T.DataType], reads: _Reads, pool: Pool) -> DataFrame:
    by_name = {read.name: read for read in reads}
    columns = [_value(part, name, target, by_name.get(name)).alias(name) for name, target in targets.items()]
    known = {name.casefold() for name in targets}
    partitions = [quoted(name) for name in part.columns if name.casefold() not in known]
    dropped = [name for name in pool.drop if name not in {*targets, *part.columns}]
    return part.select(*columns, *partitions, *(F.lit(None).cast("int").alias(name) for name in dropped))


def _value(part: DataFrame, name: str, target: T.DataType, read: _Read | None) -> Column:
    if read is None:
        return quoted(name)
    if read.kind is None:
        return F.lit(None).cast(target)
    if read.nanoseconds:  # cut to microseconds, before 1970 too
        return cast_column(_instant(quoted(name)), T.TimestampType(), target)
    return cast_column(quoted(name), part.schema[name].dataType, target)


def _instant(nanoseconds: Column) -> Column:
    """Return nanoseconds since 1970 as a timestamp; `div` of integers, because a double would be inexact."""
    whole = nanoseconds - F.pmod(nanoseconds, F.lit(_NANOSECONDS))
    return F.timestamp_micros(F.call_function("div", whole, F.lit(_NANOSECONDS)))


def _differing(keys: Sequence[str], variants: Sequence[Variant], targets: Mapping[str, T.DataType]) -> str:
    chosen = [variant for variant in variants if variant.key in set(keys)]
    return ", ".join(sorted({read.name for variant in chosen for read in _exceptions(variant, targets)}))
