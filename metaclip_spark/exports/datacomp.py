"""Export of curated uids for DataComp's resharder, which searches one sorted array of 128-bit numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.errors import ConsistencyError, InputError
from metaclip_spark.exports.curated_rows import open_curated
from metaclip_spark.exports.export_report import ExportReport
from metaclip_spark.spark.arrow_functions import map_in_arrow
from metaclip_spark.spark.job_errors import translated_job_errors
from metaclip_spark.tables.output_files import new_file
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from pyspark.sql import DataFrame, SparkSession

_PAIR: Final = np.dtype([("f0", "<u8"), ("f1", "<u8")])
"""The first and the last 16 hex digits of a uid, as numpy's dtype "u8,u8"."""

_HEX: Final = "^[0-9a-fA-F]{32}$"
_SCHEMA: Final = "pairs binary"


def export_datacomp(spark: SparkSession, root: str, output: str, *, overwrite: bool = False) -> ExportReport:
    """Write the curated uids as a `.npy` subset file: dtype [("f0", "<u8"), ("f1", "<u8")], ascending, each uid once.

    Spark sorts the uids. The driver holds those of one partition at a time.

    Args:
        spark: Session that can read Delta tables.
        root: Root of the run's tables: a path, or catalog.schema.
        output: File to write, on this machine.
        overwrite: If True, replace an earlier export.

    Raises:
        InputError: The uids are not 32 hex digits.
        ConfigError: The output is in a remote store, or overlaps with the tables or a pool.
        TableError: There is no finished run, or the output exists.
    """
    place, run, rows = open_curated(spark, root, output)
    with new_file(place, overwrite=overwrite) as path, translated_job_errors(Tables(spark, root)):
        _check_uids(rows)
        ordered = map_in_arrow(rows.select(F.lower("uid").alias("uid")).orderBy("uid"), _pairs, _SCHEMA)
        uids = _write(path, (row.pairs for row in ordered.toLocalIterator(prefetchPartitions=True)))
        left_out = rows.count() - uids
    return ExportReport("datacomp", place, uids, left_out, [], run.run_id)


def _check_uids(rows: DataFrame) -> None:
    kind = rows.schema["uid"].dataType.simpleString()
    other = rows.where(~F.col("uid").cast("string").rlike(_HEX)).select(F.col("uid").cast("string")).take(1)
    if kind != "string" or other:
        example = f", such as {other[0][0]!r}" if other else ""
        raise InputError(
            f"The uids of this table are not 32 hex digits (type {kind}{example}), as DataComp's subset files need. "
            "Curate with DataComp's uid as the id column, or with derived ids (no id column)."
        )


def _pairs(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Return the sorted uids of a partition as the bytes of their numbers, without repeats, which are neighbours."""
    last = np.zeros((0, 2), ">u8")
    for batch in batches:
        pairs = np.frombuffer(bytes.fromhex("".join(batch.column("uid").to_pylist())), ">u8").reshape(-1, 2)
        after_last = np.concatenate([last, pairs])
        fresh = np.ones(len(pairs), np.bool_)
        fresh[len(pairs) - len(after_last) + 1 :] = (after_last[1:] != after_last[:-1]).any(axis=1)
        last = after_last[-1:]
        yield pa.record_batch([pa.array([pairs[fresh].astype("<u8").tobytes()], pa.binary())], names=["pairs"])


def _write(path: Path, blocks: Iterator[bytearray]) -> int:
    """Write the array block by block, then its length into the header. Return the length."""
    with path.open("wb") as file:
        start = _write_header(file, 0)
        for block in blocks:
            file.write(block)
        length = (file.tell() - start) // _PAIR.itemsize
        file.seek(0)
        if _write_header(file, length) != start:
            raise ConsistencyError(f"The header of {path} changed its size with the length {length}.")
    return length


def _write_header(file: BinaryIO, length: int) -> int:
    """Write the header and return its end. numpy pads it, so that the length can be written later."""
    np.lib.format.write_array_header_1_0(
        file, {"descr": np.lib.format.dtype_to_descr(_PAIR), "fortran_order": False, "shape": (length,)}
    )
    return file.tell()
