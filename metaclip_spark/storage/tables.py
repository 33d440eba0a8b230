"""The tables of one root: where they are, whether they are ours, and each write as one commit."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyspark.errors import AnalysisException

from metaclip_spark.errors import TableError
from metaclip_spark.storage.schemas import (
    CURATED,
    DECISIONS,
    ENTRY_COUNTS,
    ENTRY_COUNTS_SCHEMA,
    PROVENANCE,
    RUNS,
    RUNS_SCHEMA,
    SIZE_CURVE,
    SIZE_CURVE_SCHEMA,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

# Plain features only, no column statistics on texts and lists: collecting them costs a fifth of a write.
_INDEXED: Final = "delta.dataSkippingStatsColumns"
# Columns by which a table is known as ours.
_OURS: Final = {
    RUNS: frozenset(RUNS_SCHEMA.names),
    CURATED: frozenset(field.name for field in (*DECISIONS, *PROVENANCE)),
    ENTRY_COUNTS: frozenset(ENTRY_COUNTS_SCHEMA.names),
    SIZE_CURVE: frozenset(SIZE_CURVE_SCHEMA.names),
}
# Delta passes no Parquet option on to its writer but the codec; the writer reads this one from the session.
_DICTIONARY: Final = "parquet.enable.dictionary#"
_LAST_COMMIT: Final = "spark.databricks.delta.lastCommitVersionInSession"


class Tables:
    """The Delta tables under one root path."""

    def __init__(self, spark: SparkSession, root: str) -> None:
        self._spark = spark
        self.root = root.rstrip("/") or root

    def path(self, name: str) -> str:
        """Path of a table."""
        return f"{self.root}/{name}"

    def refuse_foreign(self) -> None:
        """Before any work: nothing that is not ours may stand where a table is, or will be.

        Raises:
            TableError: files, or another's table, are in the way.
        """
        if Path(self.root.removeprefix("file://")).is_file():  # or it would show only at the first write
            raise TableError(f"{self.root} is a file: use another output")
        if self._exists(self.root):
            for name in _OURS:
                self.read(name)

    def read(self, name: str) -> DataFrame | None:
        """The table as it is now; None if there is none.

        Raises:
            TableError: there is another's table at its path, or files but no Delta table.
        """
        path = self.path(name)
        try:
            table = self._spark.read.format("delta").load(path)
        except AnalysisException as error:
            if error.getCondition() == "PATH_NOT_FOUND":
                return None
            if error.getCondition() == "DELTA_TABLE_NOT_FOUND":
                self._refuse_foreign_files(name)
                return None
            if error.getCondition() == "DELTA_INVALID_PARTITION_PATH":  # Delta looks for a table up the path
                raise TableError(f"{self.root} is, or lies in, a Delta table itself: use another output") from error
            raise
        missing = sorted(_OURS[name] - set(table.columns))
        if missing:
            raise TableError(f"{path} is a Delta table, but none of ours (no column {missing[0]}): use another output")
        return table

    def append(self, name: str, rows: DataFrame) -> int:
        """Add rows to a table, made if need be, in one file and one commit; its new version.

        Raises:
            TableError: the table has other columns.
        """
        return self._save(name, rows.coalesce(1), mode="append")

    def replace(
        self, name: str, rows: DataFrame, *, indexed: tuple[str, ...], plain: tuple[str, ...], compression: str
    ) -> int:
        """Write a whole table in one commit: a reader sees the old rows or the new; its new version.

        Args:
            name: of the table.
            rows: its new content, in as many files as they have partitions.
            indexed: columns whose statistics are kept by file; any other column is not worth their cost.
            plain: columns, as Parquet paths, of so many values that a dictionary of them is only made to be given up.
            compression: codec of the files.
        """
        options = {
            "overwriteSchema": "true",
            _INDEXED: ",".join(indexed),
            "compression": compression,
            # It would shuffle rows between the tasks that count them and the tasks that write them, and Spark counts an
            # accumulator once per task only where the task writes.
            "optimizeWrite": "false",
        }
        with _without_dictionaries(self._spark, plain):
            return self._save(name, rows, mode="overwrite", options=options)

    def put(self, name: str, rows: DataFrame, condition: str) -> int:
        """Add rows in one commit, in place of those that meet a condition if there are any; the table's new version.

        Rows are in the way where a run died between this write and the one after it, or is repeated.
        """
        stored = self.read(name)
        if stored is None or not stored.where(condition).take(1):
            return self.append(name, rows)
        return self._save(name, rows.coalesce(1), mode="overwrite", options={"replaceWhere": condition})

    def committed_rows(self, name: str, version: int) -> int:
        """Rows that the write of this version put into the table, as Delta recorded them."""
        history = self._spark.sql(f"DESCRIBE HISTORY {self._quoted(name)}")
        metrics = history.where(f"version = {version}").select("operationMetrics").collect()[0][0]
        return int(metrics["numOutputRows"])

    def frame(self, rows: object, schema: StructType) -> DataFrame:
        """A small DataFrame made on the driver, from a pyarrow table or a list of tuples."""
        return self._spark.createDataFrame(rows, schema)  # type: ignore[no-any-return, call-overload, unused-ignore]  # a pyarrow table too

    def _save(self, name: str, rows: DataFrame, *, mode: str, options: dict[str, str] | None = None) -> int:
        try:
            rows.write.format("delta").mode(mode).options(**(options or {})).save(self.path(name))
        except AnalysisException as error:
            reason = (error.getMessage() or str(error)).strip().splitlines()[0]
            raise TableError(f"the table {self.path(name)} cannot be written: {reason}; use another output") from error
        return int(self._spark.conf.get(_LAST_COMMIT) or 0)

    def _quoted(self, name: str) -> str:
        return f"delta.`{self.path(name).replace('`', '``')}`"

    def _refuse_foreign_files(self, name: str) -> None:
        """A table is never put among files that are not its own.

        Its own are those of a first write that was killed: Delta made the log's folder before them, or, where the store
        has no folders, an earlier write of ours is next to them.
        """
        path = self.path(name)
        if self._exists(f"{path}/_delta_log") or (name != RUNS and self.read(RUNS) is not None):
            return
        files = self._listing(path).select("path").take(1)
        if files:
            raise TableError(f"{path} is no Delta table, but holds files (such as {files[0].path}): use another output")

    def _exists(self, path: str) -> bool:
        try:
            self._listing(path)
        except AnalysisException as error:
            if error.getCondition() == "PATH_NOT_FOUND":
                return False
            raise
        return True

    def _listing(self, path: str) -> DataFrame:
        return self._spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(path)


@contextmanager
def _without_dictionaries(spark: SparkSession, columns: tuple[str, ...]) -> Iterator[None]:
    for column in columns:
        spark.conf.set(_DICTIONARY + column, "false")
    try:
        yield
    finally:
        for column in columns:
            spark.conf.unset(_DICTIONARY + column)
