"""Places of tables: a path, or a name in the catalog. Each is opened, written and named in SQL in its own way."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

from pyspark.errors import AnalysisException

from metaclip_spark.errors import ConfigError
from metaclip_spark.host.places import catalog_name, is_table_name, name_parts
from metaclip_spark.spark.locations import nearest
from metaclip_spark.spark.session_features import analysed

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, DataFrameWriter, SparkSession


class TablePlace(NamedTuple):
    """Place of a table.

    Attributes:
        path: Path of the folder of a Delta table, or a name in the catalog.
        in_catalog: Whether `path` is a name in the catalog.
    """

    path: str
    in_catalog: bool = False

    @property
    def sql(self) -> str:
        """Name of the table in SQL.

        >>> TablePlace("/data/curated").sql, TablePlace("main.curation.curated", in_catalog=True).sql
        ('delta.`/data/curated`', 'main.curation.curated')
        """
        return self.path if self.in_catalog else f"delta.`{self.path.replace('`', '``')}`"

    def opened(self, spark: SparkSession, version: int | None = None) -> DataFrame:
        """Return the newest version of the table, or another one.

        Raises:
            AnalysisException: The table or the version does not exist.
        """
        reader = spark.read if version is None else spark.read.option("versionAsOf", str(version))
        return analysed(reader.table(self.path) if self.in_catalog else reader.format("delta").load(self.path))

    def save(self, writer: DataFrameWriter) -> None:
        """Write to the table in one commit."""
        if self.in_catalog:
            writer.saveAsTable(self.path)
        else:
            writer.save(self.path)

    def location(self, spark: SparkSession) -> str:
        """Return the folder of the files of an existing table."""
        if not self.in_catalog:
            return self.path
        return str(spark.sql(f"DESCRIBE DETAIL {self.sql}").select("location").collect()[0].location)


def is_schema(spark: SparkSession, root: str) -> bool:
    """Return whether a root of tables is a schema of the catalog (catalog.schema), and not a folder.

    Names of one part, paths that exist on this machine and paths that start with ./ are folders. So are names of
    several parts in a catalog that does not exist, unless a part is in back-ticks.

    Raises:
        ConfigError: The catalog exists but not the schema, or the name is that of a table.
    """
    if not is_table_name(root):
        return False
    catalog, schema, *table = name_parts(root) or ()
    try:
        schemas = [str(row[0]) for row in spark.sql(f"SHOW SCHEMAS IN {catalog_name(catalog)}").collect()]
    except AnalysisException as error:  # the catalog does not exist
        if "`" in root:
            raise ConfigError(
                f"The session has no catalog {catalog_name(catalog)}, in which {root} would be. Name a catalog that "
                f"SHOW CATALOGS lists, or write {shlex.quote(f'./{root}')} for a folder of this name."
            ) from error
        return False
    name = catalog_name(catalog, schema)
    if schema.casefold() not in {known.casefold() for known in schemas}:
        near = nearest(schema, schemas)
        raise ConfigError(
            f"The catalog {catalog} has no schema {schema}.{f' Did you mean {near}?' if near else ''} Create it "
            f"(CREATE SCHEMA {name}), or write {shlex.quote(f'./{root}')} for a folder of this name."
        )
    if table:
        raise ConfigError(
            f"{root} is the name of one table, but several tables are stored. Name their schema, {name}, or write "
            f"{shlex.quote(f'./{root}')} for a folder of this name."
        )
    return True
