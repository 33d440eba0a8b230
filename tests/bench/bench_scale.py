"""Scaling of a curation: one CPU against two, pools of several sizes, and the memory of a Python worker.

    python tests/bench/bench_scale.py --pool 5m --larger 10m 20m --metadata en_481k.txt.gz --work /tmp/bench

Each setting runs in a process of its own (`--one` is that process); quote ratios.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.dataset as ds
from processes import ProcessMemory


def one(options: argparse.Namespace) -> None:
    """Curate in one session, first untimed, and print a line of JSON for each timed curation."""
    from metaclip_spark import CurateConfig, Pool, PoolColumns, curate  # noqa: PLC0415 - only this process needs Spark
    from metaclip_spark.metadata.read_metadata import read_metadata  # noqa: PLC0415
    from metaclip_spark.spark.session import build_session  # noqa: PLC0415

    spark = build_session(master=options.master)
    spark.sparkContext.setLogLevel("ERROR")
    metadata = read_metadata(options.metadata)
    pool = Pool(paths=(str(options.pool),), columns=PoolColumns(uid="id"))
    for turn in range(-options.warm_up, options.repeat):
        shutil.rmtree(options.work, ignore_errors=True)
        start = time.monotonic()
        with ProcessMemory() as memory:
            report = curate(spark, pool, metadata, str(options.work), CurateConfig(t=options.t))
        seconds = time.monotonic() - start
        line = {
            "warm_up": turn < 0,
            "seconds": seconds,
            "rows": report.counters["read"],
            "kept": report.counters["kept"],
            "uss_mb": memory.worker_mb,
            "uss_by_time_mb": memory.course(),
        }
        print("RESULT " + json.dumps(line), flush=True)
    spark.stop()


def rows_of(pool: Path) -> int:
    """Return the number of rows in the files' footers."""
    return int(ds.dataset(pool, format="parquet").count_rows())


def run(options: argparse.Namespace, pool: Path, master: str, cpus: str) -> list[dict[str, float]]:
    """Return the timed curations of one setting, run in a new process on the given CPUs."""
    # Counts grow with the pool. t grows alike, so that the same share is kept and a row takes the same work.
    t = options.t * rows_of(pool) / rows_of(options.pool)
    command = ["taskset", "-c", cpus, sys.executable, __file__, "--one", "--pool", str(pool), "--master", master]
    command += ["--metadata", str(options.metadata), "--work", str(options.work / "tables"), "--t", str(t)]
    command += ["--repeat", str(options.repeat), "--warm-up", str(options.warm_up)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ)
    lines = [
        json.loads(line.removeprefix("RESULT ")) for line in done.stdout.splitlines() if line.startswith("RESULT ")
    ]
    return [line for line in lines if not line["warm_up"]]


def idle_worker_mb() -> float:
    """Return the USS of a process that has only imported pyarrow and numba."""
    code = "import pyarrow, numba, psutil; print(psutil.Process().memory_full_info().uss / 1e6)"
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool", type=Path, required=True)
    parser.add_argument("--larger", type=Path, nargs="*", default=[], help="pools of more such rows, ascending")
    parser.add_argument("--metadata", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--t", type=float, default=60.0)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--warm-up", type=int, default=3)
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(options)
        return

    settings = {"one CPU": (options.pool, "local[1]", "0"), "two CPUs": (options.pool, "local[2]", "0,1")}
    settings |= {str(pool): (pool, "local[2]", "0,1") for pool in options.larger}
    best = {}
    for name, setting in settings.items():
        runs = run(options, *setting)
        best[name] = min(runs, key=lambda line: line["seconds"])
        seconds = sorted(line["seconds"] for line in runs)
        print(
            f"{name:12s} min {seconds[0]:.2f} s, median {seconds[len(seconds) // 2]:.2f} s; "
            f"rows {best[name]['rows']:,}, kept {best[name]['kept']:,}; worker USS at most "
            f"{best[name]['uss_mb']:.0f} MB, by tenths of the run {best[name]['uss_by_time_mb']}",
            flush=True,
        )
    print(f"a process that has imported pyarrow and numba: {idle_worker_mb():.0f} MB USS")
    print(f"one CPU / two CPUs: {best['one CPU']['seconds'] / best['two CPUs']['seconds']:.2f}")
    sizes = [best["two CPUs"], *(best[str(pool)] for pool in options.larger)]
    for small, large in itertools.pairwise(sizes):
        per_row = (large["seconds"] - small["seconds"]) / (large["rows"] - small["rows"])
        fixed = small["seconds"] - per_row * small["rows"]
        print(f"{small['rows']:,} to {large['rows']:,} rows: {1e6 * per_row:.2f} µs for one more; fixed {fixed:.1f} s")


if __name__ == "__main__":
    main()
