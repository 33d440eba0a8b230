"""The embedded example: WordNet 3.0's names as metadata, the example sentences of its glosses as captions.

Small enough to ship, real enough to show a head and a tail. The data are Princeton University's, under
LICENSE.wordnet in this folder; `from_wordnet.py` makes them again. The image URLs are made up and lead nowhere.
"""

from __future__ import annotations

import gzip
from importlib.resources import files
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["T", "metadata_path", "pool_table", "write_pool"]

T = 2.0
"""Threshold for the example: keeps 55 % of its rows (the paper's 20,000 is for 1.6 billion).

Every sentence was written to show one word, so the tail is much fuller than on the web: below t = 1, where a third of
the rows would be kept, no entry is left that could be called tail.
"""

_FOLDER = Path(str(files(__package__)))


def metadata_path() -> Path:
    """The metadata list: 86,654 entries, one a line, gzip."""
    return _FOLDER / "wordnet_names.txt.gz"


def pool_table() -> pa.Table:
    """The pool: 48,223 rows of `image_url` (made up, unique), `text` (caption), `synset`; strings without nulls."""
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
    """Write the pool as Parquet in four files, as a pool comes, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    table = pool_table()
    rows = -(-len(table) // 4)
    for number in range(4):
        pq.write_table(table.slice(number * rows, rows), folder / f"part-{number}.parquet")
    return folder
