"""Public access to the tables as DataFrames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.errors import ConfigError, TableError
from metaclip_spark.spark.locations import nearest
from metaclip_spark.spark.session import check_session
from metaclip_spark.tables.schemas import CURATED
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def read_table(spark: SparkSession, root: str, name: str = CURATED, version: int | None = None) -> DataFrame:
    """Return a table of a root.

    Args:
        spark: Session with Delta.
        root: Root of the tables: a path, or a schema of the catalog (catalog.schema).
        name: Name of the table: `curated`, `entry_counts`, `size_curve`, `runs`, `reserve` or `metadata`.
        version: Version to read; None: the newest.

    Raises:
        ConfigError: No table has this name.
        TableError: The table or the version does not exist, or something else is in its place.
    """
    check_session(spark)
    tables = Tables(spark, root)
    if name not in tables.names:
        near = nearest(name, tables.names)
        hint = f" Did you mean {near!r}?" if near else ""
        raise ConfigError(f"No table is named {name!r} (the tables are {', '.join(tables.names)}).{hint}")
    table = tables.read(name, version)
    if table is None:
        raise TableError(f"{tables.root} has no table {name}. Curate a pool into it first, or name another root.")
    return table
