"""The draw: the number that decides, together with t, whether a row is kept; a function of its uid and a seed only.

    u = ((h >> 12) + 1/2) * 2**-52,   h = XXH64(bytes of the uid, seed)

u is one of the 2**52 midpoints of (0, 1): it is exact in double precision, and so is 1 - u. No generator state is
involved: partitioning, order, retries and speculation cannot change it, and whoever holds the uid can recompute it
(`DRAW.md`, and `draw_vectors.json` beside it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_spark.core.xxh64 import hash_rows, xxh64
from metaclip_spark.errors import ConfigError, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

DRAW_VERSION: Final = "xxh64-v1"
"""Names the rule of this module; a table drawn under another one is not appended to."""

_CHOICE_DOMAIN: Final = b"metaclip_spark/choice"
_SEED_LIMIT: Final = 2**64


def draw(uid: str | int, seed: int) -> float:
    """The draw u of one row, in plain Python.

    Args:
        uid: the row's id: text is hashed as UTF-8, an integer as its decimal digits, so that 7 and "7" draw alike.
        seed: 0 <= seed < 2**64, XXH64's own seed.

    Returns:
        A number in (0, 1).

    Raises:
        ConfigError: the seed is out of range.

    >>> draw("7", seed=0) == draw(7, seed=0)
    True
    >>> draw("a", seed=0)
    0.8215144243236395
    """
    return ((xxh64(str(uid).encode(), checked_seed(seed)) >> 12) + 0.5) * 2.0**-52


def draws(uids: pa.Array | pa.ChunkedArray, seed: int) -> NDArray[np.float64]:
    """The draws u of a batch of rows.

    Args:
        uids: shape (rows,); string or binary (large, view, dictionary-encoded too) or any integer type, sliced or not.
        seed: 0 <= seed < 2**64.

    Returns:
        shape (rows,), each in (0, 1); nan where the uid is null.

    Raises:
        ConfigError: the seed is out of range.
        InputError: the uids have a type with no one byte form (floats, dates, structs).
    """
    hashes, null_rows = _hashes(uids, checked_seed(seed))
    drawn = ((hashes >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
    if null_rows is not None:
        drawn[null_rows] = np.nan
    return drawn


def choice_seed(seed: int) -> int:
    """The seed of the choice among the texts of one image: XXH64 of a domain name under the user's seed.

    Were the text with the least h chosen, the chosen rows' u would be small, and more would be kept than q says. The
    choice therefore hashes the same uid under another seed. XXH64 under two seeds that are themselves unrelated gives
    unrelated values (the property its test suites check: each seed bit flips each hash bit half of the time), so given
    the choice u is as uniform as before.

    >>> choice_seed(0) == choice_seed(1)
    False
    """
    return xxh64(_CHOICE_DOMAIN, checked_seed(seed))


def choice_hashes(uids: pa.Array | pa.ChunkedArray, seed: int) -> NDArray[np.uint64]:
    """Hashes that order the texts of one image, independent of their draws; the least one is the image's text.

    Args:
        uids: as for `draws`.
        seed: the run's seed, the one given to `draws`.

    Returns:
        shape (rows,), 64-bit hashes; 0 where the uid is null. Equal hashes are settled by the uid.

    Raises:
        ConfigError, InputError: as `draws`.
    """
    hashes, null_rows = _hashes(uids, choice_seed(seed))
    if null_rows is not None:
        hashes[null_rows] = 0
    return hashes


def checked_seed(seed: int) -> int:
    """The seed itself.

    Raises:
        ConfigError: it is out of range.
    """
    if not isinstance(seed, int) or not 0 <= seed < _SEED_LIMIT:
        raise ConfigError(f"seed {seed!r} is not an integer with 0 <= seed < 2**64: pass one that fits 64 bits")
    return seed


def _hashes(uids: pa.Array | pa.ChunkedArray, seed: int) -> tuple[NDArray[np.uint64], NDArray[np.bool_] | None]:
    """XXH64 of each uid, and which rows are null (None if none is)."""
    column = uids.combine_chunks() if isinstance(uids, pa.ChunkedArray) else uids
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    hashes = hash_rows(_as_bytes(column), seed)
    return hashes, pc.is_null(column).to_numpy(zero_copy_only=False) if column.null_count else None


def _as_bytes(column: pa.Array) -> pa.Array:
    """The uids in a layout of offsets and bytes; integers as decimal digits."""
    kind = column.type
    if any(is_kind(kind) for is_kind in _OFFSETS_AND_BYTES):
        return column
    if pa.types.is_integer(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.large_string())
    if pa.types.is_binary_view(kind):
        return column.cast(pa.large_binary())
    raise InputError(
        f"uids of type {kind} cannot be drawn, as no one byte form follows from their values: pass a string or integer "
        "column, or cast this one to a string"
    )


_OFFSETS_AND_BYTES: Final = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_binary,
    pa.types.is_large_binary,
)
