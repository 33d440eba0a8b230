"""Encodings and codecs of Parquet that Spark cannot read, found in a few files before any work."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from metaclip_spark.core.shell_words import shell_word
from metaclip_spark.errors import InputError
from metaclip_spark.pools.columns.parquet_footers import local_footer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyarrow.parquet import FileMetaData

    from metaclip_spark.config.pool import Pool

_CODECS: Final = frozenset({"BROTLI", "LZO"})
_ENCODING: Final = "BYTE_STREAM_SPLIT"


def check_encodings(pool: Pool, files: Sequence[str]) -> None:
    """Raise if columns of some files cannot be decoded; all of them are listed.

    Args:
        pool: The pool; columns that it drops are not read.
        files: A few of its files. Those in stores are not opened here: reading them raises Spark's own error.

    Raises:
        InputError: There are such columns.
    """
    found: dict[str, str] = {}
    for file in files:
        footer = local_footer(file)
        for name, form in () if footer is None else _undecodable(footer):
            if name not in pool.drop:
                found.setdefault(name, f"{name!r} ({form}) in {file}")
    if not found:
        return
    needed = {name for name in asdict(pool.columns).values() if name is not None} & found.keys()
    drops = " ".join(f"--drop {shell_word(name)}" for name in found)
    out = "" if needed else f"Leave them out ({drops}), or write"
    raise InputError(
        f"{len(found)} column(s) of {', '.join(pool.paths)} are stored in a form that Spark cannot read: "
        f"{', '.join(found.values())}. {out or 'Write'} the files again with another encoding and a codec such as zstd."
    )


def _undecodable(footer: FileMetaData) -> Iterator[tuple[str, str]]:
    """Yield the columns of a file's first row group that Spark cannot decode, with their encoding or codec."""
    if not footer.num_row_groups:
        return
    group = footer.row_group(0)
    for place in range(group.num_columns):
        chunk = group.column(place)
        name = chunk.path_in_schema.partition(".")[0]
        if chunk.compression in _CODECS:
            yield name, f"codec {chunk.compression}"
        elif _ENCODING in chunk.encodings:
            yield name, f"encoding {_ENCODING}"
