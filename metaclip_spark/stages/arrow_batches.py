"""Batches of whole rows without Spark's size check, where the pool shows that it is not needed.

Spark bounds a batch by rows and by bytes; to know the bytes it adds up the buffers of every column after every row,
which takes a seventh of the second pass's JVM time. A pool of captions and URLs has some hundred bytes a row, so that a
bound in rows is one in bytes: then the check is left out. Wide rows (embedded images, page texts) keep it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

    from metaclip_spark.storage.pool import Source

_BYTES: Final = "spark.sql.execution.arrow.maxBytesPerBatch"
_ROWS: Final = "spark.sql.execution.arrow.maxRecordsPerBatch"
_NO_LIMIT: Final = str(2**31 - 1)
_NARROW_ROW: Final = 1024  # mean bytes in the pool's (compressed) files
_MOST_ROWS: Final = 16_384  # a batch of rows of 64 kB, a thousand times the usual, is still 1 GB


@contextmanager
def row_bounded_batches(spark: SparkSession, source: Source, rows: int) -> Iterator[None]:
    """Within it, batches of narrow rows are bounded by their number alone; the session's settings come back afterwards.

    Args:
        spark: the session; a byte limit that its user has set stays.
        source: of the pool; without a number of bytes the check stays too.
        rows: of the pool.
    """
    total = source.description.get("bytes")
    narrow = total is not None and total < rows * _NARROW_ROW
    if not narrow or spark.conf.get(_BYTES, None) is not None:
        yield
        return
    most = spark.conf.get(_ROWS, None)
    spark.conf.set(_BYTES, _NO_LIMIT)
    spark.conf.set(_ROWS, str(min(int(most or _MOST_ROWS), _MOST_ROWS)))
    try:
        yield
    finally:
        spark.conf.unset(_BYTES)
        if most is None:
            spark.conf.unset(_ROWS)
        else:
            spark.conf.set(_ROWS, most)
