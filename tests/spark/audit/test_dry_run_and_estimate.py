"""Before a long run: estimates against complete runs, and a dry run that writes nothing."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pools import made_up_table, pool_at, write_files
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions
from stored_files import file_times

from metaclip_spark.audit.dry_run import dry_run
from metaclip_spark.audit.estimate import estimate as estimate_module
from metaclip_spark.audit.estimate.estimate import estimate
from metaclip_spark.audit.estimate.sample_rows import sample_rows
from metaclip_spark.cli import main
from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.core.estimation.row_sample import in_sample
from metaclip_spark.core.matching.artifact import artifact_to_bytes
from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.core.matching.matcher import Matcher
from metaclip_spark.curation.curate import curate
from metaclip_spark.errors import ConfigError, InputError, TableError
from metaclip_spark.pools.open_pool import open_pool

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = pytest.mark.spark

ROWS = 20_000
CONFIG = CurateConfig(t=100.0, overwrite=True)
SHARE = 0.2


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    return pool_at(write_files(made_up_table(ROWS, seed=3), tmp_path_factory.mktemp("estimate") / "pool", files=2))


def test_spark_samples_the_rows_that_the_rule_names(spark: SparkSession, pool: Pool) -> None:
    rows = open_pool(spark, pool).rows
    sampled = {row.uid for row in sample_rows(rows, 0.01, 5).collect()}
    assert sampled == {uid for uid in range(ROWS) if in_sample(uid, 5, 0.01)}


def test_an_estimate_agrees_with_a_run(
    spark: SparkSession, pool: Pool, metadata: CompiledMetadata, tmp_path: Path
) -> None:
    report = curate(spark, pool, metadata, str(tmp_path / "out"), CONFIG)
    lines: list[str] = []
    estimated = estimate(spark, pool, metadata, SHARE, CONFIG, progress=lines.append)
    assert [line.partition(" ...")[0] for line in lines] == ["open", "sample", "count", "balance", "time"]
    assert estimated.read == report.counters["read"]
    assert estimated.asked.rows.low <= report.counters["kept"] <= estimated.asked.rows.high
    assert estimated.matched.low <= report.matched <= estimated.matched.high
    assert estimated.matches.low <= report.matches <= estimated.matches.high
    assert (estimated.asked.rows.high - estimated.asked.rows.low) / 2 < 0.1 * report.counters["kept"]
    counts = dict(report.languages["en"].top_entries)
    found = [number.low <= counts[entry] <= number.high for entry, number in estimated.languages["en"].top_entries[:10]]
    assert sum(found) >= 8

    wanted = estimate(spark, pool, metadata, SHARE, CurateConfig(target_size=report.counters["kept"]))
    assert (estimated.passes, wanted.passes) == (2, 4)
    assert wanted.asked.t == pytest.approx(CONFIG.t, rel=0.3)
    assert abs(wanted.asked.rows.value / report.counters["kept"] - 1) < 0.02


def test_rows_that_nothing_tells_apart_are_counted(
    spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path
) -> None:
    """Without id and text all have one hash: of half the pool a sample held all or nothing."""
    table = made_up_table(6_000)
    null, empty = 4_000, 2_000
    nameless = {
        name: pa.array([""] * empty if name == "text" else [None] * empty, table.schema.field(name).type)
        for name in table.column_names
    }
    nulls = pa.table({name: pa.nulls(null, table.schema.field(name).type) for name in table.column_names})
    pool = pool_at(write_files(pa.concat_tables([table, nulls, pa.table(nameless)]), tmp_path / "pool"))
    found = estimate(spark, pool, metadata, SHARE, CurateConfig(tail_share=0.1))
    matched = sum(bool(Matcher(metadata).match(text)) for text in table["text"].to_pylist())
    assert (found.read, found.without_caption, found.passes) == (len(table) + null + empty, null + empty, 2)
    assert found.matched.low <= matched <= found.matched.high <= len(table)
    assert found.sampled == sum(in_sample(uid, 0, SHARE) for uid in range(len(table)))
    seen_twice = SimpleNamespace(get={"rows": 2 * found.read, "without_caption": 2 * found.without_caption})
    assert estimate_module._without_caption(open_pool(spark, pool).rows, seen_twice, found.read) == null + empty  # type: ignore[arg-type]


LARGE_ROWS, LARGE_SHARE, KNOWN = 120_000, 0.05, 20_000
ASKED, ON_THE_GRID = 200.0, (4.0, 16.0, 64.0, 128.0)


@pytest.mark.slow
def test_the_size_lies_within_its_error_in_19_of_20_seeds(spark: SparkSession, tmp_path: Path) -> None:
    """A pool of which the sample sees some entries only; at the least t even the common of them are rare in it."""
    table = made_up_table(LARGE_ROWS, seed=11, known=KNOWN)
    pool = pool_at(write_files(table, tmp_path / "pool", files=4))
    metadata = compile_metadata([f"w{number}" for number in range(KNOWN)])
    within: Counter[float] = Counter()
    for seed in range(20):
        config = CurateConfig(t=ASKED, seed=seed, overwrite=True)
        report = curate(spark, pool, metadata, str(tmp_path / "out"), config)
        (found,) = (
            spark.read.format("delta")
            .load(str(tmp_path / "out" / "curated"))
            .agg(*(F.count_if(F.col("admission_threshold") <= t).alias(f"{t}") for t in (*ON_THE_GRID, ASKED)))
            .collect()
        )
        estimated = estimate(spark, pool, metadata, LARGE_SHARE, config)
        assert found[f"{ASKED}"] == report.counters["kept"]
        for size in (*(size for size in estimated.sizes if size.t in ON_THE_GRID), estimated.asked):
            kept, rows = found[f"{size.t}"], size.rows
            print(f"seed {seed} t {size.t}: {kept}, estimated {rows.value:.0f} from {rows.low:.0f} to {rows.high:.0f}")
            within[size.t] += rows.low <= kept <= rows.high
    print(dict(within))
    assert within.keys() == {*ON_THE_GRID, ASKED}
    assert min(within.values()) >= 19


NO_ESTIMATES: dict[str, tuple[float, CurateConfig, type[Exception], str]] = {
    "no share": (0.0, CONFIG, ConfigError, "no share"),
    "texts of an image": (0.5, replace(CONFIG, texts_per_image="one_text_per_image"), ConfigError, "upper bound"),
    "a sample of too few": (
        0.001,
        CONFIG,
        InputError,
        r"of 20000 rows with a caption are in a sample of 0\.001: ask for .* 0\.01",
    ),
    "more than match": (0.5, CurateConfig(target_size=19_999), ConfigError, "ask for fewer"),
}


@pytest.mark.parametrize(("share", "config", "error", "says"), NO_ESTIMATES.values(), ids=NO_ESTIMATES)
def test_no_estimate(
    spark: SparkSession,
    pool: Pool,
    metadata: CompiledMetadata,
    share: float,
    config: CurateConfig,
    error: type[Exception],
    says: str,
) -> None:
    with pytest.raises(error, match=says):
        estimate(spark, pool, metadata, share, config)


def test_a_dry_run_writes_nothing_and_refuses_what_curate_would(
    spark: SparkSession,
    small_pool: Pool,
    metadata: CompiledMetadata,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "out" / "tables"
    (tmp_path / "list.mcs").write_bytes(artifact_to_bytes(metadata))
    options = ["--pool", *small_pool.paths, "--id-column", "id", "--url-column", "image_url"]
    options += ["--metadata", str(tmp_path / "list.mcs")]
    curate_it = ["curate", *options, "--tables", str(output)]
    before = file_times(tmp_path)

    assert main([*curate_it, "--t", "30", "--dry-run", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert file_times(tmp_path) == before
    assert plan["state"] == "new"
    assert plan["columns"]["uid"] == ["id", "bigint"]
    assert plan["carried"] == ["width"]
    bytes_of_pool = sum(file.stat().st_size for file in Path(small_pool.paths[0]).iterdir())
    assert plan["bytes_at_most"] == round(1.5 * bytes_of_pool)
    assert plan["bytes_free"] > 0

    assert main(["estimate", *options, "--t", "30", "--sample", "20%", "--progress"]) == 0
    captured = capsys.readouterr()
    assert "nothing was written" in captured.out
    assert "count ..." in captured.err
    assert file_times(tmp_path) == before

    assert main([*curate_it, "--t", "30", "--progress", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["run_id"] == plan["run_id"]
    assert "[curate]\nt = 30.0\n" in captured.err
    assert [line for line in captured.err.splitlines() if line.startswith("count ... 2,000 rows read, ")] != []

    before = file_times(tmp_path)
    assert main([*curate_it, "--t", "30", "--dry-run"]) == 0
    assert "(already finished)" in capsys.readouterr().out
    assert main([*curate_it, "--t", "31", "--dry-run"]) == TableError.exit_code
    assert "overwrite" in capsys.readouterr().err
    assert main([*curate_it, "--target-size", "31", "--overwrite", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    for part in ("(from stored counts)", "its counts are used", "the least t that keeps 31 rows", "replaced in one"):
        assert part in shown
    assert file_times(tmp_path) == before
    configuration = json.loads(
        spark.read.format("delta").load(str(output / "runs")).where("stage = 'curate'").collect()[0].configuration
    )
    assert configuration["overwrite"] is False
    assert configuration["compression"] == "zstd"


REFUSED: dict[str, tuple[Callable[[Pool], Pool], type[Exception]]] = {
    "no such pool": (lambda pool: replace(pool, paths=("/absent",)), InputError),
    "no such column": (lambda pool: replace(pool, columns=replace(pool.columns, text="caption")), InputError),
}


@pytest.mark.parametrize(("change", "error"), REFUSED.values(), ids=REFUSED)
def test_a_dry_run_checks_the_pool(
    spark: SparkSession,
    small_pool: Pool,
    metadata: CompiledMetadata,
    tmp_path: Path,
    change: Callable[[Pool], Pool],
    error: type[Exception],
) -> None:
    with pytest.raises(error):
        dry_run(spark, change(small_pool), metadata, str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
