"""Tables of one root: their places, the checks that they are ours, their versions, and writes to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException

from metaclip_spark.errors import TableError
from metaclip_spark.host.places import absolute, exists_here, resolved
from metaclip_spark.spark.failures.failure_kinds import kind_of
from metaclip_spark.spark.file_listing import any_file, exists, is_known_absent
from metaclip_spark.spark.file_names import check_file_names
from metaclip_spark.spark.job_errors import failure_reason
from metaclip_spark.spark.locations import local_path, located
from metaclip_spark.spark.session_features import has_spark_context
from metaclip_spark.spark.table_place import TablePlace, is_schema
from metaclip_spark.tables.delta_files import complete_version
from metaclip_spark.tables.delta_log import NO_TABLE, extent, last_commits, last_named_run, last_version_of, state
from metaclip_spark.tables.output_files import check_writable
from metaclip_spark.tables.schemas import KEYS, OURS, RUNS
from metaclip_spark.tables.small_rows import create_dataframe
from metaclip_spark.tables.table_writes import replace_rows, replace_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from metaclip_spark.tables.delta_log import Extent, State, Write
    from metaclip_spark.tables.file_layout import FileLayout

_ABSENT: Final = frozenset({"PATH_NOT_FOUND", "TABLE_OR_VIEW_NOT_FOUND", "DELTA_TABLE_NOT_FOUND"})


class Tables:
    """The Delta tables under one root: a path, or a schema of the catalog (catalog.schema).

    Attributes:
        root: Absolute path, or name of the schema.

    Raises:
        ConfigError: The root is in a catalog, but is not a schema; or it can be a folder as well as a name.
    """

    def __init__(self, spark: SparkSession, root: str) -> None:
        self._spark = spark
        self._in_catalog = is_schema(spark, root)
        self.root = resolved(root)
        if not self._in_catalog:
            self.root = absolute(self.root).rstrip("/") or self.root
            check_file_names(spark, self.root)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tables that a root can have."""
        return tuple(OURS)

    @property
    def folder(self) -> str | None:
        """The root if it is a path; None for a schema of the catalog."""
        return None if self._in_catalog else self.root

    def path(self, name: str) -> str:
        """Return the path of a table, or its name in the catalog."""
        return f"{self.root}.{name}" if self._in_catalog else f"{self.root}/{name}"

    def sql_name(self, name: str) -> str:
        """Return the name of a table in SQL."""
        return self._place(name).sql

    def has_file_named_in(self, message: str) -> bool:
        """Return whether a message of Spark names a file of these tables."""
        existing = [name for name in OURS if not self._in_catalog or self.read(name) is not None]
        locations = [self._place(name).location(self._spark) for name in existing]
        return any(f"{place.removeprefix('file://').removeprefix('file:')}/" in message for place in locations)

    def check_root(self) -> None:
        """Raise if foreign files or tables are in the place of a table; called before any work.

        Raises:
            TableError: Other files, or a table of another kind, are in the way.
            ConfigError: The path cannot be accessed on this machine.
        """
        here = self.folder and local_path(located(self._spark, self.folder))
        if here and exists_here(here) and not here.is_dir():  # would be noticed only by the first write otherwise
            raise TableError(f"{self.root} is a file. Choose another root (--tables).")
        for name in OURS:
            self.read(name)

    def check_writable(self) -> None:
        """Raise if the tables cannot be written, as far as that is known; called before the work of a run.

        Raises:
            TableError: A folder cannot be made or written on this machine, or its disk is full.
            ConfigError: The path cannot be accessed on this machine.
        """
        here = self.folder and has_spark_context(self._spark) and local_path(located(self._spark, self.folder))
        if here:
            tables = (here / name / log for name in OURS for log in ("", "_delta_log"))
            for folder in (here, *filter(exists_here, tables)):
                check_writable(folder, remedy="Choose another root (--tables).")

    def read(self, name: str, version: int | None = None, *, newest: int | None = None) -> DataFrame | None:
        """Return a table; None if it does not exist.

        Args:
            name: Name of the table.
            version: Version to read; None: the newest when rows are read.
            newest: Newest version if known, which saves reading the log.

        Raises:
            TableError: The path contains another table, other files or a damaged log, or the version does not exist or
                can no longer be read.
        """
        path = self.path(name)
        if version is not None:
            return self._at_version(name, version, newest)
        if name != RUNS and not self._in_catalog and is_known_absent(self._spark, path):
            return None  # `runs` is always opened: only Delta can tell that the root lies inside another table
        try:
            table = self._place(name).opened(self._spark)
        except (AnalysisException, Py4JJavaError) as error:
            condition = error.getCondition() if isinstance(error, AnalysisException) else None
            if condition in _ABSENT:
                if condition == "DELTA_TABLE_NOT_FOUND":
                    self._check_no_other_files(name)
                return None
            if condition == "DELTA_INVALID_PARTITION_PATH":  # Delta searches for a table up the path
                raise TableError(
                    f"{self.root} is a Delta table, or lies in one. Choose another root (--tables)."
                ) from error
            if "[DELTA_" in str(error):
                raise TableError(
                    f"{path} cannot be read in any version: {failure_reason(error)}. Restore the missing files of its "
                    f"log ({path}/_delta_log), or curate again into another root (--tables)."
                ) from error
            known = kind_of(str(error))
            if known is not None:
                kind, remedy = known
                raise (kind or TableError)(f"{path} cannot be read: {failure_reason(error)}. {remedy}") from error
            raise
        missing = sorted(OURS[name] - set(table.columns))
        if missing:
            raise TableError(
                f"{path} is a table of another kind (it has no column {missing[0]}). Choose another root (--tables)."
            )
        return table

    def _at_version(self, name: str, version: int, newest: int | None) -> DataFrame | None:
        if newest is None:
            if self.read(name) is None:
                return None
            newest = self.newest_version(name)
        if not 0 <= version <= newest:
            raise TableError(f"{self.path(name)} has no version {version}. Its versions are 0 to {newest}.")
        return complete_version(self._spark, self._place(name), version, newest)

    def state(self, name: str) -> State:
        """Return the newest version of a table and the run whose rows it contains.

        The log identifies the run if the run's commit is the last that changed rows. Otherwise the rows identify it:
        after a RESTORE, in a copy, or where log entries have been removed. For a table without rows the log is searched
        again.
        """
        table = self.read(name)
        if table is None:
            return NO_TABLE
        newest = state(self._spark, self._place(name))
        return newest if newest.run_id else newest._replace(run_id=self._run_of_rows(name, table, None))

    def writer(self, name: str, version: int | None = None) -> str | None:
        """Return the run whose rows a table contains, or contained at a version; None if unknown or without a table."""
        if version is None:
            return self.state(name).run_id
        table = self.read(name, version)
        return None if table is None else self._run_of_rows(name, table, version)

    def _run_of_rows(self, name: str, table: DataFrame, version: int | None) -> str | None:
        first = table.select("run_id").take(1)
        return str(first[0].run_id) if first else last_named_run(self._spark, self._place(name), version)

    def last_version_of(self, name: str, run_id: str, written: int) -> int:
        """Return the last version with a run's rows: the one before another run's first commit.

        Args:
            name: Name of the table.
            run_id: Run that wrote the rows.
            written: Version in which the run wrote them.
        """
        return last_version_of(self._spark, self._place(name), run_id, written)

    def newest_version(self, name: str) -> int:
        """Return the newest version of an existing table."""
        return last_commits(self._spark, self._place(name), 1)[0].version

    def extent(self, name: str, *, commits: int = 10) -> Extent:
        """Return size and last commits of an existing table.

        Args:
            name: Name of the table.
            commits: Number of commits to list.
        """
        return extent(self._spark, self._place(name), commits)

    def replace_table(self, name: str, rows: DataFrame, *, run_id: str, layout: FileLayout, after: int) -> Write:
        """Replace all rows of a table in one commit: a reader sees either the old rows or the new ones.

        Args:
            name: Name of the table.
            rows: New rows.
            run_id: Run that the commit names.
            layout: Layout of the files.
            after: Newest version when the run started; -1 if there was no table.

        Raises:
            TableError: Another process has written to the table since that version.
        """
        table = self.read(name)
        return replace_table(
            self._spark,
            self._place(name),
            rows,
            run_id=run_id,
            layout=layout,
            after=after,
            exists=table is not None,
        )

    def replace_rows(self, name: str, rows: DataFrame, condition: str, *, known_absent: bool = False) -> None:
        """Replace the rows that meet a condition, in one commit and file; the table is created if it does not exist.

        Args:
            name: Name of the table.
            rows: New rows.
            condition: SQL condition that they meet.
            known_absent: Whether it is known that no stored rows meet the condition; saves reading them.

        Raises:
            TableError: The table has other columns, or another process wrote to it at the same time.
        """
        replace_rows(
            self._spark,
            self._place(name),
            rows,
            condition=condition,
            key=KEYS[name],
            known_absent=known_absent,
            read=lambda: self.read(name),
        )

    def update_column(self, name: str, column: str, value: str, condition: str) -> None:
        """Set a column of the rows that meet a condition, in one commit."""
        self._spark.sql(f"UPDATE {self._place(name).sql} SET {column} = '{value}' WHERE {condition}")  # noqa: S608 - only our own values

    def create_dataframe(self, rows: pa.Table | Sequence[tuple[Any, ...]], schema: StructType) -> DataFrame:
        """Return rows of the driver, given as a pyarrow table or as tuples, as a small DataFrame."""
        return create_dataframe(self._spark, rows, schema)

    def _place(self, name: str) -> TablePlace:
        return TablePlace(self.path(name), self._in_catalog)

    def _check_no_other_files(self, name: str) -> None:
        """Raise if a table would be written among files that are not its own.

        Files of its own may remain from a first write that was killed. Delta creates the log's folder before them; in
        stores without folders, an earlier write of ours is beside them.
        """
        path = self.path(name)
        if exists(self._spark, f"{path}/_delta_log") or (name != RUNS and self.read(RUNS) is not None):
            return
        found = any_file(self._spark, path)
        if found:
            raise TableError(
                f"{path} is not a Delta table, but contains files (for example {found}). Choose another root "
                "(--tables)."
            )
