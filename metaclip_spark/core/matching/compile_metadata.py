"""Compile an entry list for matching."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metaclip_spark.core.entry_list import (
    EntryFate,
    EntryReport,
    classify_entries,
    digest_of_encoded,
    encode_entries,
)
from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
from metaclip_spark.core.matching.tokens.build_tables import MAX_SEED, build_tables
from metaclip_spark.core.matching.tokens.tables import MAX_ENTRIES, MAX_TEXT_BYTES
from metaclip_spark.core.word_hashing import PAD
from metaclip_spark.errors import InputError
from metaclip_spark.host.kernel_cache import read_only

if TYPE_CHECKING:
    from collections.abc import Sequence


def compile_metadata(entries: Sequence[str], *, language: str = "en", seed: int = 0) -> CompiledMetadata:
    """Compile an entry list. Half a million entries take about a second.

    Entries that can never match keep their ids and are counted in the result's `report`.

    Args:
        entries: The metadata in order; the id of an entry is its position.
        language: Language of the metadata; recorded, not interpreted.
        seed: Seed of the word hash, 0 <= seed < 2**64. If two words have the same hash, the next seed is used.

    Returns:
        Compiled metadata with read-only arrays. Equal arguments give equal bytes.

    Raises:
        InputError: An entry is not valid Unicode, or there are more than 2**30 entries or 4 GiB of text.

    >>> compiled = compile_metadata(["york", "new york", "St. Louis"])
    >>> compiled.n_entries, compiled.entry(1), compiled.report.as_dict()["examples"]["unmatchable"]
    (3, 'new york', [2])
    """
    if not 0 <= seed <= MAX_SEED:
        raise InputError(f"The seed of compile_metadata is {seed}. Pass an integer from 0 to 2**64 - 1.")
    encoded = encode_entries(entries)
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(entry) for entry in encoded], out=offsets[1:])
    if offsets[-1] > MAX_TEXT_BYTES or len(encoded) > MAX_ENTRIES:
        raise InputError(
            f"The metadata has {len(encoded):,} entries and {offsets[-1]:,} bytes. The limits are {MAX_ENTRIES:,} "
            f"entries and {MAX_TEXT_BYTES:,} bytes. Split the metadata by language."
        )
    fates = classify_entries(entries)
    text = np.frombuffer(b"".join(encoded) + bytes(PAD), np.uint8)
    return CompiledMetadata(
        language=language,
        metadata_digest=digest_of_encoded(encoded),
        report=EntryReport.from_fates(fates),
        tables=build_tables(read_only(text), read_only(offsets), fates == EntryFate.MATCHABLE, seed),
        entry_offsets=read_only(offsets),
        fates=read_only(fates),
    )
