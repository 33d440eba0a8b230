"""Suffixes of file names: which files of a folder belong to a format, and which are of another kind."""

from __future__ import annotations

import re
from typing import Final

_COMPRESSED: Final = ("gz", "bz2", "zst", "xz", "lz4", "snappy", "deflate")
_TABLES: Final = ("parquet", "parq", "pq")
_LINES: Final = {"csv": ("csv",), "tsv": ("tsv", "tab"), "json": ("json", "jsonl", "ndjson")}
_NEVER_READ: Final = re.findall(
    r"\w+",
    "tar tgz zip 7z rar orc avro arrow feather xlsx db sqlite h5 idx index npy npz pt pth pkl "
    "jpg jpeg png webp gif bmp tiff svg mp4 mp3 wav md rst html htm pdf xml yaml yml toml ini cfg py ipynb sh "
    "log out err lock sha1 sha256 sha512 md5 sig asc crc bak tmp part",
)

SUFFIX: Final = rf"(?i)\.([a-z0-9_]+(?:\.(?:{'|'.join(_COMPRESSED)}))?)$"
"""Regular expression of the suffix of a name in lower case, with that of its compression."""


def _with_compression(suffixes: tuple[str, ...]) -> tuple[str, ...]:
    return (*suffixes, *(f"{suffix}.{codec}" for suffix in suffixes for codec in _COMPRESSED))


def own_suffixes(form: str) -> tuple[str, ...]:
    """Return the suffixes of the files of a format.

    >>> own_suffixes("parquet")
    ('parquet', 'parq', 'pq')
    """
    return _TABLES if form == "parquet" else _with_compression(_LINES[form])


def other_suffixes(form: str) -> tuple[str, ...]:
    """Return the suffixes of files that are not read as a format, when a folder has them beside the format's own.

    `.txt` may be any text format, and `.csv` is a common name of tab-separated files.

    >>> "tar" in other_suffixes("parquet"), "json" in other_suffixes("parquet"), "csv" in other_suffixes("tsv")
    (True, True, False)
    """
    lines = {suffix for kind, suffixes in _LINES.items() if kind != form for suffix in suffixes}
    if form == "parquet":
        lines |= {"txt"}
    if form == "tsv":
        lines -= {"csv"}
    tables = () if form == "parquet" else _TABLES
    return (
        *_NEVER_READ,
        *("tar.gz", "tar.bz2", "tar.xz", "tar.zst"),
        *tables,
        *_with_compression(tuple(sorted(lines))),
    )


def format_of(suffix: str) -> str | None:
    """Return the format whose own suffix it is; None if there is none.

    >>> format_of("jsonl.gz"), format_of("tar")
    ('json', None)
    """
    return next((form for form in ("parquet", *_LINES) if suffix in own_suffixes(form)), None)
