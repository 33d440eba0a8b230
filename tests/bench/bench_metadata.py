"""Wikitext to counts: beside other programs on one core, with one CPU against two, and as a dump grows.

    python tests/bench/bench_metadata.py --dump enwiki-….xml.bz2 --work /tmp/bench --times 1 5 20

The peers are wikiextractor (without templates, its fastest way) and mwparserfromhell, where they are installed; they
give plain text only, which is counted here. The figures to quote are ratios.
"""

from __future__ import annotations

import argparse
import bz2
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from metaclip_spark.core.metadata.dump_pages import PAGE_END, read_page, read_site
from metaclip_spark.core.metadata.markup_tables import markup_tables
from metaclip_spark.core.metadata.ngram_counter import NgramCounter
from metaclip_spark.core.metadata.wikitext import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable


def pages_of(content: bytes) -> list[bytes]:
    return [text for text in (read_page(piece).wikitext for piece in content.split(PAGE_END.encode())) if text]


def ours(content: bytes) -> Callable[[list[bytes]], object]:
    site = read_site(content[:20_000])
    tables = markup_tables(site.hidden if site else ())

    def count(pages: list[bytes]) -> object:
        counter = NgramCounter()
        parts = [part for page in pages for part in counter.add(plain_text(page, tables))]
        return [*parts, counter.drain()]

    return count


def peers() -> dict[str, Callable[[list[bytes]], object]]:
    found: dict[str, Callable[[list[bytes]], object]] = {}
    try:
        from wikiextractor.extract import Extractor  # noqa: PLC0415

        def extract(pages: list[bytes]) -> object:
            return [
                Extractor("1", "1", "", "A", [text]).clean_text(text, expand_templates=False)
                for text in (page.decode() for page in pages)
            ]

        found["wikiextractor"] = extract
    except ImportError as error:
        print(f"wikiextractor does not run here: {error}")
    try:
        import mwparserfromhell  # noqa: PLC0415

        found["mwparserfromhell"] = lambda pages: [mwparserfromhell.parse(p.decode()).strip_code() for p in pages[:30]]
    except ImportError as error:
        print(f"mwparserfromhell does not run here: {error}")
    return found


def rate(work: Callable[[list[bytes]], object], pages: list[bytes], repeat: int) -> float:
    """Megabytes of wikitext in a second of one core, the best of some turns."""
    best = float("inf")
    for _ in range(repeat):
        start = time.process_time()
        work(pages)
        best = min(best, time.process_time() - start)
    return sum(map(len, pages)) / 1e6 / best


def against_peers(dump: Path, repeat: int) -> None:
    content = bz2.decompress(dump.read_bytes())
    pages = pages_of(content)
    count = ours(content)
    count(pages)  # compiles
    mine = rate(count, pages, repeat)
    print(f"{len(pages)} pages, {sum(map(len, pages)) / 1e6:.1f} MB of wikitext; to counts {mine:.1f} MB/s per core")
    for name, peer in peers().items():
        some = pages[:30] if name == "mwparserfromhell" else pages
        theirs = rate(peer, some, repeat)
        print(f"{name}, to plain text alone: {theirs:.2f} MB/s per core; ratio {mine / theirs:.1f}")


def replicate(dump: Path, times: int, target: Path) -> Path:
    """The dump with its pages so many times, in one bz2 of one stream."""
    if not target.exists():
        content = bz2.decompress(dump.read_bytes())
        start, end = content.index(b"  <page>"), content.rindex(b"</mediawiki>")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(bz2.compress(content[:start] + content[start:end] * times + content[end:]))
    return target


class Memory:
    """Greatest memory of the Python workers (USS of one) and of the JVM (resident) below this process."""

    def __init__(self) -> None:
        self.worker_mb = self.jvm_mb = self.driver_mb = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(0.2):
            self.driver_mb = max(self.driver_mb, psutil.Process().memory_info().rss / 1e6)
            for process in psutil.Process().children(recursive=True):
                try:
                    if any("pyspark.daemon" in part for part in process.cmdline()):
                        self.worker_mb = max(self.worker_mb, process.memory_full_info().uss / 1e6)
                    elif process.name() == "java":
                        self.jvm_mb = max(self.jvm_mb, process.memory_info().rss / 1e6)
                except (psutil.NoSuchProcess, psutil.AccessDenied):
                    continue


def one(options: argparse.Namespace) -> None:
    """Count one dump in Spark, once to warm up and then timed; prints a line of JSON."""
    from pyspark.sql import functions as F  # noqa: N812, PLC0415 - only this process needs Spark

    from metaclip_spark.session import build_session  # noqa: PLC0415
    from metaclip_spark.storage.dump import READING, open_dump  # noqa: PLC0415
    from metaclip_spark.storage.settings import changed_settings  # noqa: PLC0415
    from metaclip_spark.transforms.count_ngrams import PAIR, WORD, count_ngrams  # noqa: PLC0415

    spark = build_session(master=options.master, settings={"spark.driver.memory": "2g"})
    lines = []
    for _ in range(options.repeat + 1):
        with changed_settings(spark, READING), Memory() as memory:
            read = open_dump(spark, [str(options.dump)], "en")
            start = time.monotonic()
            counts = count_ngrams(read.pieces, read.site, "en")
            totals = counts.groupBy("kind").agg(F.sum("count").alias("total"), F.count("*").alias("distinct")).collect()
            seconds = time.monotonic() - start
        of = {row.kind: row for row in totals}
        line = {"seconds": seconds, "words": of[WORD].total, "pairs": of[PAIR].distinct}
        line |= {"worker_mb": memory.worker_mb, "jvm_mb": memory.jvm_mb, "driver_mb": memory.driver_mb}
        lines.append(line | {"tasks": read.pieces.rdd.getNumPartitions()})
    print("RESULT " + json.dumps(min(lines[1:], key=lambda line: line["seconds"])), flush=True)
    spark.stop()


def run(dump: Path, master: str, cpus: str, repeat: int) -> dict[str, float]:
    command = ["taskset", "-c", cpus, sys.executable, __file__, "--one", "--dump", str(dump), "--master", master]
    done = subprocess.run([*command, "--repeat", str(repeat)], check=True, capture_output=True, text=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    result: dict[str, float] = json.loads(line.removeprefix("RESULT "))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dump", type=Path, required=True, help="a .bz2 of some MB")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--times", type=int, nargs="*", default=[1, 5, 20])
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(options)
        return
    against_peers(options.dump, options.repeat)
    dumps = {times: replicate(options.dump, times, options.work / f"x{times}.xml.bz2") for times in options.times}
    for times, dump in dumps.items():
        line = run(dump, "local[2]", "0,1", options.repeat)
        print(
            f"x{times}: {line['seconds']:.1f} s, {line['words']:,} words, {line['pairs']:,} distinct pairs, "
            f"{line['tasks']} tasks; worker {line['worker_mb']:.0f} MB, JVM {line['jvm_mb']:.0f} MB, driver's Python "
            f"{line['driver_mb']:.0f} MB",
            flush=True,
        )
    largest = dumps[max(dumps)]
    single, double = (run(largest, f"local[{n}]", cpus, options.repeat) for n, cpus in ((1, "0"), (2, "0,1")))
    print(f"x{max(dumps)}: one CPU {single['seconds']:.1f} s, two {double['seconds']:.1f} s; ratio "
          f"{single['seconds'] / double['seconds']:.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
