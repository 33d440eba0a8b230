"""Proposal of a source: its candidates for the metadata, best first, and the thresholds that they reached."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from metaclip_spark.core.entries.merge import Candidate

MIN_COUNT_REACHED, MIN_PMI_REACHED, MIN_VIEWS_REACHED = REACHED = (
    "min count reached", "min PMI reached", "min views reached",
)  # fmt: skip
"""Figures that describe the last candidate of a source; after the merge, the last one that was admitted."""

TOP_ROWS_SETTINGS: Final = {"spark.sql.execution.topKSortFallbackThreshold": "10000"}
"""Settings while candidates are ranked: above this limit Spark sorts the rows on the executors and takes the first
ones; up to it, each task sends its own best rows to the driver."""


@dataclass(frozen=True)
class Proposal:
    """Candidates of a source.

    Attributes:
        candidates: Candidates in order.
        figures: Numbers about the source: distinct texts, thresholds requested and reached.
        warnings: Human-readable warnings.
        sources: Editions and files, for the manifest.
        text: Pages or lines of the text that the candidates come from, by their fate.
    """

    candidates: list[Candidate] = field(default_factory=list)
    figures: dict[str, float | None] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    sources: dict[str, Any] = field(default_factory=dict)
    text: dict[str, int] = field(default_factory=dict)


def share_limit(share: float | None, distinct: int, cap: int | None) -> int | None:
    """Return the number of texts in a share of the distinct ones, at most the cap; None without a share.

    >>> share_limit(0.1, 50, 100), share_limit(0.1, 5000, 100), share_limit(None, 50, 100)
    (5, 100, None)
    """
    if share is None:
        return None
    limit = int(share * distinct)
    return limit if cap is None else min(limit, cap)


def cap_limit(cap: int | None, listed: int) -> int | None:
    """Return how many candidates to propose so that the cap can be reached even if every listed entry is among them.

    >>> cap_limit(100, 7), cap_limit(None, 7)
    (107, None)
    """
    return None if cap is None else cap + listed
