"""Opening a pool: its columns under canonical names, checked before any work, and the identity of what is read.

The four columns with a meaning become `uid`, `text`, `image_url` and `language`; every other column is carried through
as it is, nested ones too.
"""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pyspark.errors import AnalysisException
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.core.identity import UID_HASH
from metaclip_spark.errors import ColumnNotFoundError, InputError
from metaclip_spark.storage.pool_schema import check_columns

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

    from metaclip_spark.config import Pool, PoolColumns

_TEXT: Final = (T.StringType, T.BinaryType)
_UID: Final = (T.StringType, T.ByteType, T.ShortType, T.IntegerType, T.LongType)
_STRING: Final = (T.StringType,)
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
        has_language: rows name their language.
        has_image_url: rows name their image.
    """

    rows: DataFrame
    source: Source
    has_language: bool
    has_image_url: bool


def open_pool(spark: SparkSession, pool: Pool) -> OpenPool:
    """Read a pool's schema, check it, and give its columns their canonical names.

    Raises:
        ColumnNotFoundError: a named column is absent; near names are suggested.
        InputError: no such path, no files, a column of the wrong type, or columns that the curated table cannot hold
            (all of them listed at once).
    """
    source = identify(spark, pool)
    raw = _read(spark, pool, source)
    check_meanings(raw.schema, pool)
    check_columns(raw.schema, pool.columns, where=", ".join(pool.paths))
    return OpenPool(
        rows=raw.select(*canonical_columns(raw.schema, pool.columns)),
        source=source,
        has_language=pool.columns.language is not None,
        has_image_url=pool.columns.image_url is not None,
    )


def canonical_columns(schema: T.StructType, columns: PoolColumns) -> list[Column]:
    """The projection from a pool's own columns to canonical ones; a derived uid comes first."""
    meanings = {columns.text: "text", columns.uid: "uid", columns.image_url: "image_url", columns.language: "language"}
    renamed = [_quoted(name).alias(meanings.get(name, name), metadata={}) for name in schema.names]
    if columns.uid is not None or columns.image_url is None:
        return renamed
    return [_derived_uid(_quoted(columns.image_url), _quoted(columns.text)).alias("uid"), *renamed]


def check_meanings(schema: T.StructType, pool: Pool) -> None:
    """Refuse a pool that lacks a named column, or has it with a type that cannot mean what it should."""
    columns = pool.columns
    for meaning, name in (
        ("text", columns.text),
        ("uid", columns.uid),
        ("image_url", columns.image_url),
        ("language", columns.language),
    ):
        if name is None:
            continue
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
        return reader.load(pool.paths[0] if pool.format == "delta" else list(pool.paths))
    except AnalysisException as error:
        raise _unreadable(pool, error) from error


def _unreadable(pool: Pool, error: AnalysisException) -> InputError:
    reason = (error.getMessage() or str(error)).strip().splitlines()[0]
    return InputError(f"the pool {', '.join(pool.paths)} cannot be read as {pool.format}: {reason}")


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


def _quoted(name: str) -> Column:
    return F.col(f"`{name.replace('`', '``')}`")
