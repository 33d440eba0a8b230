"""The tables of one root: where they are, whether they are ours, and each write as one commit."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final, NamedTuple

import pyarrow as pa
from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.errors import TableError
from metaclip_spark.storage.file_layout import PLAIN_COLUMNS, cluster
from metaclip_spark.storage.locations import absolute, exists_here, local_path
from metaclip_spark.storage.schemas import (
    CURATED,
    DECISIONS,
    ENTRY_COUNTS,
    ENTRY_COUNTS_SCHEMA,
    INDEXED,
    METADATA,
    METADATA_SCHEMA,
    PROVENANCE,
    RESERVE,
    RUNS,
    RUNS_SCHEMA,
    SIZE_CURVE,
    SIZE_CURVE_SCHEMA,
)
from metaclip_spark.storage.session_kind import analysed, parallelism
from metaclip_spark.storage.settings import changed_settings
from metaclip_spark.storage.spark_errors import reason
from metaclip_spark.storage.table_files import any_file, exists, quoted_path, whole_version

if TYPE_CHECKING:
    import datetime as dt

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from metaclip_spark.storage.file_layout import FileLayout

# Plain features only, no column statistics on texts and lists: collecting them costs a fifth of a write.
_INDEXED: Final = "delta.dataSkippingStatsColumns"
# Columns by which a table is known as ours.
_OURS: Final = {
    RUNS: frozenset(RUNS_SCHEMA.names),
    CURATED: frozenset(field.name for field in (*DECISIONS, *PROVENANCE)),
    RESERVE: frozenset(field.name for field in (*DECISIONS, *PROVENANCE)),
    ENTRY_COUNTS: frozenset(ENTRY_COUNTS_SCHEMA.names),
    SIZE_CURVE: frozenset(SIZE_CURVE_SCHEMA.names),
    METADATA: frozenset(METADATA_SCHEMA.names),
}
_ARROW_ROWS: Final = "spark.sql.execution.arrow.maxRecordsPerBatch"
# What Delta says where another process committed in between.
_CONCURRENT: Final = re.compile(r"DELTA_(?:CONCURRENT|METADATA_CHANGED|PROTOCOL_CHANGED)|Concurrent\w*Exception")


class Write(NamedTuple):
    """A commit of rows.

    Attributes:
        version: of the table.
        rows: that the commit put into it, as Delta recorded them.
    """

    version: int
    rows: int


class Commit(NamedTuple):
    """One version of a table.

    Attributes:
        version: its number, from 0.
        timestamp: when it was committed.
        operation: what Delta calls it: WRITE, DELETE, OPTIMIZE…
        run_id: the run that it names; None if it names none.
        rows: that it wrote; None where Delta did not record them.
    """

    version: int
    timestamp: dt.datetime
    operation: str
    run_id: str | None
    rows: int | None


class Extent(NamedTuple):
    """How large the newest version of a table is.

    Attributes:
        rows: from Delta's log where its statistics have them.
        files: of the newest version.
        bytes: of these files; older versions take more.
        versions: number of versions ever written.
        commits: the last ones, newest first.
    """

    rows: int
    files: int
    bytes: int
    versions: int
    commits: list[Commit]


class Tables:
    """The Delta tables under one root path."""

    def __init__(self, spark: SparkSession, root: str) -> None:
        self._spark = spark
        self.root = absolute(root).rstrip("/") or root

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tables that a root can hold."""
        return tuple(_OURS)

    def path(self, name: str) -> str:
        """Path of a table."""
        return f"{self.root}/{name}"

    def names_a_file(self, message: str) -> bool:
        """Whether a message of Spark's names a file of these tables."""
        bare = self.root.removeprefix("file://").removeprefix("file:")
        return any(f"{bare}/{name}/" in message for name in _OURS)

    def refuse_foreign(self) -> None:
        """Before any work: nothing that is not ours may stand where a table is, or will be.

        Raises:
            TableError: files, or another's table, are in the way.
            ConfigError: the path is one that this machine cannot look up.
        """
        here = local_path(self.root)
        if here is not None and exists_here(here) and not here.is_dir():  # or it would show only at the first write
            raise TableError(f"{self.root} is a file: use another output")
        for name in _OURS:
            self.read(name)

    def read(self, name: str, version: int | None = None) -> DataFrame | None:
        """The table as it is now, or was at a version; None if there is none.

        Raises:
            TableError: there is another's table at its path, files but no Delta table, a damaged log, or no such
                version, or not any more.
        """
        path = self.path(name)
        if version is not None:
            return self._at_version(name, version)
        try:
            table = analysed(self._spark.read.format("delta").load(path))
        except (AnalysisException, Py4JJavaError) as error:
            condition = error.getCondition() if isinstance(error, AnalysisException) else None
            if condition == "PATH_NOT_FOUND":
                return None
            if condition == "DELTA_TABLE_NOT_FOUND":
                self._refuse_foreign_files(name)
                return None
            if condition == "DELTA_INVALID_PARTITION_PATH":  # Delta looks for a table up the path
                raise TableError(f"{self.root} is, or lies in, a Delta table itself: use another output") from error
            if "[DELTA_" in str(error):
                raise TableError(
                    f"{path} cannot be read, in no version: {reason(error)}. Restore the missing files of its log "
                    f"({path}/_delta_log), or curate again into another output"
                ) from error
            raise
        missing = sorted(_OURS[name] - set(table.columns))
        if missing:
            raise TableError(f"{path} is a Delta table, but none of ours (no column {missing[0]}): use another output")
        return table

    def _at_version(self, name: str, version: int) -> DataFrame | None:
        if self.read(name) is None:
            return None
        newest = self.newest_version(name)
        if not 0 <= version <= newest:
            raise TableError(f"{self.path(name)} has no version {version}: its versions are 0 to {newest}")
        return whole_version(self._spark, self.path(name), version, newest)

    def writer(self, name: str, version: int | None = None) -> str | None:
        """The run whose rows the table holds, or held at a version; None if there is no table, or nothing in it says.

        Rows say it themselves. A table without rows is told by its newest commit that names a run.
        """
        table = self.read(name, version)
        if table is None:
            return None
        first = table.select("run_id").take(1)
        if first:
            return str(first[0].run_id)
        named = self._history(name).where("userMetadata IS NOT NULL")
        if version is not None:
            named = named.where(F.col("version") <= version)
        newest = named.select("userMetadata").take(1)
        return str(newest[0][0]) if newest else None

    def newest_version(self, name: str) -> int:
        """Version of a table that exists."""
        return int(self._history(name, 1).select("version").collect()[0].version)

    def extent(self, name: str, *, commits: int = 10) -> Extent:
        """Size and last versions of a table that exists.

        Args:
            name: of the table.
            commits: how many of its last versions to list.
        """
        detail = self._spark.sql(f"DESCRIBE DETAIL {self._quoted(name)}").select("numFiles", "sizeInBytes").collect()[0]
        columns = "version", "timestamp", "operation", "userMetadata", "operationMetrics.numOutputRows"
        listed = self._history(name, commits).select(*columns).collect()
        last = [
            Commit(row.version, row.timestamp, row.operation, row.userMetadata, row[4] and int(row[4]))
            for row in listed
        ]
        rows = self._spark.read.format("delta").load(self.path(name)).count()  # from the log's statistics
        return Extent(rows, int(detail.numFiles), int(detail.sizeInBytes), last[0].version + 1, last)

    def replace(self, name: str, rows: DataFrame, *, run_id: str, layout: FileLayout) -> Write:
        """Write a whole table in one commit: a reader sees the old rows or the new.

        Args:
            name: of the table.
            rows: its new content.
            run_id: named in the commit.
            layout: of the files.
        """
        if layout.files is not None:  # whole waves of tasks, or some cores would have nothing to do in the last one
            cores = parallelism(self._spark)
            rows = rows.coalesce(cores * math.ceil(layout.files / cores))
        options = {
            "overwriteSchema": "true",
            _INDEXED: ",".join(INDEXED),
            "compression": layout.compression,
            # It would shuffle rows between the tasks that count them and the tasks that write them, and Spark counts an
            # accumulator once per task only where the task writes.
            "optimizeWrite": "false",
            "userMetadata": run_id,
        }
        with changed_settings(self._spark, PLAIN_COLUMNS):
            self._save(name, rows, mode="overwrite", options=options)
        # By its run, not as the newest: Delta may compact the files at once, and others may write other tables.
        commits = self._history(name).select("version", "userMetadata", "operationMetrics.numOutputRows")
        newest = commits.where((F.col("userMetadata") == run_id) & F.col("numOutputRows").isNotNull()).take(1)[0]
        if layout.cluster:
            cluster(self._spark, self._quoted(name), layout)
        return Write(int(newest.version), int(newest.numOutputRows))

    def put(self, name: str, rows: DataFrame, condition: str) -> None:
        """Add rows to a table, made if need be, in one commit and file, in place of those that meet a condition.

        Rows are in the way where a run died between this write and the next, is repeated, or runs twice at once.

        Raises:
            TableError: the table has other columns, or another process wrote to it at the same time.
        """
        rows = rows.coalesce(1)
        named = {"userMetadata": condition}
        # Of several processes that find nothing in the way, Delta lets one append under this name: the others conflict
        # with it, or are passed over where they come later. Looking first halves the time of an overwrite, and a copy
        # of a table does not know the names of its appends.
        once = {"txnAppId": f"metaclip-spark/{condition}", "txnVersion": "0"}
        table = self.read(name)
        if table is None or not table.where(condition).take(1):
            self._save(name, rows, mode="append", options=named | once)
            if table is None or self._holds(name, condition):
                return
            # Passed over, and not there: such rows had been appended before, and were withdrawn since.
        self._save(name, rows, mode="overwrite", options=named | {"replaceWhere": condition})

    def _holds(self, name: str, condition: str) -> bool:
        """Whether rows that meet a condition are in a table that was just written."""
        newest = self._history(name, 1).select("userMetadata").collect()[0]
        if newest.userMetadata == condition:  # what the log says costs a quarter of a look at the rows
            return True
        table = self.read(name)
        return table is not None and bool(table.where(condition).take(1))

    def withdraw(self, name: str, condition: str) -> None:
        """Delete the rows of a table that meet a condition."""
        self._spark.sql(f"DELETE FROM {self._quoted(name)} WHERE {condition}")  # noqa: S608 - of our own digests

    def frame(self, rows: object, schema: StructType) -> DataFrame:
        """A small DataFrame made on the driver, from a pyarrow table or a list of tuples."""
        if isinstance(rows, pa.Table) and int(self._spark.conf.get(_ARROW_ROWS) or 0) <= 0:
            # No limit, says Spark's documentation; pyspark then cuts a table into batches of no rows, and fails.
            rows = list(zip(*(column.to_pylist() for column in rows.columns), strict=True))
        return self._spark.createDataFrame(rows, schema)  # type: ignore[no-any-return, call-overload, unused-ignore]  # a pyarrow table too

    def _save(self, name: str, rows: DataFrame, *, mode: str, options: dict[str, str]) -> None:
        try:
            rows.write.format("delta").mode(mode).options(**options).save(self.path(name))
        except (PySparkException, Py4JJavaError) as error:
            if _CONCURRENT.search(str(error)):
                raise TableError(
                    f"another process wrote to {self.path(name)} at the same time, perhaps the same run: let it "
                    "finish, then run again, which goes on from what is stored"
                ) from error
            if not isinstance(error, AnalysisException):
                raise
            message = f"the table {self.path(name)} cannot be written: {reason(error)}; use another output"
            raise TableError(message) from error

    def _history(self, name: str, commits: int | None = None) -> DataFrame:
        """Commits of a table, newest first; the last few, or all."""
        limit = "" if commits is None else f" LIMIT {commits}"
        return self._spark.sql(f"DESCRIBE HISTORY {self._quoted(name)}{limit}")

    def _quoted(self, name: str) -> str:
        return quoted_path(self.path(name))

    def _refuse_foreign_files(self, name: str) -> None:
        """A table is never put among files that are not its own.

        Its own are those of a first write that was killed: Delta made the log's folder before them, or, where the store
        has no folders, an earlier write of ours is next to them.
        """
        path = self.path(name)
        if exists(self._spark, f"{path}/_delta_log") or (name != RUNS and self.read(RUNS) is not None):
            return
        found = any_file(self._spark, path)
        if found:
            raise TableError(f"{path} is no Delta table, but holds files (such as {found}): use another output")
