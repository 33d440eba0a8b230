"""Report of a metadata build: typed figures, also stored as report and manifest beside the metadata."""

from __future__ import annotations

import importlib.metadata
import platform
import unicodedata
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from metaclip_spark.core.entry_list import first_unwritable_as_text, metadata_digest
from metaclip_spark.core.languages import base_language, is_no_space, language_code
from metaclip_spark.core.ngrams.segmentation import icu_version
from metaclip_spark.core.spacing import SEMANTICS_VERSION
from metaclip_spark.metadata.candidates.proposal import REACHED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from metaclip_spark.core.entries.merge import Merged
    from metaclip_spark.metadata.origins import Origins

_SHOWN: Final = 10


@dataclass(frozen=True)
class MetadataDifference:
    """Difference between built metadata and another list.

    Attributes:
        in_both: Number of entries in both.
        only_here: Number of entries that the other list lacks.
        only_there: Number of entries that only the other list has.
        examples_here: The first few entries that the other list lacks.
        examples_there: The first few entries that only the other list has.
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
        source: Name of the source.
        candidates: Number of candidates.
        file: Path of their file.
        figures: Numbers about the source: thresholds requested and reached.
        warnings: Human-readable warnings.
    """

    source: str
    candidates: int
    file: str
    figures: dict[str, float | None]
    warnings: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON types."""
        return asdict(self)


@dataclass(frozen=True)
class MetadataReport:
    """Report of built metadata.

    Attributes:
        language: Code of the Wikipedia.
        entries: Number of entries.
        metadata_digest: Digest of the entries in order, which every curation with these entries records.
        sources: Editions and files, by name and size.
        configuration: Thresholds, shares and caps.
        merged: Number of candidates by source and fate.
        figures: By source, thresholds requested and reached; by "text", the pages or lines by their fate.
        top: First entries of each source with their scores.
        bottom: Last entries of each source with their scores.
        scripts: Entries by the script of their first letter, the most frequent script first.
        unmatchable: The first few candidates left out because no caption can match them.
        warnings: Human-readable warnings.
        software: Versions that the result depends on.
        difference: Difference to another list, if one was passed.
        files: Paths written, by kind.
        seconds: Duration of the build; None in the manifest, which is equal for equal metadata.
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
    difference: MetadataDifference | None = None
    files: dict[str, str] = field(default_factory=dict)
    seconds: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON types."""
        return asdict(self)

    def finished(self, files: dict[str, str], seconds: float, warnings: Sequence[str] = ()) -> MetadataReport:
        """Return the report with the files written, the duration, and warnings about the writing."""
        return replace(self, files=files, seconds=seconds, warnings=[*self.warnings, *warnings])

    def manifest(self) -> dict[str, Any]:
        """Return the part that does not depend on where and when the metadata was built."""
        return {name: value for name, value in self.as_dict().items() if name not in {"files", "seconds"}}


def metadata_report(
    merged: Merged,
    *,
    language: str,
    config: dict[str, Any],
    origins: Origins,
    compare_with: Sequence[str] | None = None,
) -> MetadataReport:
    """Return the report of merged candidates, before anything is written.

    Args:
        merged: Result of the merge.
        language: Code of the Wikipedia.
        config: Configuration in force.
        origins: Origins of the sources.
        compare_with: Another list to compare the entries with.
    """
    texts = [entry.text for entry in merged.entries]
    by_source: dict[str, list[tuple[str, float | None]]] = {}
    for entry in merged.entries:
        by_source.setdefault(entry.admitted_by, []).append((entry.text, entry.score))
    return MetadataReport(
        language=language,
        entries=len(texts),
        metadata_digest=metadata_digest(texts),
        sources=origins.sources,
        configuration=config,
        merged={name: asdict(own) for name, own in merged.figures.items()},
        figures={name: _of_admitted(own, by_source.get(name, [])) for name, own in origins.figures.items() if own},
        top={name: own[:_SHOWN] for name, own in by_source.items()},
        bottom={name: own[-_SHOWN:] for name, own in by_source.items()},
        scripts=scripts_of(texts),
        unmatchable=merged.unmatchable,
        warnings=[*_variant_warnings(language), *_text_warnings(texts), *origins.warnings],
        software=_software(language),
        difference=None if compare_with is None else difference_to(texts, compare_with),
    )


def _of_admitted(figures: Mapping[str, Any], admitted: Sequence[tuple[str, float | None]]) -> dict[str, Any]:
    """Return the figures of a source, with the thresholds reached by its last admitted entry."""
    last = admitted[-1][1] if admitted else None
    return {name: last if name in REACHED else value for name, value in figures.items()}


def scripts_of(texts: Iterable[str]) -> dict[str, int]:
    """Count texts by the script of their first letter (the first word of its Unicode name); "none" if it has no letter.

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


def difference_to(entries: Sequence[str], other: Sequence[str]) -> MetadataDifference:
    """Return the difference between entries and another list, whose repeated entries count once.

    >>> difference_to(["dog", "cat"], ["cat", "ant", "cat"])
    MetadataDifference(in_both=1, only_here=1, only_there=1, examples_here=['dog'], examples_there=['ant'])
    """
    there = list(dict.fromkeys(other))
    only_here, only_there = _missing(entries, set(there)), _missing(there, set(entries))
    return MetadataDifference(
        len(entries) - len(only_here), len(only_here), len(only_there), only_here[:_SHOWN], only_there[:_SHOWN]
    )


def _missing(texts: Sequence[str], known: set[str]) -> list[str]:
    return [text for text in texts if text not in known]


def _variant_warnings(language: str) -> list[str]:
    base = base_language(language)
    if base == language_code(language):
        return []
    said = f"{language!r} is a variant of {base!r}, and captions of both match the same metadata"
    return [f"{said}: build {base!r} from both dumps, each passed as {base}=PATH"]


def _text_warnings(texts: Sequence[str]) -> list[str]:
    entry_id = first_unwritable_as_text(texts)
    if entry_id is None:
        return []
    said = (
        f"entries.txt is not written: entry {entry_id}, {texts[entry_id]!r}, has a line end, or starts the list with a "
        "byte order mark, so the lines would not give back the same ids. "
    )
    return [said + "Use metadata.json or entries.mcs, or correct the official list"]


def _software(language: str) -> dict[str, str]:
    """Return the versions that decide which tokens are words."""
    versions = {
        "metaclip-spark": importlib.metadata.version("metaclip-spark"),
        "python": platform.python_version(),
        "semantics": str(SEMANTICS_VERSION),
        "unicode": unicodedata.unidata_version,
    }
    return versions | ({"icu": icu_version()} if is_no_space(language) else {})
