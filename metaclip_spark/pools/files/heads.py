"""First bytes of a few files, read by the driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.pools.files.content_kinds import HEAD_BYTES
from metaclip_spark.spark.file_listing import hadoop_settings, listed_files
from metaclip_spark.spark.session_features import has_spark_context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import SparkSession

# Without a SparkContext a file is read completely for its first bytes.
_MAX_COMPLETE: Final = 32 * 2**20


def file_heads(spark: SparkSession, names: Sequence[str]) -> dict[str, bytes]:
    """Return the first bytes of files by name; files that cannot be opened, or only at a high cost, are left out."""
    try:
        if has_spark_context(spark):
            return {name: _head(spark, name) for name in names}
        if not names:
            return {}
        head = F.substring("content", 1, HEAD_BYTES).alias("head")
        rows = listed_files(spark, *names).where(F.col("length") <= _MAX_COMPLETE).select("path", head).collect()
        return {row.path: bytes(row.head) for row in rows}
    except (PySparkException, Py4JError):
        return {}


def _head(spark: SparkSession, name: str) -> bytes:
    path = spark._jvm.org.apache.hadoop.fs.Path(name)  # type: ignore[union-attr]  # noqa: SLF001 - pyspark has no other way
    stream = path.getFileSystem(hadoop_settings(spark)).open(path)
    try:
        return bytes(stream.readNBytes(HEAD_BYTES))
    finally:
        stream.close()
