"""Batches of rows that fit the width of a pool's rows: for narrow rows without Spark's check of their bytes.

Spark bounds a batch by rows and by bytes. To know the bytes it adds up the buffers of every column after every row,
which took 10 to 18 % of the job's JVM time on a busy machine. A row of captions and URLs has a few hundred bytes, so a
bound on rows also bounds the bytes, and the check is left out. For wide rows (embedded images, page texts) it is kept,
and Spark's Parquet reader takes fewer rows at once: it holds 4,096 of them, which are 20 GB of images of 5 MB.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.pools.parquet_sizes import FileSize, size_by_job, sizes_by_footers
from metaclip_spark.pools.row_group_memory import check_row_groups
from metaclip_spark.spark.session_features import input_files
from metaclip_spark.spark.settings import changed_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame

_BYTES: Final = "spark.sql.execution.arrow.maxBytesPerBatch"
_ROWS: Final = "spark.sql.execution.arrow.maxRecordsPerBatch"
_NO_LIMIT: Final = str(2**31 - 1)
_MEAN_BATCH: Final = 2 * 2**20  # mean compressed bytes of a batch, as in the pool's files
_SAMPLED_FILES: Final = 8  # most likely enough to include files of each folder of a pool
_MIN_ROWS: Final = 4_096  # below it, rows are so wide that the check costs little in comparison
# More rows bring no gain. Even with rows of 64 kB, about a hundred times the usual size, a batch has only 1 GB.
_MAX_ROWS: Final = 16_384
_READER_ROWS: Final = "spark.sql.parquet.columnarReaderBatchSize"
_READER_BATCH: Final = 64 * 2**20  # bytes of a batch of the Parquet reader
_DEFAULT_READER_ROWS: Final = 4_096
_WIDE: Final = (T.BinaryType, T.ArrayType, T.MapType, T.StructType)


@contextmanager
def row_bounded_batches(rows: DataFrame) -> Iterator[None]:
    """Bound batches of narrow rows by their number of rows alone.

    Args:
        rows: Rows of the pool. The check is kept if they are not in Parquet files (Delta's are), if a column can have
            values of any size, or if the user of the session has set a limit.
    """
    spark = rows.sparkSession
    wide = any(isinstance(field.dataType, _WIDE) for field in rows.schema.fields)
    sizes = _sampled_sizes(rows) if wide or spark.conf.get(_BYTES, None) is None else []
    # The pass itself reports damaged files.
    fitting = 0 if wide else min((_MEAN_BATCH * size.rows // size.bytes for size in sizes if size.rows), default=0)
    if fitting < _MIN_ROWS:
        most = min((_READER_BATCH * size.rows // size.bytes for size in sizes if size.rows), default=_MAX_ROWS)
        fewer = {_READER_ROWS: str(max(1, most))} if wide and most < _DEFAULT_READER_ROWS else {}
        with changed_settings(spark, fewer):
            yield
        return
    configured = int(spark.conf.get(_ROWS) or 0)
    max_rows = min(fitting, configured if configured > 0 else _MAX_ROWS, _MAX_ROWS)  # 0 means no limit
    with changed_settings(spark, {_BYTES: _NO_LIMIT, _ROWS: str(max_rows)}):
        try:
            yield
        except (PySparkException, Py4JJavaError) as failure:
            failure.add_note(
                f"if a task ran out of memory, or a buffer was too large: batches were limited to {max_rows} rows, "
                f"estimated from a few of the pool's files; set {_BYTES}=64m if other files have much longer texts"
            )
            raise


def _sampled_sizes(rows: DataFrame) -> list[FileSize]:
    """Return the sizes of a few files across the pool; none if it is not in Parquet files."""
    spark = rows.sparkSession
    files = input_files(rows)
    if not files or not files[len(files) // 2].endswith(".parquet"):
        return []
    places = sorted({(len(files) - 1) * place // (_SAMPLED_FILES - 1) for place in range(_SAMPLED_FILES)})
    sampled = [files[place] for place in places]
    check_row_groups(rows, sampled)
    sizes = sizes_by_footers(spark, sampled)
    if sizes is None:
        sizes = [size] if (size := size_by_job(spark, files[len(files) // 2])) else []
    return sizes
