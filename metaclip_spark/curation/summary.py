"""A run's report for people: one screen, plain text, the same in a terminal and in a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from metaclip_spark.core.text_layout import aligned, count, percent

if TYPE_CHECKING:
    from metaclip_spark.runs.report import CurateReport, LanguageReport

# What became of a row, in the order of the work. With `kept` they add up to `read`.
_LOSSES: Final = {
    "malformed": "that cannot be read",
    "null": "without caption (null)",
    "empty": "with empty caption",
    "language_without_metadata": "in a language without metadata",
    "unmatched": "that match no entry",
    "no_identity": "without id or URL",
    "not_chosen": "not chosen among the texts of their image",
    "not_drawn": "not drawn",
}
_TOP_COLUMNS: Final = 4
_ENTRY_LENGTH: Final = 24


def render_summary(report: CurateReport) -> str:
    """The closing summary of `metaclip-spark curate`: about forty lines, without a line break at the end."""
    blocks = [
        _headline(report),
        ["Rows", *_rows(report), *_ids(report)],
        *(["Warnings", *(f"  {warning}" for warning in report.warnings)] for _ in report.warnings[:1]),
        ["Matches", *_matches(report)],
        ["Balance", *_balance(report)],
        *(["Entries" + _of(name, report), *_entries(figures)] for name, figures in report.languages.items()),
        *(["Most frequent entries" + _of(name, report), *_top(figures)] for name, figures in _most_matched(report)),
        ["Tables", *_tables(report)],
        ["Look at them", *_how_to_look(report)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks)


def _headline(report: CurateReport) -> list[str]:
    read, kept = report.counters["read"], report.counters["kept"]
    share = f" ({percent(kept, read)})" if read else ""
    lines = [f"Kept {count(kept)} of {count(read)} rows{share}"]
    if report.already_finished:
        lines.append("This run had been done before: nothing was read or written now. These are its figures.")
    elif report.counts_reused:
        lines.append("Counts of an earlier, unfinished run over the same pool were used.")
    if report.origin:
        lines.append(report.origin)
    return lines


def _rows(report: CurateReport) -> list[str]:
    counters = report.counters
    read = counters["read"]
    losses = [(f"- {label}", counters.get(name, 0)) for name, label in _LOSSES.items()]
    lines = [("  read", read), *losses, ("= kept", counters["kept"])]
    rows = [(label, count(number), percent(number, read)) for label, number in lines]
    left = read - sum(number for _, number in losses) - counters["kept"]
    if left:  # never seen; if it is, it must not be hidden
        rows.append(("! unaccounted for", count(left), percent(left, read)))
    return aligned(rows, right=(1, 2))


def _ids(report: CurateReport) -> list[str]:
    if report.duplicated_ids is None:
        return []
    ids, rows = report.duplicated_ids["ids"], report.duplicated_ids["rows"]
    return [
        f"  {count(ids)} ids have several rows ({count(rows)} rows), which share one draw"
        if ids
        else "  every id has one row"
    ]


def _matches(report: CurateReport) -> list[str]:
    per_caption = f"{report.matches / report.matched:.2f} per caption that matches" if report.matched else ""
    return aligned(
        [
            (
                "captions that match",
                count(report.matched),
                f"{percent(report.matched, report.counters['read'])} of read",
            ),
            ("matches", count(report.matches), per_caption),
        ],
    )


def _balance(report: CurateReport) -> list[str]:
    kept = report.counters["kept"]
    expected, off = _expected(report)
    rows: list[tuple[str, ...]] = [("expected size", expected), ("realised size", count(kept), off), *_wanted(report)]
    if report.reserve_rows:
        rows.append(("in reserve, above t", count(report.reserve_rows)))
    rows += [("texts per image", report.texts_per_image), ("seed", str(report.seed))]
    return aligned(rows, right=())


def _expected(report: CurateReport) -> tuple[str, str]:
    """Expected size, and how far the realised one is off."""
    if report.expected_size is None:
        return "not known: rows dropped before were not read again", ""
    deviation = report.expected_deviation or 0.0
    difference = report.counters["kept"] - report.expected_size
    off = f"{difference:+,.0f} rows, {difference / deviation:+.2f} sigma" if deviation else f"{difference:+,.0f} rows"
    return f"{report.expected_size:,.0f} ± {deviation:,.0f}", off


def _wanted(report: CurateReport) -> list[tuple[str, ...]]:
    """How the size compares with the one asked for: rows may share the threshold at which it is reached."""
    if report.target_rows is None:
        return []
    surplus = report.counters["kept"] - report.target_rows
    tied = f"reached; {count(surplus)} more rows share the last one's threshold" if surplus else "reached exactly"
    return [("size asked for", count(report.target_rows), tied)]


def _entries(figures: LanguageReport) -> list[str]:
    tail_matches = figures.matches - figures.head_matches
    rows = [
        ("", "entries", "", "matches", ""),
        _entry_row(f"head (count >= {figures.t:,.10g})", figures, figures.head, figures.head_matches),
        _entry_row(f"tail (count < {figures.t:,.10g})", figures, figures.tail, tail_matches),
        _entry_row("never matched", figures, figures.never_matched, 0),
        _entry_row("all", figures, figures.entries, figures.matches),
    ]
    return aligned(rows, right=(1, 2, 3, 4))


def _entry_row(label: str, figures: LanguageReport, entries: int, matches: int) -> tuple[str, ...]:
    return (
        label,
        count(entries),
        percent(entries, figures.entries),
        count(matches),
        percent(matches, figures.matches),
    )


def _most_matched(report: CurateReport) -> list[tuple[str, LanguageReport]]:
    """Top entries are shown of one language only: of many they would fill the screen (the JSON has them all)."""
    matched = [(name, figures) for name, figures in report.languages.items() if figures.top_entries]
    return sorted(matched, key=lambda item: (-item[1].matches, item[0]))[:1]


def _top(figures: LanguageReport) -> list[str]:
    """Entries with their counts, read down the columns."""
    cells = [
        (f"{place}.", entry[:_ENTRY_LENGTH], count(number))
        for place, (entry, number) in enumerate(figures.top_entries, start=1)
    ]
    height = -(-len(cells) // _TOP_COLUMNS)
    rows = [[part for cell in cells[row::height] for part in cell] for row in range(height)]
    return aligned(rows, right=[*range(0, 3 * _TOP_COLUMNS, 3), *range(2, 3 * _TOP_COLUMNS, 3)])


def _tables(report: CurateReport) -> list[str]:
    versions = report.output_versions
    rows = [
        (name, path, f"version {versions[name]}" if name in versions else "") for name, path in report.tables.items()
    ]
    total = sum(report.seconds.values())
    steps = ", ".join(f"{step} {seconds:.1f}" for step, seconds in report.seconds.items())
    took = [f"  in {total:.1f} s ({steps})"] if report.seconds and not report.already_finished else []
    return [*aligned(rows, right=()), *took, f"  run {report.run_id}"]


def _how_to_look(report: CurateReport) -> list[str]:
    path = report.tables.get("curated", "")
    return [
        "  from metaclip_spark.spark.session import build_session",
        f'  build_session().read.format("delta").load({path!r}).show()',
    ]


def _of(language: str, report: CurateReport) -> str:
    return f" ({language})" if len(report.languages) > 1 else ""
