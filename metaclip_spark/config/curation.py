"""Curation configuration: how to balance. Immutable and validated on construction."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from metaclip_spark.config.checks import check_choice, check_flag, check_integer, check_threshold, is_number, is_text
from metaclip_spark.errors import ConfigError

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


@dataclass(frozen=True, kw_only=True)
class CurateConfig:
    """How to balance.

    Attributes:
        t: threshold in matches, any finite number > 0: of English (`reference_language`), or of the only language. Any
            other language gets the t at which its tail holds the same share of matches (Meta CLIP 2). None: it follows
            from `target_size`, `keep_share` or `tail_share`, of which one is given; 20,000 if none is.
        target_size: rows to keep, all languages together: t is the least at which as many are kept.
        keep_share: the same as a share of the rows read, in (0, 1].
        seed: of the draw, 0 <= seed < 2**64.
        texts_per_image: "all_pairs" balances every matched pair (Demystifying CLIP Data); "one_text_per_image" first
            chooses one matched text of each image and language (Meta CLIP 2).
        overwrite: replace a curated table that another run wrote.
        compression: codec of the curated table's files.
        file_mib: size in MiB that files of the curated table should have: fewer tasks write where rows are few. A task
            holds one at a time, whatever its size.
        cluster: afterwards put rows of about the same admission threshold into the same files, so that readers of a
            smaller t skip the others. The rows are written a second time for that, by Delta's OPTIMIZE.
        reference_language: whose t is given.
        tail_share: share of matches on tail entries that sets the t of every language, in [0, 1]; beside a t, of every
            language but the reference. None: the other languages get the share that the reference has at t.
        check_ids: count ids that several rows have, at the cost of a shuffle by id. Such rows share one draw.
        counts: output of another curation, or ROOT@COUNTS_VERSION, whose counts balance these rows instead of their own
            (frozen counts; an entry that never matched there counts as 1).
        reserve: rows above t are kept apart up to this threshold, by language as for t, so that t can be raised later
            without the pool; None keeps none.
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
    counts: str | None = field(default=None, metadata={"identity": False})  # what it names is part of the run

    def __post_init__(self) -> None:
        _check_choice(self)
        if self.t is None and self.target_size is None and self.keep_share is None and self.tail_share is None:
            object.__setattr__(self, "t", DEFAULT_T)
        if self.reserve is not None:
            check_threshold("reserve", self.reserve)
        for name in ("t", "keep_share", "tail_share", "reserve"):  # 1 and 1.0 are the same run
            if getattr(self, name) is not None:
                object.__setattr__(self, name, float(getattr(self, name)))
        self.check_reserve(self.t)
        check_integer("seed", self.seed, 0, 2**64 - 1)
        for name in ("overwrite", "cluster", "check_ids"):
            check_flag(name, getattr(self, name))
        if not is_text(self.reference_language):
            raise ConfigError(f"reference_language = {self.reference_language!r} is no text")
        if self.counts is not None and not (is_text(self.counts) and self.counts):
            raise ConfigError(f"counts = {self.counts!r} names no output of another curation: pass ROOT[@VERSION]")
        check_integer("file_mib", self.file_mib, 1, _FILE_MIB)
        check_choice("texts_per_image", self.texts_per_image, TEXTS_PER_IMAGE)
        check_choice("compression", self.compression, COMPRESSIONS)

    def check_reserve(self, t: float | None) -> None:
        """The reserve has to lie above t, where it is known already.

        Raises:
            ConfigError: it does not.
        """
        if self.reserve is not None and t is not None and self.reserve <= t:
            raise ConfigError(
                f"reserve = {self.reserve} is not above t = {t}: it keeps the rows between the two; pass a greater "
                "one, or none"
            )

    def reference_t(self, t: Mapping[str, float]) -> float | None:
        """Return the threshold of the reference language, or of the only language.

        Args:
            t: threshold by language, in matches.

        Returns:
            None if the reference language is not among several languages.
        """
        return next(iter(t.values())) if len(t) == 1 else t.get(self.reference_language)

    def identity(self) -> dict[str, Any]:
        """The values that can change a row of the result."""
        fields = self.__dataclass_fields__
        return {name: value for name, value in asdict(self).items() if fields[name].metadata.get("identity", True)}


def _check_choice(config: CurateConfig) -> None:
    """The ways to choose t: each in its range, and no two that contradict each other."""
    t, size, share, tail = config.t, config.target_size, config.keep_share, config.tail_share
    if t is not None:
        check_threshold("t", t)
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
        raise ConfigError(f"target_size = {size!r} is no number of rows: pass an integer >= 1")
    if share is not None and not (is_number(share) and 0 < share <= 1):
        raise ConfigError(f"keep_share = {share!r} is no share of the rows read: pass a number > 0, at most 1")
    if tail is not None and not (is_number(tail) and 0 <= tail <= 1):
        raise ConfigError(f"tail_share = {tail!r} is no share of matches: pass 0 to 1 (about 0.06 in the paper)")
    given = [name for name in WAYS_TO_CHOOSE_T if getattr(config, name) is not None]
    if len(given) > 1 and given != ["t", "tail_share"]:
        raise ConfigError(
            f"{' and '.join(given)} each set the threshold: give one of {', '.join(WAYS_TO_CHOOSE_T)} (t with "
            "tail_share only where there are several languages: of the reference, and of the others)"
        )
