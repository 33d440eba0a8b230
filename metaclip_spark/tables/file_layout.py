"""Layout of the files of a table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from metaclip_spark.spark.session_features import parallelism
from metaclip_spark.spark.settings import changed_settings
from metaclip_spark.tables.schemas import INDEXED, WITHOUT_DICTIONARY

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# Delta passes only the codec of the Parquet options to its writer; the writer reads the others from the session.
PLAIN_COLUMNS: Final = {f"parquet.enable.dictionary#{column}": "false" for column in WITHOUT_DICTIONARY}
"""Session settings under which ids and numbers are written without a dictionary."""

# Bytes of a row besides the carried columns: the decision, and an id of four bytes per match, which compress little.
_DECISION_BYTES: Final = 40
_ID_BYTES: Final = 3


@dataclass(frozen=True, kw_only=True)
class FileLayout:
    """Layout of the files of a table that is written in one commit.

    Attributes:
        compression: Codec.
        file_bytes: Target size of a file.
        expected_bytes: Estimated bytes of all rows; None if unknown, in which case each task writes a file.
        cluster: Whether rows with similar admission thresholds are moved into the same files, by a second write.
    """

    compression: str
    file_bytes: int
    expected_bytes: float | None = None
    cluster: bool = False

    @property
    def files(self) -> int | None:
        """Target number of files; None leaves it to the tasks."""
        return None if self.expected_bytes is None else max(1, math.ceil(self.expected_bytes / self.file_bytes))


def row_bytes(pool_bytes: float, pool_rows: int, matches: float) -> float:
    """Return the estimated bytes of a row of the curated table.

    Args:
        pool_bytes: Bytes of the pool's files.
        pool_rows: Rows in them, > 0.
        matches: Matches per matched caption.

    >>> row_bytes(2e9, 10_000_000, 5.0)
    255.0
    """
    return pool_bytes / pool_rows + _DECISION_BYTES + _ID_BYTES * matches


def coalesced(rows: DataFrame, layout: FileLayout) -> DataFrame:
    """Return the rows in about as many partitions as files are planned, without a shuffle: each task writes one file.

    The same number of neighbouring partitions is merged into each. If rows come from few large partitions and from many
    small ones, coalesce the two separately before their union.
    """
    if layout.files is None:
        return rows
    cores = parallelism(rows.sparkSession)
    # Complete waves of tasks: otherwise some cores would be idle in the last one.
    return rows.coalesce(cores * math.ceil(layout.files / cores))


def cluster(spark: SparkSession, table: str, layout: FileLayout) -> None:
    """Move rows with similar values of the indexed columns into the same files, in a commit of its own.

    It follows the commit of the rows because it shuffles them: the counts of writing tasks are exact only without a
    shuffle.

    Args:
        spark: Session with Delta.
        table: Name of the table in SQL.
        layout: Size and codec of the files.
    """
    settings = PLAIN_COLUMNS | {
        "spark.databricks.delta.optimize.maxFileSize": str(layout.file_bytes),
        "spark.sql.parquet.compression.codec": layout.compression,
    }
    with changed_settings(spark, settings):
        spark.sql(f"OPTIMIZE {table} ZORDER BY ({', '.join(INDEXED)})")
