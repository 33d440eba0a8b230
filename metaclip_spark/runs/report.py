"""Figures of a run, stored as JSON in the table `runs`; `curation.summary` renders them as text."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class LanguageReport:
    """Figures of one language.

    Attributes:
        t: Threshold, in matches.
        entries: Number of entries of the metadata.
        head: Number of entries with count >= t.
        tail: Number of entries with 0 < count < t.
        never_matched: Number of entries that match no caption.
        matches: Sum of all entry counts.
        head_matches: Sum of the entry counts of the head.
        tail_share: Share of the matches on entries with count < t.
        matched: Rows that match an entry.
        kept: Kept rows.
        top_entries: Entries with the highest counts, and these counts: at most 20, by count, then id.
        reserve_t: Threshold up to which the reserve contains rows; None without a reserve.
    """

    t: float
    entries: int
    head: int
    tail: int
    never_matched: int
    matches: int
    head_matches: int
    tail_share: float
    matched: int
    kept: int
    top_entries: list[tuple[str, int]]
    reserve_t: float | None = None


@dataclass(frozen=True, kw_only=True)
class CurateReport:
    """Figures of a run that wrote a curated table.

    Attributes:
        run_id: Identity of the run.
        stage: "curate", "rebalance" or "append".
        counts_version: Key of the counts that balanced the rows.
        already_finished: Whether the run had finished before, so that nothing was written now.
        counts_reused: Whether the counts came from an earlier, unfinished run.
        counters: Rows by outcome. `read` = `malformed` + `null` + `empty` + `language_without_metadata` + `unmatched` +
            `no_identity` + `not_chosen` + `not_drawn` + `kept`.
        matches: Number of matches; an entry counts once per caption.
        expected_size: Sum of q(t) over the matched rows, in rows; None if rows dropped before were not read again.
        expected_deviation: Standard deviation of the size, in rows; None if `expected_size` is None.
        languages: Figures by language.
        tables: Path of each table.
        output_versions: Version of each table of rows after the run.
        seconds: Duration by step.
        seed: Seed of the draw.
        texts_per_image: "all_pairs" or "one_text_per_image".
        source: The files or table versions that were read.
        target_rows: Requested size, in rows; t is the smallest that keeps as many. None if another rule set t.
        warnings: Warnings, human-readable.
        duplicated_ids: Ids that several rows have (`ids`) and the number of these rows (`rows`); None if not checked.
        reserve_rows: Rows in the reserve; `not_drawn` includes them.
        origin: Sentence that says which run a derived run started from.
    """

    run_id: str = ""
    stage: str = ""
    counts_version: str = ""
    already_finished: bool = False
    counts_reused: bool = False
    counters: dict[str, int]
    matches: int
    expected_size: float | None
    expected_deviation: float | None
    languages: dict[str, LanguageReport]
    tables: dict[str, str] = field(default_factory=dict)
    output_versions: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    seed: int
    texts_per_image: str
    source: dict[str, Any] = field(default_factory=dict)
    target_rows: int | None = None
    warnings: list[str] = field(default_factory=list)
    duplicated_ids: dict[str, int] | None = None
    reserve_rows: int = 0
    origin: str = ""

    @property
    def matched(self) -> int:
        """Rows that match an entry."""
        return sum(language.matched for language in self.languages.values())

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> CurateReport:
        """Return the report that `as_dict` gave, also after a round trip through JSON."""
        values = dict(stored)
        values["languages"] = {
            language: LanguageReport(
                **(figures | {"top_entries": [(entry, count) for entry, count in figures["top_entries"]]})
            )
            for language, figures in values["languages"].items()
        }
        return cls(**values)
