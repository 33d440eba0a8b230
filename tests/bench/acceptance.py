"""Check that a large pool has the same tables in every way of running; print one line with digests for each way.

    PYTHONPATH=tests/support python tests/bench/acceptance.py --data ../shared/data --work /tmp/acceptance
    PYTHONPATH=tests/support python tests/bench/acceptance.py --data ../shared/data --work /tmp/acceptance --pool pool6m

Curates the pool (6,000,000 rows by `tests/bench/make_pool.py` unless one is given) in one process and on a cluster of
two executors; in 1, 7 and 200 partitions; and with an executor killed in each pass. Exits with 1 if any two results
differ. Needs about 5 GB of disk and, on two cores, 15 minutes. `tests/golden/test_seven_ways.py` does the same with the
embedded example.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from curate_process import CurateProcess, Kill, results_of

CLUSTER = "local-cluster[2,1,4096]"


@dataclass(frozen=True)
class Way:
    """A way to run the job. `files` is the number of files, each one partition; None leaves the partitions to Spark."""

    name: str
    master: str = "local[2]"
    files: int | None = None
    kill_during: str | None = None


WAYS = (
    Way("local[2]"),
    Way("local[2], 1 partition", files=1),
    Way("local[2], 7 partitions", files=7),
    Way("local[2], 200 partitions", files=200),
    Way("cluster", CLUSTER),
    Way("cluster, executor killed in pass 1", CLUSTER, files=24, kill_during="count"),
    Way("cluster, executor killed in pass 2", CLUSTER, files=24, kill_during="balance"),
)


def rewrite(pool: Path, folder: Path, files: int) -> Path:
    """Write the rows of a pool, in their order, to a number of files, and return their folder."""
    if folder.exists():
        return folder
    partial = folder.with_suffix(".partial")
    partial.mkdir(parents=True, exist_ok=True)
    source = ds.dataset(pool, format="parquet")
    edges = np.linspace(0, source.count_rows(), files + 1).astype(int).tolist()
    number, left, writer = 0, 0, None
    for batch in source.to_batches():
        while batch.num_rows:
            if writer is None:
                writer = pq.ParquetWriter(partial / f"part-{number:05d}.parquet", source.schema)
                left = edges[number + 1] - edges[number]
            head = batch.slice(0, left)
            writer.write_table(pa.Table.from_batches([head]))
            left, batch = left - head.num_rows, batch.slice(head.num_rows)  # noqa: PLW2901 - the remaining rows
            if not left:
                writer.close()
                number, writer = number + 1, None
    return partial.rename(folder)


def curate(way: Way, pool: Path, work: Path, metadata: Path, t: float) -> dict[str, Any]:
    """Run the job in one way, in new processes and with new tables."""
    output = work / "output"
    shutil.rmtree(output, ignore_errors=True)
    partitioned_by_spark = {"spark.sql.files.openCostInBytes": "4194304"}
    # One task per file in both passes. Rows are written by at most as many tasks as Spark believes there are cores.
    task_per_file = {
        "spark.sql.files.maxPartitionBytes": "8g",
        "spark.sql.files.openCostInBytes": "8g",
        "spark.default.parallelism": str(way.files),
    }
    found = CurateProcess(
        pool=[str(pool if way.files is None else rewrite(pool, work / f"pool-{way.files}", way.files))],
        metadata=str(metadata),
        output=str(output),
        columns={"uid": "id", "image_url": "url"},
        config={"t": t},
        master=way.master,
        settings=partitioned_by_spark if way.files is None else task_per_file,
        kill=Kill("executor", way.kill_during, way.files or 0) if way.kill_during else None,
    ).run()
    assert found is not None
    return found


def line(way: Way, found: dict[str, Any], *, same: bool) -> str:
    rows, total, sha256 = found["curated"]
    killed = found["killed"]
    fault = f"  {killed['failed_tasks']} task(s) lost with process {killed['pid']}" if killed else ""
    return (
        f"{way.name:<36} {rows:>10,} {total:>24} {sha256[:24]} {found['entry_counts'][2][:12]} "
        f"{found['size_curve'][2][:12]} {found['seconds']:>6.1f} s  {'same' if same else 'DIFFERS'}{fault}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the shared development data")
    parser.add_argument("--work", type=Path, required=True, help="folder for pools and tables")
    parser.add_argument("--pool", type=Path, help="a pool made by make_pool.py")
    parser.add_argument("--rows", type=int, default=6_000_000, help="rows of the pool to make")
    parser.add_argument("--t", type=float, default=60.0, help="threshold in matches")
    options = parser.parse_args()
    pool = options.pool or options.work / "pool"
    if not pool.exists():
        script = Path(__file__).with_name("make_pool.py")
        size = ["--rows", str(options.rows), "--files", "16", "--output", str(pool)]
        subprocess.run([sys.executable, str(script), "--data", str(options.data), *size], check=True)
    metadata = options.data / "metadata" / "en_481k.txt.gz"
    heading = "way", "rows", "sum of xxhash64", "SHA-256 of the rows", "entry_counts", "size_curve"
    print("{:<36} {:>10} {:>24} {:<24} {:<12} {:<12}".format(*heading), flush=True)
    first: dict[str, Any] = {}
    different = 0
    for way in WAYS:
        found = curate(way, pool.absolute(), options.work.absolute(), metadata.absolute(), options.t)
        first = first or found
        same = results_of(found) == results_of(first) and bool(found["killed"]) == bool(way.kill_during)
        different += not same
        print(line(way, found, same=same), flush=True)
    print(f"SHA-256 in full: {first['curated'][2]}")
    print(f"rows: {first['counters']}")
    print(f"expected size: {first['expected_size']:,.1f} ± {first['expected_deviation']:,.1f}")
    print(f"{len(WAYS)} ways, {different} of them different")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
