"""Tests of exports: their content as their readers read it, and what they never replace or leave behind."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import metaclip_spark
from metaclip_spark import example
from metaclip_spark.audit.dry_run import dry_run
from metaclip_spark.audit.explain.explain_caption import explain_caption
from metaclip_spark.cli import main
from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.core.matching.matcher import Matcher
from metaclip_spark.curation.curate import curate
from metaclip_spark.errors import ColumnNotFoundError, ConfigError, ConsistencyError, InputError, TableError
from metaclip_spark.exports import img2dataset, jsonl
from metaclip_spark.exports.curated_rows import check_columns
from metaclip_spark.exports.datacomp import _pairs, export_datacomp
from metaclip_spark.exports.entry_probabilities import export_entry_probabilities
from metaclip_spark.exports.img2dataset import export_img2dataset
from metaclip_spark.exports.jsonl import export_jsonl
from metaclip_spark.tables.output_files import check_rows_readable, new_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame, SparkSession

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def curated(spark: SparkSession, example_root: str) -> DataFrame:
    return spark.read.format("delta").load(f"{example_root}/curated")


@pytest.fixture(scope="module")
def counts(spark: SparkSession, example_root: str) -> dict[int, int]:
    rows = spark.read.format("delta").load(f"{example_root}/entry_counts").select("entry_id", "count").collect()
    return dict(map(tuple, rows))


def test_img2dataset_reads_its_columns_from_every_parquet_file(
    spark: SparkSession, example_root: str, curated: DataFrame, tmp_path: Path
) -> None:
    target = tmp_path / "export"
    report = export_img2dataset(spark, example_root, str(target), columns=["synset"])
    files = sorted(target.glob("*.parquet"))
    columns = ["url", "caption", "uid", "synset"]
    found = pa.concat_tables([pq.read_table(file, columns=columns) for file in files]).to_pylist()
    expected = curated.selectExpr("image_url AS url", "text AS caption", "uid", "synset").collect()
    assert sorted(found, key=lambda row: row["uid"]) == sorted(
        (row.asDict() for row in expected), key=lambda row: row["uid"]
    )
    assert (report.rows, report.left_out, report.columns) == (len(expected), 0, columns)


def test_only_overwrite_replaces_an_export(spark: SparkSession, example_root: str, tmp_path: Path) -> None:
    target = tmp_path / "export"
    (tmp_path / "export.partial" / "somebody else's").mkdir(parents=True)
    export_jsonl(spark, example_root, str(target), columns=["uid"])
    before = sorted(path.name for path in target.iterdir())
    with pytest.raises(TableError, match="exists"):
        export_jsonl(spark, example_root, str(target), columns=["text"])
    assert sorted(path.name for path in target.iterdir()) == before
    export_img2dataset(spark, example_root, str(target), overwrite=True)
    assert not list(target.glob("*.json"))
    assert {path.name for path in tmp_path.iterdir()} == {"export", "export.partial"}
    assert (tmp_path / "export.partial" / "somebody else's").exists()
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter").write_text("one")
    with pytest.raises(TableError, match="cannot be replaced"):
        export_jsonl(spark, example_root, str(tmp_path / "thesis"), overwrite=True)
    assert (tmp_path / "thesis" / "chapter").read_text() == "one"


def test_spark_does_not_replace_a_folder_in_a_store(spark: SparkSession, tmp_path: Path) -> None:
    with (
        pytest.raises(TableError, match="s3a://bucket/export exists"),
        new_folder("s3a://bucket/export", overwrite=False),
    ):
        spark.range(1).write.parquet(str(tmp_path))  # stands for the store


def test_a_path_without_a_scheme_is_where_spark_writes(
    spark: SparkSession,
    example_root: str,
    small_pool: Pool,
    metadata: CompiledMetadata,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    default_store: Callable[[dict[str, Path | str]], str],
) -> None:
    monkeypatch.chdir(tmp_path)
    pool = replace(small_pool, paths=tuple(f"file://{path}" for path in small_pool.paths))
    store, tables = tmp_path / "store", f"file://{example_root}"
    store.mkdir()
    address = default_store({"exports": store, "tables": example_root})
    report = export_jsonl(spark, tables, "/exports/lines", columns=["uid"])
    assert report.output == f"{address}/exports/lines"
    assert report.rows == sum(len(file.read_text().splitlines()) for file in (store / "lines").glob("*.json"))
    with pytest.raises(TableError, match=f"{address}/exports/lines exists"):
        export_img2dataset(spark, tables, "/exports/lines")
    with pytest.raises(ConfigError, match=rf"{address}/exports/p.npy is in a store.*file:///"):
        export_entry_probabilities(spark, tables, "/exports/p.npy")
    with pytest.raises(ConfigError, match=rf"uids.npy is relative.*file://{tmp_path}/uids.npy"):
        export_datacomp(spark, tables, "uids.npy")
    with pytest.raises(ConfigError, match="overlaps"):
        export_jsonl(spark, "/tables", f"{address}/tables/lines")
    assert dry_run(spark, pool, metadata, "/exports/tables").free_bytes is None
    here = export_img2dataset(spark, tables, f"file://{tmp_path}/here")
    assert pq.read_table(tmp_path / "here").num_rows == here.rows > 0
    assert {path.name for path in tmp_path.iterdir()} == {"store", "here"}
    assert [path.name for path in store.iterdir()] == ["lines"]


def test_rows_left_on_the_disk_of_an_executor_are_an_error(
    spark: SparkSession, example_root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = {form: tmp_path / f"[{form}] {{a,b}} *" for form in ("parquet", "json")}
    rows = spark.range(4).repartition(2)
    for form, place in places.items():
        rows.write.format(form).save(str(place))
        check_rows_readable(spark, str(place), 4, form=form, schema=rows.schema)
        for found in (r"\d", "0"):
            next(place.glob("part-*")).unlink()
            with pytest.raises(ConsistencyError, match=f"^4 rows were exported to .*, but {found} can be read back"):
                check_rows_readable(spark, str(place), 4, form=form, schema=rows.schema)

    def lost(spark: SparkSession, path: str, *args: Any, **options: Any) -> None:
        next(Path(path.removeprefix("file://")).glob("part-*")).unlink()  # as if it were on another machine
        check_rows_readable(spark, path, *args, **options)

    for module in (img2dataset, jsonl):
        monkeypatch.setattr(module, "check_rows_readable", lost)
    for export in (export_img2dataset, export_jsonl):
        with pytest.raises(ConsistencyError, match="that all of them reach"):
            export(spark, example_root, str(tmp_path / "export"))
    assert {path.name for path in tmp_path.iterdir()} == {place.name for place in places.values()}


def test_names_are_compared_without_case(spark: SparkSession) -> None:
    rows = spark.range(1).selectExpr("id AS uid", "id AS Caption")
    for columns, taken, says in (
        (["Caption"], ("url", "caption", "uid"), "'Caption' would be in the export twice, beside 'caption'"),
        (["uid", "uid"], (), "'uid' would be in the export twice"),
    ):
        with pytest.raises(ConfigError, match=says):
            check_columns(rows, columns, taken=taken)
    with pytest.raises(ColumnNotFoundError, match="Did you mean 'Caption'"):
        check_columns(rows, ["CAPTIONS"], taken=())
    check_columns(rows, ["uid", "Caption"], taken=())


@pytest.mark.parametrize("target", ["{root}", "{root}/curated", "{root}/..", "{root}/../pool", "{root}/new"])
def test_an_export_does_not_overwrite_its_sources(spark: SparkSession, example_root: str, target: str) -> None:
    place = str(Path(target.format(root=example_root)).resolve())
    for export in (export_img2dataset, export_jsonl, export_datacomp):
        with pytest.raises(ConfigError, match="overlaps"):
            export(spark, example_root, place, overwrite=True)


def test_json_lines_have_the_same_keys_in_every_line(
    spark: SparkSession, example_root: str, curated: DataFrame, tmp_path: Path
) -> None:
    report = export_jsonl(spark, example_root, str(tmp_path / "lines"), gzip=True)
    files = list((tmp_path / "lines").glob("*.json.gz"))
    lines = [line for file in files for line in gzip.decompress(file.read_bytes()).decode().splitlines()]
    found = {row["uid"]: row for row in map(json.loads, lines)}
    expected = {row.uid: row.asDict() for row in curated.collect()}
    assert found == expected
    assert report.rows == len(lines) == len(expected)
    with pytest.raises(ColumnNotFoundError, match="Did you mean 'uid'"):
        export_jsonl(spark, example_root, str(tmp_path / "other"), columns=["uids"])
    with pytest.raises(ConfigError, match="twice"):
        export_img2dataset(spark, example_root, str(tmp_path / "other"), columns=["uid"])
    assert not (tmp_path / "other").exists()


def test_datacomps_resharder_finds_every_uid_by_bisection(
    spark: SparkSession, example_root: str, curated: DataFrame, tmp_path: Path
) -> None:
    target = tmp_path / "new folder" / "uids.npy"
    report = export_datacomp(spark, example_root, str(target))
    uids = np.load(target, mmap_mode="r")
    assert uids.dtype == np.dtype("u8,u8")
    assert np.array_equal(uids, np.unique(uids))
    expected = [row.uid for row in curated.select("uid").collect()]
    assert sorted(f"{high:016x}{low:016x}" for high, low in uids.tolist()) == sorted(expected)
    sought = np.array([divmod(int(uid, 16), 2**64) for uid in expected[:500]], np.dtype("u8,u8"))
    assert (np.searchsorted(uids, sought, "right") - np.searchsorted(uids, sought, "left") == 1).all()
    assert (report.rows, report.left_out) == (len(expected), 0)


def test_a_repeated_uid_is_listed_once() -> None:
    batches = [["0" * 32] * 2, ["0" * 32], [], ["0" * 31 + "1", "8" + "0" * 31, "f" * 32], ["f" * 32]]
    found = [
        np.frombuffer(block.column("pairs")[0].as_py(), "u8,u8").tolist()
        for block in _pairs(pa.record_batch([pa.array(uids, pa.string())], names=["uid"]) for uids in batches)
    ]
    assert [pair for block in found for pair in block] == [(0, 0), (0, 1), (2**63, 0), (2**64 - 1, 2**64 - 1)]


def test_uids_that_are_not_32_hex_digits_are_refused(
    spark: SparkSession, small_pool: Pool, metadata: CompiledMetadata, tmp_path: Path
) -> None:
    root = str(tmp_path / "tables")
    curate(spark, small_pool, metadata, root, CurateConfig(t=20))
    with pytest.raises(InputError, match=r"type bigint, such as '\d+'.*32 hex digits|32 hex digits.*bigint"):
        export_datacomp(spark, root, str(tmp_path / "uids.npy"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tables"]


def test_probabilities_by_entry_id(
    spark: SparkSession, example_root: str, counts: dict[int, int], tmp_path: Path
) -> None:
    export_entry_probabilities(spark, example_root, str(tmp_path / "p.npy"))
    export_entry_probabilities(spark, example_root, str(tmp_path / "p.parquet"), t=5)
    p = np.load(tmp_path / "p.npy")
    assert p.shape == (86_654,)
    assert p.tolist() == [min(1.0, example.T / counts.get(entry, 1)) for entry in range(86_654)]
    rows = pq.read_table(tmp_path / "p.parquet").to_pylist()
    assert {row["entry_id"]: (row["count"], row["probability"]) for row in rows} == {
        entry: (count, min(1.0, 5 / count)) for entry, count in counts.items()
    }
    for target, error in (("p.csv", ConfigError), ("p.npy", TableError)):
        with pytest.raises(error):
            export_entry_probabilities(spark, example_root, str(tmp_path / target))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.npy", "p.parquet"]


def test_the_documented_loader_draws_with_the_probability_of_the_curation(
    spark: SparkSession,
    example_root: str,
    example_metadata: CompiledMetadata,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    export_entry_probabilities(spark, example_root, "probabilities.npy")
    (tmp_path / "entries.txt.gz").write_bytes(example.metadata_path().read_bytes())
    document = Path(next(iter(metaclip_spark.__path__))) / "exports" / "GUIDE.md"
    (snippet,) = re.findall(r"<!-- loader -->\n```python\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    exec(snippet, names)
    captions = ["you dirty dog", "a wolf is about the size of a large dog", "he is of the house", "zzz", "an aardvark"]
    epochs = 3_000
    seen = dict.fromkeys(captions, 0)
    for epoch in range(epochs):
        for caption in names["sampled"](captions, epoch):  # type: ignore[operator]
            seen[caption] += 1
    for caption in captions:
        found = explain_caption(spark, example_root, caption, example_metadata)
        q = found.probability or 0.0
        assert bool(found.entries) == bool(Matcher(example_metadata).match(caption))
        assert abs(seen[caption] - epochs * q) <= 4.5 * np.sqrt(epochs * q * (1 - q)), (caption, q)
    assert seen["an aardvark"] == epochs
    assert seen["zzz"] == 0


def test_on_the_command_line(
    example_root: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["export", "--tables", example_root, "--output", "uids.npy", "--to", "datacomp"]
    assert main(arguments) == 0
    assert "as datacomp" in capsys.readouterr().out
    assert main([*arguments, "--overwrite", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == len(np.load("uids.npy"))
    assert main(arguments) == 6
    assert main([*arguments, "--gzip"]) == 2
    assert "--gzip" in capsys.readouterr().err
