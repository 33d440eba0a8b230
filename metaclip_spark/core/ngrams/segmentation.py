"""Words of languages that are written without spaces, by ICU's dictionaries."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from metaclip_spark.errors import EnvironmentProblemError

if TYPE_CHECKING:
    from collections.abc import Callable


def segmenter(language: str) -> Callable[[bytes], bytes]:
    """A function that puts a space between the words of a text.

    Args:
        language: its code.

    Raises:
        EnvironmentProblemError: icu4py is not installed.
    """
    breaker, locale = _breaker(), language.replace("_", "-")

    def segment(text: bytes) -> bytes:
        return " ".join(breaker(text.decode("utf-8", "replace"), locale)).encode()

    return segment


def icu_version() -> str:
    """Version of ICU, whose dictionaries decide what a word is."""
    _breaker()
    import icu4py  # noqa: PLC0415 - an extra

    return str(icu4py.icu_version)


@cache
def _breaker() -> Any:
    try:
        from icu4py.breakers import WordBreaker  # noqa: PLC0415 - an extra, for these languages only
    except ImportError:
        raise EnvironmentProblemError(
            "text without spaces between words needs ICU: pip install 'metaclip-spark[icu]', on the workers too"
        ) from None
    return WordBreaker
