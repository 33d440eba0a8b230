"""The draw u of a row: a number in (0, 1) computed from its uid and a seed, which decides with t whether it is kept.

    u = ((h >> 12) + 1/2) * 2**-52,   h = XXH64(bytes of the uid, seed)

u is one of 2**52 midpoints in (0, 1), so u and 1 - u are exact in double precision. There is no generator state:
partitioning, order, retries and speculative execution do not change a draw, and anyone who has the uid can recompute it
(see `DRAW.md` and `draw_vectors.json` in this folder).
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
"""Version of this rule. Rows are not appended to a table whose rows were drawn with another version."""

_CHOICE_DOMAIN: Final = b"metaclip_spark/choice"
_SEED_LIMIT: Final = 2**64


def draw(uid: str | int, seed: int) -> float:
    """Return the draw u of one row, in plain Python.

    Args:
        uid: Id of the row. Text is hashed as UTF-8, an integer as its decimal digits: 7 and "7" have the same draw.
        seed: Seed of XXH64, 0 <= seed < 2**64.

    Returns:
        A number in (0, 1).

    Raises:
        ConfigError: The seed is out of range.

    >>> draw("7", seed=0) == draw(7, seed=0)
    True
    >>> draw("a", seed=0)
    0.8215144243236395
    """
    return ((xxh64(str(uid).encode(), checked_seed(seed)) >> 12) + 0.5) * 2.0**-52


def draws(uids: pa.Array | pa.ChunkedArray, seed: int) -> NDArray[np.float64]:
    """Return the draws u of a batch of rows.

    Args:
        uids: Shape (rows,); string or binary (including large, view and dictionary-encoded) or any integer type.
        seed: Seed of XXH64, 0 <= seed < 2**64.

    Returns:
        Shape (rows,), each in (0, 1); nan where the uid is null.

    Raises:
        ConfigError: The seed is out of range.
        InputError: The type of the uids has no unique byte form (floats, dates, structs).
    """
    hashes, null_rows = _hashes(uids, checked_seed(seed))
    drawn = ((hashes >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
    if null_rows is not None:
        drawn[null_rows] = np.nan
    return drawn


def choice_seed(seed: int) -> int:
    """Return the seed of the choice among the texts of one image: XXH64 of a domain name with the run's seed.

    If the text with the smallest h were chosen, the chosen rows would have small u, and more of them would be kept than
    q says. The choice therefore hashes the uid with another seed. XXH64 with two unrelated seeds gives unrelated values
    (its test suites check that each seed bit flips each hash bit half of the time), so the choice does not change the
    distribution of u.

    >>> choice_seed(0) == choice_seed(1)
    False
    """
    return xxh64(_CHOICE_DOMAIN, checked_seed(seed))


def choice_hashes(uids: pa.Array | pa.ChunkedArray, seed: int) -> NDArray[np.uint64]:
    """Return the hashes that order the texts of one image, independent of their draws; the smallest one is chosen.

    Args:
        uids: Ids of the rows, as for `draws`.
        seed: Seed of the run, as for `draws`.

    Returns:
        Shape (rows,), 64-bit hashes; 0 where the uid is null. The uid decides between equal hashes.

    Raises:
        ConfigError, InputError: As for `draws`.
    """
    hashes, null_rows = _hashes(uids, choice_seed(seed))
    if null_rows is not None:
        hashes[null_rows] = 0
    return hashes


def checked_seed(seed: int) -> int:
    """Return the seed.

    Raises:
        ConfigError: The seed is out of range.
    """
    if not isinstance(seed, int) or not 0 <= seed < _SEED_LIMIT:
        raise ConfigError(f"The seed {seed!r} is not an integer with 0 <= seed < 2**64. Pass one that fits 64 bits.")
    return seed


def _hashes(uids: pa.Array | pa.ChunkedArray, seed: int) -> tuple[NDArray[np.uint64], NDArray[np.bool_] | None]:
    """Return XXH64 of each uid, and which uids are null (None if there are no nulls)."""
    column = uids.combine_chunks() if isinstance(uids, pa.ChunkedArray) else uids
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    hashes = hash_rows(_as_bytes(column), seed)
    return hashes, pc.is_null(column).to_numpy(zero_copy_only=False) if column.null_count else None


def _as_bytes(column: pa.Array) -> pa.Array:
    """Return the uids as an array of offsets and bytes; integers as decimal digits."""
    kind = column.type
    if any(is_kind(kind) for is_kind in _OFFSETS_AND_BYTES):
        return column
    if pa.types.is_integer(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.large_string())
    if pa.types.is_binary_view(kind):
        return column.cast(pa.large_binary())
    raise InputError(
        f"Rows with uids of type {kind} cannot be drawn, because values of this type have no unique byte form. Pass a "
        "string or integer column, or cast this one to a string."
    )


_OFFSETS_AND_BYTES: Final = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_binary,
    pa.types.is_large_binary,
)
