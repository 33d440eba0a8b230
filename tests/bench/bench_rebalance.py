"""Time of rebalance and append as shares of the time of a complete curation.

    python tests/bench/bench_rebalance.py --pool pool --metadata ../shared/data/metadata/en_481k.txt.gz --work work

`--pool` is a folder made by make_pool.py; its last file is appended to the others. All jobs run in turn in one session,
first untimed. Quote the ratios of the medians; on a machine with other work, those of CPU time.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench_curate import rounded
from processes import cpu_seconds

from metaclip_spark import CurateConfig, Pool, PoolColumns, append, curate, rebalance
from metaclip_spark.metadata.read_metadata import read_metadata
from metaclip_spark.spark.session import build_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

    from metaclip_spark.runs.report import CurateReport

COLUMNS = PoolColumns(uid="id")


class Bench:
    """The jobs, with one pool and one session, and the times of each."""

    def __init__(self, spark: SparkSession, options: argparse.Namespace) -> None:
        self.spark = spark
        self.metadata = read_metadata(options.metadata)
        self.work: Path = options.work
        self.files = sorted(options.pool.glob("*.parquet"))
        self.t: float = options.t
        self.times: dict[str, list[tuple[float, float]]] = {}

    def pool(self, files: list[Path], name: str) -> Pool:
        return Pool(paths=tuple(map(str, files)), columns=COLUMNS, name=name)

    def timed(self, name: str, job: Callable[..., CurateReport], *arguments: Any, **options: Any) -> CurateReport:
        start, cpu = time.monotonic(), cpu_seconds()
        report = job(self.spark, *arguments, **options)
        wall, used = time.monotonic() - start, cpu_seconds() - cpu
        self.times.setdefault(name, []).append((wall, used))
        print(
            f"{name:44s} {wall:7.2f} s wall {used:7.2f} s CPU  {report.counters['kept']:>9,} kept, "
            f"{report.reserve_rows:,} in reserve {rounded(report.seconds)}",
            flush=True,
        )
        return report

    def t_that_keeps(self, output: str, rows: float) -> float:
        """Return the t at which the size curve is nearest to a number of kept rows."""
        curve = self.spark.read.format("delta").load(f"{output}/size_curve").orderBy("threshold_bin").collect()
        size, best = 0, (float("inf"), self.t)
        for row in curve:
            size += row.rows
            best = min(best, (abs(size - rows), row.upper_edge))
        return best[1]

    def turn(self) -> None:
        """Run every job once, into new tables."""
        shutil.rmtree(self.work, ignore_errors=True)
        out, config = str(self.work / "out"), CurateConfig(t=self.t)
        complete = self.pool(self.files, "complete")
        first = self.timed("curate", curate, complete, self.metadata, out, config)
        half = self.t_that_keeps(out, first.counters["kept"] / 2)
        tenth = self.t_that_keeps(out, first.counters["kept"] * 1.1)
        larger = self.t_that_keeps(out, first.counters["kept"] * 1.5)
        print(
            f"t = {self.t:g} keeps {first.counters['kept']:,}; half of them at {half:g}, a tenth more at {tenth:g}, "
            f"half more at {larger:g}"
        )
        self.timed("rebalance, to half the rows", rebalance, out, half)
        self.timed("rebalance, a tenth more rows (second pass)", rebalance, out, tenth, self.metadata)
        self.timed("rebalance, half more rows (second pass)", rebalance, out, larger, self.metadata)

        out = str(self.work / "with reserve")
        reserved = CurateConfig(t=self.t, reserve=larger)
        self.timed("curate with a reserve of half the rows", curate, complete, self.metadata, out, reserved)
        self.timed("rebalance, down, rows into the reserve", rebalance, out, half)
        self.timed("rebalance, up, rows out of the reserve", rebalance, out, self.t)

        out = str(self.work / "appended")
        self.timed(
            "curate, all files but the last", curate, self.pool(self.files[:-1], "A"), self.metadata, out, config
        )
        self.timed("append the last file", append, self.pool(self.files[-1:], "B"), self.metadata, out)
        alone = str(self.work / "alone")
        self.timed("curate the last file alone", curate, self.pool(self.files[-1:], "B"), self.metadata, alone, config)

    def same(self) -> None:
        """Compare the appended table of the last turn with a curation of all files."""
        appended, half_more = str(self.work / "appended"), str(self.work / "out")
        first = curate(
            self.spark,
            self.pool(self.files, "complete"),
            self.metadata,
            half_more,
            CurateConfig(t=self.t, overwrite=True),
        )
        rows = [self.spark.read.format("delta").load(f"{root}/curated") for root in (appended, half_more)]
        plain = [table.drop("pool_name", "run_id", "counts_version") for table in rows]
        differing = plain[0].exceptAll(plain[1]).count() + plain[1].exceptAll(plain[0]).count()
        print(f"append = curate of all files: {first.counters['kept']:,} rows, {differing} differ")

    def ratios(self) -> None:
        medians = {
            name: [statistics.median(column) for column in zip(*times, strict=True)]
            for name, times in self.times.items()
        }
        complete = medians["curate"]
        print(f"\n{'medians':44s}  wall s   CPU s   share of a complete curate: wall, CPU")
        for name, (wall, cpu) in medians.items():
            print(f"{name:44s} {wall:7.2f} {cpu:7.2f} {wall / complete[0]:6.3f} {cpu / complete[1]:6.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool", type=Path, required=True)
    parser.add_argument("--metadata", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder for the outputs, emptied first")
    parser.add_argument("--t", type=float, default=57.0)
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--warm-up", type=int, default=1, help="untimed turns")
    parser.add_argument("--repeat", type=int, default=3, help="timed turns")
    options = parser.parse_args()
    spark = build_session(master=options.master)
    spark.sparkContext.setLogLevel("ERROR")
    bench = Bench(spark, options)
    for _ in range(options.warm_up):
        bench.turn()
    bench.times.clear()
    for _ in range(options.repeat):
        bench.turn()
    bench.same()
    bench.ratios()
    spark.stop()


if __name__ == "__main__":
    main()
