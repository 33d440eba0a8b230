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

from metaclip_spark.storage.settings import changed_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metaclip_spark.storage.pool import OpenPool

_BYTES: Final = "spark.sql.execution.arrow.maxBytesPerBatch"
_ROWS: Final = "spark.sql.execution.arrow.maxRecordsPerBatch"
_NO_LIMIT: Final = str(2**31 - 1)
_NARROW_ROW: Final = 512  # mean bytes in the pool's (compressed) files
_MOST_ROWS: Final = 8_192  # a batch of rows of 128 kB, a thousand times the usual, is still 1 GB
_WIDE: Final = (T.BinaryType, T.ArrayType, T.MapType, T.StructType)


@contextmanager
def row_bounded_batches(opened: OpenPool, rows: int) -> Iterator[None]:
    """Within it, batches of narrow rows are bounded by their number alone.

    Args:
        opened: the pool. The check stays if its bytes are not known, if a column may hold things of any size, or if the
            session's user has set a limit.
        rows: of the pool.
    """
    spark = opened.rows.sparkSession
    total = opened.source.description.get("bytes")
    wide = any(isinstance(field.dataType, _WIDE) for field in opened.rows.schema.fields)
    if total is None or wide or total > rows * _NARROW_ROW or spark.conf.get(_BYTES, None) is not None:
        yield
        return
    asked = int(spark.conf.get(_ROWS) or 0)
    most = min(asked, _MOST_ROWS) if asked > 0 else _MOST_ROWS  # 0 is no limit
    with changed_settings(spark, {_BYTES: _NO_LIMIT, _ROWS: str(most)}):
        try:
            yield
        except (PySparkException, Py4JJavaError) as failure:
            failure.add_note(f"If a task ran out of memory: batches were bounded by {most} rows; set {_BYTES}=64m")
            raise
