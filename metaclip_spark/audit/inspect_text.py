"""An inspection for people: tables, runs, entries, aligned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from metaclip_spark.core.text_layout import aligned, count, percent, size

if TYPE_CHECKING:
    from metaclip_spark.audit.inspect_report import EntryFigures, InspectReport, RunFigures, TableFigures

_MOST_RUNS: Final = 10
_MOST_LANGUAGES: Final = 5
_ENTRY_LENGTH: Final = 40


def render_inspect(found: InspectReport) -> str:
    """An inspection as text, without a line break at the end; the JSON has what is cut here."""
    blocks = [["Tables of " + found.root, *_tables(found)]]
    if found.unfinished:
        blocks.append(
            [f"The curated rows are of run {found.unfinished}, which is not marked as finished: run the same again"]
        )
    blocks += [_versions(table) for table in found.tables if len(found.tables) == 1]
    blocks += [["Runs, newest first", *_runs(found)]] if found.runs else []
    current = [run for run in found.runs if run.current]
    blocks += [[f"Rows of the current run, {run.run_id}", *_counters(run)] for run in current]
    blocks += [_entries(figures) for figures in found.languages[:_MOST_LANGUAGES]]
    left = len(found.languages) - _MOST_LANGUAGES
    blocks += [[f"and {left} more languages"]] if left > 0 else []
    return "\n\n".join("\n".join(block) for block in blocks)


def _tables(found: InspectReport) -> list[str]:
    rows = [("table", "rows", "files", "size", "versions", "last written")]
    rows += [
        (
            table.name,
            count(table.rows),
            count(table.files),
            size(table.bytes),
            count(table.versions),
            table.last_versions[0].committed_at,
        )
        for table in found.tables
    ]
    return aligned(rows, right=(1, 2, 3, 4))


def _versions(table: TableFigures) -> list[str]:
    rows = [("version", "committed", "operation", "rows written", "run")]
    rows += [
        (
            str(version.version),
            version.committed_at,
            version.operation,
            "-" if version.rows is None else count(version.rows),
            version.run_id or "",
        )
        for version in table.last_versions
    ]
    return [f"Versions of {table.name}", *aligned(rows, right=(0, 3))]


def _runs(found: InspectReport) -> list[str]:
    rows = [("", "run", "stage", "finished", "seconds", "t", "seed", "read", "kept")]
    for run in found.runs[:_MOST_RUNS]:
        t = ", ".join(f"{value:,.10g}" for value in sorted(set(run.t.values()))[:1]) if run.t else "-"
        rows.append(
            (
                "*" if run.current else "",
                run.run_id,
                run.stage if run.status == "finished" else f"{run.stage} ({run.status})",
                run.finished_at,
                f"{run.seconds:,.1f}",
                t if len(run.t) <= 1 else f"{len(run.t)} languages",
                "-" if run.seed is None else str(run.seed),
                count(run.counters["read"]) if "read" in run.counters else "-",
                count(run.counters["kept"]) if "kept" in run.counters else "-",
            )
        )
    left = len(found.runs) - _MOST_RUNS
    return [*aligned(rows, right=(4, 5, 7, 8)), *([f"  and {left} more"] if left > 0 else [])]


def _counters(run: RunFigures) -> list[str]:
    read = run.counters.get("read", 0)
    rows = [(name, count(number), percent(number, read)) for name, number in run.counters.items() if number]
    return aligned(rows, right=(1, 2))


def _entries(figures: EntryFigures) -> list[str]:
    rows = [("", "entries", "", "matches", "")]
    tail_matches = figures.matches - figures.head_matches
    for label, entries, matches in (
        (f"head (count >= {figures.t:,.10g})", figures.head, figures.head_matches),
        (f"tail (count < {figures.t:,.10g})", figures.tail, tail_matches),
        ("never matched", figures.never_matched, 0),
        ("all", figures.entries, figures.matches),
    ):
        shares = percent(entries, figures.entries), percent(matches, figures.matches)
        rows.append((label, count(entries), shares[0], count(matches), shares[1]))
    top = [("rank", "id", "entry", "count", "p")]
    top += [
        (str(rank), str(entry_id), entry[:_ENTRY_LENGTH], count(number), f"{min(1.0, figures.t / number):.3g}")
        for rank, (entry_id, entry, number) in enumerate(figures.top_entries, start=1)
    ]
    shown = ["", *aligned(top, right=(0, 1, 3, 4))] if figures.top_entries else []
    return [f"Entries ({figures.language})", *aligned(rows, right=(1, 2, 3, 4)), *shown]
