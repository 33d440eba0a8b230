"""Perfect hashing: find a slot of its own for each key when metadata is compiled."""

# numba infers types at the call. mypy rejects np.int64 for a declared int, and intrinsics are untyped.
# mypy: disable-error-code="arg-type, assignment, return-value, no-any-return, call-arg, var-annotated"
# ruff: noqa: PLR0917 - compiled functions are called by position

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from metaclip_spark.core.matching.tokens.tables import bucket_of, slot_of
from metaclip_spark.host.kernel_cache import kernel, step

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PILOTS: Final = 2**16


@kernel
def find_pilots(
    hashed: NDArray[np.uint64], capacity: int, buckets: int
) -> tuple[NDArray[np.uint16], NDArray[np.int64], bool]:
    """Find for each bucket the smallest pilot that sends its keys to free slots ("hash and displace").

    The fullest buckets come first: they are the hardest to place, and at the start most slots are free (Belazzougui,
    Botelho, Dietzfelbinger: Hash, displace, and compress, 2009).

    Args:
        hashed: Hash of each key, shape (keys,).
        capacity: Number of slots, larger than the number of keys.
        buckets: Number of pilots to find.

    Returns:
        The pilots, shape (buckets,); the slot of each key, shape (keys,); and whether all keys were placed, which is
        impossible if two keys have the same hash.
    """
    keys = len(hashed)
    end = np.zeros(buckets + 1, np.int64)
    for i in range(keys):
        end[bucket_of(hashed[i], buckets) + 1] += 1
    fullest = np.int64(0)
    for bucket in range(buckets):
        fullest = max(fullest, end[bucket + 1])
        end[bucket + 1] += end[bucket]
    ordered = np.empty(keys, np.int64)
    for i in range(keys):
        bucket = bucket_of(hashed[i], buckets)
        ordered[end[bucket]] = i  # end[bucket] is the start of the bucket; placing its keys advances it to the end
        end[bucket] += 1
    pilots = np.zeros(buckets, np.uint16)
    slots = np.full(keys, -1, np.int64)
    taken = np.zeros(capacity, np.bool_)
    for size in range(fullest, 0, -1):
        for bucket in range(buckets):
            first = end[bucket - 1] if bucket > 0 else 0
            if end[bucket] - first == size and not _place_bucket(
                hashed, ordered[first : end[bucket]], bucket, pilots, slots, taken
            ):
                return pilots, slots, False
    return pilots, slots, True


@step
def _place_bucket(
    hashed: NDArray[np.uint64],
    members: NDArray[np.int64],
    bucket: int,
    pilots: NDArray[np.uint16],
    slots: NDArray[np.int64],
    taken: NDArray[np.bool_],
) -> bool:
    """Try one pilot after the other until the keys of a bucket fall into free slots. Return whether one was found."""
    for pilot in range(_PILOTS):
        placed = 0
        while placed < len(members):
            slot = slot_of(hashed[members[placed]], np.uint16(pilot), len(taken))
            if taken[slot]:
                break
            taken[slot] = True
            slots[members[placed]] = slot
            placed += 1
        if placed == len(members):
            pilots[bucket] = pilot
            return True
        for i in range(placed):
            taken[slots[members[i]]] = False
    return False
