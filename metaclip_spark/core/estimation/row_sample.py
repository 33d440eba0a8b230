"""A share of a pool's rows with a caption, the same wherever it is drawn: by a hash of the uid in a domain of its own.

    in the sample  <=>  XXH64(uid, XXH64("metaclip_spark/sample/<seed>", 42)), signed, < -2**63 + share * 2**64

The draw u hashes the same uid under another seed, so sampled rows are kept or dropped as often as any. Smaller samples
lie within greater ones. This is what Spark's own `xxhash64` computes of two strings, so that no row leaves the JVM.
"""

from __future__ import annotations

from typing import Final

from metaclip_spark.core.draw import checked_seed
from metaclip_spark.core.xxh64 import xxh64

_SPARK_SEED: Final = 42  # where Spark's xxhash64 starts from


def sample_domain(seed: int) -> str:
    """The text that is hashed before a uid."""
    return f"metaclip_spark/sample/{checked_seed(seed)}"


def sample_bound(share: float) -> int:
    """Rows whose signed hash is below this one are in the sample.

    >>> sample_bound(0.5)
    0
    """
    return -(2**63) + round(share * 2**64)


def in_sample(uid: str | int, seed: int, share: float) -> bool:
    """Whether a row is in the sample, in plain Python: what the expression of `transforms.sample_rows` has to equal.

    >>> [uid for uid in range(30) if in_sample(uid, 0, 0.1)]
    [14]
    """
    value = xxh64(str(uid).encode(), xxh64(sample_domain(seed).encode(), _SPARK_SEED))
    return (value - 2**64 if value >= 2**63 else value) < sample_bound(share)
