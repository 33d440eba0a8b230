"""Types of columns that differ among files, tables and pools, and types that Spark reads only on request."""

from __future__ import annotations

import datetime as dt
import re
import shlex
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pools import pool_at

from metaclip_spark.cli.arguments.fields import run_file_of
from metaclip_spark.cli.arguments.pool import pool_of
from metaclip_spark.cli.parser import build_parser
from metaclip_spark.config.pool import Pool, PoolColumns
from metaclip_spark.curation.append.append import append
from metaclip_spark.curation.curate import curate
from metaclip_spark.errors import ConfigError, InputError
from metaclip_spark.pools.open_pool import open_pool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = pytest.mark.spark

BY_URL = PoolColumns(image_url="url")
MOMENT = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
NANOS = pa.array([1_577_836_800_123_456_789, -1], pa.int64())
UNREADABLE = {
    "half": pa.array(np.array([1.5, 2], np.float16)),
    "time_of_day": pa.array([dt.time(1), None], pa.time64("us")),
    "milliseconds": pa.array([dt.time(1), None], pa.time32("ms")),
    "wide": pa.array([Decimal("1.25"), None], pa.decimal256(60, 2)),
    "nested": pa.array([[0], None], pa.list_(pa.timestamp("ns"))),
}


def ints(kind: pa.DataType) -> pa.Array:
    return pa.array([1, None], kind)


# Values of a column in each file; the joined type and all values, in the order of the files.
JOINED: dict[str, tuple[list[Any], str, list[Any]]] = {
    "int32 and double": ([ints(pa.int32()), [1.5, None]], "double", [1.0, None, 1.5, None]),
    "int64 and double": ([ints(pa.int64()), [1.5, None]], "double", [1.0, None, 1.5, None]),
    "uint32 and double": (
        [pa.array([2**32 - 1, None], pa.uint32()), [1.5, None]],
        "double",
        [float(2**32 - 1), None, 1.5, None],
    ),
    "three sizes": ([ints(pa.int8()), ints(pa.int64()), ints(pa.int16())], "bigint", [1, None] * 3),
    "float and double": ([ints(pa.float32()), [1.5, None]], "double", [1.0, None, 1.5, None]),
    "uint64 and int64": ([ints(pa.uint64()), [7, 8]], "decimal(20,0)", [Decimal(1), None, Decimal(7), Decimal(8)]),
    "null and string": ([pa.nulls(2), ["mit", "gpl"]], "string", [None, None, "mit", "gpl"]),
    "null, absent and bigint": ([pa.nulls(2), None, [5, 6]], "bigint", [None, None, None, None, 5, 6]),
    "null and boolean": ([pa.nulls(2), [True, False]], "boolean", [None, None, True, False]),
    "null and list": ([pa.nulls(2), [["a"], []]], "array<string>", [None, None, ["a"], []]),
    "list of nulls": (
        [pa.array([[], None], pa.list_(pa.null())), [["a"], []]],
        "array<string>",
        [[], None, ["a"], []],
    ),
    "null and struct": ([pa.nulls(2), [{"a": 1}, None]], "struct<a:bigint>", [None, None, (1,), None]),
    "nanoseconds": ([NANOS.cast(pa.timestamp("ns"))], "timestamp", [123_456, -1]),
    "nanoseconds and microseconds": (
        [NANOS.cast(pa.timestamp("ns", "UTC")), pa.array([MOMENT, None], pa.timestamp("us", "UTC"))],
        "timestamp",
        [123_456, -1, 0, None],
    ),
    "no time zone": ([pa.array([MOMENT.replace(tzinfo=None), None], pa.timestamp("us"))], "timestamp", [0, None]),
    "UUID": ([pa.array([UUID(int=7).bytes, None], pa.uuid())], "binary", [UUID(int=7).bytes, None]),
}


def written(folder: Path, columns: list[dict[str, Any]]) -> Path:
    folder.mkdir()
    for number, more in enumerate(columns):
        urls = [f"http://x/{folder.name}{number}{row}" for row in range(2)]
        pq.write_table(pa.table({"url": urls, "text": ["w1", "w2"], **more}), folder / f"{number}.parquet")
    return folder


def test_types_of_files_are_joined(
    spark: SparkSession, change_settings: Callable[[dict[str, str]], None], tmp_path: Path
) -> None:
    change_settings({"spark.sql.session.timeZone": "America/Los_Angeles"})
    wrong = {}
    for number, (name, (files, kind, values)) in enumerate(JOINED.items()):
        folder = written(tmp_path / str(number), [{} if column is None else {"c": column} for column in files])
        rows = open_pool(spark, pool_at(folder, BY_URL)).rows.orderBy("image_url")
        column = "unix_micros(c) - unix_micros(timestamp'2020-01-01 00:00:00Z')" if kind == "timestamp" else "c"
        found = [row[0] for row in rows.selectExpr(column).collect()]
        if kind == "timestamp":
            before_1970 = -int(MOMENT.timestamp()) * 10**6 - 1
            found = [-1 if value == before_1970 else value for value in found]
        if (rows.schema["c"].dataType.simpleString(), found) != (kind, values):
            wrong[name] = (rows.schema["c"].dataType.simpleString(), found)
    assert wrong == {}


DIFFERENT = [{"a": ["x", "y"], "b-c": [1, 2], "d": [1, 2]}, {"a": [1, 2], "b-c": [True, False], "d": [1.5, 2]}]


def as_printed(options: str, folder: Path) -> Pool:
    typed = ["curate", "--pool", str(folder), "--url-column", "url", "--metadata", "m", "--tables", "t"]
    options_given = build_parser().parse_args([*typed, *shlex.split(options)])
    return pool_of(options_given, run_file_of(options_given))


@pytest.mark.parametrize("columns", [DIFFERENT, [UNREADABLE]], ids=["cannot be joined", "cannot be read"])
def test_remedies_work_as_printed(spark: SparkSession, tmp_path: Path, columns: list[dict[str, Any]]) -> None:
    folder = written(tmp_path / "pool", columns)
    with pytest.raises(InputError) as refused:
        open_pool(spark, pool_at(folder, BY_URL))
    message = str(refused.value)
    names = {"a", "b-c"} if columns is DIFFERENT else set(UNREADABLE)
    assert all(repr(name) in message for name in names)
    assert "0.parquet" in message
    remedies = re.findall(r"\((--[^()]*(?:\([^()]*\)[^()]*)*)\)", message)
    assert len(remedies) == (2 if columns is DIFFERENT else 1)
    for remedy in remedies:
        rows = open_pool(spark, as_printed(remedy, folder)).rows
        assert rows.count() == 2 * len(columns)
        assert len(rows.collect()) == 2 * len(columns)
        assert names <= set(rows.columns) if "--cast" in remedy else not names & set(rows.columns)


IDS: dict[str, tuple[pa.Array, list[Any]]] = {
    "binary(16)": (pa.array([b"\xff" * 16, b"\x01" * 16], pa.binary(16)), ["01" * 16, "ff" * 16]),
    "UUID": (pa.array([UUID(int=7).bytes, UUID(int=8).bytes], pa.uuid()), [f"{7:032x}", f"{8:032x}"]),
    "uint64": (pa.array([2**64 - 1, 5], pa.uint64()), [str(2**64 - 1), "5"]),
    "decimal": (pa.array([Decimal("100.00"), Decimal("7.50")], pa.decimal128(9, 2)), ["100", "7.5"]),
    "decimal of integers": (pa.array([Decimal(100), Decimal(7)], pa.decimal128(38, 0)), ["100", "7"]),
    "int8": (pa.array([3, 1], pa.int8()), [1, 3]),
}


def test_ids_have_one_text_form(spark: SparkSession, tmp_path: Path) -> None:
    found = {}
    for number, (name, (column, _)) in enumerate(IDS.items()):
        folder = written(tmp_path / str(number), [{"key": column}])
        rows = open_pool(spark, pool_at(folder, PoolColumns(uid="key"))).rows
        found[name] = [row.uid for row in rows.select("uid").orderBy("uid").collect()]
    assert found == {name: expected for name, (_, expected) in IDS.items()}


def test_ids_of_fractions_need_a_cast(spark: SparkSession, tmp_path: Path) -> None:
    pool = pool_at(written(tmp_path / "pool", [{"key": [1.0, 2.0]}]), PoolColumns(uid="key"))
    with pytest.raises(InputError, match="--cast key=string"):
        open_pool(spark, pool)
    rows = open_pool(spark, replace(pool, cast={"key": "bigint"})).rows
    assert [row.uid for row in rows.select("uid").orderBy("uid").collect()] == [1, 2]
    with pytest.raises(ConfigError, match="'nonsense' of column 'key' is unknown"):
        open_pool(spark, replace(pool, cast={"key": "nonsense"}))


def test_types_of_tables_are_joined(spark: SparkSession, tmp_path: Path) -> None:
    kinds = {"ints": "int", "doubles": "double", "texts": "string"}
    for name, kind in kinds.items():
        rows = spark.sql(f"SELECT '{name}' AS url, 'w1' AS text, CAST(1 AS {kind}) AS n")
        rows.write.format("delta").save(str(tmp_path / name))
    paths = {name: tmp_path / name for name in kinds}
    pool = pool_at([paths["ints"], paths["doubles"]], BY_URL, format="delta")
    assert open_pool(spark, pool).rows.schema["n"].dataType.simpleString() == "double"
    pool = pool_at(list(paths.values()), BY_URL, format="delta")
    with pytest.raises(InputError, match=r"--drop n\), or cast them to one type \(--cast n=string\)"):
        open_pool(spark, pool)
    assert open_pool(spark, replace(pool, cast={"n": "string"})).rows.count() == len(kinds)
    assert "n" not in open_pool(spark, replace(pool, drop=("n",))).rows.columns


def test_types_are_joined_by_append(spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path) -> None:
    first = written(tmp_path / "a", [{"n": pa.array([1, 2], pa.int32()), "none": pa.nulls(2), "word": ["u", "v"]}])
    later = [
        pool_at(written(tmp_path / "b", [{"n": [1.5, None], "none": ["x", "y"], "word": pa.nulls(2)}]), BY_URL),
        pool_at(written(tmp_path / "c", [{"n": ["p", "q"], "none": ["x", "y"], "word": ["s", "t"]}]), BY_URL),
    ]
    root = str(tmp_path / "out")
    curate(spark, pool_at(first, BY_URL), metadata, root)
    append(spark, later[0], metadata, root)
    rows = spark.read.format("delta").load(f"{root}/curated").orderBy("image_url")
    assert rows.select("n", "none", "word").dtypes == [("n", "double"), ("none", "string"), ("word", "string")]
    assert [tuple(row) for row in rows.select("n", "none", "word").collect()] == [
        (1.0, None, "u"), (2.0, None, "v"), (1.5, "x", None), (None, "y", None)
    ]  # fmt: skip
    with pytest.raises(InputError, match="'n' is string, not double") as refused:
        append(spark, later[1], metadata, root)
    assert "--cast n=double" in str(refused.value)
    assert "--drop n" in str(refused.value)
    append(spark, replace(later[1], drop=("n",)), metadata, root)
    assert spark.read.format("delta").load(f"{root}/curated").where("n IS NULL").count() == 3


def test_encodings_that_spark_cannot_read(spark: SparkSession, tmp_path: Path) -> None:
    table = pa.table({"url": ["a", "b"], "text": ["w1", "w2"], "f": [1.5, 2.5]})
    plain = {"use_dictionary": False, "column_encoding": {"f": "BYTE_STREAM_SPLIT"}}
    pq.write_table(table, tmp_path / "split.parquet", **plain)
    pool = pool_at(tmp_path / "split.parquet", BY_URL)
    with pytest.raises(InputError, match=r"'f' \(encoding BYTE_STREAM_SPLIT\) in .*split.parquet.*\(--drop f\)"):
        open_pool(spark, pool)
    assert open_pool(spark, replace(pool, drop=("f",))).rows.count() == 2
    pq.write_table(table, tmp_path / "brotli.parquet", compression="brotli")
    with pytest.raises(InputError, match=r"'text' \(codec BROTLI\).* Write the files again"):
        open_pool(spark, pool_at(tmp_path / "brotli.parquet", BY_URL))
