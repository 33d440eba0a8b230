"""The end of building a list: its report, and the list in all its forms."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from metaclip_spark.metadata.report import difference_to, metadata_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metaclip_spark.core.entries.merge import Merged
    from metaclip_spark.metadata.origins import Origins
    from metaclip_spark.metadata.report import MetadataReport
    from metaclip_spark.metadata.target import MetadataTarget


def write_list(
    target: MetadataTarget,
    merged: Merged,
    origins: Origins,
    *,
    language: str,
    config: dict[str, Any],
    other: Sequence[str] | None,
    started: float,
) -> MetadataReport:
    """Write a list with its manifest, all or nothing.

    Args:
        target: where it goes.
        merged: the list.
        origins: of its sources.
        language: of it.
        config: that was in force.
        other: a list to tell the difference to.
        started: when the run began, by the monotonic clock.

    Raises:
        TableError: the output cannot be written.
    """
    report = metadata_report(
        merged,
        language=language,
        config=config,
        sources=origins.sources,
        figures=origins.figures,
        warnings=origins.warnings,
        difference=difference_to(merged.entries, other) if other is not None else None,
    )
    files, warnings = target.write(
        merged.entries, digest=report.metadata_digest, manifest=report.manifest(), report=report.as_dict()
    )
    return report.finished(files, time.monotonic() - started, warnings)
