"""Languages of Wikipedias: which are variants of another, which are written without spaces, and what `other` is."""

from __future__ import annotations

from typing import Final

OTHER: Final = "other"
"""The list for captions in languages that the language identifier does not know: of all their Wikipedias together."""

NO_SPACE_LANGUAGES: Final = frozenset({"zh", "ja", "th", "lo", "my", "km", "bo", "dz", "ryu"})
"""Written without spaces, and so are their variants; Korean is written with them."""

# Variants whose code does not begin with that of their base, as zh_yue does.
_VARIANTS: Final = {
    **dict.fromkeys(("cdo", "gan", "hak", "lzh", "nan", "wuu", "yue"), "zh"),
    "map_bms": "jv",
    "nb": "no",
}
# What begins like the code of a language and is none of its variants: families of languages.
_OWN: Final = frozenset({"bat_smg", "cbk_zam", "fiu_vro", "roa_rup", "roa_tara"})


def language_code(name: str) -> str:
    """A language's code in one form.

    >>> language_code("zh-Yue"), language_code("be_x_old")
    ('zh_yue', 'be_x_old')
    """
    return name.lower().replace("-", "_")


def base_language(language: str) -> str:
    """The language whose list a variant's captions are matched against; a language that is none is its own.

    >>> [base_language(code) for code in ("zh_yue", "wuu", "be-x-old", "roa_tara", "vi", "other")]
    ['zh', 'zh', 'be', 'roa_tara', 'vi', 'other']
    """
    code = language_code(language)
    if code in _OWN:
        return code
    return _VARIANTS.get(code) or code.partition("_")[0]


def is_no_space(language: str) -> bool:
    """Whether a language, or the one that it is a variant of, is written without spaces.

    >>> is_no_space("zh_yue"), is_no_space("ja"), is_no_space("ko"), is_no_space("other")
    (True, True, False, False)
    """
    return base_language(language) in NO_SPACE_LANGUAGES
