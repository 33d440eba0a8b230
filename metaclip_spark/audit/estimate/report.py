"""What a share of the rows says of the whole pool: estimates, each with its error, for people and as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final, NamedTuple

from metaclip_spark.core.text_layout import aligned, count, percent

_TOP: Final = 10
_FEW: Final = 20  # matches in the sample at t: below, sizes rest on the model of rare entries
_GB: Final = 1e9
_HOUR: Final = 3600.0


class Estimate(NamedTuple):
    """An estimate with the range that holds the true figure in 19 of 20 cases, or so its basis says."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class SizeEstimate:
    """The size at one threshold.

    Attributes:
        t: of the reference language or the only one, in matches of the pool.
        rows: kept rows.
        matches_in_sample: t * share: the fewer, the more the estimate rests on a model of rare entries.
    """

    t: float
    rows: Estimate
    matches_in_sample: float


@dataclass(frozen=True)
class LanguagePilot:
    """What was seen of one language.

    Attributes:
        seen: entries that matched in the sample.
        unseen_share: of the pool's matches, on entries that the sample did not see (Good and Turing's estimate).
        top_entries: the most frequent entries with estimates of their counts.
    """

    seen: int
    unseen_share: float
    top_entries: list[tuple[str, Estimate]]


@dataclass(frozen=True)
class PilotReport:
    """Estimates from a share of the rows; nothing was written.

    Attributes:
        share: of the rows with a caption, as asked for.
        seed: of the run and of the sample.
        read: rows of the pool, exact, with records that cannot be read as rows.
        without_caption: those whose caption is null or empty, exact; they match nothing and are not sampled.
        sampled: rows in the sample.
        matched: rows that match.
        matches: pairs of caption and matched entry.
        languages: by language.
        asked: the size, at the t asked for or found.
        wanted: rows asked for; None where t was given.
        sizes: size against t.
        passes: times that a run reads the pool: twice, and to choose t by size, where no run has left its curve.
        seconds: of a whole run on these machines; None where the sample is too small to tell.
        bytes: of the curated table; None where the pool's size is unknown.
        took: seconds of this pilot, by step.
        malformed: records of the pool that cannot be read as rows.
        warnings: what was unfortunate about the pool, for people.
    """

    share: float
    seed: int
    read: int
    without_caption: int
    sampled: int
    matched: Estimate
    matches: Estimate
    languages: dict[str, LanguagePilot]
    asked: SizeEstimate
    wanted: int | None
    sizes: list[SizeEstimate]
    passes: int
    seconds: Estimate | None
    bytes: Estimate | None
    took: dict[str, float]
    malformed: int = 0
    warnings: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The estimates as JSON types."""
        return {name: _named(value) for name, value in asdict(self).items()}


def _named(value: Any) -> Any:
    """Estimates as objects with names, where JSON would make lists of them."""
    if isinstance(value, Estimate):
        return value._asdict()
    if isinstance(value, dict):
        return {key: _named(item) for key, item in value.items()}
    return [_named(item) for item in value] if isinstance(value, (list, tuple)) else value


def render_pilot(report: PilotReport) -> str:
    """The estimates for people, without a line break at the end."""
    asked = report.asked
    head = [
        (
            f"Estimated from {count(report.sampled)} of {count(report.read - report.malformed)} rows "
            f"({percent(report.sampled, report.read - report.malformed)}); nothing was written"
        ),
        f"At t = {asked.t:,.6g} a run keeps {_of_rows(asked.rows)} rows ({percent(asked.rows.value, report.read)})",
    ]
    if report.wanted is not None:
        head.append(f"{count(report.wanted)} were asked for; this is the t that comes near")
    without = count(report.without_caption), f"{percent(report.without_caption, report.read)} of read, exactly"
    figures: list[tuple[str, ...]] = [
        *([("rows without caption", *without)] if report.without_caption else []),
        ("rows that match", _of_rows(report.matched), f"{percent(report.matched.value, report.read)} of read"),
        ("matches", _of_rows(report.matches)),
        (
            "run time",
            _range(report.seconds, _HOUR, "h"),
            f"on this session; {report.passes} passes measured, writing assumed",
        ),
        ("curated table", _range(report.bytes, _GB, "GB"), "from the pool's bytes a row"),
    ]
    blocks = [head, *(["Warnings", *(f"  {warning}" for warning in report.warnings)] for _ in report.warnings[:1])]
    blocks += [["The whole pool", *aligned(figures, right=())]]
    blocks += [_language(name, own, report) for name, own in report.languages.items()]
    rows = [("t", "rows", "from", "to", "of read")]
    rows += [
        (f"{s.t:,.6g}", count(s.rows.value), count(s.rows.low), count(s.rows.high), percent(s.rows.value, report.read))
        for s in report.sizes
    ]
    blocks.append(["Size against t", *aligned(rows, right=range(5)), *_caution(asked)])
    return "\n\n".join("\n".join(block) for block in blocks)


def _language(name: str, own: LanguagePilot, report: PilotReport) -> list[str]:
    of = f" ({name})" if len(report.languages) > 1 else ""
    top = [(entry, _of_rows(number)) for entry, number in own.top_entries[:_TOP]]
    return [
        f"Entries{of}: {count(own.seen)} seen; those not seen hold about {percent(own.unseen_share, 1)} of the matches",
        *aligned(top),
    ]


def _caution(asked: SizeEstimate) -> list[str]:
    if asked.matches_in_sample >= _FEW:
        return []
    return [
        (
            f"  t is {asked.matches_in_sample:.3g} matches in this sample: which entries are rarer than t is then "
            "guessed from how counts spread; a greater --sample tells more"
        )
    ]


def _of_rows(estimate: Estimate) -> str:
    return f"{count(estimate.value)} ± {count((estimate.high - estimate.low) / 2)}"


def _range(estimate: Estimate | None, unit: float, name: str) -> str:
    if estimate is None:
        return "not known"
    return f"about {estimate.value / unit:.2g} {name} ({estimate.low / unit:.2g} to {estimate.high / unit:.2g})"
