"""Make a pool of any size from the shared development captions, with unique ids and recombined captions.

    python tests/bench/make_pool.py --data ../shared/data --rows 6000000 --files 16 --output pool

Each row joins the first half of one real caption to the second half of another, so that captions rarely
repeat while words, punctuation and lengths are those of real captions. The same arguments give the same rows.
"""

from __future__ import annotations

import argparse
import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq


def real_captions(data: Path) -> list[str]:
    """Return the distinct captions of LAION, web pages and Multi30k (English)."""
    captions = data / "captions"
    texts = pq.read_table(captions / "laion_10k.parquet", columns=["TEXT"])["TEXT"].to_pylist()
    texts += pq.read_table(captions / "html_alt.parquet", columns=["alt"])["alt"].to_pylist()
    with gzip.open(captions / "multi30k_en.txt.gz", "rt", encoding="utf-8") as lines:
        texts += [line.rstrip("\n") for line in lines]
    return sorted({text for text in texts if text and text.strip()})


def halves(captions: list[str]) -> tuple[pa.Array, pa.Array]:
    """Return the first and second half of each caption, cut at a word boundary."""
    firsts, seconds = [], []
    for caption in captions:
        words = caption.split(" ")
        middle = (len(words) + 1) // 2
        firsts.append(" ".join(words[:middle]))
        seconds.append(" ".join(words[middle:]))
    return pa.array(firsts), pa.array(seconds)


def rows(first_id: int, count: int, firsts: pa.Array, seconds: pa.Array, rng: np.random.Generator) -> pa.Table:
    """Return `count` rows of id, url, text, page_url, width, height."""
    ids = np.arange(first_id, first_id + count, dtype=np.int64)
    left = firsts.take(pa.array(rng.integers(0, len(firsts), count)))
    right = seconds.take(pa.array(rng.integers(0, len(seconds), count)))
    name = pa.array(ids).cast(pa.string())
    host = pa.array(rng.integers(0, 50_000, count)).cast(pa.string())
    return pa.table(
        {
            "id": ids,
            "url": pc.binary_join_element_wise("https://img", host, ".example.org/photos/", name, ".jpg", ""),
            "text": pc.utf8_trim(pc.binary_join_element_wise(left, right, " "), characters=" "),
            "page_url": pc.binary_join_element_wise("https://www", host, ".example.org/page/", name, ""),
            "width": rng.integers(100, 4000, count).astype(np.int32),
            "height": rng.integers(100, 4000, count).astype(np.int32),
        }
    )


def make_pool(data: Path, output: Path, *, row_count: int, file_count: int, seed: int = 7) -> None:
    """Write `row_count` rows as `file_count` Parquet files into `output`."""
    output.mkdir(parents=True, exist_ok=True)
    firsts, seconds = halves(real_captions(data))
    edges = np.linspace(0, row_count, file_count + 1).astype(int)
    for number in range(file_count):
        rng = np.random.default_rng([seed, number])
        first, last = int(edges[number]), int(edges[number + 1])
        pq.write_table(rows(first, last - first, firsts, seconds, rng), output / f"part-{number:05d}.parquet")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the shared development data")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=6_000_000)
    parser.add_argument("--files", type=int, default=16)
    arguments = parser.parse_args()
    make_pool(arguments.data, arguments.output, row_count=arguments.rows, file_count=arguments.files)


if __name__ == "__main__":
    main()
