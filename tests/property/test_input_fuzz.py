"""Broken configuration, metadata and pools: a value or a named error, nothing else, and never half a table."""

from __future__ import annotations

import gzip
import json
import math
import random
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from odd_folders import FORMATS, OddFolder

from metaclip_spark import compile_metadata, preset_pool, read_metadata
from metaclip_spark.cli import main
from metaclip_spark.cli.arguments.fields import run_file_of
from metaclip_spark.cli.arguments.pool import pool_of
from metaclip_spark.cli.arguments.recipe import config_of
from metaclip_spark.cli.arguments.session import session_options
from metaclip_spark.cli.parser import build_parser
from metaclip_spark.config.curation import COMPRESSIONS, TEXTS_PER_IMAGE, CurateConfig
from metaclip_spark.config.pool import POOL_FORMATS, Pool, PoolColumns
from metaclip_spark.core.matching.artifact import artifact_to_bytes
from metaclip_spark.errors import MetaclipSparkError, MetaclipSparkWarning
from metaclip_spark.pools.presets import PRESETS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import SparkSession

few_and_many = pytest.mark.parametrize("cases", [300, pytest.param(7_000, marks=pytest.mark.slow)], ids=["few", "many"])

ODD_BYTES = [b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\r", b"\n", b"\t", b'"', b"\\", b"{", b"[", b"," * 9]
ODD_VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2**63, 2**64, 10**400, 0.5, -0.0, 1e308, math.nan, math.inf, "", " ", "a", "en", "a=b",
    "\0", "\ud800", "x" * 5_000, "text", "csv", "json", "delta", "schema.table", [], ["a"], ["a", "a"], ["a=b", "="],
    [[]], [1], [None], [["a", "b"]], {}, {"a": "b"}, {"a": 1}, {1: "a"}, (), ("a",), ("a", 1), b"a", object(),
    *POOL_FORMATS, *TEXTS_PER_IMAGE, *COMPRESSIONS, *PRESETS,
]  # fmt: skip
TOML_VALUES = [
    "1", "-1", "0", "1e400", "nan", "-inf", "true", '"a"', '"csv"', '"json"', '"delta"', '""', "[]", '["a=b"]', '["a"]',
    "[1]", "{}", '{a = "b"}', "{a = 1}", "1979-05-27", "9223372036854775807", "1" * 400, '"laion"', '"cc3m"',
    '"\\u0000"', "", "=",
]  # fmt: skip


def broken(random_: random.Random, content: bytes) -> bytes:
    """The content with a few bytes cut, changed, put in or repeated."""
    data = bytearray(content)
    for _ in range(random_.randint(1, 4)):
        start = random_.randint(0, len(data))
        end = min(len(data), start + random_.choice([0, 1, 1, 2, 8, 10**6]))
        put = random_.choice([b"", random_.choice(ODD_BYTES), random_.randbytes(3), bytes(data[start:end]) * 2])
        data[start:end] = put
    return bytes(data)


def value_or_named_error(call: Callable[[], object]) -> bool:
    """Whether it is a value; an error without a name fails the test."""
    try:
        call()
    except MetaclipSparkError:
        return False
    return True


@few_and_many
def test_values(cases: int) -> None:
    random_ = random.Random(cases)
    fields = {kind: [*kind.__dataclass_fields__] for kind in (CurateConfig, Pool, PoolColumns)}
    sound = {
        CurateConfig: {},
        Pool: {"paths": ("p",), "columns": PoolColumns(uid="id")},
        PoolColumns: {"uid": "id"},
    }
    values = 0
    for _ in range(cases):
        kind = random_.choice([*fields])
        some = random_.sample(fields[kind], random_.randint(1, 2))
        options = sound[kind] | {name: random_.choice(ODD_VALUES) for name in some}
        values += value_or_named_error(lambda kind=kind, options=options: kind(**options))
        name, paths = random_.choice(ODD_VALUES), random_.choice(["p", ("p",), ["p", "q"]])
        changes = {name: random_.choice(ODD_VALUES) for name in random_.sample(["format", "header", "schema"], 1)}
        value_or_named_error(lambda name=name, paths=paths, changes=changes: preset_pool(name, paths, **changes))
    assert cases / 20 < values < cases * 0.9, "both values and errors"


@few_and_many
def test_settings_files(cases: int, tmp_path: Path) -> None:
    random_ = random.Random(cases)
    keys = [
        "t", "seed", "format", "header", "schema", "rename", "drop", "preset", "pool_version", "text_column",
        "pool_name", "id_column", "multiline", "tail_share", "check_ids", "overwrite", "tt", "", "reference_language",
    ]  # fmt: skip
    file = tmp_path / "run.toml"
    arguments = ["curate", "--pool", "p", "--metadata", "m", "--tables", "o", "--conf", str(file)]

    options = build_parser().parse_args(arguments)

    def read() -> None:
        run_file = run_file_of(options)
        session_options(options, run_file)
        config_of(options, run_file)
        pool_of(options, run_file)

    values = 0
    for _ in range(cases):
        lines = [f"{key} = {random_.choice(TOML_VALUES)}" for key in random_.sample(keys, random_.randint(0, 2))]
        tables = ["[curate]", 'url_column = "u"', *lines, "[session]", f"master = {random_.choice(TOML_VALUES)}"]
        content = "\n".join(tables).encode()
        file.write_bytes(broken(random_, content) if random_.random() < 0.3 else content)
        values += value_or_named_error(read)
    assert cases / 50 < values < cases * 0.9, "both values and errors"


@few_and_many
def test_metadata_files(cases: int, tmp_path: Path) -> None:
    random_ = random.Random(cases)
    entries = ["photo", "new york", "", " ", "photo", "St. Louis", "a\tb", "K\u00f6ln", "\U0001f431", "\ufeffx"]
    text, array = "\r\n".join(entries).encode(), json.dumps(entries).encode()
    forms = {
        "list.txt": text,
        "list.json": array,
        "list.txt.gz": gzip.compress(text),
        "list.json.gz": gzip.compress(array),
        "artifact": artifact_to_bytes(compile_metadata(entries)),
        "nested.json": b"[" * 100_000,
        "number.json": b"[" + b"1" * 5_000 + b"]",
    }
    values = 0
    for case in range(cases):
        name = random_.choice([*forms])
        path = tmp_path / f"{case}-{name}"  # an artifact is mapped by its place
        path.write_bytes(broken(random_, forms[name]) if case else forms[name])
        values += value_or_named_error(lambda path=path: read_metadata(path))
        path.unlink()
    assert cases / 20 < values < cases * 0.9, "both values and errors"


def test_commands_end_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random_ = random.Random(7)
    for case in range(60):
        path = tmp_path / f"list{random_.choice(['.txt', '.json', '.txt.gz', '.mcs', ''])}"
        path.write_bytes(broken(random_, json.dumps(["photo", "a b"]).encode()))
        code = main(["compile", str(path), "--output", str(tmp_path / "out" / str(case))])
        said = capsys.readouterr()
        assert code in {2, 3, 4, 6}, said.err
        assert said.err.startswith("metaclip-spark: ")
        assert "Traceback" not in said.err


@pytest.mark.spark
@pytest.mark.filterwarnings("ignore::metaclip_spark.errors.MetaclipSparkWarning")
@pytest.mark.parametrize("form", ["csv", "tsv", "json"])
@pytest.mark.parametrize("records", [400, pytest.param(4_000, marks=pytest.mark.slow)], ids=["few", "many"])
def test_broken_records(form: str, records: int, spark: SparkSession, tmp_path: Path) -> None:
    """Each line is a record of its own. All complete records are kept, unchanged."""
    from metaclip_spark.curation.curate import curate  # noqa: PLC0415 - the other tests need no Spark

    random_ = random.Random(records)
    complete, lines = set(), [{"csv": b"id,text", "tsv": b"id\ttext"}.get(form, b'{"id":"first","text":"photo"}')]
    for number in range(records):
        text = f"photo {random_.randint(0, 99)}"
        line = {
            "csv": f'{number},"{text}"',
            "tsv": f"{number}\t{text}",
            "json": json.dumps({"id": str(number), "text": text}),
        }[form].encode()
        if random_.random() < 0.7:
            line = broken(random_, line).replace(b"\n", b"")
        else:
            complete.add((str(number), text))
        lines.append(line)
    (tmp_path / "pool").write_bytes(b"\n".join(lines) + b"\n")
    blank = b" \t\r" if form == "json" else b"\r"
    expected = sum(1 for line in lines if line.strip(blank)) - (form != "json")
    pool = Pool(
        paths=str(tmp_path / "pool"), columns=PoolColumns(uid="id"), format=form, schema="id string, text string"
    )
    report = curate(spark, pool, compile_metadata(["photo"]), str(tmp_path / "out"), CurateConfig(t=1e9))
    counters = report.counters
    assert counters["read"] == expected
    assert 2 * counters["read"] == sum(counters.values())
    assert 0 < counters["malformed"] < records
    rows = spark.read.format("delta").load(str(tmp_path / "out" / "curated")).select("uid", "text").collect()
    assert complete <= {tuple(row) for row in rows}


@pytest.mark.spark
@pytest.mark.parametrize("cases", [6, pytest.param(60, marks=pytest.mark.slow)], ids=["few", "many"])
def test_broken_parquet(cases: int, spark: SparkSession, tmp_path: Path) -> None:
    from metaclip_spark.curation.curate import curate  # noqa: PLC0415 - the other tests need no Spark

    random_ = random.Random(cases)
    sound = tmp_path / "sound.parquet"
    pq.write_table(pa.table({"id": range(500), "text": [f"photo {number}" for number in range(500)]}), sound)
    metadata = compile_metadata(["photo"])
    for case in range(cases):
        path, output = tmp_path / f"{case}.parquet", tmp_path / f"out{case}"
        content = sound.read_bytes()
        path.write_bytes(content[: random_.randrange(len(content))] if case % 2 else broken(random_, content))
        pool = Pool(paths=str(path), columns=PoolColumns(uid="id"))
        if not value_or_named_error(
            lambda pool=pool, output=output: curate(spark, pool, metadata, str(output), CurateConfig(t=1e9))
        ):
            runs = output / "runs"
            finished = (
                spark.read.format("delta").load(str(runs)).where("stage = 'curate'").count() if runs.exists() else 0
            )
            assert finished == 0, "a failed run is not marked as finished"


def read_or_refused(spark: SparkSession, folder: OddFolder, pool: Pool) -> list[str] | None:
    """Return the captions that are read; None if the pool is refused. A caption that is lost without a word fails."""
    from metaclip_spark.pools.open_pool import open_pool  # noqa: PLC0415 - the other tests need no Spark
    from metaclip_spark.spark.job_errors import translated_job_errors  # noqa: PLC0415

    refusal: MetaclipSparkError | None = None
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", MetaclipSparkWarning)
        try:
            with translated_job_errors():
                opened = open_pool(spark, pool)
                read = [row.text for row in opened.rows.select("text").collect()]
                malformed = 0 if opened.malformed is None else opened.malformed.count()
        except MetaclipSparkError as error:
            refusal = error
    if refusal is not None:
        assert refusal.exit_code in {2, 3}, f"{folder.files}: {refusal}"
        return None
    shown = bool([warning for warning in said if issubclass(warning.category, MetaclipSparkWarning)] or malformed)
    shown |= "not_read" in opened.source.description  # printed in the report
    lost = Counter(folder.sound) - Counter(read)
    assert not lost, f"lost of {folder.files}: {lost}"
    written = Counter(folder.sound + folder.doubtful + folder.cut)
    # The last line of a truncated text file looks like any other, and so does a truncated header.
    whole = [*written, "text"]
    changed = [text for text in (Counter(read) - written) if not any(one.startswith(text) for one in whole)]
    assert not changed or shown, f"read from {folder.files} without a word: {changed}"
    left_out = Counter(folder.doubtful) - Counter(read)
    assert not left_out or shown, f"left out of {folder.files} without a word: {left_out}"
    return read


@pytest.mark.spark
@pytest.mark.parametrize("folders", [15, pytest.param(500, marks=pytest.mark.slow)], ids=["few", "many"])
def test_odd_pool_folders(folders: int, spark: SparkSession, tmp_path: Path) -> None:
    """Every row of every readable file is read, or the pool is refused; of one in 25, curate accounts for each row."""
    from metaclip_spark.curation.curate import curate  # noqa: PLC0415 - the other tests need no Spark

    random_ = random.Random(17)
    refused, failed = 0, []
    for number in range(folders):
        folder = OddFolder(random_, tmp_path / f"pool{number}", random_.choice(FORMATS))
        pool = Pool(paths=str(folder.path), columns=PoolColumns(uid="id"), format=folder.form)  # type: ignore[arg-type]
        try:
            read = read_or_refused(spark, folder, pool)
            if read is None:
                refused += 1
            elif number % 25 == 0:
                report = curate(spark, pool, compile_metadata(["photo"]), str(tmp_path / "out" / str(number)))
                assert report.counters["read"] - report.counters["malformed"] == len(read)
                assert 2 * report.counters["read"] == sum(report.counters.values())
        except Exception as error:  # noqa: BLE001 - all are shown at once
            failed.append(f"{number}: {folder.files}: {type(error).__name__}: {str(error)[:400]}")
    assert not failed, "\n".join(failed)
    assert folders / 10 < refused < folders * 0.8, "both are tried"
