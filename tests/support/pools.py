"""Pools for tests: made-up captions with a head and a tail, written to files."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from metaclip_spark.config.pool import Pool, PoolColumns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WORDS = 400
COLUMNS = PoolColumns(uid="id", image_url="image_url")

ENTRIES = [
    *(f"w{number}" for number in range(WORDS)),
    *(f"w{left} w{right}" for left in range(12) for right in range(12)),
    "w1.",  # never matches, because captions have spaces around marks
    "w1",  # repeats entry 1
]


def made_up_captions(rows: int, seed: int = 0, known: int = WORDS) -> list[str]:
    """Return captions of 1 to 6 words, some of which are not entries. Word n is about n times rarer than word 1."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 7, rows)
    ranks = 1.0 / np.arange(1, known + 201)
    words = rng.choice(known + 200, int(lengths.sum()), p=ranks / ranks.sum())
    ends = np.cumsum(lengths)
    marks = rng.choice(np.array([" ", " ", ", ", "-"]), rows)
    return [
        mark.join(f"w{word}" for word in words[end - length : end])
        for end, length, mark in zip(ends.tolist(), lengths.tolist(), marks.tolist(), strict=True)
    ]


def made_up_table(rows: int, seed: int = 0, known: int = WORDS) -> pa.Table:
    """Return rows of `id`, `image_url` (three texts per image), `text` and `width`."""
    return pa.table(
        {
            "id": pa.array(range(rows), pa.int64()),
            "image_url": [f"https://example.org/{number // 3}.jpg" for number in range(rows)],
            "text": made_up_captions(rows, seed, known),
            "width": pa.array([number % 997 for number in range(rows)], pa.int32()),
        }
    )


def write_files(table: pa.Table, folder: Path, files: int = 1) -> Path:
    """Write a table as Parquet files with equal numbers of rows, and return their folder."""
    folder.mkdir(parents=True)
    edges = np.linspace(0, len(table), files + 1).astype(int).tolist()
    for number, (start, end) in enumerate(pairwise(edges)):
        pq.write_table(table.slice(start, end - start), folder / f"part-{number:05d}.parquet")
    return folder


def pool_at(path: Path | Sequence[Path], columns: PoolColumns | None = None, **options: object) -> Pool:
    """Return a pool of made-up rows, identified by `id` unless other columns are given."""
    paths = (path,) if not isinstance(path, (list, tuple)) else tuple(path)
    return Pool(paths=tuple(map(str, paths)), columns=columns or COLUMNS, **options)  # type: ignore[arg-type]
