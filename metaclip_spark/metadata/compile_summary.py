"""Human-readable summary of compiled metadata, printed by `metaclip-spark compile`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from metaclip_spark.core.entry_list import EntryFate
from metaclip_spark.core.text_layout import aligned, count, percent

if TYPE_CHECKING:
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

_MEANING: Final = {
    EntryFate.MATCHABLE: "can match",
    EntryFate.BLANK: "blank: never match",
    EntryFate.REPEATED: "repeated: an earlier entry has the same text and matches instead",
    EntryFate.CONTROL: "with a tab, newline or carriage return: never match",
    EntryFate.UNMATCHABLE: "with punctuation next to a non-space: never match",
}

_EXAMPLES: Final = 3
_EXAMPLE_LENGTH: Final = 24


def render_compiled(compiled: CompiledMetadata, *, artifact: str, artifact_bytes: int) -> str:
    """Return the summary of compiled metadata.

    Args:
        compiled: The metadata.
        artifact: Path of the artifact.
        artifact_bytes: Size of the artifact.
    """
    report = compiled.report
    rows: list[tuple[str, ...]] = [("entries", count(compiled.n_entries))]
    for fate, meaning in _MEANING.items():
        number = report.counts[fate]
        if number or fate is EntryFate.MATCHABLE:
            examples = compiled.entries(report.examples.get(fate, [])[:_EXAMPLES])
            shown = ", ".join(repr(text[:_EXAMPLE_LENGTH]) for text in examples)
            rows.append((meaning, count(number), percent(number, compiled.n_entries), shown))
    return "\n".join(
        [
            f"Metadata compiled ({compiled.language})",
            *aligned(rows, right=(1, 2)),
            "",
            f"  metadata digest  {compiled.metadata_digest}",
            f"  artifact         {artifact} ({artifact_bytes / 1e6:.1f} MB)",
        ],
    )
