"""Names in wikitext (of tags, entities and link prefixes), which kernels look up by their hashes."""

# numba infers types at the call. mypy rejects np.uint64 for a declared int.
# mypy: disable-error-code="arg-type, no-any-return, assignment"

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from metaclip_spark.core.wikitext.ascii_bytes import (
    DIGIT_0,
    DIGIT_9,
    LOWER_A,
    LOWER_Z,
    SPACE,
    UNDERSCORE,
    UPPER_A,
    UPPER_Z,
)
from metaclip_spark.host.kernel_cache import inlined_lean_step, lean_step

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OFFSET: Final = 0xCBF29CE484222325  # FNV-1a
_PRIME: Final = 0x100000001B3
_MASK: Final = 2**64 - 1

NO_NAME: Final = np.uint64(_OFFSET)
"""Hash of the empty name, from which `hash_byte` starts."""
_PRIME_64: Final = np.uint64(_PRIME)


def name_hash(name: bytes, *, fold: bool = True) -> int:
    """Return the 64-bit FNV-1a hash of a name, as the kernels compute it.

    Args:
        name: The name.
        fold: Whether to convert ASCII letters to lower case and "_" to a space, as `fold_byte` does.

    >>> name_hash(b"User_Talk") == name_hash(b"user talk"), name_hash(b"Eta", fold=False) == name_hash(b"eta")
    (True, False)
    """
    hashed = _OFFSET
    for byte in name.lower().replace(b"_", b" ") if fold else name:
        hashed = ((hashed ^ byte) * _PRIME) & _MASK
    return hashed


@inlined_lean_step
def hash_byte(hashed: np.uint64, byte: int) -> np.uint64:
    """Extend the hash of a name by one byte."""
    return (hashed ^ np.uint64(byte)) * _PRIME_64


@inlined_lean_step
def fold_byte(byte: int) -> int:
    """Convert an ASCII letter to lower case and "_" to a space."""
    if UPPER_A <= byte <= UPPER_Z:
        return byte + LOWER_A - UPPER_A
    return SPACE if byte == UNDERSCORE else byte


@inlined_lean_step
def is_letter_or_digit(byte: int) -> bool:
    """Return whether a byte is an ASCII letter or digit."""
    return LOWER_A <= byte <= LOWER_Z or UPPER_A <= byte <= UPPER_Z or DIGIT_0 <= byte <= DIGIT_9


@lean_step
def index_of(key: np.uint64, hashes: NDArray[np.uint64]) -> int:
    """Return the index of a hash in an ascending array, or -1 if it is absent."""
    low, high = 0, len(hashes)
    while low < high:
        middle = (low + high) // 2
        if hashes[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low if low < len(hashes) and hashes[low] == key else -1
