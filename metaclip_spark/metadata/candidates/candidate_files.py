"""Candidates of a source as files: `<source>.tsv.gz` with `text<TAB>score` lines, and `<source>.json` about them."""

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
from metaclip_spark.host.places import absolute, exists_here
from metaclip_spark.spark.locations import local_path
from metaclip_spark.tables.atomic_files import add_file, json_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_CONTROL: Final = ("\t", "\n", "\r")
_DIGEST: Final = "digest"
_NUMBER: Final = "candidates"
_WITH_CONTROL: Final = "candidates_with_control_characters"
_KINDS: Final = {
    "language": str, "sources": dict, "configuration": dict, "listed": int, "text": dict, "figures": dict,
    "warnings": list, _NUMBER: int, _DIGEST: str, _WITH_CONTROL: list,
}  # fmt: skip
_REMEDY: Final = "Repeat the step"
_MAX_EXACT: Final = 2**53


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Description of candidates, stored beside them for the merge.

    Attributes:
        language: Code of the Wikipedia.
        sources: Editions and files, as in the manifest.
        configuration: Thresholds, shares and caps.
        listed: Number of entries that may precede these candidates; if more do, the cap may not be reached.
        text: Pages or lines of the text by their fate.
        figures: Numbers about the source: thresholds requested and reached.
        warnings: Human-readable warnings.
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
        candidates: Candidates in order.
        origin: Their description; None for a file made by hand.
    """

    candidates: list[Candidate]
    origin: Origin | None


def candidates_folder(folder: Path) -> Path:
    """Return the local path of a folder for candidates.

    Raises:
        ConfigError: It is in a store.
        TableError: It is a file.
    """
    place = local_path(absolute(str(folder)))
    if place is None:
        raise ConfigError(
            f"Candidate files cannot be in a store, as {folder} is. Pass a folder of this machine; the metadata that "
            "they are merged into can be in a store."
        )
    if exists_here(place) and not place.is_dir():
        raise TableError(f"{place} is a file. Pass a folder for the candidates.")
    return place


def write_candidate_files(folder: Path, found: Mapping[str, tuple[Sequence[Candidate], Origin]]) -> dict[str, Path]:
    """Write candidates by source, replacing earlier ones, all or nothing.

    Texts with tabs or line ends, which cannot become entries, are stored in the JSON file.

    Returns:
        The file of each source.

    Raises:
        TableError: The folder cannot be written.
    """
    places = {name: _places(folder, name) for name in found}
    with ExitStack() as stack:
        for name, (candidates, origin) in found.items():
            content, with_control = _lines(candidates)
            beside = {_NUMBER: len(candidates), _DIGEST: _digest(content), _WITH_CONTROL: with_control}
            # The description is renamed first, so that a crash between the two leaves a pair whose digests differ.
            add_file(stack, places[name][0], gzip.compress(content, mtime=0))
            add_file(stack, places[name][1], json_bytes(beside | asdict(origin)))
    return {name: place for name, (place, _) in places.items()}


def read_candidates(folder: Path, source: str, language: str) -> StoredCandidates | None:
    """Read the candidates of a source; None if it has no file.

    Args:
        folder: Folder of the files.
        source: Name of the source.
        language: Language of the metadata that they will be merged into.

    Raises:
        InputError: A file is damaged or malformed, or the two files of a source do not belong together.
        ConfigError: The candidates are of another language.
    """
    place, beside = _places(folder, source)
    if not exists_here(place):
        if exists_here(beside):
            raise InputError(f"{beside} describes {place.name}, which is missing. {_REMEDY}, or remove {beside.name}.")
        return None
    content = _content(place)
    if not exists_here(beside):
        return StoredCandidates(_candidates(place, _lines_by_hand(place, content)), None)
    description = _description(beside)
    if description["language"] != language:
        raise ConfigError(
            f"{place} has candidates of {description['language']!r} according to {beside.name}, but the metadata is of "
            f"{language!r}. Pass the folder of its own candidates, or merge with --language {description['language']}."
        )
    if description[_DIGEST] != _digest(content):
        raise InputError(
            f"{beside} does not describe {place.name}, which was changed or incompletely written: its digest is "
            f"{_digest(content)[:16]}…, not {description[_DIGEST][:16]}…. {_REMEDY}, or remove {beside.name} to merge "
            "the candidates without a description."
        )
    candidates = _candidates(place, content.decode().split("\n")[:-1])
    candidates += [Candidate(*pair) for pair in description[_WITH_CONTROL]]
    return StoredCandidates(candidates, Origin(**{one.name: description[one.name] for one in fields(Origin)}))


def _places(folder: Path, source: str) -> tuple[Path, Path]:
    """Return the paths of the candidates and of their description."""
    return folder / f"{source}.tsv.gz", folder / f"{source}.json"


def _content(place: Path) -> bytes:
    try:
        return gzip.decompress(place.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"The candidates {place} cannot be read: {error}. {_REMEDY}.") from None


def _lines_by_hand(place: Path, content: bytes) -> list[str]:
    """Split a file that may have a byte order mark and carriage returns, and lack the end of its last line."""
    try:
        return parse_text(content)
    except InputError as error:
        raise InputError(f"{place}: {error}") from None


def _lines(candidates: Sequence[Candidate]) -> tuple[bytes, list[tuple[str, float | None]]]:
    """Return candidates as lines, and those that cannot be lines."""
    lines, with_control = [], []
    for candidate in candidates:
        if any(control in candidate.text for control in _CONTROL):
            with_control.append((candidate.text, candidate.score))
        else:
            lines.append(f"{candidate.text}\t{'' if candidate.score is None else repr(candidate.score)}\n")
    return "".join(lines).encode(), with_control


def _description(place: Path) -> dict[str, Any]:
    """Read and check the description of a file of candidates."""
    try:
        description = json.loads(place.read_bytes().decode())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{place} cannot be read: {error}. {_REMEDY}.") from None
    if not isinstance(description, dict):
        kind = type(description).__name__
        raise InputError(f"{place} does not describe candidates: it is a JSON {kind}. {_REMEDY}.")
    wrong = [name for name, kind in _KINDS.items() if not isinstance(description.get(name), kind)]
    wrong += [_WITH_CONTROL] if not wrong and not all(map(_is_pair, description[_WITH_CONTROL])) else []
    if wrong:
        raise InputError(
            f"{place} does not describe candidates: {', '.join(wrong)} missing or of the wrong type. {_REMEDY}."
        )
    return description


def _is_pair(value: object) -> bool:
    """Return whether a JSON value is a text and a score or null."""
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
        raise InputError(f"{place}, line {number}: {line!r} is not `text<TAB>score`. Correct the line.") from None


def _score(text: str) -> float:
    score = float(text)
    if not math.isfinite(score):
        raise ValueError(text)
    # Scores are stored as doubles, which represent integers exactly up to this number.
    return score if set(text) & set(".eE") or abs(score) >= _MAX_EXACT else int(text)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
