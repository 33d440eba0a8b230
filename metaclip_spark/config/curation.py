"""Configuration of a curation: immutable, validated on construction."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from metaclip_spark.config.checks import check_choice, check_flag, check_integer, check_threshold, is_number, is_text
from metaclip_spark.errors import ConfigError
from metaclip_spark.host.places import resolved

if TYPE_CHECKING:
    from collections.abc import Mapping

TextsPerImage = Literal["all_pairs", "one_text_per_image"]
Compression = Literal["snappy", "zstd", "lz4", "gzip", "uncompressed"]

TEXTS_PER_IMAGE: Final = ("all_pairs", "one_text_per_image")
COMPRESSIONS: Final = ("snappy", "zstd", "lz4", "gzip", "uncompressed")

WAYS_TO_CHOOSE_T: Final = ("t", "target_size", "keep_share", "tail_share")
DEFAULT_T: Final = 20_000.0
"""The paper's threshold for 400 million pairs out of 1.6 billion."""

_FILE_MIB: Final = 16_384
_VERSION_DIGITS: Final = 32


@dataclass(frozen=True, kw_only=True)
class CurateConfig:
    """Rules by which a pool is balanced and the curated table is written.

    Attributes:
        t: Threshold in matches, any finite number > 0, of the reference language or of the only language. Every other
            language gets the t at which its tail has the same share of matches (Meta CLIP 2). If None, t follows from
            `target_size`, `keep_share` or `tail_share`; if these are None too, t is 20,000.
        target_size: Number of rows to keep over all languages. The smallest t that keeps as many is used.
        keep_share: Target size as a share of the rows read, in (0, 1].
        seed: Seed of the draw, 0 <= seed < 2**64.
        texts_per_image: "all_pairs" balances every matched pair (Demystifying CLIP Data). "one_text_per_image" first
            chooses one matched text per image and language (Meta CLIP 2).
        overwrite: Whether to replace a curated table that another run wrote.
        compression: Codec of the curated table's files.
        file_mib: Target size in MiB of the curated table's files; fewer rows are written by fewer tasks. A task writes
            one file at a time, so its memory does not depend on the size.
        cluster: Whether to cluster the curated table by admission threshold afterwards, so that readers of a smaller t
            skip files. Delta's OPTIMIZE writes all rows a second time for this.
        reference_language: Language whose threshold is `t`.
        tail_share: Share of matches on tail entries, in [0, 1], that determines the t of every language; together with
            t, of every language except the reference language. If None, the other languages use the tail share that
            the reference language has at t.
        check_ids: Whether to count the ids that occur in several rows, at the cost of a shuffle by id. Rows with the
            same id have the same draw.
        counts: Tables of another curation, ROOT or ROOT@COUNTS_VERSION, whose counts balance these rows instead of
            their own (frozen counts). An entry that no caption matches there has count 1.
        reserve: Threshold of the reserve, by language as for t. The reserve stores the rows above t up to this
            threshold, so that t can be raised later without the pool. If None, there is no reserve.
    """

    t: float | None = None
    target_size: int | None = None
    keep_share: float | None = None
    seed: int = 0
    texts_per_image: TextsPerImage = "all_pairs"
    overwrite: bool = field(default=False, metadata={"identity": False})
    compression: Compression = field(default="zstd", metadata={"identity": False})
    file_mib: int = field(default=256, metadata={"identity": False})
    cluster: bool = field(default=False, metadata={"identity": False})
    reference_language: str = "en"
    tail_share: float | None = None
    check_ids: bool = field(default=False, metadata={"identity": False})
    reserve: float | None = None
    counts: str | None = field(
        default=None, metadata={"identity": False}
    )  # the digest of these counts is part of the identity

    def __post_init__(self) -> None:
        _check_choice(self)
        if self.t is None and self.target_size is None and self.keep_share is None and self.tail_share is None:
            object.__setattr__(self, "t", DEFAULT_T)
        if self.reserve is not None:
            check_threshold("reserve", self.reserve)
        for name in ("t", "keep_share", "tail_share", "reserve"):  # so that 1 and 1.0 give the same run id
            if getattr(self, name) is not None:
                object.__setattr__(self, name, float(getattr(self, name)))
        self.check_reserve(self.t)
        check_integer("seed", self.seed, 0, 2**64 - 1)
        for name in ("overwrite", "cluster", "check_ids"):
            check_flag(name, getattr(self, name))
        if not is_text(self.reference_language):
            raise ConfigError(f"reference_language = {self.reference_language!r} is not a text.")
        if self.counts is not None and not (is_text(self.counts) and self.counts):
            raise ConfigError(
                f"counts = {self.counts!r} does not name the tables of another curation. Pass ROOT[@COUNTS_VERSION]."
            )
        if self.counts is not None:
            root, version = counts_root_and_version(self.counts)
            object.__setattr__(self, "counts", f"{resolved(root)}@{version}" if version else resolved(root))
        check_integer("file_mib", self.file_mib, 1, _FILE_MIB)
        check_choice("texts_per_image", self.texts_per_image, TEXTS_PER_IMAGE)
        check_choice("compression", self.compression, COMPRESSIONS)

    def check_reserve(self, t: float | None) -> None:
        """Check that the reserve is above a threshold.

        Args:
            t: Threshold in matches; None if it is not known yet.

        Raises:
            ConfigError: The reserve is not above t.
        """
        if self.reserve is not None and t is not None and self.reserve <= t:
            raise ConfigError(
                f"reserve = {self.reserve} is not above t = {t}, but the reserve has the rows between the two. Pass a "
                "greater reserve, or none."
            )

    def reference_t(self, t: Mapping[str, float]) -> float | None:
        """Return the threshold of the reference language, or of the only language.

        Args:
            t: Threshold by language, in matches.

        Returns:
            None if there are several languages and the reference language is not one of them.
        """
        return next(iter(t.values())) if len(t) == 1 else t.get(self.reference_language)

    def identity(self) -> dict[str, Any]:
        """Return the values that can change a row of the result."""
        fields = self.__dataclass_fields__
        return {name: value for name, value in asdict(self).items() if fields[name].metadata.get("identity", True)}


def _check_choice(config: CurateConfig) -> None:
    """Check that each way to choose t is in its range, and that no two contradict each other."""
    t, size, share, tail = config.t, config.target_size, config.keep_share, config.tail_share
    if t is not None:
        check_threshold("t", t)
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
        raise ConfigError(f"target_size = {size!r} is not a number of rows. Pass an integer >= 1.")
    if share is not None and not (is_number(share) and 0 < share <= 1):
        raise ConfigError(f"keep_share = {share!r} is not a share of the rows read. Pass a number > 0 and <= 1.")
    if tail is not None and not (is_number(tail) and 0 <= tail <= 1):
        raise ConfigError(
            f"tail_share = {tail!r} is not a share of matches. Pass a number from 0 to 1 (about 0.06 in the paper)."
        )
    given = [name for name in WAYS_TO_CHOOSE_T if getattr(config, name) is not None]
    if len(given) > 1 and given != ["t", "tail_share"]:
        raise ConfigError(
            f"{' and '.join(given)} each determine the threshold. Pass one of {', '.join(WAYS_TO_CHOOSE_T)}. Only t "
            "and tail_share go together: t for the reference language, tail_share for the others."
        )


def counts_root_and_version(location: str) -> tuple[str, str | None]:
    """Split ROOT@COUNTS_VERSION; an @ without 32 hex digits after it belongs to the root.

    >>> counts_root_and_version("/data/curated@0123456789abcdef0123456789abcdef")
    ('/data/curated', '0123456789abcdef0123456789abcdef')
    >>> counts_root_and_version("s3a://me@host/out")
    ('s3a://me@host/out', None)
    """
    root, at, version = location.rpartition("@")
    return (root, version) if at and version.isalnum() and len(version) == _VERSION_DIGITS else (location, None)
