"""Opening a pool: its columns under canonical names, checked before any work, and the identity of what is read.

The four columns with a meaning become `uid`, `text`, `image_url` and `language`; every other column is carried through
as it is, nested ones too.
"""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.core.identity import UID_HASH
from metaclip_spark.errors import ColumnNotFoundError, ConfigError, InputError
from metaclip_spark.storage.locations import absolute, is_inside
from metaclip_spark.storage.pool_schema import check_columns, meanings
from metaclip_spark.storage.session_kind import analysed
from metaclip_spark.storage.spark_errors import reason

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

    from metaclip_spark.config import Pool, PoolColumns

_TEXT: Final = (T.StringType, T.BinaryType)
_UID: Final = (T.StringType, T.ByteType, T.ShortType, T.IntegerType, T.LongType)
_STRING: Final = (T.StringType,)
_COMMENTS: Final = {
    "uid": "id of the row: the pool's own, or MD5 of image_url, a zero byte and text",
    "text": "the caption",
    "image_url": "URL of the image, as in the pool",
}
_ALLOWED: Final = {"text": _TEXT, "uid": _UID, "image_url": _STRING, "language": _STRING}


@dataclass(frozen=True)
class Source:
    """What exactly is read, so that a run over the same bytes can be recognised.

    Attributes:
        digest: SHA-256 over the files' names, lengths and modification times, or over the Delta table's id and version.
        description: the same for people: format, paths, number of files, bytes, version.
    """

    digest: str
    description: dict[str, Any]


@dataclass(frozen=True)
class OpenPool:
    """A pool ready to curate.

    Attributes:
        rows: `uid`, `text`, `image_url` and `language` where the pool has them, and the carried columns.
        source: identity of what is read.
    """

    rows: DataFrame
    source: Source


def open_pool(spark: SparkSession, pool: Pool) -> OpenPool:
    """Read a pool's schema, check it, and give its columns their canonical names.

    Raises:
        ColumnNotFoundError: a named column is absent; near names are suggested.
        InputError: no such path, no files, a column of the wrong type, or columns that the curated table cannot hold
            (all of them listed at once).
    """
    pool = replace(pool, paths=tuple(absolute(path) for path in pool.paths))
    source = identify(spark, pool)
    raw = _read(spark, pool, source)
    _refuse_unread(raw, pool, source)
    check_meanings(raw.schema, pool)
    check_columns(raw.schema, pool.columns, where=", ".join(pool.paths))
    return OpenPool(
        rows=raw.select(*canonical_columns(raw.schema, pool.columns)),
        source=source,
    )


def refuse_inside(pool: Pool, output: str) -> None:
    """Refuse tables below the pool: writing them would change what is read.

    Raises:
        ConfigError: the output lies in one of the pool's paths.
    """
    for path in pool.paths:
        if is_inside(output, path):
            raise ConfigError(f"the output {output} lies in the pool {path}: use an output outside of it")


def canonical_columns(schema: T.StructType, columns: PoolColumns) -> list[Column]:
    """The projection from a pool's own columns to canonical ones; a derived uid comes first."""
    names = meanings(columns)
    renamed = []
    for field in schema.fields:
        name = names.get(field.name, field.name)
        comment = _COMMENTS.get(name) or field.metadata.get("comment")
        renamed.append(quoted(field.name).alias(name, metadata={"comment": comment} if comment else {}))
    if columns.uid is not None or columns.image_url is None:
        return renamed
    derived = _derived_uid(quoted(columns.image_url), quoted(columns.text))
    return [derived.alias("uid", metadata={"comment": _COMMENTS["uid"]}), *renamed]


def check_meanings(schema: T.StructType, pool: Pool) -> None:
    """Refuse a pool that lacks a named column, or has it with a type that cannot mean what it should."""
    for name, meaning in meanings(pool.columns).items():
        if name not in schema.names:
            raise ColumnNotFoundError(_no_such_column(name, meaning, schema, pool))
        kind = schema[name].dataType
        if not isinstance(kind, _ALLOWED[meaning]):
            allowed = " or ".join(sorted(allowed().simpleString() for allowed in _ALLOWED[meaning]))
            raise InputError(
                f"column {name!r} of {', '.join(pool.paths)} is of type {kind.simpleString()}, but {meaning} has to be "
                f"{allowed}: name another column, or cast this one"
            )


def identify(spark: SparkSession, pool: Pool) -> Source:
    """What the pool's paths hold now.

    Raises:
        InputError: no such path, or nothing in it.
    """
    if pool.format == "delta":
        return _identify_delta(spark, pool)
    listing = spark.read.format("binaryFile").option("recursiveFileLookup", "true")
    try:
        # Only the listing: without the content column no file is opened.
        files = listing.load(list(pool.paths)).select("path", "length", "modificationTime").collect()
    except AnalysisException as error:
        raise _unreadable(pool, error) from error
    if not files:
        raise InputError(f"{', '.join(pool.paths)} holds no files: name a folder with {pool.format} files")
    lines = sorted(f"{file.path}\t{file.length}\t{file.modificationTime.isoformat()}\n" for file in files)
    return Source(
        hashlib.sha256("".join(lines).encode()).hexdigest(),
        {
            "format": pool.format,
            "paths": list(pool.paths),
            "files": len(files),
            "bytes": sum(file.length for file in files),
        },
    )


def _identify_delta(spark: SparkSession, pool: Pool) -> Source:
    path = pool.paths[0]
    table = f"delta.`{path.replace('`', '``')}`"
    try:
        detail = spark.sql(f"DESCRIBE DETAIL {table}").collect()[0]
        newest = spark.sql(f"DESCRIBE HISTORY {table} LIMIT 1").collect()[0]["version"]
    except AnalysisException as error:
        raise _unreadable(pool, error) from error
    version = newest if pool.version is None else pool.version
    if not 0 <= version <= newest:
        raise InputError(f"the Delta table {path} has no version {version}: its versions are 0 to {newest}")
    digest = hashlib.sha256(f"{detail['id']}\t{version}".encode()).hexdigest()
    description = {"format": "delta", "paths": [path], "table_id": detail["id"], "version": int(version)}
    if version == newest:  # Delta tells the size of the newest version only
        description["bytes"] = detail["sizeInBytes"]
    return Source(digest, description)


def _read(spark: SparkSession, pool: Pool, source: Source) -> DataFrame:
    reader = spark.read.format(pool.format)
    if pool.format == "delta":  # both passes read one version, whatever is committed meanwhile
        reader = reader.option("versionAsOf", str(source.description["version"]))
    try:
        return analysed(reader.load(pool.paths[0] if pool.format == "delta" else list(pool.paths)))
    except (PySparkException, Py4JJavaError) as error:  # the second where a file is no Parquet
        raise _unreadable(pool, error) from error


def _refuse_unread(raw: DataFrame, pool: Pool, source: Source) -> None:
    """Spark reads the folders of a partitioned table, but not files in other subfolders: those must not be lost."""
    listed = source.description.get("files", 0)
    read = len(raw.inputFiles()) if listed else 0
    if read < listed:
        raise InputError(
            f"{listed - read} of the {listed} files in {', '.join(pool.paths)} are in subfolders that Spark does not "
            "read: name these folders too, as paths of the pool"
        )


def _unreadable(pool: Pool, error: Exception) -> InputError:
    return InputError(f"the pool {', '.join(pool.paths)} cannot be read as {pool.format}: {reason(error)}")


def _no_such_column(name: str, meaning: str, schema: T.StructType, pool: Pool) -> str:
    by_folded_name = {column.casefold(): column for column in schema.names}
    near = difflib.get_close_matches(name.casefold(), list(by_folded_name), n=1, cutoff=0.6)
    hint = f"did you mean {by_folded_name[near[0]]!r}? " if near else ""
    return (
        f"the pool {', '.join(pool.paths)} has no column {name!r} for {meaning} (it has {', '.join(schema.names)}): "
        f"{hint}Name the column that holds it"
    )


def _derived_uid(image_url: Column, text: Column) -> Column:
    """`core.identity.derived_uid` as a Spark expression; null where there is no URL: such rows would share it."""
    if UID_HASH != "md5":
        raise AssertionError(f"the derived uid is {UID_HASH}, not md5")
    content = F.concat(image_url.cast("binary"), F.lit(bytearray(b"\0")), text.cast("binary"))
    return F.when(F.length(image_url) > 0, F.md5(content))


def quoted(name: str) -> Column:
    """The column of exactly this name, which may hold dots and backticks."""
    return F.col(f"`{name.replace('`', '``')}`")
