"""Batches of whole rows without Spark's size check, where the pool shows that it is not needed.

Spark bounds a batch by rows and by bytes; to know the bytes it adds up the buffers of every column after every row,
which took 10 to 18 % of the job's JVM time on a busy machine. A pool of captions and URLs has some hundred bytes
a row, so that a bound in rows is one in bytes: then the check is left out. Wide rows (embedded images, page texts)
keep it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.pools.parquet_sizes import size_by_job, sizes_by_footers
from metaclip_spark.spark.session_features import input_files
from metaclip_spark.spark.settings import changed_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame

_BYTES: Final = "spark.sql.execution.arrow.maxBytesPerBatch"
_ROWS: Final = "spark.sql.execution.arrow.maxRecordsPerBatch"
_NO_LIMIT: Final = str(2**31 - 1)
_MEAN_BATCH: Final = 2 * 2**20  # bytes of the pool's (compressed) files that a batch holds in the mean
_LOOKED_AT: Final = 8  # files; of a pool in several folders those of another kind are likely to be among them
_FEWEST_ROWS: Final = 4_096  # below it, rows are so wide that the check costs little beside them
# The gain ends here. Rows of 64 kB, some hundred times the usual, all in one batch, are still 1 GB.
_MOST_ROWS: Final = 16_384
_WIDE: Final = (T.BinaryType, T.ArrayType, T.MapType, T.StructType)


@contextmanager
def row_bounded_batches(rows: DataFrame) -> Iterator[None]:
    """Within it, batches of narrow rows are bounded by their number alone.

    Args:
        rows: the pool. The check stays if it is not of Parquet files (those of Delta are), if a column may hold things
            of any size, or if the session's user has set a limit.
    """
    spark = rows.sparkSession
    wide = any(isinstance(field.dataType, _WIDE) for field in rows.schema.fields)
    fitting = 0 if wide or spark.conf.get(_BYTES, None) is not None else _fitting_rows(rows)
    if fitting < _FEWEST_ROWS:
        yield
        return
    asked = int(spark.conf.get(_ROWS) or 0)
    most = min(fitting, asked if asked > 0 else _MOST_ROWS, _MOST_ROWS)  # 0 is no limit
    with changed_settings(spark, {_BYTES: _NO_LIMIT, _ROWS: str(most)}):
        try:
            yield
        except (PySparkException, Py4JJavaError) as failure:
            failure.add_note(
                f"if a task ran out of memory, or a buffer was too large: batches were bounded by {most} rows, by the "
                f"size of a few of the pool's files; set {_BYTES}=64m where others hold much longer texts"
            )
            raise


def _fitting_rows(rows: DataFrame) -> int:
    """Rows that a batch of the mean size would hold, by the widest rows of a few files spread over the pool."""
    spark = rows.sparkSession
    files = input_files(rows)
    if not files or not files[len(files) // 2].endswith(".parquet"):
        return 0
    places = sorted({(len(files) - 1) * place // (_LOOKED_AT - 1) for place in range(_LOOKED_AT)})
    sizes = sizes_by_footers(spark, [files[place] for place in places])
    if sizes is None:
        sizes = [size] if (size := size_by_job(spark, files[len(files) // 2])) else []
    # A damaged file the pass names itself.
    return min((_MEAN_BATCH * size.rows // size.bytes for size in sizes if size.rows), default=0)
