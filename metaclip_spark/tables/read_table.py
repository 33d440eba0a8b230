"""A table of a run, to be read by whoever wants to go on from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.errors import ConfigError, TableError
from metaclip_spark.spark.locations import nearest
from metaclip_spark.spark.session import check_session
from metaclip_spark.tables.schemas import CURATED
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def read_table(spark: SparkSession, output: str, name: str = CURATED, version: int | None = None) -> DataFrame:
    """A table under a root, wherever the root is.

    Args:
        spark: a session with Delta.
        output: root (a path, or catalog.schema) of the tables.
        name: of the table: `curated`, `entry_counts`, `size_curve`, `runs`, `reserve` or `metadata`.
        version: an older one; None: as it is now.

    Raises:
        ConfigError: no table has this name.
        TableError: there is no such table or version, or something else stands in its place.
    """
    check_session(spark)
    tables = Tables(spark, output)
    if name not in tables.names:
        near = nearest(name, tables.names)
        hint = f"; did you mean {near!r}?" if near else ""
        raise ConfigError(f"no table is named {name!r} (there are {', '.join(tables.names)}){hint}")
    table = tables.read(name, version)
    if table is None:
        raise TableError(f"{tables.root} holds no table {name}: curate a pool into it first, or name another root")
    return table
