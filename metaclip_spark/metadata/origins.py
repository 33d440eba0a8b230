"""Where a list comes from: what its report and manifest say of the sources, however they were brought together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from metaclip_spark.core.entries.merge import OFFICIAL
from metaclip_spark.core.entry_list import fates_of_entries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metaclip_spark.metadata.candidates.candidates import Ranked


class Origins(NamedTuple):
    """Of all sources of a list.

    Attributes:
        sources: editions and files: names and sizes, not where they lay.
        figures: by source, what was asked and reached; of "text" the pages or lines by what became of them.
        warnings: for people.
    """

    sources: dict[str, Any]
    figures: dict[str, dict[str, Any]]
    warnings: list[str]


def origins_of(found: Mapping[str, Ranked], official: str | None, entries: Sequence[str]) -> Origins:
    """What the sources say of themselves, in their order.

    Args:
        found: by the source's name, in the order of the merge; of what two of them say the first one's holds.
        official: a list that was taken as it is.
        entries: of that list.
    """
    sources: dict[str, Any] = {}
    for ranked in found.values():
        sources = ranked.origin | sources
    figures: dict[str, dict[str, Any]] = {"text": next((own.text for own in found.values() if own.text), {})}
    figures |= {name: own.figures for name, own in found.items()}
    if official is not None:
        sources[OFFICIAL] = Path(official).name
        figures = {OFFICIAL: fates_of_entries(entries)} | figures
    return Origins(sources, figures, [said for own in found.values() for said in own.warnings])
