"""What a run says of itself: figures first, kept as JSON with the run; `report.summary` writes them for people."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class LanguageReport:
    """Figures of one language.

    Attributes:
        t: threshold, in matches.
        entries: entries of the metadata list.
        head: entries with count >= t.
        tail: entries with 0 < count < t.
        never: entries that no caption matched.
        matches: sum of all counts.
        head_matches: sum of the head's counts.
        tail_share: share of the matches on entries strictly below t.
        matched: rows that matched.
        kept: rows kept.
        top_entries: the entries of the highest counts, with count: at most 20, by count then id.
        reserve_t: threshold up to which the reserve holds rows; None without one.
    """

    t: float
    entries: int
    head: int
    tail: int
    never: int
    matches: int
    head_matches: int
    tail_share: float
    matched: int
    kept: int
    top_entries: list[tuple[str, int]]
    reserve_t: float | None = None


@dataclass(frozen=True)
class CurateReport:
    """The result of a curation.

    Attributes:
        run_id: name of the run.
        counts_version: name of the counts.
        already_finished: the run had been done before; nothing was written now.
        counts_reused: the counts of an earlier, unfinished run were used.
        counters: rows by what became of them. `read` = `malformed` + `null` + `empty` +
            `language_without_metadata` + `unmatched` + `no_identity` + `not_chosen` + `not_drawn` + `kept`.
        matches: pairs of caption and matched entry.
        expected_size: sum of q(t), in rows; None where rows that were dropped before were not read again.
        expected_deviation: standard deviation of the size, in rows; None as above.
        languages: figures by language.
        tables: path of each table.
        output_versions: version of each table after the run.
        seconds: duration by step.
        seed: of the draw.
        texts_per_image: "all_pairs" or "one_text_per_image".
        source: what was read.
        wanted_rows: size that was asked for, in rows; t is the least that keeps as many. None: another rule set t.
        warnings: what was unfortunate about it, for people.
        duplicated_ids: if that was checked: how many ids several rows have (`ids`), and how many rows (`rows`).
        reserved: rows in the reserve, which are among those not drawn.
        stage: "curate", "balance" or "append".
        origin: where the rows of a run that starts from another one came from, in words.
    """

    run_id: str
    counts_version: str
    already_finished: bool
    counts_reused: bool
    counters: dict[str, int]
    matches: int
    expected_size: float | None
    expected_deviation: float | None
    languages: dict[str, LanguageReport]
    tables: dict[str, str]
    output_versions: dict[str, int]
    seconds: dict[str, float]
    seed: int
    texts_per_image: str
    source: dict[str, Any] = field(default_factory=dict)
    wanted_rows: int | None = None
    warnings: list[str] = field(default_factory=list)
    duplicated_ids: dict[str, int] | None = None
    reserved: int = 0
    stage: str = "curate"
    origin: str = ""

    @property
    def matched(self) -> int:
        """Rows that matched any entry."""
        return sum(language.matched for language in self.languages.values())

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON types."""
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
