"""The naive matching rule, as the paper states it: slow, obviously correct, and the reference for all fast matchers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.core.spacing import space_caption

if TYPE_CHECKING:
    from collections.abc import Sequence


def match_naive(caption: bytes, entries: Sequence[bytes | None]) -> list[int]:
    """Return the ids of the entries that occur in a caption between spaces (Demystifying CLIP Data, section 3.2).

    All entries count, including nested and overlapping ones. An entry counts once, however often it occurs.

    Args:
        caption: Any bytes, usually UTF-8; not null.
        entries: The metadata in order. None stands for an entry that never matches (blank, repeated, or containing a
            tab or line break; see `metaclip_spark.core.entry_list`). Ids are positions, so None keeps its place.

    Returns:
        Ids in ascending order.

    >>> match_naive(b"in new york city, USA", [b"york", b"new york", b"new york city", b"York", b"city ,", b"USA"])
    [0, 1, 2, 4, 5]
    >>> match_naive(b"St. Louis", [b"St. Louis", b"St", b"Louis", None])
    [1, 2]
    """
    spaced = space_caption(caption)
    return [i for i, entry in enumerate(entries) if entry is not None and b" " + entry + b" " in spaced]
