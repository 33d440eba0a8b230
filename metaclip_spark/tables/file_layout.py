"""How a table's rows are put into files."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from metaclip_spark.spark.session_features import parallelism
from metaclip_spark.spark.settings import changed_settings
from metaclip_spark.tables.schemas import INDEXED, WITHOUT_DICTIONARY

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# Delta passes no Parquet option on to its writer but the codec; the writer reads these from the session.
PLAIN_COLUMNS: Final = {f"parquet.enable.dictionary#{column}": "false" for column in WITHOUT_DICTIONARY}
"""Session settings under which the ids and numbers of a row are written without a dictionary."""

# Columns of a row beside those carried along: the decisions, and an id of four bytes for each match, little compressed.
_DECISION_BYTES: Final = 40
_ID_BYTES: Final = 3


@dataclass(frozen=True, kw_only=True)
class FileLayout:
    """Files of a table that is written whole.

    Attributes:
        compression: codec.
        file_bytes: size of file that is aimed at.
        expected_bytes: of all rows together, an estimate; None where nothing is known: each task writes a file then.
        cluster: put rows of about the same admission threshold into the same files, by writing them a second time.
    """

    compression: str
    file_bytes: int
    expected_bytes: float | None = None
    cluster: bool = False

    @property
    def files(self) -> int | None:
        """Number of files that is aimed at; None leaves it to the tasks."""
        return None if self.expected_bytes is None else max(1, math.ceil(self.expected_bytes / self.file_bytes))


def row_bytes(pool_bytes: float, pool_rows: int, matches: float) -> float:
    """Estimated bytes of a row of the curated table.

    Args:
        pool_bytes: of the pool's files.
        pool_rows: rows in them, > 0.
        matches: per matched caption.

    >>> row_bytes(2e9, 10_000_000, 5.0)
    255.0
    """
    return pool_bytes / pool_rows + _DECISION_BYTES + _ID_BYTES * matches


def in_tasks(rows: DataFrame, layout: FileLayout) -> DataFrame:
    """The rows in about as many tasks as there are to be files, without a shuffle: each task then writes one.

    Neighbours are put together, as many in each task. Rows of two origins, of which one has few large partitions and
    the other many small ones, are therefore to be put into tasks before they are joined.
    """
    if layout.files is None:
        return rows
    cores = parallelism(rows.sparkSession)
    # Whole waves of tasks, or some cores would have nothing to do in the last one.
    return rows.coalesce(cores * math.ceil(layout.files / cores))


def cluster(spark: SparkSession, table: str, layout: FileLayout) -> None:
    """Put rows that are close by what the table is indexed by into the same files, in a commit of its own.

    It follows the commit of the rows because it shuffles them, and what a task that wrote counted is exact only where
    nothing is shuffled.

    Args:
        spark: the session.
        table: as SQL names it.
        layout: size and codec of the files.
    """
    settings = PLAIN_COLUMNS | {
        "spark.databricks.delta.optimize.maxFileSize": str(layout.file_bytes),
        "spark.sql.parquet.compression.codec": layout.compression,
    }
    with changed_settings(spark, settings):
        spark.sql(f"OPTIMIZE {table} ZORDER BY ({', '.join(INDEXED)})")
