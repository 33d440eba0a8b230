"""Candidates between the step that made them and the merge: what is kept beside them, and what it comes to there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from metaclip_spark.metadata.candidates.candidates import Ranked, room
from metaclip_spark.metadata.candidates.files import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metaclip_spark.config.metadata import MetadataConfig
    from metaclip_spark.metadata.candidates.files import StoredCandidates

SOURCES: Final = ("wordnet", "unigrams", "bigrams", "titles")
"""In the order of the merge."""

_BY_HAND: Final = "made by hand"
_OF_WORDS: Final = ("keep_odd", "tokens")
_SETTINGS: Final = {
    "unigrams": ("unigram_min_count", "unigram_share", *_OF_WORDS),
    "bigrams": ("bigram_min_count", "bigram_min_count_exact", "bigram_min_pmi", "bigram_share", *_OF_WORDS),
    "titles": ("title_min_line_views", "title_min_views", "title_share"),
}  # fmt: skip
"""What candidates are made with, beside the cap, which holds in the merge."""
CAPS: Final = {"unigrams": "unigram_cap", "bigrams": "bigram_cap", "titles": "title_cap"}


def origin_of(ranked: Ranked, language: str, config: MetadataConfig, listed: int) -> Origin:
    """What is kept beside candidates.

    Args:
        ranked: the source.
        language: code of the Wikipedia.
        config: that they were made with.
        listed: entries that the list may hold before them.
    """
    return Origin(
        language=language,
        sources=ranked.origin,
        configuration=config.as_dict(),
        listed=listed,
        text=ranked.text,
        figures=ranked.figures,
        warnings=ranked.warnings,
    )


def proposals_of(stored: Mapping[str, StoredCandidates], config: MetadataConfig, listed: int) -> dict[str, Ranked]:
    """What each source proposes: as many as it would for this list if all were built at once.

    Args:
        stored: by the source's name, in the order of the merge.
        config: of the merge.
        listed: entries of a list that is taken as it is.
    """
    proposed = {}
    for name, (candidates, origin) in stored.items():
        if origin is None:
            said = f"{name}.tsv.gz has no {name}.json beside it: its candidates are taken as they are, wherever from"
            proposed[name] = Ranked(candidates, warnings=[said], origin={f"{name}.tsv.gz": _BY_HAND})
        else:
            # Of titles all that are viewed enough are proposed: which can be entries is known in the merge only.
            cap = getattr(config, CAPS[name]) if name in {"unigrams", "bigrams"} else None
            most = room(cap, listed)
            warnings = [*origin.warnings, *_too_few(name, len(candidates), cap, listed, origin)]
            proposed[name] = Ranked(candidates[:most], origin.figures, warnings, origin.sources, origin.text)
        listed += len(proposed[name].candidates)
    return proposed


def _too_few(name: str, candidates: int, cap: int | None, listed: int, origin: Origin) -> list[str]:
    """Whether more may be held already than there are candidates to spare."""
    made_for = origin.configuration.get(CAPS.get(name, ""))
    if cap is None or made_for is None or listed <= origin.listed or candidates < made_for + origin.listed:
        return []
    said = (
        f"{name} were proposed for a list of at most {origin.listed:,} entries before them, and here are {listed:,}: "
    )
    return [said + f"perhaps fewer than {cap:,} are admitted; `metadata build` with the same list proposes more"]


def configuration_of(stored: Mapping[str, StoredCandidates], config: MetadataConfig) -> dict[str, Any]:
    """What was in force: least counts and shares of the steps, caps of the merge."""
    made_with = {
        setting: own.origin.configuration[setting]
        for name, own in stored.items()
        if own.origin is not None
        for setting in _SETTINGS.get(name, ())
        if setting in own.origin.configuration
    }
    return config.as_dict() | made_with


def differences(stored: Mapping[str, StoredCandidates], config: MetadataConfig) -> list[str]:
    """Warnings where the steps and the merge were not of one recipe, or of one source."""
    said = []
    seen: dict[str, tuple[str, object]] = {}
    asked = config.as_dict()
    for name, (_, origin) in stored.items():
        if origin is None:
            continue
        made_with = origin.configuration
        settings = [*_SETTINGS.get(name, ()), *([CAPS[name]] if name in CAPS else [])]
        other = [
            f"{one} = {made_with.get(one)}, not {asked[one]}" for one in settings if made_with.get(one) != asked[one]
        ]
        if other:
            said.append(
                f"{name} were made with {', '.join(other)}: their least counts and shares hold, and the caps of the "
                "merge; give all steps the same options, or the list is another than `metadata build` gives"
            )
        for what, value in origin.sources.items():
            first, known = seen.setdefault(what, (name, value))
            if known != value:
                said.append(f"{first}.json and {name}.json name another {what!r}: the manifest has that of {first}")
    return said
