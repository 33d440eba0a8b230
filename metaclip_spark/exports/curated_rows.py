"""Curated rows as all exports read them, and checks of the columns and the output."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.errors import ColumnNotFoundError, ConfigError, TableError
from metaclip_spark.host.places import absolute
from metaclip_spark.runs.tables_state import current_run, stored_runs
from metaclip_spark.spark.columns import quoted
from metaclip_spark.spark.file_names import check_file_names
from metaclip_spark.spark.job_errors import translated_job_errors
from metaclip_spark.spark.locations import located, nearest
from metaclip_spark.spark.session import check_session
from metaclip_spark.tables.output_files import check_apart
from metaclip_spark.tables.schemas import CURATED
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame, SparkSession

    from metaclip_spark.runs.stored_run import StoredRun


def open_curated(spark: SparkSession, root: str, output: str) -> tuple[str, StoredRun, DataFrame]:
    """Open the newest version of the curated table. Rows that are written meanwhile are not in it.

    Returns:
        The location of the output, the run that wrote the version, and its rows.

    Raises:
        ConfigError: The output overlaps with the tables or a pool.
        TableError: There is no finished run.
    """
    check_session(spark)
    tables = Tables(spark, root)
    with translated_job_errors(tables):
        if tables.read(CURATED) is None:
            current_run(tables)  # raises an error that says what is missing
        # Each action of an export would read a table without a version anew.
        version = tables.newest_version(CURATED)
        run = current_run(tables, version)
        place = locate_output(spark, output, tables)
        rows = tables.read(CURATED, version)
        if rows is None:
            raise TableError(f"{tables.path(CURATED)} no longer exists.")
        return place, run, rows


def locate_output(spark: SparkSession, output: str, tables: Tables) -> str:
    """Return the location of an output, outside the tables and every pool that their runs read.

    Raises:
        ConfigError: The output overlaps with them, or its location is incomplete.
    """
    place = located(spark, output)
    check_file_names(spark, place)
    read = {path for run in stored_runs(tables).values() for path in run.source.paths}
    folders = [] if tables.folder is None else [tables.folder]
    check_apart(place, (located(spark, absolute(source)) for source in (*folders, *sorted(read))))
    return place


def check_columns(rows: DataFrame, columns: Sequence[str], *, taken: Sequence[str]) -> None:
    """Check the columns to export.

    Args:
        rows: Curated rows.
        columns: Columns to export.
        taken: Names of other columns of the export.

    Raises:
        ColumnNotFoundError: The curated table does not have one of the columns.
        ConfigError: A name would be in the export twice.
    """
    for name in columns:
        if name not in rows.columns:
            near = nearest(name, rows.columns)
            hint = f" Did you mean {near!r}?" if near else ""
            raise ColumnNotFoundError(
                f"The curated table has no column {name!r} (columns: {', '.join(rows.columns)}).{hint}"
            )
    times = Counter(name.casefold() for name in (*taken, *columns))  # as Spark and Delta compare names
    twice = [name for name in columns if times[name.casefold()] > 1]
    if twice:
        same = next((name for name in taken if name.casefold() == twice[0].casefold()), twice[0])
        raise ConfigError(
            f"Column {twice[0]!r} would be in the export twice, beside {same!r} (names are compared without case). "
            "Pass it at most once."
        )


def as_text(rows: DataFrame, name: str) -> Column:
    """Return a column. Text and bytes become valid UTF-8 with U+FFFD, which Parquet does not guarantee."""
    if isinstance(rows.schema[name].dataType, T.BinaryType | T.StringType):
        return F.make_valid_utf8(quoted(name).cast("string"))
    return quoted(name)
