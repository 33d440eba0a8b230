"""Curated uids as DataComp's resharder reads them: one sorted array of 128-bit numbers, searched by bisection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.errors import ConsistencyError, InputError
from metaclip_spark.exports.export_report import ExportReport
from metaclip_spark.exports.rows import open_curated
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
"""numpy's "u8,u8": the first 16 hex digits of a uid, and the last 16."""

_HEX: Final = "^[0-9a-fA-F]{32}$"
_SCHEMA: Final = "pairs binary"


def export_datacomp(spark: SparkSession, output: str, target: str, *, overwrite: bool = False) -> ExportReport:
    """Curated uids as the `.npy` subset file of DataComp: dtype [("f0", "<u8"), ("f1", "<u8")], ascending, each once.

    Spark sorts; the driver holds one partition's numbers at a time.

    Args:
        spark: a session with Delta.
        output: root (a path, or catalog.schema) of the run's tables.
        target: file to write, on this machine.
        overwrite: replace an earlier export.

    Raises:
        InputError: uids are not 32 hex digits.
        ConfigError: the target is in a remote store, or overlaps with what is read.
        TableError: there is no finished run, or the target exists.
    """
    place, run, rows = open_curated(spark, output, target)
    with new_file(place, overwrite=overwrite) as path, translated_job_errors(Tables(spark, output)):
        _refuse_other_uids(rows)
        ordered = map_in_arrow(rows.select(F.lower("uid").alias("uid")).orderBy("uid"), _pairs, _SCHEMA)
        uids = _write(path, (row.pairs for row in ordered.toLocalIterator(prefetchPartitions=True)))
        left_out = rows.count() - uids
    return ExportReport("datacomp", place, uids, left_out, [], run.run_id)


def _refuse_other_uids(rows: DataFrame) -> None:
    kind = rows.schema["uid"].dataType.simpleString()
    other = rows.where(~F.col("uid").cast("string").rlike(_HEX)).select(F.col("uid").cast("string")).take(1)
    if kind != "string" or other:
        example = f", such as {other[0][0]!r}" if other else ""
        raise InputError(
            f"uids of this table are no 32 hex digits (type {kind}{example}), which DataComp's lists are made of: "
            "curate with DataComp's own uid as the id column, or with none, which derives such ids from URL and text"
        )


def _pairs(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """One partition's sorted uids as the bytes of their numbers; repeats, which are neighbours, are left out."""
    last = np.zeros((0, 2), ">u8")
    for batch in batches:
        pairs = np.frombuffer(bytes.fromhex("".join(batch.column("uid").to_pylist())), ">u8").reshape(-1, 2)
        after_last = np.concatenate([last, pairs])
        fresh = np.ones(len(pairs), np.bool_)
        fresh[len(pairs) - len(after_last) + 1 :] = (after_last[1:] != after_last[:-1]).any(axis=1)
        last = after_last[-1:]
        yield pa.record_batch([pa.array([pairs[fresh].astype("<u8").tobytes()], pa.binary())], names=["pairs"])


def _write(path: Path, blocks: Iterator[bytearray]) -> int:
    """Write the array as it comes; its length, known at the end, is put into the header then."""
    with path.open("wb") as file:
        start = _write_header(file, 0)
        for block in blocks:
            file.write(block)
        length = (file.tell() - start) // _PAIR.itemsize
        file.seek(0)
        if _write_header(file, length) != start:
            raise ConsistencyError(f"the header of {path} changed its size with the length {length}")
    return length


def _write_header(file: BinaryIO, length: int) -> int:
    """Write the header, in which numpy leaves room in a header for a length that grows; returns where it ends."""
    np.lib.format.write_array_header_1_0(
        file, {"descr": np.lib.format.dtype_to_descr(_PAIR), "fortran_order": False, "shape": (length,)}
    )
    return file.tell()
