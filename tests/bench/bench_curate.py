"""Time of a complete curation against Spark's own copy of the rows and against the obvious hand-written job.

    python tests/bench/bench_curate.py --pool pool --metadata ../shared/data/metadata/en_481k.txt.gz --work /tmp/bench

All jobs run in turn, so that a drift of the machine affects all of them. Quote the ratios. The copy
runs twice: with default settings, in a warm session of its own (plain_copy.py), and in the session of the other jobs,
which has more memory. `--pool` is a folder made by make_pool.py; t is chosen from the
size curve so that about a quarter is kept.

Just before each job is timed, it runs on a few rows, because Spark ends Python workers that were idle for a minute, as
those of the curation are while the hand-written job runs. The figures exclude the start of workers; each line has the
seconds of the few rows.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from obvious_job import obvious_job
from processes import cpu_seconds

from metaclip_spark import CurateConfig, Pool, PoolColumns, curate
from metaclip_spark.metadata.read_metadata import read_metadata
from metaclip_spark.spark.session import build_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame, SparkSession

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

_FEW = 20_000  # rows


class Bench:
    """The jobs, with one pool and one session."""

    def __init__(self, spark: SparkSession, pool: Path, metadata: Path, work: Path, t: float) -> None:
        self.spark = spark
        self.plain = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("plain_copy.py")), spark.sparkContext.master],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pool = pool
        self.few = work / "few"
        self.work = work / "run"
        self.t = t
        self.metadata_path = metadata
        self.metadata: CompiledMetadata = read_metadata(metadata)

    def plain_copy(self, pool: Path) -> str:
        """Copy the rows to Delta with default settings of session and table: the lower bound."""
        assert self.plain.stdin is not None
        assert self.plain.stdout is not None
        self.plain.stdin.write(f"{pool}\t{self.work / 'copy'}\n")
        self.plain.stdin.flush()
        answer = self.plain.stdout.readline()
        assert answer, "the session of the plain copy has died"
        return "default settings of session and table"

    def copy(self, pool: Path) -> str:
        """Copy the rows in the session of the curation."""
        rows = self.spark.read.parquet(str(pool))
        rows.write.format("delta").save(str(self.work / "copy"))
        return "default settings of the table"

    def copy_with_our_settings(self, pool: Path) -> str:
        """Copy the rows with the settings of the curated table."""
        rows = self.spark.read.parquet(str(pool))
        # Statistics of one column and the codec, as the curated table has them.
        settings = {"delta.dataSkippingStatsColumns": "width", "compression": CurateConfig().compression}
        rows.write.format("delta").options(**settings).save(str(self.work / "copy"))
        return "statistics of one column, zstd"

    def curation(self, pool: Path) -> str:
        """Curate: both passes and all commits."""
        report = curate(
            self.spark,
            Pool(paths=(str(pool),), columns=PoolColumns(uid="id")),
            self.metadata,
            str(self.work / "tables"),
            CurateConfig(t=self.t),
        )
        kept = report.counters["kept"]
        share = kept / report.counters["read"]
        return f"{report.matches:,} matches, {kept:,} kept ({share:.1%}) {rounded(report.seconds)}"

    def by_hand(self, pool: Path) -> str:
        """Curate by the hand-written job: RDD, pyahocorasick, reduceByKey, Delta."""
        return f"{obvious_job(self.spark, pool, self.metadata_path, self.work / 'by_hand', self.t):,} matches"

    def t_that_keeps(self, share: float) -> float:
        """Return the t at which the size curve of a finished run is nearest to a share of kept rows."""
        curve = self.spark.read.format("delta").load(str(self.work / "tables" / "size_curve")).orderBy("threshold_bin")
        runs = self.spark.read.format("delta").load(str(self.work / "tables" / "runs")).where("stage = 'curate'")
        read = runs.collect()[0].counters["read"]
        size, best = 0, (1.0, self.t)
        for row in curve.collect():
            size += row.rows
            best = min(best, (abs(size / read - share), row.upper_edge))
        return best[1]

    def few_rows(self) -> None:
        """Write a small pool with the same columns and one file per core, and return it."""
        shutil.rmtree(self.few, ignore_errors=True)
        self.few.mkdir(parents=True)
        rows = pa.table(next(pq.ParquetFile(next(self.pool.glob("*.parquet"))).iter_batches(_FEW)))
        for number in range(self.spark.sparkContext.defaultParallelism):
            pq.write_table(rows, self.few / f"{number}.parquet")

    def timed(self, job: Callable[[Path], str]) -> tuple[float, float, str]:
        """Return wall seconds, CPU seconds and result of a job with an empty folder, after a run on a few rows."""
        primed = self._run(job, self.few)
        seconds, cpu, result = self._run(job, self.pool)
        written = next(
            path for path in (self.work / "copy", self.work / "by_hand", self.work / "tables/curated") if path.exists()
        )
        rows = self.spark.read.format("delta").load(str(written))  # not timed, because no job needs it
        return seconds, cpu, f"{rows.count():,} rows written{digest(rows)}; {result}; few rows {primed[0]:.2f} s"

    def _run(self, job: Callable[[Path], str], pool: Path) -> tuple[float, float, str]:
        shutil.rmtree(self.work, ignore_errors=True)
        start, cpu = time.monotonic(), cpu_seconds()
        result = job(pool)
        return time.monotonic() - start, cpu_seconds() - cpu, result


def digest(rows: DataFrame) -> str:
    """Return a digest of ids and decisions, which is equal for equal rows of either job; empty for a copy."""
    if "matched_entries" not in rows.columns:
        return ""
    name = "uid" if "uid" in rows.columns else "id"
    decided = f"sum(cast(xxhash64({name}, matched_entries, probability, draw) as decimal(38, 0)))"
    return f", digest {rows.selectExpr(decided).first()[0]}"


def rounded(seconds: dict[str, float]) -> dict[str, float]:
    """Return the seconds of each step, rounded to tenths."""
    return {step: round(value, 1) for step, value in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool", type=Path, required=True)
    parser.add_argument("--metadata", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder for the outputs, emptied before each job")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--warm-up", type=int, default=3)
    parser.add_argument("--by-hand", type=int, default=1, help="turns of the hand-written job")
    parser.add_argument("--master", default="local[2]")
    options = parser.parse_args()

    spark = build_session(master=options.master)
    spark.sparkContext.setLogLevel("ERROR")
    spark.sparkContext.addPyFile(str(Path(obvious_job.__code__.co_filename)))  # workers import it
    bench = Bench(spark, options.pool, options.metadata, options.work, t=60.0)
    bench.few_rows()
    # The JVM's compiler has optimized the two passes only after about ten million rows.
    for turn in range(options.warm_up):
        for warm_up in (bench.plain_copy, bench.copy, bench.curation):
            print(f"warm-up {turn} {warm_up.__name__}: {bench.timed(warm_up)}", flush=True)
    bench.t = bench.t_that_keeps(0.25)

    jobs = {
        "plain copy": bench.plain_copy,
        "copy": bench.copy,
        "copy, our settings": bench.copy_with_our_settings,
        "curate": bench.curation,
    }
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in [*jobs, "by hand"]}
    for turn in range(options.repeat):
        for name, job in [*jobs.items(), *([("by hand", bench.by_hand)] if turn < options.by_hand else [])]:
            wall, cpu, result = bench.timed(job)
            figures[name].append((wall, cpu))
            print(f"{name:20s} {wall:7.2f} s wall {cpu:7.2f} s CPU   {result}", flush=True)
    report(figures)
    bench.plain.communicate()
    spark.stop()


def report(figures: dict[str, list[tuple[float, float]]]) -> None:
    """Print minimum and median of each job, and the ratios of curate to it."""

    def best(name: str, column: int, of: Callable[[list[float]], Any]) -> float:
        return float(of([run[column] for run in figures[name]]))

    print("\njob                    min s  median s  CPU median s")
    for name, runs in figures.items():
        if runs:
            wall, middle = best(name, 0, min), best(name, 0, statistics.median)
            print(f"{name:20s} {wall:7.2f}  {middle:8.2f}  {best(name, 1, statistics.median):8.2f}")
    for name in [name for name in figures if name != "curate" and figures[name]]:
        ratios = [
            best("curate", c, of) / best(name, c, of)
            for c, of in ((0, min), (0, statistics.median), (1, statistics.median))
        ]
        print(f"curate / {name}: {ratios[0]:.2f} (min), {ratios[1]:.2f} (median), {ratios[2]:.2f} (CPU)")


if __name__ == "__main__":
    main()
