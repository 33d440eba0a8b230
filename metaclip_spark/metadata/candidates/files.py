"""Candidates of a source as a file: `text<TAB>score`, in order, and beside it where they are from, for the merge."""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import zlib
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from metaclip_spark.core.entries.merge import Candidate
from metaclip_spark.core.entry_list import parse_text
from metaclip_spark.errors import ConfigError, InputError, TableError
from metaclip_spark.spark.locations import exists_here, local_path
from metaclip_spark.tables.atomic_files import json_bytes, put_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_CONTROL: Final = ("\t", "\n", "\r")
_DIGEST: Final = "digest"
_NUMBER: Final = "candidates"
_NO_LINES: Final = "no_lines"
_KINDS: Final = {
    "language": str, "sources": dict, "configuration": dict, "listed": int, "text": dict, "figures": dict,
    "warnings": list, _NUMBER: int, _DIGEST: str, _NO_LINES: list,
}  # fmt: skip
_AGAIN: Final = "do the step again"
_GREATEST_WHOLE: Final = 2**53


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where candidates are from.

    Attributes:
        language: code of the Wikipedia.
        sources: editions and files, as a manifest has them.
        configuration: least counts, shares and caps.
        listed: entries that the list may hold before these: with more the cap may not be reached.
        text: pages or lines of the text by what became of them.
        figures: of the source: what was asked for, what was reached.
        warnings: for people.
    """

    language: str
    sources: dict[str, Any]
    configuration: dict[str, Any]
    listed: int
    text: dict[str, int]
    figures: dict[str, float | None]
    warnings: list[str]


class StoredCandidates(NamedTuple):
    """Candidates of one source.

    Attributes:
        candidates: in order.
        origin: None for a file that was made by hand.
    """

    candidates: list[Candidate]
    origin: Origin | None


def candidates_folder(folder: Path) -> Path:
    """The folder on this machine.

    Raises:
        ConfigError: it is in a store.
        TableError: it is a file.
    """
    place = local_path(str(folder))
    if place is None:
        raise ConfigError(
            f"files of candidates cannot be in a store, as {folder} is: name a folder of this machine; the list that "
            "they are merged into can be in one"
        )
    if exists_here(place) and not place.is_dir():
        raise TableError(f"{place} is a file: name a folder for the candidates")
    return place


def write_candidate_files(folder: Path, found: Mapping[str, tuple[Sequence[Candidate], Origin]]) -> dict[str, Path]:
    """Write candidates of sources, in place of earlier ones, all or nothing.

    Texts with tabs or line ends, which are no entries, stand in the file beside the candidates.

    Returns:
        Where the candidates of each source are.

    Raises:
        TableError: the folder cannot be written.
    """
    places = {name: _places(folder, name) for name in found}
    with ExitStack() as stack:
        for name, (candidates, origin) in found.items():
            content, no_lines = _lines(candidates)
            beside = {_NUMBER: len(candidates), _DIGEST: _digest(content), _NO_LINES: no_lines, **asdict(origin)}
            # What describes the others gets its name first: if only one of both does, they do not fit together.
            put_file(stack, places[name][0], gzip.compress(content, mtime=0))
            put_file(stack, places[name][1], json_bytes(beside))
    return {name: place for name, (place, _) in places.items()}


def read_candidates(folder: Path, source: str, language: str) -> StoredCandidates | None:
    """A source's candidates; None if it has no file.

    Args:
        folder: of the files.
        source: its name.
        language: of the list that they are to be merged into.

    Raises:
        InputError: a file is damaged or has other lines, or the two of a source do not belong together.
        ConfigError: the candidates are of another language.
    """
    place, beside = _places(folder, source)
    if not exists_here(place):
        if exists_here(beside):
            raise InputError(f"{beside} describes {place.name}, which is not there: {_AGAIN}, or remove {beside.name}")
        return None
    content = _content(place)
    if not exists_here(beside):
        return StoredCandidates(_candidates(place, _lines_by_hand(place, content)), None)
    described = _described(beside)
    if described["language"] != language:
        raise ConfigError(
            f"{place} holds candidates of {described['language']!r} (so {beside.name} says), and the list is to be of "
            f"{language!r}: name the folder of its own candidates, or merge with --language {described['language']}"
        )
    if described[_DIGEST] != _digest(content):
        raise InputError(
            f"{beside} does not describe {place.name}, which was changed, or not written to its end, since: digest "
            f"{_digest(content)[:16]}… in place of {described[_DIGEST][:16]}…; {_AGAIN}, or remove {beside.name} to "
            "merge the candidates as they are"
        )
    candidates = _candidates(place, content.decode().split("\n")[:-1])
    candidates += [Candidate(*pair) for pair in described[_NO_LINES]]
    return StoredCandidates(candidates, Origin(**{one.name: described[one.name] for one in fields(Origin)}))


def _places(folder: Path, source: str) -> tuple[Path, Path]:
    """The candidates, and what describes them."""
    return folder / f"{source}.tsv.gz", folder / f"{source}.json"


def _content(place: Path) -> bytes:
    try:
        return gzip.decompress(place.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"the candidates {place} cannot be read: {error}; {_AGAIN}") from None


def _lines_by_hand(place: Path, content: bytes) -> list[str]:
    """Lines of a file that may have a byte order mark, returns, and no end of the last line."""
    try:
        return parse_text(content)
    except InputError as error:
        raise InputError(f"{place}: {error}") from None


def _lines(candidates: Sequence[Candidate]) -> tuple[bytes, list[tuple[str, float | None]]]:
    """Candidates as lines, and those that are none."""
    lines, no_lines = [], []
    for candidate in candidates:
        if any(control in candidate.text for control in _CONTROL):
            no_lines.append((candidate.text, candidate.score))
        else:
            lines.append(f"{candidate.text}\t{'' if candidate.score is None else repr(candidate.score)}\n")
    return "".join(lines).encode(), no_lines


def _described(place: Path) -> dict[str, Any]:
    """The description of a file of candidates."""
    try:
        described = json.loads(place.read_bytes().decode())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{place} cannot be read: {error}; {_AGAIN}") from None
    if not isinstance(described, dict):
        raise InputError(f"{place} is no description of candidates, but a JSON {type(described).__name__}: {_AGAIN}")
    wrong = [name for name, kind in _KINDS.items() if not isinstance(described.get(name), kind)]
    wrong += [_NO_LINES] if not wrong and not all(map(_is_pair, described[_NO_LINES])) else []
    if wrong:
        raise InputError(f"{place} is no description of candidates: its {', '.join(wrong)} is missing or odd; {_AGAIN}")
    return described


def _is_pair(value: object) -> bool:
    """Whether it is a text and its score, or no score."""
    if not isinstance(value, list) or len(value) != len(Candidate.__dataclass_fields__):
        return False
    text, score = value
    return isinstance(text, str) and (score is None or isinstance(score, int | float))


def _candidates(place: Path, lines: Sequence[str]) -> list[Candidate]:
    return [_candidate(place, number, line) for number, line in enumerate(lines, start=1)]


def _candidate(place: Path, number: int, line: str) -> Candidate:
    text, _, score = line.partition("\t")
    try:
        return Candidate(text, _score(score) if score else None)
    except ValueError:
        raise InputError(f"{place}, line {number}: {line!r} is not `text<TAB>score`") from None


def _score(text: str) -> float:
    score = float(text)
    if not math.isfinite(score):
        raise ValueError(text)
    # Scores are stored as doubles: greater whole numbers do not fit.
    return score if set(text) & set(".eE") or abs(score) >= _GREATEST_WHOLE else int(text)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
