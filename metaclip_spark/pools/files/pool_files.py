"""The files of a pool, and how Spark reads exactly them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.core.shell_words import shell_word
from metaclip_spark.errors import InputError
from metaclip_spark.pools.files.listing import (
    READ,
    Totals,
    listing_settings,
    named_files,
    partition_keys,
    summed_listing,
)
from metaclip_spark.pools.files.partition_folders import common_base
from metaclip_spark.pools.files.suffixes import format_of, own_suffixes
from metaclip_spark.spark.locations import same_name
from metaclip_spark.spark.session_features import analysed, has_spark_context
from metaclip_spark.spark.settings import changed_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import DataFrame, DataFrameReader, SparkSession

    from metaclip_spark.config.pool import Pool

# Values keep their text: shard=00001 is not the number 1.
_TEXT_PARTITIONS: Final = {"spark.sql.sources.partitionColumnTypeInference.enabled": "false"}
_GLOB_CHARACTERS: Final = re.compile(r"([*?\[\]{},\\])")


@dataclass(frozen=True)
class PoolFiles:
    """The files of a pool, and how Spark reads exactly them.

    Attributes:
        paths: Paths of the pool.
        totals: Sums over the files that are read.
        base: Folder above the partition folders; None leaves it to Spark.
        name_filter: Glob of the names that are read; None: all.
        others: Number of files of other kinds beside them, by suffix.
        empty: Number of files without content, which are not in the sums.
        skipped: Names of unreadable files that are left out.
    """

    paths: tuple[str, ...]
    totals: Totals
    base: str | None = None
    name_filter: str | None = None
    others: Mapping[str, int] = field(default_factory=dict)
    empty: int = 0
    skipped: tuple[str, ...] = ()

    @property
    def partitions(self) -> set[str]:
        """Keys of the partition folders below the base or the paths, case-folded."""
        tops = [same_name(top) for top in (self.paths if self.base is None else [self.base])]
        below = [
            name.removeprefix(next((top for top in tops if name.startswith(top)), ""))
            for name in map(same_name, self.totals.examples)
        ]
        return {key.casefold() for name in below for key in partition_keys(f"/{name}")}

    def load(self, spark: SparkSession, form: str, schema: T.StructType | None = None, **options: str) -> DataFrame:
        """Return the content of the files; partition folders become string columns.

        Args:
            spark: Session that reads.
            form: Spark's name of the format.
            schema: Schema of the files; None: Spark finds it.
            options: Options of the format.
        """
        given = {"basePath": self.base, "pathGlobFilter": self.name_filter} | options
        reader = spark.read.format(form).options(**{name: value for name, value in given.items() if value is not None})
        with changed_settings(spark, _TEXT_PARTITIONS | listing_settings(spark)):
            loaded = analysed(self._loaded(reader, schema))
        partitions = [field.name for field in loaded.schema.fields if field.name.casefold() in self.partitions]
        if partitions and schema is None and not has_spark_context(spark):
            # The server analyses the DataFrame again at each action, when the setting is no longer in force.
            loaded = self._loaded(reader, _as_text(loaded.schema, partitions))
        if self.skipped:
            loaded = loaded.where(~F.col("_metadata.file_path").isin(list(self.skipped)))
        return loaded

    def _loaded(self, reader: DataFrameReader, schema: T.StructType | None) -> DataFrame:
        return (reader if schema is None else reader.schema(schema)).load(list(self.paths))


def pool_files(spark: SparkSession, pool: Pool) -> PoolFiles:
    """Return the files that are read, by their names alone.

    In a folder that has files of other kinds beside those of the format (archives, images, statistics), only those of
    the format are read. A file that is named is read whatever its suffix.

    Raises:
        InputError: There are no files of the format, files cannot be distinguished, or paths lead into several tables.
    """
    base = common_base(pool.paths)
    found, empty = summed_listing(spark, pool.paths, pool.format)
    others = {f".{suffix}": totals.files for suffix, totals in sorted(found.items()) if suffix != READ}
    read = found.get(READ)
    places = ", ".join(pool.paths)
    if read is None:
        if not others:
            raise InputError(f"{places} has no files, or only empty ones. Name a folder with {pool.format} files.")
        raise InputError(f"{places} has no {pool.format} files, but {_listed(others)}. {_remedy(found, pool)}.")
    if others and read.unknown:
        example = _example(read, pool)
        folder, _, name = example.rpartition("/")
        glob = f"*.{own_suffixes(pool.format)[0]}" if read.unknown < read.files else re.split(r"\d|$", name)[0] + "*"
        raise InputError(
            f"{places} has {_listed(others)} and {read.unknown} file(s), such as {example}, whose names do not tell "
            f"whether they are {pool.format}. Name the files to be read, for example by --pool "
            f"{shell_word(f'{same_name(folder)}/{glob}')}."
        )
    return PoolFiles(pool.paths, read, base, _name_filter(pool) if others else None, others, empty)


def _as_text(schema: T.StructType, names: Sequence[str]) -> T.StructType:
    fields = [T.StructField(field.name, T.StringType()) if field.name in names else field for field in schema.fields]
    return T.StructType(fields)


def _listed(others: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {suffix}" for suffix, count in others.items())


def _remedy(found: Mapping[str, Totals], pool: Pool) -> str:
    formats = sorted({form for suffix in found if (form := format_of(suffix)) is not None})
    return f"Pass --format {formats[0]}" if formats else f"Name a folder with {pool.format} files"


def _example(read: Totals, pool: Pool) -> str:
    known = tuple(f".{suffix}" for suffix in own_suffixes(pool.format))
    return next((name for name in read.examples if not name.lower().endswith(known)), read.examples[0])


def _name_filter(pool: Pool) -> str:
    """Return a glob of the names of the format's files, whatever the case of their suffix, and of the named files."""
    suffixes = [
        "".join(f"[{letter}{letter.upper()}]" if letter.isalpha() else letter for letter in suffix)
        for suffix in own_suffixes(pool.format)
    ]
    named = [path.rstrip("/").rpartition("/")[2] for path in named_files(pool.paths, pool.format)]
    escaped = [_GLOB_CHARACTERS.sub(r"\\\1", name) for name in named]
    return f"{{{','.join([*(f'*.{suffix}' for suffix in suffixes), *escaped])}}}"
