"""Reproducible sample of a pool's rows with a caption, chosen by a hash of the uid.

    in the sample  <=>  XXH64(uid, XXH64("metaclip_spark/sample/<seed>", 42)), signed, < -2**63 + share * 2**64

The draw u hashes the same uid with another seed, so sampled rows are kept as often as other rows. A smaller sample is
a subset of a greater one. Spark's own `xxhash64` of two strings computes the same hash, so no row leaves the JVM.
"""

from __future__ import annotations

from typing import Final

from metaclip_spark.core.draw import checked_seed
from metaclip_spark.core.xxh64 import xxh64

_SPARK_SEED: Final = 42  # seed of Spark's xxhash64


def sample_domain(seed: int) -> str:
    """Return the text that is hashed before a uid."""
    return f"metaclip_spark/sample/{checked_seed(seed)}"


def sample_bound(share: float) -> int:
    """Return the bound of the sample: a row is in it if its signed hash is below the bound.

    >>> sample_bound(0.5)
    0
    """
    return -(2**63) + round(share * 2**64)


def in_sample(uid: str | int, seed: int, share: float) -> bool:
    """Return whether a row is in the sample: the rule in plain Python, which the Spark expression must equal.

    >>> [uid for uid in range(30) if in_sample(uid, 0, 0.1)]
    [14]
    """
    value = xxh64(str(uid).encode(), xxh64(sample_domain(seed).encode(), _SPARK_SEED))
    return (value - 2**64 if value >= 2**63 else value) < sample_bound(share)
