"""Curation in plain Python, written from the published rules alone: the reference for every other implementation.

Nothing here is imported from `metaclip_spark`. Captions are spaced by `str.replace`, entries are looked up in a
dictionary of n-grams of space-separated tokens, hashes come from `hashlib` and the `xxhash` package, probabilities are
plain float products, and thresholds are found by bisection over all doubles. It takes seconds for 50,000 captions and
500,000 entries. It covers only languages that are written with spaces.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import xxhash

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Outcome = Literal["null text", "empty text", "no metadata", "unmatched", "not chosen", "not drawn", "kept"]
Texts = Literal["all_pairs", "one_text_per_image"]


@dataclass(frozen=True)
class Pair:
    """One row of the pool: an image with one text. If `uid` is None, it is derived from image_url and text.

    A text that is not valid UTF-8 is decoded with `errors="surrogateescape"`.
    """

    text: str | None
    uid: str | int | None = None
    image_url: str = ""
    language: str = "en"


@dataclass(frozen=True)
class CuratedPair:
    """Decision on one row. The defaults are the values of a row that matched nothing."""

    pair: Pair
    uid: str | int
    outcome: Outcome
    matched_entries: tuple[int, ...] = ()
    probability: float = 0.0
    draw: float = math.nan
    admission_threshold: float = math.inf


@dataclass(frozen=True)
class ReferenceCuration:
    """Counts by language and entry, the threshold of each language, and every row in the order of the pool."""

    counts: dict[str, list[int]]
    t: dict[str, float]
    rows: list[CuratedPair]

    @property
    def kept(self) -> list[CuratedPair]:
        return [row for row in self.rows if row.outcome == "kept"]


def reference_curation(
    pairs: Iterable[Pair],
    entries: Mapping[str, Sequence[str]],
    t: Mapping[str, float] | float,
    *,
    seed: int = 0,
    texts: Texts = "all_pairs",
    frozen_counts: Mapping[str, Sequence[int]] | None = None,
) -> ReferenceCuration:
    """Curate a pool: Algorithm 1 of "Demystifying CLIP Data", with keyed draws.

    Args:
        pairs: Rows of the pool.
        entries: Metadata entries by language; the id of an entry is its position.
        t: Threshold by language, in matches. A single number is the threshold of English; the others follow from it.
        seed: Seed of the draws, 0 <= seed < 2**64.
        texts: Whether an image may keep several texts.
        frozen_counts: Entry counts of another pool to balance by, instead of the counts of this pool.
    """
    pool = list(pairs)
    matchers = {language: NgramMatcher(listed) for language, listed in entries.items()}
    matched = [_match(pair, matchers) for pair in pool]
    counts = {language: [0] * len(listed) for language, listed in entries.items()}
    for pair, ids in zip(pool, matched, strict=True):
        for entry in ids:
            counts[pair.language][entry] += 1
    t = dict(t) if not isinstance(t, float) else language_thresholds(counts, t)
    balanced_by = frozen_counts or counts
    uids = [derived_uid(pair.image_url, pair.text or "") if pair.uid is None else pair.uid for pair in pool]
    chosen = _chosen_rows(pool, uids, matched, seed) if texts == "one_text_per_image" else set(range(len(pool)))
    rows = []
    for number, (pair, uid, ids) in enumerate(zip(pool, uids, matched, strict=True)):
        if not ids:
            rows.append(CuratedPair(pair, uid, _why_unmatched(pair, matchers)))
            continue
        entry_counts = [max(float(balanced_by[pair.language][entry]), 1.0) for entry in ids]
        u = ((xxhash.xxh64_intdigest(str(uid).encode(), seed) >> 12) + 0.5) * 2.0**-52
        threshold = min_admitting_t(entry_counts, 1.0 - u)
        outcome: Outcome = "kept" if threshold <= t[pair.language] else "not drawn"
        if number not in chosen:
            outcome = "not chosen"
        probability = 1.0 - miss(t[pair.language], entry_counts)
        rows.append(CuratedPair(pair, uid, outcome, tuple(ids), probability, u, threshold))
    return ReferenceCuration(counts, t, rows)


def language_thresholds(counts: Mapping[str, Sequence[int]], t: float) -> dict[str, float]:
    """Return t for English, and for each other language the count whose tail share is nearest to that of English."""
    english = [count for count in counts["en"] if count]
    share = Fraction(sum(count for count in english if count < t), sum(english))
    found = {"en": t}
    for language in counts.keys() - {"en"}:
        ascending = sorted(count for count in counts[language] if count)
        cumulative, distances = 0, []
        for count in ascending:
            cumulative += count
            distances.append(abs(Fraction(cumulative, sum(ascending)) - share))
        found[language] = float(ascending[distances.index(min(distances))])
    return found


def derived_uid(image_url: str, text: str) -> str:
    return hashlib.md5(f"{image_url}\0{text}".encode(errors="surrogateescape"), usedforsecurity=False).hexdigest()


def image_id(image_url: str) -> str:
    return hashlib.sha224(image_url.replace(" ", "").replace("\t", "").encode()).hexdigest()[:24]


def space(caption: str) -> str:
    """Return the caption between spaces, with spaces around the seven marks and in place of tabs and line breaks."""
    for mark in ",.;:?!`":
        caption = caption.replace(mark, f" {mark} ")
    for blank in "\t\n\r":
        caption = caption.replace(blank, " ")
    return f" {caption} "


class NgramMatcher:
    """Dictionary of entries by their tokens: " entry " occurs exactly where these tokens follow one another."""

    def __init__(self, entries: Sequence[str]) -> None:
        self._id_of: dict[str, int] = {}
        lengths: dict[str, set[int]] = defaultdict(set)
        for number, entry in enumerate(entries):
            if (
                entry.strip(" ") and entry not in self._id_of
            ):  # blank entries never match; a repeat has the id of the first
                self._id_of[entry] = number
                tokens = entry.split(" ")
                lengths[tokens[0]].add(len(tokens))
        self._lengths_after = {token: sorted(sizes) for token, sizes in lengths.items()}

    def match(self, caption: str) -> list[int]:
        tokens = space(caption).split(" ")[1:-1]  # between the wrapping spaces
        found = set()
        for start, token in enumerate(tokens):
            for length in self._lengths_after.get(token, ()):
                if start + length > len(tokens):
                    break
                entry = self._id_of.get(" ".join(tokens[start : start + length]))
                if entry is not None:
                    found.add(entry)
        return sorted(found)


def miss(t: float, entry_counts: Sequence[float]) -> float:
    """Return the probability that none of the entries is sampled."""
    product = 1.0
    for count in entry_counts:
        product *= 1.0 - min(1.0, t / count)
    return product


def min_admitting_t(entry_counts: Sequence[float], target: float) -> float:
    """Return the smallest double t > 0 with miss(t) <= target. Bit patterns of positive doubles sort as the doubles."""
    below, at = 0, struct.unpack("<q", struct.pack("<d", min(entry_counts)))[0]
    while at - below > 1:
        middle = (below + at) >> 1
        if miss(struct.unpack("<d", struct.pack("<q", middle))[0], entry_counts) <= target:
            at = middle
        else:
            below = middle
    return float(struct.unpack("<d", struct.pack("<q", at))[0])


def _match(pair: Pair, matchers: Mapping[str, NgramMatcher]) -> list[int]:
    if pair.text is None or pair.language not in matchers:
        return []
    return matchers[pair.language].match(pair.text)


def _why_unmatched(pair: Pair, matchers: Mapping[str, NgramMatcher]) -> Outcome:
    if pair.text is None:
        return "null text"
    if not pair.text:
        return "empty text"
    return "unmatched" if pair.language in matchers else "no metadata"


def _chosen_rows(pool: Sequence[Pair], uids: Sequence[str | int], matched: Sequence[list[int]], seed: int) -> set[int]:
    """Return the matched row with the smallest choice hash of each image and language; the smaller uid breaks a tie."""
    choice_seed = xxhash.xxh64_intdigest(b"metaclip_spark/choice", seed)
    smallest: dict[tuple[str, str], tuple[int, str, int]] = {}
    for number, (pair, uid, ids) in enumerate(zip(pool, uids, matched, strict=True)):
        if ids:
            image = (image_id(pair.image_url), pair.language)
            rank = (xxhash.xxh64_intdigest(str(uid).encode(), choice_seed), str(uid), number)
            smallest[image] = min(rank, smallest.get(image, rank))
    return {number for _, _, number in smallest.values()}
