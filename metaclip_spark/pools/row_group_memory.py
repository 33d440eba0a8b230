"""Memory that the wide columns of a pool need: Spark holds those of a row group at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.core.shell_words import shell_word
from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.pools.columns.parquet_footers import local_footer
from metaclip_spark.spark.failures.memory_limits import memory_remedy
from metaclip_spark.spark.session_features import has_spark_context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

# A row group of 1.5 GB ended a heap of 4 GB, also with few rows per batch; the writer of the result holds rows too.
_COPIES: Final = 3


def check_row_groups(rows: DataFrame, files: Sequence[str]) -> None:
    """Raise if the binary columns of a row group cannot fit into the memory of a local session.

    Args:
        rows: Rows of the pool.
        files: A few of its Parquet files. Those in stores are not opened.

    Raises:
        EnvironmentProblemError: They cannot; the message has the figures.
    """
    spark = rows.sparkSession
    wide = {field.name for field in rows.schema.fields if isinstance(field.dataType, T.BinaryType)}
    if not wide or not has_spark_context(spark) or not str(spark.sparkContext.master).startswith("local"):
        return
    heap = int(spark._jvm.java.lang.Runtime.getRuntime().maxMemory())  # type: ignore[union-attr]  # noqa: SLF001 - pyspark cannot ask
    for file in files:
        sizes = _largest_group(file, wide)
        if _COPIES * sum(sizes.values()) > heap:
            drops = " ".join(f"--drop {shell_word(name)}" for name in sizes)
            raise EnvironmentProblemError(
                f"A row group of {file} has {sum(sizes.values()) / 1e9:.1f} GB in the column(s) {', '.join(sizes)}. "
                f"Spark holds it at once and needs about {_COPIES} times as much, but Java's heap has "
                f"{heap / 1e9:.1f} GB. Leave them out ({drops}), or write the file with smaller row groups. "
                f"{memory_remedy()}"
            )


def _largest_group(file: str, names: set[str]) -> dict[str, int]:
    """Return the bytes of some columns, by name, in the largest row group of a file."""
    footer = local_footer(file)
    largest: dict[str, int] = {}
    for number in range(0 if footer is None else footer.num_row_groups):
        group = footer.row_group(number)  # type: ignore[union-attr]
        chunks = (group.column(place) for place in range(group.num_columns))
        sizes = {chunk.path_in_schema: chunk.total_compressed_size for chunk in chunks if chunk.path_in_schema in names}
        largest = max(largest, sizes, key=lambda found: sum(found.values()))
    return largest
