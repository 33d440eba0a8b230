"""Origins of metadata: the files, figures and warnings of all its sources, for the report and the manifest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from metaclip_spark.core.entries.merge import OFFICIAL
from metaclip_spark.core.entry_list import fates_of_entries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metaclip_spark.metadata.candidates.proposal import Proposal


class Origins(NamedTuple):
    """Origins of metadata.

    Attributes:
        sources: Editions and files, by name and size.
        figures: By source, thresholds requested and reached; by "text", the pages or lines by their fate.
        warnings: Human-readable warnings.
    """

    sources: dict[str, Any]
    figures: dict[str, dict[str, Any]]
    warnings: list[str]


def origins_of(proposals: Mapping[str, Proposal], official: str | None, entries: Sequence[str]) -> Origins:
    """Combine the origins of proposals.

    Args:
        proposals: Proposals by source, in the order of the merge; where two name the same file, the first one counts.
        official: Path of the official list.
        entries: Its entries.
    """
    sources: dict[str, Any] = {}
    for proposal in proposals.values():
        sources = proposal.sources | sources
    figures: dict[str, dict[str, Any]] = {"text": next((own.text for own in proposals.values() if own.text), {})}
    figures |= {name: own.figures for name, own in proposals.items()}
    if official is not None:
        sources[OFFICIAL] = Path(official).name
        figures = {OFFICIAL: fates_of_entries(entries)} | figures
    return Origins(sources, figures, [warning for own in proposals.values() for warning in own.warnings])
