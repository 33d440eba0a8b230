"""What building metadata found: numbers first, for machines, and for the manifest beside the list."""

from __future__ import annotations

import importlib.metadata
import platform
import unicodedata
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from metaclip_spark.core.entry_list import first_unfit_for_text, metadata_digest
from metaclip_spark.core.languages import base_language, is_no_space, language_code
from metaclip_spark.core.ngrams.segmentation import icu_version
from metaclip_spark.core.spacing import SEMANTICS_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metaclip_spark.core.entries.merge import Entry, Merged

_SHOWN: Final = 10
MIN_COUNT_REACHED, MIN_PMI_REACHED, MIN_VIEWS_REACHED = REACHED = (
    "min count reached", "min PMI reached", "min views reached"
)  # fmt: skip
"""Figures of a source that are of its last candidate, and after the merge of the last that it admitted."""


@dataclass(frozen=True)
class ListDifference:
    """How a list differs from another.

    Attributes:
        in_both: entries in both.
        only_here: entries that the other list lacks, and the first few.
        only_there: entries of the other list that are missing here, and the first few.
    """

    in_both: int
    only_here: int
    only_there: int
    examples_here: list[str]
    examples_there: list[str]


@dataclass(frozen=True)
class WrittenCandidates:
    """Candidates of one source, written for a later merge.

    Attributes:
        source: its name.
        candidates: how many.
        target: the file.
        figures: numbers of the source: what was asked for, what was reached.
        warnings: for people.
    """

    source: str
    candidates: int
    target: str
    figures: dict[str, float | None]
    warnings: list[str]

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON types."""
        return asdict(self)


@dataclass(frozen=True)
class MetadataReport:
    """A list that was built.

    Attributes:
        language: of it.
        entries: their number.
        metadata_digest: of the entries in order: what a curation carries.
        sources: files and editions.
        configuration: least counts, shares, caps.
        merged: by source, what became of its candidates.
        figures: by source, what was asked and reached; of "text" the pages or lines by what became of them.
        top: by source, its first entries with their scores.
        bottom: by source, its last ones.
        scripts: entries by the script of their first letter, most first.
        unmatchable: candidates left out because no caption can hold them, the first few.
        warnings: for people.
        software: versions that the result depends on.
        difference: to another list, if one was given.
        files: what was written, by kind.
        seconds: how long it took; None in the manifest, which is the same for the same list.
    """

    language: str
    entries: int
    metadata_digest: str
    sources: dict[str, Any]
    configuration: dict[str, Any]
    merged: dict[str, dict[str, Any]]
    figures: dict[str, dict[str, Any]]
    top: dict[str, list[tuple[str, float | None]]]
    bottom: dict[str, list[tuple[str, float | None]]]
    scripts: dict[str, int]
    unmatchable: list[str]
    warnings: list[str]
    software: dict[str, str]
    difference: ListDifference | None = None
    files: dict[str, str] = field(default_factory=dict)
    seconds: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON types."""
        return asdict(self)

    def finished(self, files: dict[str, str], seconds: float, warnings: Sequence[str] = ()) -> MetadataReport:
        """The report, with what was written, the time that it took, and what was not written."""
        return replace(self, files=files, seconds=seconds, warnings=[*self.warnings, *warnings])

    def manifest(self) -> dict[str, Any]:
        """What does not depend on where and when the list was built."""
        return {name: value for name, value in self.as_dict().items() if name not in {"files", "seconds"}}


def metadata_report(
    merged: Merged,
    *,
    language: str,
    config: dict[str, Any],
    sources: dict[str, Any],
    figures: Mapping[str, dict[str, Any]],
    warnings: list[str],
    difference: ListDifference | None,
) -> MetadataReport:
    """Figures of a merged list."""
    by_source: dict[str, list[tuple[str, float | None]]] = {}
    for entry in merged.entries:
        by_source.setdefault(entry.admitted_by, []).append((entry.text, entry.score))
    return MetadataReport(
        language=language,
        entries=len(merged.entries),
        metadata_digest=metadata_digest([entry.text for entry in merged.entries]),
        sources=sources,
        configuration=config,
        merged={name: asdict(own) for name, own in merged.figures.items()},
        figures={name: _of_admitted(own, by_source.get(name, [])) for name, own in figures.items() if own},
        top={name: own[:_SHOWN] for name, own in by_source.items()},
        bottom={name: own[-_SHOWN:] for name, own in by_source.items()},
        scripts=scripts_of(entry.text for entry in merged.entries),
        unmatchable=merged.unmatchable,
        warnings=[*_variant_warnings(language), *_text_warnings([entry.text for entry in merged.entries]), *warnings],
        software=_software(language),
        difference=difference,
    )


def _of_admitted(figures: Mapping[str, Any], admitted: Sequence[tuple[str, float | None]]) -> dict[str, Any]:
    """Figures of a source, what was reached being that of the last entry admitted: more were proposed."""
    last = admitted[-1][1] if admitted else None
    return {name: last if name in REACHED else value for name, value in figures.items()}


def scripts_of(texts: Any) -> dict[str, int]:
    """Texts by the script of their first letter, as its Unicode name begins; "none" has no letter.

    >>> scripts_of(["dog", "собака", "cat", "42"])
    {'LATIN': 2, 'CYRILLIC': 1, 'none': 1}
    """
    known: dict[str, str] = {}
    counted: Counter[str] = Counter()
    for text in texts:
        letter = next((character for character in text if character.isalpha()), "")
        if letter not in known:
            known[letter] = (
                unicodedata.name(letter, "unnamed").partition(" ")[0].partition("-")[0] if letter else "none"
            )
        counted[known[letter]] += 1
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def difference_to(entries: Sequence[Entry], other: Sequence[str]) -> ListDifference:
    """How a list differs from another one."""
    here, there = [entry.text for entry in entries], list(dict.fromkeys(other))
    only_here, only_there = _missing(here, set(there)), _missing(there, set(here))
    return ListDifference(
        len(here) - len(only_here), len(only_here), len(only_there), only_here[:_SHOWN], only_there[:_SHOWN]
    )


def _missing(texts: Sequence[str], of: set[str]) -> list[str]:
    return [text for text in texts if text not in of]


def _variant_warnings(language: str) -> list[str]:
    base = base_language(language)
    if base == language_code(language):
        return []
    return [f"{language!r} is a variant of {base!r}, and captions of both have one list: name both dumps with {base}="]


def _text_warnings(texts: Sequence[str]) -> list[str]:
    unfit = first_unfit_for_text(texts)
    if unfit is None:
        return []
    why = (
        "a line end, or a byte order mark that begins the list, would not be read back from lines, and ids would shift"
    )
    said = f"entry {unfit}, {texts[unfit]!r}, cannot be a line of entries.txt ({why}): the file is left out; use "
    return [said + "metadata.json or entries.mcs, or correct the list that was taken as it is"]


def _software(language: str) -> dict[str, str]:
    """What decides which tokens are words, beside the rules themselves."""
    versions = {
        "metaclip-spark": importlib.metadata.version("metaclip-spark"),
        "python": platform.python_version(),
        "semantics": str(SEMANTICS_VERSION),
        "unicode": unicodedata.unidata_version,
    }
    return versions | ({"icu": icu_version()} if is_no_space(language) else {})
