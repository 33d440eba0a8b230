"""Embedded example: the names of WordNet 3.0 as metadata, the example sentences of its glosses as captions.

It is small enough to ship and real enough to show a head and a tail. The data belong to Princeton University and have
the licence LICENSE.wordnet in this folder; `from_wordnet.py` reproduces them. The image URLs are invented.
"""

from __future__ import annotations

import gzip
from importlib.resources import files
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["T", "metadata_path", "pool_table", "write_pool"]

T = 2.0
"""Threshold for the example, which keeps 55 % of its rows (the paper's 20,000 is for 1.6 billion pairs).

Every sentence was written to show one word, so the tail has a much greater share of matches than on the web. A t below
1, at which a third of the rows would be kept, leaves no tail entries.
"""

_FOLDER = Path(str(files(__package__)))


def metadata_path() -> Path:
    """Return the path of the metadata: 86,654 entries, one per line, gzip."""
    return _FOLDER / "wordnet_names.txt.gz"


def pool_table() -> pa.Table:
    """Return the pool: 48,223 rows of `image_url` (unique), `text` (caption) and `synset`; strings without nulls."""
    lines = gzip.decompress((_FOLDER / "wordnet_sentences.tsv.gz").read_bytes()).decode().splitlines()
    keys, sentences = zip(*(line.split("\t") for line in lines), strict=True)
    return pa.table(
        {
            "image_url": [f"https://example.org/wordnet/{key}.jpg" for key in keys],
            "text": list(sentences),
            "synset": [key.partition("-")[0] for key in keys],
        },
    )


def write_pool(folder: Path) -> Path:
    """Write the pool as four Parquet files, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    table = pool_table()
    rows = -(-len(table) // 4)
    for number in range(4):
        pq.write_table(table.slice(number * rows, rows), folder / f"part-{number}.parquet")
    return folder
