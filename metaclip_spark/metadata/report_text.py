"""Human-readable report of a metadata build: sizes by source, thresholds, first and last entries, scripts, warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from metaclip_spark.core.entries.merge import REJECTS
from metaclip_spark.core.text_layout import aligned, count, percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metaclip_spark.metadata.report import MetadataReport, WrittenCandidates

_PUBLISHED: Final = {
    "wordnet": count(86_654), "unigrams": count(251_465), "bigrams": count(100_646), "titles": count(61_235)
}  # fmt: skip
_ENGLISH: Final = "en"
_EXAMPLES: Final = 6
_LENGTH: Final = 24
_SCRIPTS: Final = 6


def render_metadata(report: MetadataReport) -> str:
    """Return a report as text, without a final line end."""
    blocks = [
        [
            f"Metadata of {report.language}: {count(report.entries)} entries",
            *(f"  ! {line}" for line in report.warnings),
        ],
        ["Sources", *_sources(report)],
        ["Requested and reached", *_figures(report.figures)],
        ["First and last entries", *_ends(report)],
        ["Scripts", *_scripts(report)],
    ]
    if report.unmatchable:
        blocks.append(["Left out because no caption can match them", "  " + _listed(report.unmatchable)])
    if report.difference is not None:
        blocks.append(["Compared with the other list", *_difference(report)])
    blocks.append(["Written", *_written(report)])
    return "\n\n".join("\n".join(block) for block in blocks if len(block) > 1 or block is blocks[0])


def render_written(written: Sequence[WrittenCandidates]) -> str:
    """Return the candidates written by a step as text."""
    lines = aligned([(one.source, count(one.candidates), "candidates", one.file) for one in written])
    warnings = [f"  ! {warning}" for one in written for warning in one.warnings]
    return "\n".join([*lines, *warnings, *_figures({one.source: one.figures for one in written})])


def _sources(report: MetadataReport) -> list[str]:
    english = report.language == _ENGLISH
    rows = [("", "proposed", "admitted", "already listed", "rejected", "over the cap", "published" if english else "")]
    for name, own in report.merged.items():
        rejected = sum(own["rejects"].values())
        rows.append(
            (
                name, count(own["candidates"]), count(own["admitted"]), count(own["already_listed"] + own["repeated"]),
                count(rejected), count(own["over_cap"]), _PUBLISHED.get(name, "") if english else "",
            )
        )  # fmt: skip
    why = {reason: sum(own["rejects"][reason] for own in report.merged.values()) for reason in REJECTS}
    lines = aligned(rows, right=range(1, 7))
    if any(why.values()):
        lines.append("  rejected: " + ", ".join(f"{count(number)} {name}" for name, number in why.items() if number))
    return lines


def _figures(figures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return aligned(
        [
            (source if first else "", name, _number(value))
            for source, own in figures.items()
            for first, (name, value) in zip([True, *[False] * len(own)], own.items(), strict=False)
            if value is not None
        ],
        right=(2,),
    )


def _ends(report: MetadataReport) -> list[str]:
    return aligned(
        [
            row
            for source in report.top
            for row in (
                (source, "first", _scored(report.top[source][:_EXAMPLES])),
                ("", "last", _scored(report.bottom[source][-_EXAMPLES:])),
            )
        ],
        right=(),
    )


def _scripts(report: MetadataReport) -> list[str]:
    shown = list(report.scripts.items())[:_SCRIPTS]
    rest = report.entries - sum(number for _, number in shown)
    rows = [(name.lower(), count(number), percent(number, report.entries)) for name, number in shown]
    return aligned([*rows, *([("others", count(rest), percent(rest, report.entries))] if rest else [])], right=(1, 2))


def _difference(report: MetadataReport) -> list[str]:
    found = report.difference
    if found is None:
        return []
    return aligned(
        [
            ("in both", count(found.in_both), ""),
            ("only here", count(found.only_here), _listed(found.examples_here)),
            ("only there", count(found.only_there), _listed(found.examples_there)),
        ]
    )


def _written(report: MetadataReport) -> list[str]:
    seconds = [("seconds", f"{report.seconds:.1f}")] if report.seconds is not None else []
    return aligned([("digest", report.metadata_digest), *report.files.items(), *seconds], right=())


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(repr(text[:_LENGTH]) for text in texts[:_EXAMPLES])


def _scored(pairs: Sequence[tuple[str, float | None]]) -> str:
    return ", ".join(
        repr(text[:_LENGTH]) + (f" {_number(score)}" if score is not None else "") for text, score in pairs
    )


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) or value == int(value) else f"{value:,.4g}"
