"""Word segmentation of languages written without spaces, with the dictionaries of ICU."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from metaclip_spark.errors import EnvironmentProblemError

if TYPE_CHECKING:
    from collections.abc import Callable


def segmenter(language: str) -> Callable[[bytes], bytes]:
    """Return a function that inserts a space between the words of a text.

    Args:
        language: Language code.

    Raises:
        EnvironmentProblemError: icu4py is not installed.
    """
    breaker, locale = _breaker(), language.replace("_", "-")

    def segment(text: bytes) -> bytes:
        return " ".join(breaker(text.decode("utf-8", "replace"), locale)).encode()

    return segment


def icu_version() -> str:
    """Return the version of ICU. Its dictionaries determine the words."""
    _breaker()
    import icu4py  # noqa: PLC0415 - an extra

    return str(icu4py.icu_version)


@cache
def _breaker() -> Any:
    try:
        from icu4py.breakers import WordBreaker  # noqa: PLC0415 - an extra, for these languages only
    except ImportError:
        raise EnvironmentProblemError(
            "ICU is needed to split text without spaces into words. Run pip install 'metaclip-spark[icu]', also on the "
            "executors."
        ) from None
    return WordBreaker
