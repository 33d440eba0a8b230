"""Text of a run report: one screen, plain text, the same in a terminal and in a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from metaclip_spark.core.text_layout import aligned, count, percent
from metaclip_spark.errors import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metaclip_spark.runs.report import CurateReport, LanguageReport

# Reasons for which a row is not kept, in the order of the work. With `kept` they add up to `read`.
_LOSSES: Final = {
    "malformed": "record cannot be read",
    "null": "caption is null",
    "empty": "caption is empty",
    "language_without_metadata": "no metadata for its language",
    "unmatched": "no entry matches",
    "no_identity": "no id or URL",
    "not_chosen": "another text of its image chosen",
    "not_drawn": "threshold above t",
}
_TOP_COLUMNS: Final = 4
_ENTRY_LENGTH: Final = 24


def render_summary(report: CurateReport) -> str:
    """Return the closing summary of a run: about forty lines, without a final line break."""
    blocks = [
        _headline(report),
        *(["Pool", *aligned(rows, right=())] for rows in [files_left_out(report.source)] if rows),
        ["Rows", *rows_by_outcome(report.counters), *_ids(report)],
        *(["Warnings", *(f"  {printable(warning)}" for warning in report.warnings)] for _ in report.warnings[:1]),
        ["Matches", *_matches(report)],
        ["Balance", *_balance(report)],
        *(["Entries" + _of(name, report), *head_and_tail(figures)] for name, figures in report.languages.items()),
        *(["Most frequent entries" + _of(name, report), *_top(figures)] for name, figures in _most_matched(report)),
        ["Tables", *_tables(report)],
        ["Run", *_run(report)],
        ["Read the curated rows in Python", *_how_to_read(report)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks)


def rows_by_outcome(counters: Mapping[str, int]) -> list[str]:
    """Return a line for each outcome that at least one row had, with its share of the rows read."""
    read, kept = counters["read"], counters["kept"]
    losses = [(f"- {label}", counters.get(name, 0)) for name, label in _LOSSES.items()]
    lines = [("  read", read), *(loss for loss in losses if loss[1]), ("= kept", kept)]
    missing = read - sum(number for _, number in losses) - kept
    if missing:  # must not happen, and must not be hidden if it does
        lines.append(("! unaccounted for", missing))
    return aligned([(label, count(number), percent(number, read)) for label, number in lines], right=(1, 2))


def files_left_out(source: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what of a pool's files was not read, and the base of its partition folders if the paths are below it.

    >>> files_left_out({"not_read": {".json": 9, ".tar": 8}, "unreadable_files": {"files": 1, "names": ["x"]}})
    [('not read', '9 .json, 8 .tar'), ('unreadable, left out', '1 file(s), such as x')]
    """
    rows = []
    if "base_of_partitions" in source:
        rows.append(("base of partition folders", str(source["base_of_partitions"])))
    if "not_read" in source:
        rows.append(("not read", ", ".join(f"{count(number)} {kind}" for kind, number in source["not_read"].items())))
    if "unreadable_files" in source:
        number, names = source["unreadable_files"]["files"], source["unreadable_files"]["names"]
        rows.append(("unreadable, left out", f"{count(number)} file(s), such as {names[0]}"))
    return rows


def against_expected(kept: int, expected: float | None, deviation: float | None) -> tuple[str, str]:
    """Return the expected size, and the distance of the actual size from it.

    >>> against_expected(26_415, 26_336.2, 69.6)
    ('26,336 ± 70', '+79 rows, +1.13 standard deviations')
    """
    if expected is None:
        return "unknown: rows dropped by earlier runs were not read again", ""
    difference, deviation = kept - expected, deviation or 0.0
    distance = f"{difference:+,.0f} rows"
    if deviation:
        distance += f", {difference / deviation:+.2f} standard deviations"
    return f"{expected:,.0f} ± {deviation:,.0f}", distance


def head_and_tail(figures: LanguageReport) -> list[str]:
    """Return a table of the entries and matches in the head, in the tail and in all."""
    tail_matches = figures.matches - figures.head_matches
    lines = [
        (f"head (count >= {figures.t:,.10g})", figures.head, figures.head_matches),
        (f"tail (count < {figures.t:,.10g})", figures.tail, tail_matches),
        ("never matched", figures.never_matched, 0),
        ("all", figures.entries, figures.matches),
    ]
    rows = [("", "entries", "", "matches", "")]
    rows += [
        (label, count(entries), percent(entries, figures.entries), count(matches), percent(matches, figures.matches))
        for label, entries, matches in lines
    ]
    return aligned(rows, right=(1, 2, 3, 4))


def _headline(report: CurateReport) -> list[str]:
    read, kept = report.counters["read"], report.counters["kept"]
    share = f" ({percent(kept, read)})" if read else ""
    lines = [f"Kept {count(kept)} of {count(read)} rows{share}"]
    if report.already_finished:
        lines.append("This run was finished before: nothing was read or written now. These are its stored figures.")
    elif report.counts_reused:
        lines.append("The counts of an earlier, unfinished run over the same pool were used.")
    if report.origin:
        lines.append(report.origin)
    return lines


def _ids(report: CurateReport) -> list[str]:
    if report.duplicated_ids is None:
        return []
    ids, rows = report.duplicated_ids["ids"], report.duplicated_ids["rows"]
    shared = f"  {count(ids)} ids are shared by several rows ({count(rows)} rows): rows of one id share one draw"
    return [shared if ids else "  every id belongs to one row"]


def _matches(report: CurateReport) -> list[str]:
    read = report.counters["read"]
    per_caption = f"{report.matches / report.matched:.2f} per matching caption" if report.matched else ""
    return aligned(
        [
            ("matching captions", count(report.matched), f"{percent(report.matched, read)} of read"),
            ("matches", count(report.matches), per_caption),
        ],
    )


def _balance(report: CurateReport) -> list[str]:
    kept = report.counters["kept"]
    expected, distance = against_expected(kept, report.expected_size, report.expected_deviation)
    rows: list[tuple[str, ...]] = [("expected size", expected), ("actual size", count(kept), distance)]
    rows += _target(report)
    if report.reserve_rows:
        rows.append(("reserve", count(report.reserve_rows), "rows above t, stored for a greater t"))
    rows += [("texts per image", report.texts_per_image), ("seed", str(report.seed))]
    return aligned(rows, right=())


def _target(report: CurateReport) -> list[tuple[str, ...]]:
    """Compare the size with the target: rows may share the threshold at which the target is reached."""
    if report.target_rows is None:
        return []
    surplus = report.counters["kept"] - report.target_rows
    tied = f"reached; {count(surplus)} more rows share the threshold of the last row" if surplus else "reached exactly"
    return [("target size", count(report.target_rows), tied)]


def _most_matched(report: CurateReport) -> list[tuple[str, LanguageReport]]:
    """Return the top entries of one language: those of many would fill the screen, and the JSON report has them all."""
    matched = [(name, figures) for name, figures in report.languages.items() if figures.top_entries]
    return sorted(matched, key=lambda item: (-item[1].matches, item[0]))[:1]


def _top(figures: LanguageReport) -> list[str]:
    """Return the entries with their counts in columns, ordered from top to bottom."""
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
    return aligned(rows, right=())


def _run(report: CurateReport) -> list[str]:
    rows = [("id", report.run_id)]
    if report.seconds and not report.already_finished:
        steps = ", ".join(f"{step} {seconds:.1f}" for step, seconds in report.seconds.items())
        rows.append(("time", f"{sum(report.seconds.values()):.1f} s ({steps})"))
    return aligned(rows, right=())


def _how_to_read(report: CurateReport) -> list[str]:
    root = report.tables.get("curated", "").removesuffix("curated")[:-1]
    return [
        "  from metaclip_spark import read_table",
        "  from metaclip_spark.spark.session import build_session",
        f"  read_table(build_session(), {root!r}).show()",
    ]


def _of(language: str, report: CurateReport) -> str:
    return f" ({language})" if len(report.languages) > 1 else ""
