"""Stored candidates in the merge: how many of each source are proposed, and their configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from metaclip_spark.metadata.candidates.candidate_files import Origin
from metaclip_spark.metadata.candidates.proposal import Proposal, cap_limit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metaclip_spark.config.metadata import MetadataConfig
    from metaclip_spark.metadata.candidates.candidate_files import StoredCandidates

SOURCES: Final = ("wordnet", "unigrams", "bigrams", "titles")
"""Names of the sources, in the order of the merge."""
CAPS: Final = {"unigrams": "unigram_cap", "bigrams": "bigram_cap", "titles": "title_cap"}

_BY_HAND: Final = "made by hand"
_WORD_SETTINGS: Final = ("keep_odd", "tokens")
_SETTINGS: Final = {
    "unigrams": ("unigram_min_count", "unigram_share", *_WORD_SETTINGS),
    "bigrams": ("bigram_min_count", "bigram_min_count_exact", "bigram_min_pmi", "bigram_share", *_WORD_SETTINGS),
    "titles": ("title_min_line_views", "title_min_views", "title_share"),
}  # fmt: skip
"""Settings with which candidates are made. Caps are not among them, because the merge applies them."""


def origin_of(proposal: Proposal, language: str, config: MetadataConfig, listed: int) -> Origin:
    """Return the description to store beside candidates.

    Args:
        proposal: Candidates of the source.
        language: Code of the Wikipedia.
        config: Configuration with which they were made.
        listed: Number of entries that may precede them.
    """
    return Origin(
        language=language,
        sources=proposal.sources,
        configuration=config.as_dict(),
        listed=listed,
        text=proposal.text,
        figures=proposal.figures,
        warnings=proposal.warnings,
    )


def proposals_of(stored: Mapping[str, StoredCandidates], config: MetadataConfig, listed: int) -> dict[str, Proposal]:
    """Return as many candidates of each source as building everything at once would propose.

    Args:
        stored: Candidates by source, in the order of the merge.
        config: Configuration of the merge.
        listed: Number of entries of the official list.
    """
    proposals = {}
    for name, (candidates, origin) in stored.items():
        if origin is None:
            said = f"{name}.tsv.gz has no {name}.json beside it: its candidates are merged without a known origin"
            proposals[name] = Proposal(candidates, warnings=[said], sources={f"{name}.tsv.gz": _BY_HAND})
        else:
            # All titles with enough views are proposed: only the merge determines which of them become entries.
            cap = getattr(config, CAPS[name]) if name in {"unigrams", "bigrams"} else None
            warnings = [*origin.warnings, *_too_few(name, len(candidates), cap, listed, origin)]
            limit = cap_limit(cap, listed)
            proposals[name] = Proposal(candidates[:limit], origin.figures, warnings, origin.sources, origin.text)
        listed += len(proposals[name].candidates)
    return proposals


def _too_few(name: str, candidates: int, cap: int | None, listed: int, origin: Origin) -> list[str]:
    """Warn if the entries that may be listed already outnumber the spare candidates."""
    made_for = origin.configuration.get(CAPS.get(name, ""))
    if cap is None or made_for is None or listed <= origin.listed or candidates < made_for + origin.listed:
        return []
    said = f"{name} were proposed for at most {origin.listed:,} preceding entries, but {listed:,} precede them"
    return [f"{said}: fewer than {cap:,} may be admitted. `metadata build` with the same official list proposes more"]


def configuration_of(stored: Mapping[str, StoredCandidates], config: MetadataConfig) -> dict[str, Any]:
    """Return the configuration in force: thresholds and shares of the steps, caps of the merge."""
    made_with = {
        setting: own.origin.configuration[setting]
        for name, own in stored.items()
        if own.origin is not None
        for setting in _SETTINGS.get(name, ())
        if setting in own.origin.configuration
    }
    return config.as_dict() | made_with


def difference_warnings(stored: Mapping[str, StoredCandidates], config: MetadataConfig) -> list[str]:
    """Warn of steps and merges with different configurations or different files."""
    warnings = []
    seen: dict[str, tuple[str, object]] = {}
    requested = config.as_dict()
    for name, (_, origin) in stored.items():
        if origin is None:
            continue
        settings = [*_SETTINGS.get(name, ()), *([CAPS[name]] if name in CAPS else [])]
        made_with = {setting: origin.configuration.get(setting) for setting in settings}
        other = [
            f"{one} = {value}, not {requested[one]}" for one, value in made_with.items() if value != requested[one]
        ]
        if other:
            warnings.append(
                f"{name} were made with {', '.join(other)}: thresholds and shares are those of the step, caps those of "
                "the merge. Pass the same options to all steps to get the result of `metadata build`"
            )
        for what, value in origin.sources.items():
            first, known = seen.setdefault(what, (name, value))
            if known != value:
                warnings.append(
                    f"{first}.json and {name}.json have different values of {what!r}: the manifest has that of {first}"
                )
    return warnings
