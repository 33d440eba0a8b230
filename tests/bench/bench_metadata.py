"""Speed from wikitext to counts: against other programs on one core, on one CPU against two, and for larger dumps.

    python tests/bench/bench_metadata.py --dump enwiki-….xml.bz2 --work /tmp/bench --times 1 5 20

The peers are wikiextractor (without templates, which is fastest) and mwparserfromhell, if they are installed. They only
produce plain text. Hence there are two ratios: our text to their text, and our text and counts to their text. Quote
ratios.
"""

from __future__ import annotations

import argparse
import bz2
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from processes import ProcessMemory, cpu_seconds

from metaclip_spark.core.ngrams.counter import NgramCounter
from metaclip_spark.core.wikitext.dump_pages import PAGE_END, read_page, read_site
from metaclip_spark.core.wikitext.markup_tables import markup_tables
from metaclip_spark.core.wikitext.plain_text import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession


def pages_of(content: bytes) -> list[bytes]:
    return [text for text in (read_page(piece).wikitext for piece in content.split(PAGE_END.encode())) if text]


def ours(content: bytes) -> tuple[Callable[[list[bytes]], object], Callable[[list[bytes]], object]]:
    """Speeds to plain text and to counts."""
    site = read_site(content[:20_000])
    tables = markup_tables(site.hidden if site else ())

    def strip(pages: list[bytes]) -> object:
        return [plain_text(page, tables) for page in pages]

    def count(pages: list[bytes]) -> object:
        counter = NgramCounter()
        parts = [part for page in pages for part in counter.add(plain_text(page, tables))]
        return [*parts, *counter.drain()]

    return strip, count


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
    """Return megabytes of wikitext per second on one core, the best of several turns."""
    best = float("inf")
    for _ in range(repeat):
        start = time.process_time()
        work(pages)
        best = min(best, time.process_time() - start)
    return sum(map(len, pages)) / 1e6 / best


def against_peers(dump: Path, repeat: int) -> None:
    content = bz2.decompress(dump.read_bytes())
    pages = pages_of(content)
    strip, count = ours(content)
    count(pages)  # compiles
    text, counts = rate(strip, pages, repeat), rate(count, pages, repeat)
    print(
        f"{len(pages)} pages, {sum(map(len, pages)) / 1e6:.1f} MB of wikitext; on one core to text {text:.1f} MB/s, "
        f"to counts {counts:.1f} MB/s"
    )
    for name, peer in peers().items():
        some = pages[:30] if name == "mwparserfromhell" else pages
        theirs = rate(peer, some, repeat)
        print(f"{name}, to text: {theirs:.2f} MB/s; ratio of text {text / theirs:.1f}, of counts {counts / theirs:.1f}")


def replicate(dump: Path, times: int, target: Path) -> Path:
    """Write the pages of a dump several times into one .bz2 file of one stream, and return it."""
    if not target.exists():
        content = bz2.decompress(dump.read_bytes())
        start, end = content.index(b"  <page>"), content.rindex(b"</mediawiki>")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(bz2.compress(content[:start] + content[start:end] * times + content[end:]))
    return target


def one(options: argparse.Namespace) -> None:
    """Count a dump in Spark, once to warm up and then timed, and print a line of JSON."""
    from pyspark.sql import functions as F  # noqa: N812, PLC0415 - only this process needs Spark

    from metaclip_spark.metadata.count_rows import PAIR, WORD  # noqa: PLC0415
    from metaclip_spark.metadata.dumps.count_ngrams import count_ngrams  # noqa: PLC0415
    from metaclip_spark.metadata.dumps.open_dump import DUMP_SETTINGS, open_dump  # noqa: PLC0415
    from metaclip_spark.spark.session import build_session  # noqa: PLC0415
    from metaclip_spark.spark.settings import changed_settings  # noqa: PLC0415

    spark = build_session(master=options.master, settings={"spark.driver.memory": "2g"})
    lines = []
    for _ in range(options.repeat + 1):
        before, shuffled = cpu_seconds(), shuffle_bytes(spark)
        with changed_settings(spark, DUMP_SETTINGS), ProcessMemory() as memory:
            read = open_dump(spark, [str(options.dump)], "en")
            start = time.monotonic()
            counts = count_ngrams(read.pieces, read.sites, "en")
            totals = counts.groupBy("kind").agg(F.sum("count").alias("total"), F.count("*").alias("distinct")).collect()
            seconds = time.monotonic() - start
        of = {row.kind: row for row in totals}
        line = {"seconds": seconds, "words": of[WORD].total, "pairs": of[PAIR].distinct}
        line |= {"cpu_seconds": cpu_seconds() - before, "shuffle_mb": (shuffle_bytes(spark) - shuffled) / 1e6}
        line |= {"worker_mb": memory.worker_mb, "jvm_mb": memory.jvm_mb, "driver_mb": memory.driver_mb}
        lines.append(line | {"tasks": read.pieces.rdd.getNumPartitions()})
    print("RESULT " + json.dumps(min(lines[1:], key=lambda line: line["seconds"])), flush=True)
    spark.stop()


def shuffle_bytes(spark: SparkSession) -> int:
    """Return the shuffle bytes that the stages of this session have written so far."""
    gateway = spark.sparkContext._gateway
    none = gateway.new_array(gateway.jvm.double, 0)
    store = spark._jsparkSession.sparkContext().statusStore()
    stages = store.stageList(None, *[False] * 2, none, gateway.jvm.java.util.ArrayList())
    return sum(stages.apply(place).shuffleWriteBytes() for place in range(stages.size()))


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
            f"{line['tasks']} tasks; {line['cpu_seconds']:.1f} CPU-s, {line['shuffle_mb']:.1f} MB of shuffle; worker "
            f"{line['worker_mb']:.0f} MB, JVM {line['jvm_mb']:.0f} MB, driver's Python {line['driver_mb']:.0f} MB",
            flush=True,
        )
    largest = dumps[max(dumps)]
    single, double = (run(largest, f"local[{n}]", cpus, options.repeat) for n, cpus in ((1, "0"), (2, "0,1")))
    print(f"x{max(dumps)}: one CPU {single['seconds']:.1f} s, two {double['seconds']:.1f} s; ratio "
          f"{single['seconds'] / double['seconds']:.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
