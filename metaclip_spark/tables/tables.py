"""The tables of one root: where they are, whether they are ours, and each write as one commit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException, PySparkException

from metaclip_spark.errors import TableError
from metaclip_spark.spark.job_errors import failure_reason
from metaclip_spark.spark.locations import absolute, exists_here, local_path, located
from metaclip_spark.spark.settings import changed_settings
from metaclip_spark.tables.file_layout import PLAIN_COLUMNS, cluster, in_tasks
from metaclip_spark.tables.files import absent, any_file, exists, whole_version
from metaclip_spark.tables.log import (
    NO_TABLE,
    commit_of,
    extent,
    last_commits,
    last_version_of,
    named_by_log,
    refuse_written,
    state,
)
from metaclip_spark.tables.places import TablePlace, is_schema
from metaclip_spark.tables.schemas import INDEXED, KEYS, OURS, RUNS, in_arrow

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from metaclip_spark.tables.file_layout import FileLayout
    from metaclip_spark.tables.log import Extent, State, Write

# Plain features only, no column statistics on texts and lists: collecting them costs a fifth of a write.
_INDEXED: Final = "delta.dataSkippingStatsColumns"
_MEANWHILE: Final = 10  # commits of others, while a run was under way
_ARROW_ROWS: Final = "spark.sql.execution.arrow.maxRecordsPerBatch"
_ABSENT: Final = frozenset({"PATH_NOT_FOUND", "TABLE_OR_VIEW_NOT_FOUND", "DELTA_TABLE_NOT_FOUND"})
# What Delta says where another process committed in between.
_CONCURRENT: Final = re.compile(r"DELTA_(?:CONCURRENT|METADATA_CHANGED|PROTOCOL_CHANGED)|Concurrent\w*Exception")


class Tables:
    """The Delta tables under one root: a path, or a schema of the catalog (catalog.schema).

    Attributes:
        root: absolute path, or name of the schema.

    Raises:
        ConfigError: the root is a catalog's, but names no schema.
    """

    def __init__(self, spark: SparkSession, root: str) -> None:
        self._spark = spark
        self._in_catalog = is_schema(spark, root)
        self.root = root if self._in_catalog else absolute(root).rstrip("/") or root

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tables that a root can hold."""
        return tuple(OURS)

    @property
    def folder(self) -> str | None:
        """The root, where it is a path; None for a schema of the catalog."""
        return None if self._in_catalog else self.root

    def path(self, name: str) -> str:
        """Path of a table, or its name in the catalog."""
        return f"{self.root}.{name}" if self._in_catalog else f"{self.root}/{name}"

    def has_file_named_in(self, message: str) -> bool:
        """Whether a message of Spark's names a file of these tables."""
        there = [name for name in OURS if not self._in_catalog or self.read(name) is not None]
        locations = [self._place(name).location(self._spark) for name in there]
        return any(f"{place.removeprefix('file://').removeprefix('file:')}/" in message for place in locations)

    def refuse_foreign(self) -> None:
        """Before any work: nothing that is not ours may stand where a table is, or will be.

        Raises:
            TableError: files, or another's table, are in the way.
            ConfigError: the path is one that this machine cannot look up.
        """
        here = self.folder and local_path(located(self._spark, self.folder))
        if here and exists_here(here) and not here.is_dir():  # or it would show only at the first write
            raise TableError(f"{self.root} is a file: use another output")
        for name in OURS:
            self.read(name)

    def read(self, name: str, version: int | None = None, *, newest: int | None = None) -> DataFrame | None:
        """The table as it is now, or was at a version; None if there is none.

        Args:
            name: of the table.
            version: None: the newest, whichever it is when rows are read.
            newest: its newest version, if known; saves looking it up.

        Raises:
            TableError: there is another's table at its path, files but no Delta table, a damaged log, or no such
                version, or not any more.
        """
        path = self.path(name)
        if version is not None:
            return self._at_version(name, version, newest)
        if name != RUNS and not self._in_catalog and absent(self._spark, path):
            return None  # of the runs Delta itself says so: it tells whether the root lies in another table
        try:
            table = self._place(name).opened(self._spark)
        except (AnalysisException, Py4JJavaError) as error:
            condition = error.getCondition() if isinstance(error, AnalysisException) else None
            if condition in _ABSENT:
                if condition == "DELTA_TABLE_NOT_FOUND":
                    self._refuse_foreign_files(name)
                return None
            if condition == "DELTA_INVALID_PARTITION_PATH":  # Delta looks for a table up the path
                raise TableError(f"{self.root} is, or lies in, a Delta table itself: use another output") from error
            if "[DELTA_" in str(error):
                raise TableError(
                    f"{path} cannot be read, in no version: {failure_reason(error)}. Restore the missing files of its "
                    f"log ({path}/_delta_log), or curate again into another output"
                ) from error
            raise
        missing = sorted(OURS[name] - set(table.columns))
        if missing:
            raise TableError(f"{path} is a table, but none of ours (no column {missing[0]}): use another output")
        return table

    def _at_version(self, name: str, version: int, newest: int | None) -> DataFrame | None:
        if newest is None:
            if self.read(name) is None:
                return None
            newest = self.newest_version(name)
        if not 0 <= version <= newest:
            raise TableError(f"{self.path(name)} has no version {version}: its versions are 0 to {newest}")
        return whole_version(self._spark, self._place(name), version, newest)

    def sql_name(self, name: str) -> str:
        """A table as SQL names it."""
        return self._place(name).sql

    def state(self, name: str) -> State:
        """The newest version of a table and the run whose rows it holds.

        Its log says so where the run's commit is the last that changed rows; else the rows say it themselves (after a
        RESTORE, in a copy, where the log has been cleaned up); a table without rows is told by its log again.
        """
        table = self.read(name)
        if table is None:
            return NO_TABLE
        newest = state(self._spark, self._place(name))
        return newest if newest.run_id else newest._replace(run_id=self._named_by_rows(name, table, None))

    def writer(self, name: str, version: int | None = None) -> str | None:
        """The run whose rows the table holds, or held at a version; None if there is no table, or nothing says."""
        if version is None:
            return self.state(name).run_id
        table = self.read(name, version)
        return None if table is None else self._named_by_rows(name, table, version)

    def _named_by_rows(self, name: str, table: DataFrame, version: int | None) -> str | None:
        first = table.select("run_id").take(1)
        return str(first[0].run_id) if first else named_by_log(self._spark, self._place(name), version)

    def last_version_of(self, name: str, run_id: str, written: int) -> int:
        """The last version that holds a run's rows: the one before another run's first commit.

        Args:
            name: of the table.
            run_id: of the run.
            written: version in which the run wrote its rows.
        """
        return last_version_of(self._spark, self._place(name), run_id, written)

    def newest_version(self, name: str) -> int:
        """Version of a table that exists."""
        return last_commits(self._spark, self._place(name), 1)[0].version

    def extent(self, name: str, *, commits: int = 10) -> Extent:
        """Size and last versions of a table that exists.

        Args:
            name: of the table.
            commits: how many of its last versions to list.
        """
        return extent(self._spark, self._place(name), commits)

    def replace(self, name: str, rows: DataFrame, *, run_id: str, layout: FileLayout, after: int) -> Write:
        """Write a whole table in one commit, unless somebody has written it since: a reader sees old rows or new ones.

        Args:
            name: of the table.
            rows: its new content.
            run_id: named in the commit.
            layout: of the files.
            after: newest version when the run began; -1 where there was no table.

        Raises:
            TableError: another process wrote to the table since that version. Of two runs that started from the same
                one, the second leaves no trace.
        """
        rows = in_tasks(rows, layout)
        options = {
            "overwriteSchema": "true",
            _INDEXED: ",".join(INDEXED),
            "compression": layout.compression,
            # It would shuffle rows between the tasks that count them and the tasks that write them, and Spark counts an
            # accumulator once per task only where the task writes.
            "optimizeWrite": "false",
            "userMetadata": run_id,
            # Versions only grow, and Delta passes over a write whose number is not above the last one's. So a run that
            # began before another one's commit cannot overwrite it, however long it takes.
            "txnAppId": "metaclip-spark/rows",
            "txnVersion": str(after + 1),
        }
        if self.read(name) is not None:
            refuse_written(self._spark, self._place(name), run_id, after)
        with changed_settings(self._spark, PLAIN_COLUMNS):
            self._save(name, rows, mode="overwrite", options=options)
        written = commit_of(self._spark, self._place(name), run_id, after)
        if layout.cluster:
            cluster(self._spark, self._place(name).sql, layout)
        return written

    def put(self, name: str, rows: DataFrame, condition: str, *, looked: bool = False) -> None:
        """Add rows to a table, made if need be, in one commit and file, in place of those that meet a condition.

        Rows are in the way where a run died between this write and the next, is repeated, or runs twice at once.

        Args:
            name: of the table.
            rows: to be in it.
            condition: in SQL, that they meet.
            looked: whether it is known that no such rows are in the way; saves looking.

        Raises:
            TableError: the table has other columns, or another process wrote to it at the same time.
        """
        rows = rows.coalesce(1)
        named = {"userMetadata": condition, _INDEXED: KEYS[name]}
        # Of several processes that find nothing in the way, Delta lets one append under this name: the others conflict
        # with it, or are passed over where they come later. Looking first halves the time of an overwrite, and a copy
        # of a table does not know the names of its appends.
        once = {"txnAppId": f"metaclip-spark/{condition}", "txnVersion": "0"}
        table = self.read(name)
        if table is not None and looked:
            # Not under that name: Delta would replay the log to know of others, half the time of this write. Where
            # another process has done the same meanwhile, the later one at least sees two of them.
            self._save(name, rows, mode="append", options=named)
            lately = last_commits(self._spark, self._place(name), _MEANWHILE)
            if [commit.run_id for commit in lately].count(condition) == 1:
                return
        elif table is None or not table.where(condition).take(1):
            self._save(name, rows, mode="append", options=named | once)
            if table is None or self._holds(name, condition):
                return
            # Passed over, and not there: such rows had been appended before, and were deleted since.
        self._save(name, rows, mode="overwrite", options=named | {"replaceWhere": condition})

    def _holds(self, name: str, condition: str) -> bool:
        """Whether rows that meet a condition are in a table that was just written."""
        if last_commits(self._spark, self._place(name), 1)[0].run_id == condition:  # a quarter of a look at the rows
            return True
        table = self.read(name)
        return table is not None and bool(table.where(condition).take(1))

    def set_column(self, name: str, column: str, value: str, condition: str) -> None:
        """Set a column of the rows that meet a condition, in one commit."""
        self._spark.sql(f"UPDATE {self._place(name).sql} SET {column} = '{value}' WHERE {condition}")  # noqa: S608 - all of them ours

    def frame(self, rows: pa.Table | list[tuple[Any, ...]], schema: StructType) -> DataFrame:
        """A small DataFrame made on the driver, from a pyarrow table or a list of tuples."""
        # No limit, says Spark's documentation; pyspark then cuts a table into batches of no rows, and fails.
        unlimited = int(self._spark.conf.get(_ARROW_ROWS) or 0) <= 0
        if unlimited and isinstance(rows, pa.Table):
            rows = list(zip(*(column.to_pylist() for column in rows.columns), strict=True))
        elif not unlimited and not isinstance(rows, pa.Table):  # rows in Python's form take a tenth of a second more
            rows = in_arrow(rows, schema)
        return self._spark.createDataFrame(rows, schema)  # type: ignore[no-any-return, call-overload, unused-ignore]  # a pyarrow table too

    def _save(self, name: str, rows: DataFrame, *, mode: str, options: dict[str, str]) -> None:
        try:
            self._place(name).save(rows.write.format("delta").mode(mode).options(**options))
        except (PySparkException, Py4JJavaError) as error:
            if _CONCURRENT.search(str(error)):
                raise TableError(
                    f"another process wrote to {self.path(name)} at the same time, perhaps the same run: let it "
                    "finish, then run again, which goes on from what is stored"
                ) from error
            if not isinstance(error, AnalysisException):
                raise
            message = f"the table {self.path(name)} cannot be written: {failure_reason(error)}; use another output"
            raise TableError(message) from error

    def _place(self, name: str) -> TablePlace:
        return TablePlace(self.path(name), self._in_catalog)

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
