"""XXH64 in two versions: plain Python that anyone can check, and a kernel over Arrow buffers with the same results.

XXH64 is Yann Collet's 64-bit hash (specification: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md). Its
definition includes a 64-bit seed, and libraries for every language can recompute it. It is not a cryptographic hash:
whoever chooses the ids can choose their hashes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metaclip_spark.core.arrow_strings import string_buffers
from metaclip_spark.host.kernel_cache import inlined_step, kernel, step

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

_MASK = 0xFFFF_FFFF_FFFF_FFFF
_PRIME_1 = 0x9E37_79B1_85EB_CA87
_PRIME_2 = 0xC2B2_AE3D_27D4_EB4F
_PRIME_3 = 0x1656_67B1_9E37_79F9
_PRIME_4 = 0x85EB_CA77_C2B2_AE63
_PRIME_5 = 0x27D4_EB2F_1656_67C5

_STRIPE = 32  # bytes that the four accumulators consume together
_WORD = 8
_HALF_WORD = 4


def xxh64(data: bytes, seed: int) -> int:
    """Return the XXH64 of some bytes. It follows the steps of the specification and is the reference for the kernel.

    Args:
        data: Bytes of any length.
        seed: Seed, 0 <= seed < 2**64.

    Returns:
        The hash, 0 <= hash < 2**64.

    >>> f"{xxh64(b'', 0):016x}"  # a test vector of the specification
    'ef46db3751d8e999'
    >>> f"{xxh64(b'abc', 0):016x}"
    '44bc2cf5ad770999'
    """
    position = 0
    if len(data) >= _STRIPE:
        lanes = [seed + _PRIME_1 + _PRIME_2, seed + _PRIME_2, seed, seed - _PRIME_1]
        while position + _STRIPE <= len(data):
            for lane in range(4):
                word = _little_endian(data, position + _WORD * lane, _WORD)
                lanes[lane] = _absorb(lanes[lane] & _MASK, word)
            position += _STRIPE
        state = sum(_rotate(value, by) for value, by in zip(lanes, (1, 7, 12, 18), strict=True)) & _MASK
        for value in lanes:
            state = ((state ^ _absorb(0, value)) * _PRIME_1 + _PRIME_4) & _MASK
    else:
        state = (seed + _PRIME_5) & _MASK
    state = (state + len(data)) & _MASK
    while position + _WORD <= len(data):
        state ^= _absorb(0, _little_endian(data, position, _WORD))
        state = (_rotate(state, 27) * _PRIME_1 + _PRIME_4) & _MASK
        position += _WORD
    if position + _HALF_WORD <= len(data):
        state ^= _little_endian(data, position, _HALF_WORD) * _PRIME_1 & _MASK
        state = (_rotate(state, 23) * _PRIME_2 + _PRIME_3) & _MASK
        position += _HALF_WORD
    for byte in data[position:]:
        state ^= byte * _PRIME_5 & _MASK
        state = _rotate(state, 11) * _PRIME_1 & _MASK
    state = (state ^ state >> 33) * _PRIME_2 & _MASK
    state = (state ^ state >> 29) * _PRIME_3 & _MASK
    return state ^ state >> 32


def _rotate(word: int, by: int) -> int:
    return (word << by | word >> (64 - by)) & _MASK


def _absorb(lane: int, word: int) -> int:
    return _rotate((lane + word * _PRIME_2) & _MASK, 31) * _PRIME_1 & _MASK


def _little_endian(data: bytes, position: int, width: int) -> int:
    return int.from_bytes(data[position : position + width], "little")


# The kernel uses uint64 for every number: numba converts a mix of signed and unsigned integers to floating point.
# Unsigned subscripts also need no check for negative values, so that the compiler merges the byte loads into one.
_U_PRIME_1 = np.uint64(_PRIME_1)
_U_PRIME_2 = np.uint64(_PRIME_2)
_U_PRIME_3 = np.uint64(_PRIME_3)
_U_PRIME_4 = np.uint64(_PRIME_4)
_U_PRIME_5 = np.uint64(_PRIME_5)
_U1, _U2, _U3, _U4 = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
_U5, _U6, _U7, _U8 = np.uint64(5), np.uint64(6), np.uint64(7), np.uint64(8)
_U16, _U24, _U32, _U40 = np.uint64(16), np.uint64(24), np.uint64(32), np.uint64(40)
_U48, _U56, _U64 = np.uint64(48), np.uint64(56), np.uint64(64)
_ZERO = np.uint64(0)
_R1, _R7, _R11, _R12, _R18 = np.uint64(1), np.uint64(7), np.uint64(11), np.uint64(12), np.uint64(18)
_R23, _R27, _R29, _R31, _R33 = np.uint64(23), np.uint64(27), np.uint64(29), np.uint64(31), np.uint64(33)


@inlined_step
def _rotate_left(word: np.uint64, by: np.uint64) -> np.uint64:
    return (word << by) | (word >> (_U64 - by))


@inlined_step
def _absorb_word(lane: np.uint64, word: np.uint64) -> np.uint64:
    return _rotate_left(lane + word * _U_PRIME_2, _R31) * _U_PRIME_1


@inlined_step
def _load_half_word(data: NDArray[np.uint8], at: np.uint64) -> np.uint64:
    return (
        np.uint64(data[at])
        | (np.uint64(data[at + _U1]) << _U8)
        | (np.uint64(data[at + _U2]) << _U16)
        | (np.uint64(data[at + _U3]) << _U24)
    )


@inlined_step
def _load_word(data: NDArray[np.uint8], at: np.uint64) -> np.uint64:
    return (
        np.uint64(data[at])
        | (np.uint64(data[at + _U1]) << _U8)
        | (np.uint64(data[at + _U2]) << _U16)
        | (np.uint64(data[at + _U3]) << _U24)
        | (np.uint64(data[at + _U4]) << _U32)
        | (np.uint64(data[at + _U5]) << _U40)
        | (np.uint64(data[at + _U6]) << _U48)
        | (np.uint64(data[at + _U7]) << _U56)
    )


@step
def _xxh64_of_slice(data: NDArray[np.uint8], start: np.uint64, end: np.uint64, seed: np.uint64) -> np.uint64:
    at = start
    if end - start >= _U32:
        lane_1 = seed + _U_PRIME_1 + _U_PRIME_2
        lane_2 = seed + _U_PRIME_2
        lane_3 = seed
        lane_4 = seed - _U_PRIME_1
        while at + _U32 <= end:
            lane_1 = _absorb_word(lane_1, _load_word(data, at))
            lane_2 = _absorb_word(lane_2, _load_word(data, at + _U8))
            lane_3 = _absorb_word(lane_3, _load_word(data, at + _U16))
            lane_4 = _absorb_word(lane_4, _load_word(data, at + _U24))
            at += _U32
        state = _rotate_left(lane_1, _R1) + _rotate_left(lane_2, _R7)
        state += _rotate_left(lane_3, _R12) + _rotate_left(lane_4, _R18)
        state = (state ^ _absorb_word(_ZERO, lane_1)) * _U_PRIME_1 + _U_PRIME_4
        state = (state ^ _absorb_word(_ZERO, lane_2)) * _U_PRIME_1 + _U_PRIME_4
        state = (state ^ _absorb_word(_ZERO, lane_3)) * _U_PRIME_1 + _U_PRIME_4
        state = (state ^ _absorb_word(_ZERO, lane_4)) * _U_PRIME_1 + _U_PRIME_4
    else:
        state = seed + _U_PRIME_5
    state += end - start
    while at + _U8 <= end:
        state ^= _absorb_word(_ZERO, _load_word(data, at))
        state = _rotate_left(state, _R27) * _U_PRIME_1 + _U_PRIME_4
        at += _U8
    if at + _U4 <= end:
        state ^= _load_half_word(data, at) * _U_PRIME_1
        state = _rotate_left(state, _R23) * _U_PRIME_2 + _U_PRIME_3
        at += _U4
    while at < end:
        state ^= np.uint64(data[at]) * _U_PRIME_5
        state = _rotate_left(state, _R11) * _U_PRIME_1
        at += _U1
    state = (state ^ (state >> _R33)) * _U_PRIME_2
    state = (state ^ (state >> _R29)) * _U_PRIME_3
    return state ^ (state >> _U32)


@kernel
def _xxh64_of_rows(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], seed: np.uint64, hashes: NDArray[np.uint64]
) -> None:
    for row in range(hashes.size):
        hashes[row] = _xxh64_of_slice(data, np.uint64(offsets[row]), np.uint64(offsets[row + 1]), seed)


def hash_rows(column: pa.Array, seed: int) -> NDArray[np.uint64]:
    """Return the XXH64 of each value of a column.

    Args:
        column: Array of string, large_string, binary or large_binary, which may be sliced; or of type null.
        seed: Seed, 0 <= seed < 2**64.

    Returns:
        Hashes, shape (rows,). For a null value, the hash of the bytes in its slot, of which there are usually none.

    Raises:
        InputError: The column has another type, or its buffers contradict each other.
    """
    values = string_buffers(column, "values to hash")
    hashes = np.empty(len(column), dtype=np.uint64)
    _xxh64_of_rows(values.data, values.offsets, np.uint64(seed), hashes)
    return hashes
