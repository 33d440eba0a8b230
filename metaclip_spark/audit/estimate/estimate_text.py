"""Text of an estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from metaclip_spark.core.text_layout import aligned, count, percent

if TYPE_CHECKING:
    from metaclip_spark.audit.estimate.estimate_report import EstimateReport, Interval, LanguageEstimate, SizeEstimate

_TOP: Final = 10
_FEW_MATCHES: Final = 20  # below this many matches in the sample at t, sizes depend on the model of rare entries
_GB: Final = 1e9
_HOUR: Final = 3600.0  # seconds


def render_estimate(report: EstimateReport) -> str:
    """Return the estimates as text, without a final line break."""
    blocks = [
        _headline(report),
        *(["Warnings", *(f"  {warning}" for warning in report.warnings)] for _ in report.warnings[:1]),
        ["Complete pool", *_figures(report)],
        *(_language(name, own, report) for name, own in report.languages.items()),
        ["Rows kept at each t", *_sizes(report), *_caution(report.size)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks)


def _headline(report: EstimateReport) -> list[str]:
    size, rows = report.size, report.read - report.malformed
    lines = [
        f"Estimated from {count(report.sampled)} of {count(rows)} rows ({percent(report.sampled, rows)})",
        f"At t = {size.t:,.6g} a run keeps {_plus_minus(size.rows)} rows ({percent(size.rows.value, report.read)})",
    ]
    if report.target_rows is not None:
        lines.append(f"The target is {count(report.target_rows)} rows; a run finds the exact t")
    return lines


def _figures(report: EstimateReport) -> list[str]:
    rows: list[tuple[str, ...]] = []
    if report.without_caption:
        share = f"{percent(report.without_caption, report.read)} of read, exact"
        rows.append(("rows without caption", count(report.without_caption), share))
    rows += [
        ("matching rows", _plus_minus(report.matched), f"{percent(report.matched.value, report.read)} of read"),
        ("matches", _plus_minus(report.matches)),
        (
            "run time",
            _range(report.run_seconds, _HOUR, "h"),
            f"on this session, {report.passes} passes; the time of writing is assumed",
        ),
        ("curated table", _range(report.table_bytes, _GB, "GB"), "from the bytes per row of the pool"),
    ]
    return aligned(rows, right=())


def _sizes(report: EstimateReport) -> list[str]:
    rows = [("t", "rows", "from", "to", "of read")]
    for size in report.sizes:
        numbers = count(size.rows.value), count(size.rows.low), count(size.rows.high)
        rows.append((f"{size.t:,.6g}", *numbers, percent(size.rows.value, report.read)))
    return aligned(rows, right=range(5))


def _language(name: str, own: LanguageEstimate, report: EstimateReport) -> list[str]:
    of = f" ({name})" if len(report.languages) > 1 else ""
    top = [(entry, _plus_minus(number)) for entry, number in own.top_entries[:_TOP]]
    unseen = percent(own.unseen_share, 1)
    heading = f"Entries{of}: {count(own.entries_seen)} matched in the sample; others have about {unseen} of the matches"
    return [heading, *aligned(top)]


def _caution(size: SizeEstimate) -> list[str]:
    if size.matches_in_sample >= _FEW_MATCHES:
        return []
    return [
        f"  ! In this sample, t corresponds to only {size.matches_in_sample:.3g} matches,",
        "    so the sizes depend on a model of rare entries. Pass a greater --sample.",
    ]


def _plus_minus(estimate: Interval) -> str:
    return f"{count(estimate.value)} ± {count((estimate.high - estimate.low) / 2)}"


def _range(estimate: Interval | None, unit: float, name: str) -> str:
    if estimate is None:
        return "unknown"
    return f"about {estimate.value / unit:.2g} {name} ({estimate.low / unit:.2g} to {estimate.high / unit:.2g})"
