"""Last step of every metadata build: merge the proposals of all sources, and write the entries with their manifest."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaclip_spark.core.entries.merge import Source, merge
from metaclip_spark.errors import InputError
from metaclip_spark.metadata.candidates.stored_candidates import CAPS, SOURCES
from metaclip_spark.metadata.origins import origins_of
from metaclip_spark.metadata.read_metadata import read_list
from metaclip_spark.metadata.report import metadata_report
from metaclip_spark.metadata.write_metadata import MetadataTarget

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metaclip_spark.config.metadata import MetadataConfig
    from metaclip_spark.metadata.candidates.proposal import Proposal
    from metaclip_spark.metadata.report import MetadataReport
    from metaclip_spark.runs.run import Run


class MetadataMerge:
    """Merge of proposals into the metadata of a language: checked before any work, written at the end.

    Args:
        run: The run.
        output: Root of the table `metadata`.
        language: Code of the Wikipedia.
        official: A list whose entries come first, unchanged.
        compare: Another list to compare the entries with.

    Attributes:
        official: Entries of the official list.

    Raises:
        MetaclipSparkError: The output cannot be used, or a list cannot be read.
    """

    def __init__(self, run: Run, output: str, language: str, *, official: str | None, compare: Path | None) -> None:
        self._started = time.monotonic()
        self._run = run
        self._language = language
        self._official_path = official
        self._target = MetadataTarget(run.spark, output, language)
        self.official = read_list(Path(official)) if official else []
        self._compare_with = read_list(compare) if compare else None

    def write(
        self,
        proposals: Mapping[str, Proposal],
        config: MetadataConfig,
        *,
        in_force: Mapping[str, Any] | None = None,
        warnings: Sequence[str] = (),
    ) -> MetadataReport:
        """Merge proposals, write the entries, all or nothing, and return the report.

        Args:
            proposals: Proposals by source; a source without one adds nothing.
            config: Configuration with the caps of the merge.
            in_force: Configuration for the manifest, if the proposals were made with another one.
            warnings: Warnings about the proposals.

        Raises:
            InputError: There are no entries.
            TableError: The output cannot be written.
        """
        caps = {source: getattr(config, cap) for source, cap in CAPS.items()}
        merged = merge(
            [Source(name, proposals[name].candidates if name in proposals else [], caps.get(name)) for name in SOURCES],
            total=config.total_cap,
            official=self.official,
        )
        if not merged.entries:
            raise InputError(f"The sources of {self._language!r} have no entries. Their candidates: {merged.figures}.")
        origins = origins_of(proposals, self._official_path, self.official)
        origins.warnings.extend(warnings)
        with self._run.step("write", source="the entries"):
            report = metadata_report(
                merged,
                language=self._language,
                config=dict(in_force or config.as_dict()),
                origins=origins,
                compare_with=self._compare_with,
            )
            files, not_written = self._target.write(
                merged.entries, digest=report.metadata_digest, manifest=report.manifest(), report=report.as_dict()
            )
            self._run.note(f"{report.entries:,} entries,")
        return report.finished(files, time.monotonic() - self._started, not_written)
