"""The place of a table: a path, or a name in the catalog. Each is opened, written and named in SQL in its own way."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pyspark.errors import AnalysisException

from metaclip_spark.errors import ConfigError
from metaclip_spark.spark.locations import TABLE_NAME, nearest
from metaclip_spark.spark.session_features import analysed

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, DataFrameWriter, SparkSession


class TablePlace(NamedTuple):
    """Where a Delta table is.

    Attributes:
        path: of its folder, or catalog.schema.table.
        in_catalog: it is the latter.
    """

    path: str
    in_catalog: bool = False

    @property
    def sql(self) -> str:
        """The table as SQL names it.

        >>> TablePlace("/data/curated").sql, TablePlace("main.curation.curated", in_catalog=True).sql
        ('delta.`/data/curated`', 'main.curation.curated')
        """
        return self.path if self.in_catalog else f"delta.`{self.path.replace('`', '``')}`"

    def opened(self, spark: SparkSession, version: int | None = None) -> DataFrame:
        """The table, as it is or was.

        Raises:
            AnalysisException: there is none, or no such version.
        """
        reader = spark.read if version is None else spark.read.option("versionAsOf", str(version))
        return analysed(reader.table(self.path) if self.in_catalog else reader.format("delta").load(self.path))

    def save(self, writer: DataFrameWriter) -> None:
        """Write to it, in one commit."""
        if self.in_catalog:
            writer.saveAsTable(self.path)
        else:
            writer.save(self.path)

    def location(self, spark: SparkSession) -> str:
        """The folder of its files, of a table that exists."""
        if not self.in_catalog:
            return self.path
        return str(spark.sql(f"DESCRIBE DETAIL {self.sql}").select("location").collect()[0].location)


def is_schema(spark: SparkSession, root: str) -> bool:
    """Whether a root of tables is a schema of the catalog, named catalog.schema, and no folder.

    Names of one part are always folders, and so is what exists on this machine, or begins with ./

    Raises:
        ConfigError: the catalog is there but not the schema, or the name is that of a table.
    """
    if TABLE_NAME.fullmatch(root) is None or Path(root).exists():
        return False
    catalog, schema, *table = root.split(".")
    try:
        schemas = [str(row[0]) for row in spark.sql(f"SHOW SCHEMAS IN `{catalog}`").collect()]
    except AnalysisException:  # no such catalog
        return False
    if schema.casefold() not in {known.casefold() for known in schemas}:
        near = nearest(schema, schemas)
        raise ConfigError(
            f"the catalog {catalog} has no schema {schema}{f', but {near}: did you mean it?' if near else ''}: make it "
            f"(CREATE SCHEMA {catalog}.{schema}), or write ./{root} for a folder of this name"
        )
    if table:
        raise ConfigError(
            f"{root} is the name of one table, but there are several: name their schema, {catalog}.{schema}, or write "
            f"./{root} for a folder of this name"
        )
    return True
