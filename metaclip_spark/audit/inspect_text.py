"""Text of an inspection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from metaclip_spark.core.text_layout import aligned, count, size
from metaclip_spark.curation.summary import head_and_tail, rows_by_outcome
from metaclip_spark.runs.stored_run import FINISHED

if TYPE_CHECKING:
    from metaclip_spark.audit.inspect_report import InspectReport, LanguageFigures, TableFigures

_MAX_RUNS: Final = 10
_MAX_LANGUAGES: Final = 5
_ENTRY_LENGTH: Final = 40


def render_inspect(report: InspectReport) -> str:
    """Return the report as text, without a final line break. Long lists are cut here, but not in the JSON report."""
    blocks = [["Tables of " + report.root, *_tables(report)]]
    if report.unfinished_run:
        blocks.append(
            [
                f"! Run {report.unfinished_run} wrote the rows of the curated table, but is not marked as finished.",
                "  Repeat its command to complete it.",
            ]
        )
    blocks += [_versions(table) for table in report.tables if len(report.tables) == 1]
    blocks += [["Runs, newest first (* is the current run)", *_runs(report)]] if report.runs else []
    current = [run for run in report.runs if run.current]
    blocks += [[f"Rows of run {run.run_id}", *rows_by_outcome(run.counters)] for run in current]
    blocks += [_entries(figures) for figures in report.languages[:_MAX_LANGUAGES]]
    more = len(report.languages) - _MAX_LANGUAGES
    blocks += [[f"and {more} more languages"]] if more > 0 else []
    return "\n\n".join("\n".join(block) for block in blocks)


def _tables(report: InspectReport) -> list[str]:
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
        for table in report.tables
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
            version.run_id or "-",
        )
        for version in table.last_versions
    ]
    return [f"Versions of {table.name}", *aligned(rows, right=(0, 3))]


def _runs(report: InspectReport) -> list[str]:
    rows = [("", "run", "stage", "finished", "seconds", "t", "seed", "read", "kept")]
    for run in report.runs[:_MAX_RUNS]:
        t = f"{next(iter(run.t.values())):,.10g}" if len(run.t) == 1 else f"{len(run.t)} languages"
        rows.append(
            (
                "*" if run.current else "",
                run.run_id,
                run.stage if run.status == FINISHED else f"{run.stage} ({run.status})",
                run.finished_at,
                f"{run.seconds:,.1f}",
                t if run.t else "-",
                "-" if run.seed is None else str(run.seed),
                count(run.counters["read"]) if "read" in run.counters else "-",
                count(run.counters["kept"]) if "kept" in run.counters else "-",
            )
        )
    more = len(report.runs) - _MAX_RUNS
    return [*aligned(rows, right=(4, 5, 7, 8)), *([f"  and {more} more"] if more > 0 else [])]


def _entries(figures: LanguageFigures) -> list[str]:
    top = [("rank", "id", "entry", "count", "p")]
    top += [
        (str(rank), str(entry_id), entry[:_ENTRY_LENGTH], count(number), f"{min(1.0, figures.report.t / number):.3g}")
        for rank, (entry_id, entry, number) in enumerate(figures.top_entries, start=1)
    ]
    shown = ["", *aligned(top, right=(0, 1, 3, 4))] if figures.top_entries else []
    return [f"Entries ({figures.language})", *head_and_tail(figures.report), *shown]
