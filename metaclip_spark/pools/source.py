"""Identity of a pool's content: the files behind its paths, or the versions of its tables."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from metaclip_spark.config.pool import TABLE_FORMATS, TEXT_FORMATS
from metaclip_spark.errors import InputError, MetaclipSparkError
from metaclip_spark.host.places import catalog_name, name_parts
from metaclip_spark.pools.files.left_out import left_out
from metaclip_spark.pools.files.listing import READ, Totals, summed_listing
from metaclip_spark.pools.files.pool_files import PoolFiles, pool_files
from metaclip_spark.pools.files.table_logs import found_log_between, table_error
from metaclip_spark.spark.failures.failure_kinds import kind_of
from metaclip_spark.spark.job_errors import failure_reason
from metaclip_spark.spark.locations import absent_part, nearest
from metaclip_spark.spark.table_place import TablePlace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from metaclip_spark.config.pool import Pool

# Folders in Spark's errors CONFLICTING_PARTITION_COLUMN_NAMES and CONFLICTING_DIRECTORY_STRUCTURES, one per line.
_CONFLICT: Final = re.compile(r"\[CONFLICTING_[\s\S]*?((?:\n\s+(?:file|\w+:/|/)[^\n]*)+)")
# Schemas as quoted in Spark's error, one per line.
_SCHEMAS: Final = re.compile(r'^"(STRUCT<.*>)"', re.MULTILINE)


@dataclass(frozen=True)
class Source:
    """Identity of a pool's content, by which a run over the same bytes is recognised.

    Attributes:
        digest: SHA-256 of the files' names, lengths and modification times, or of the ids and versions of Delta tables.
        description: Human-readable description: format, paths, number of files, bytes, version.
        pinned: Whether the content cannot change, because both passes read fixed versions.
        warnings: Properties that make reading slow, and files that may have been meant to be read.
        files_read: The files, and how exactly they are read; None for tables and for stored runs.
    """

    digest: str
    description: dict[str, Any]
    pinned: bool = False
    warnings: tuple[str, ...] = ()
    files_read: PoolFiles | None = None

    @property
    def paths(self) -> list[str]:
        """Paths or names, as the pool gives them."""
        return list(self.description["paths"])

    @property
    def files(self) -> int:
        """Number of files with content; tables have none."""
        return int(self.description["files"])

    @property
    def bytes(self) -> int | None:
        """Size on disk; None if a table does not record it."""
        size = self.description.get("bytes")
        return None if size is None else int(size)


def identify(spark: SparkSession, pool: Pool) -> Source:
    """Return the identity of what the pool's paths contain now.

    Raises:
        InputError: A path or table does not exist, or is empty.
    """
    return _identify_tables(spark, pool) if pool.format in TABLE_FORMATS else _identify_files(spark, pool)


def unreadable(pool: Pool, error: Exception) -> MetaclipSparkError:
    """Return the error for a pool that Spark cannot read, with the missing parts of its paths."""
    conflict = _CONFLICT.search(str(error))
    if conflict:
        folders = [line.partition(" SQLSTATE:")[0].strip() for line in conflict.group(1).splitlines() if line.strip()]
        return InputError(
            f"The partition folders (key=value) of the pool {', '.join(pool.paths)} do not fit together, for example "
            f"{' and '.join(folders[:2])}. All files must lie in folders of the same keys below one base: curate one "
            "kind of folders, and append the others."
        )
    known = kind_of(str(error))
    if known is not None:
        kind, remedy = known
        return (kind or InputError)(
            f"The pool {', '.join(pool.paths)} cannot be read as {pool.format}: {failure_reason(error)}. {remedy}"
        )
    absent = [text for path in pool.paths if name_parts(path) is None and (text := absent_part(path))]
    hint = f" ({'; '.join(absent)})" if absent else ""
    schemas = _SCHEMAS.findall(str(error)) if "CANNOT_MERGE_SCHEMAS" in str(error) else []
    if schemas:
        return InputError(
            f"Files of the pool {', '.join(pool.paths)} have columns of the same name with different types, some "
            f"{' and some '.join(schemas)}. Cast them to one type, or curate the files of one kind and append the rest."
        )
    return InputError(
        f"The pool {', '.join(pool.paths)} cannot be read as {pool.format}: {failure_reason(error)}{hint}"
    )


def _identify_files(spark: SparkSession, pool: Pool) -> Source:
    try:
        files = pool_files(spark, pool)
    except (PySparkException, Py4JJavaError) as error:
        raise unreadable(pool, error) from error
    description: dict[str, Any] = {
        "format": pool.format,
        "paths": list(pool.paths),
        "files": files.totals.files,
        "bytes": files.totals.bytes,
    }
    if files.base is not None and files.partitions:
        description["base_of_partitions"] = files.base
    found = left_out(spark, pool.paths, pool.format)
    log = found.log or found_log_between(spark, pool.paths, files.totals.examples)
    if log is not None:
        raise table_error(pool, log)
    if files.others or found.counts:
        description["not_read"] = dict(files.others) | dict(found.counts)
    return Source(
        files.totals.digest, description, warnings=(*_warnings(pool, files.totals), *found.warnings()), files_read=files
    )


def _warnings(pool: Pool, found: Totals) -> tuple[str, ...]:
    if pool.format not in TEXT_FORMATS or not found.unsplittable:
        return ()
    largest = (found.largest_unsplittable or 0) / 1e6
    warning = (
        f"{found.unsplittable} of the {found.files} {pool.format} files are compressed in a form that cannot be split "
        f"(such as .gz), so that one task reads each file; the largest has {largest:,.1f} MB. "
        "For more tasks use more and smaller files, .bz2, or Parquet."
    )
    return (warning,)


def _identify_tables(spark: SparkSession, pool: Pool) -> Source:
    versions = pool.version if isinstance(pool.version, tuple) else (pool.version,) * len(pool.paths)
    tables = [_table(spark, pool, place, version) for place, version in zip(pool.paths, versions, strict=True)]
    ids = [table["table_id"] for table in tables]
    repeated = [place for number, place in enumerate(pool.paths) if ids[number] in ids[:number]]
    if repeated:
        raise InputError(f"The table {repeated[0]} is in the pool {', '.join(pool.paths)} twice. Name each table once.")
    digest = hashlib.sha256("\n".join(f"{table['table_id']}\t{table['version']}" for table in tables).encode())
    description: dict[str, Any] = {"format": pool.format, "paths": list(pool.paths)}
    for name in ("table_id", "version"):
        values = [table[name] for table in tables]
        description[name] = values[0] if len(values) == 1 else values
    sizes = [table["bytes"] for table in tables]
    if None not in sizes:
        description["bytes"] = sum(sizes)
    return Source(digest.hexdigest(), description, pinned=all(table["version"] is not None for table in tables))


def _table(spark: SparkSession, pool: Pool, place: str, version: int | None) -> dict[str, Any]:
    """Return id, version and size of a table; if it has no versions, the digest of its files instead of an id."""
    in_catalog = name_parts(place) is not None
    if not in_catalog and pool.format == "table":
        raise InputError(f"{place!r} is not a table of the catalog. Name one as schema.table or catalog.schema.table.")
    try:
        if in_catalog:
            properties = {
                row.col_name: row.data_type for row in spark.sql(f"DESCRIBE TABLE EXTENDED {place}").collect()
            }
            if properties.get("Provider", "").lower() != "delta":
                return _files_of_table(spark, pool, place, version, properties)
        sql = TablePlace(place, in_catalog).sql
        detail = spark.sql(f"DESCRIBE DETAIL {sql}").collect()[0]
        newest = spark.sql(f"DESCRIBE HISTORY {sql} LIMIT 1").collect()[0]["version"]
    except (PySparkException, Py4JJavaError) as error:
        near = _near_table(spark, place)
        refused = unreadable(pool, error)
        raise type(refused)(f"{refused}{f'. Did you mean {near}?' if near else ''}") from error
    if version is not None and not 0 <= version <= newest:
        raise InputError(f"The Delta table {place} has no version {version}. Its versions are 0 to {newest}.")
    version = int(newest if version is None else version)
    size = detail["sizeInBytes"] if version == newest else None  # Delta gives the size of the newest version only
    return {"table_id": detail["id"], "version": version, "bytes": size}


def _files_of_table(
    spark: SparkSession, pool: Pool, place: str, version: int | None, properties: dict[str, str]
) -> dict[str, Any]:
    kind, location = properties.get("Provider", properties.get("Type", "another kind")), properties.get("Location")
    if pool.format == "delta" or version is not None:
        raise InputError(
            f"{place} is not a Delta table, but {kind}, and has no versions. Pass format table, and no version."
        )
    if not location:
        raise InputError(
            f"{place} is a {kind} without files of its own. Write it as a table, or name the table behind it."
        )
    found = summed_listing(spark, [location]).kinds.get(READ)
    return {
        "table_id": hashlib.sha256(b"").hexdigest() if found is None else found.digest,
        "version": None,
        "bytes": 0 if found is None else found.bytes,
    }


def _near_table(spark: SparkSession, place: str) -> str | None:
    """Return a table with a name similar to a missing one; if there is none, one in a schema with a similar name."""
    parts = name_parts(place)
    if parts is None:
        return None
    *schema, name = parts
    try:
        tables: DataFrame = spark.sql(f"SHOW TABLES IN {catalog_name(*schema)}")
        near = nearest(name, [row.tableName for row in tables.collect()])
        return catalog_name(*schema, near) if near else None
    except (PySparkException, Py4JJavaError):  # the schema does not exist
        *catalog, last = schema
        inside = f" IN {catalog_name(*catalog)}" if catalog else ""
        try:
            near = nearest(last, [row[0] for row in spark.sql(f"SHOW SCHEMAS{inside}").collect()])
        except (PySparkException, Py4JJavaError):
            return None
        return catalog_name(*catalog, near, name) if near else None
