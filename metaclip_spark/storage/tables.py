"""The tables of one root: where they are, whether they are ours, and each write as one commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyspark.errors import AnalysisException

from metaclip_spark.errors import TableError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

# Plain features only, no column statistics on texts and lists: collecting them costs a fifth of a write.
_INDEXED: Final = "delta.dataSkippingStatsColumns"
_LAST_COMMIT: Final = "spark.databricks.delta.lastCommitVersionInSession"


class Tables:
    """The Delta tables under one root path."""

    def __init__(self, spark: SparkSession, root: str) -> None:
        self._spark = spark
        self.root = root.rstrip("/") or root

    def path(self, name: str) -> str:
        """Path of a table."""
        return f"{self.root}/{name}"

    def read(self, name: str) -> DataFrame | None:
        """The table as it is now; None if there is none.

        Raises:
            TableError: there are files at its path, but no Delta table.
        """
        path = self.path(name)
        try:
            return self._spark.read.format("delta").load(path)
        except AnalysisException as error:
            if error.getCondition() == "PATH_NOT_FOUND":
                return None
            if error.getCondition() == "DELTA_TABLE_NOT_FOUND":
                self._refuse_foreign_files(path)
                return None
            raise

    def append(self, name: str, rows: DataFrame) -> int:
        """Add rows to a table, made if need be, in one file and one commit; its new version.

        Raises:
            TableError: the table has other columns.
        """
        return self._save(name, rows.coalesce(1), mode="append")

    def replace(self, name: str, rows: DataFrame, *, indexed: tuple[str, ...], compression: str) -> int:
        """Write a whole table in one commit: a reader sees the old rows or the new; its new version.

        Args:
            name: of the table.
            rows: its new content, in as many files as they have partitions.
            indexed: columns whose statistics are kept by file; any other column is not worth their cost.
            compression: codec of the files.
        """
        options = {"overwriteSchema": "true", _INDEXED: ",".join(indexed), "compression": compression}
        return self._save(name, rows, mode="overwrite", options=options)

    def replace_where(self, name: str, rows: DataFrame, condition: str) -> int:
        """Write the rows that meet a condition anew, in one commit; the table's new version."""
        return self._save(name, rows.coalesce(1), mode="overwrite", options={"replaceWhere": condition})

    def committed_rows(self, name: str, version: int) -> int:
        """Rows that the write of this version put into the table, as Delta recorded them."""
        history = self._spark.sql(f"DESCRIBE HISTORY {self._quoted(name)}")
        metrics = history.where(f"version = {version}").select("operationMetrics").collect()[0][0]
        return int(metrics["numOutputRows"])

    def frame(self, rows: object, schema: StructType) -> DataFrame:
        """A small DataFrame made on the driver, from a pyarrow table or a list of tuples."""
        return self._spark.createDataFrame(rows, schema)  # type: ignore[call-overload, no-any-return]  # both are accepted

    def _save(self, name: str, rows: DataFrame, *, mode: str, options: dict[str, str] | None = None) -> int:
        try:
            rows.write.format("delta").mode(mode).options(**(options or {})).save(self.path(name))
        except AnalysisException as error:
            reason = (error.getMessage() or str(error)).strip().splitlines()[0]
            raise TableError(f"the table {self.path(name)} cannot be written: {reason}; use another output") from error
        return int(self._spark.conf.get(_LAST_COMMIT) or 0)

    def _quoted(self, name: str) -> str:
        return f"delta.`{self.path(name).replace('`', '``')}`"

    def _refuse_foreign_files(self, path: str) -> None:
        """A table is never put among files that are not its own."""
        files = (
            self._spark.read.format("binaryFile")
            .option("recursiveFileLookup", "true")
            .load(path)
            .select("path")
            .take(1)
        )
        if files:
            raise TableError(f"{path} is no Delta table, but holds files (such as {files[0].path}): use another output")
