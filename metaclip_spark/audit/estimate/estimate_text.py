"""Text of an estimate report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from metaclip_spark.core.text_layout import aligned, count, percent

if TYPE_CHECKING:
    from metaclip_spark.audit.estimate.estimate_report import EstimateReport, Interval, LanguageEstimate, SizeEstimate

_TOP: Final = 10
_FEW: Final = 20  # matches in the sample at t: below, sizes rest on the model of rare entries
_GB: Final = 1e9
_HOUR: Final = 3600.0


def render_estimate(report: EstimateReport) -> str:
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


def _language(name: str, own: LanguageEstimate, report: EstimateReport) -> list[str]:
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


def _of_rows(estimate: Interval) -> str:
    return f"{count(estimate.value)} ± {count((estimate.high - estimate.low) / 2)}"


def _range(estimate: Interval | None, unit: float, name: str) -> str:
    if estimate is None:
        return "not known"
    return f"about {estimate.value / unit:.2g} {name} ({estimate.low / unit:.2g} to {estimate.high / unit:.2g})"
