"""Candidates of one source as a file: `text<TAB>score`, in order, the same bytes for the same candidates."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

from metaclip_spark.core.metadata.merge import Candidate
from metaclip_spark.errors import InputError, TableError
from metaclip_spark.storage.export_target import new_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_CONTROL = ("\t", "\n", "\r")


def write_candidate_file(folder: Path, source: str, candidates: Iterable[Candidate]) -> Path:
    """Write a source's candidates, in place of earlier ones; texts with tabs or line ends, which are no entries, not.

    Raises:
        TableError: the folder cannot be written.
    """
    place = folder / f"{source}.tsv.gz"
    lines = (
        f"{candidate.text}\t{'' if candidate.score is None else repr(candidate.score)}\n"
        for candidate in candidates
        if not any(control in candidate.text for control in _CONTROL)
    )
    content = gzip.compress("".join(lines).encode(), mtime=0)
    with new_file(str(place), overwrite=True) as partial:
        try:
            partial.write_bytes(content)
        except OSError as error:
            raise TableError(f"cannot write {place}: {error.strerror}") from None
    return place


def read_candidates(folder: Path, source: str) -> list[Candidate] | None:
    """A source's candidates; None if it has no file.

    Raises:
        InputError: the file is damaged, or has other lines.
    """
    place = folder / f"{source}.tsv.gz"
    if not place.exists():
        return None
    try:
        lines = gzip.decompress(place.read_bytes()).decode().split("\n")[:-1]
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InputError(f"the candidates {place} cannot be read: {error}") from None
    return [_candidate(place, number, line) for number, line in enumerate(lines, start=1)]


def _candidate(place: Path, number: int, line: str) -> Candidate:
    text, _, score = line.partition("\t")
    try:
        return Candidate(text, (float(score) if set(score) & set(".einf") else int(score)) if score else None)
    except ValueError:
        raise InputError(f"{place}, line {number}: {line!r} is not `text<TAB>score`") from None
