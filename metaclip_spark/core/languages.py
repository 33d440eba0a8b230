"""Language codes of Wikipedias: variants of a language, languages without spaces, and the language `other`."""

from __future__ import annotations

from typing import Final

OTHER: Final = "other"
"""Language of the metadata, from all Wikipedias together, for captions in languages that were not identified."""

LANGUAGE: Final = r"(?:[a-z]{2,3}(?:[-_][A-Za-z0-9]+)*|simple|other)"
"""Pattern of the language of metadata: the code of a Wikipedia, or `other`."""

NO_SPACE_LANGUAGES: Final = frozenset({"zh", "ja", "th", "lo", "my", "km", "bo", "dz", "ryu"})
"""Languages that are written without spaces, as are their variants; Korean is written with spaces."""

# Variants whose code does not begin with the code of their base language (zh_yue does).
_VARIANTS: Final = {
    **dict.fromkeys(("cdo", "gan", "hak", "lzh", "nan", "wuu", "yue"), "zh"),
    "map_bms": "jv",
    "nb": "no",
}
# Codes that begin with the code of a language family, not of a base language.
_OWN: Final = frozenset({"bat_smg", "cbk_zam", "fiu_vro", "roa_rup", "roa_tara"})


def language_code(name: str) -> str:
    """Return a language code in normal form.

    >>> language_code("zh-Yue"), language_code("be_x_old")
    ('zh_yue', 'be_x_old')
    """
    return name.lower().replace("-", "_")


def base_language(language: str) -> str:
    """Return the language whose metadata matches a variant's captions; a language that is not a variant is its own.

    >>> [base_language(code) for code in ("zh_yue", "wuu", "be-x-old", "roa_tara", "vi", "other")]
    ['zh', 'zh', 'be', 'roa_tara', 'vi', 'other']
    """
    code = language_code(language)
    if code in _OWN:
        return code
    return _VARIANTS.get(code) or code.partition("_")[0]


def is_no_space(language: str) -> bool:
    """Return whether a language, or its base language, is written without spaces.

    >>> is_no_space("zh_yue"), is_no_space("ja"), is_no_space("ko"), is_no_space("other")
    (True, True, False, False)
    """
    return base_language(language) in NO_SPACE_LANGUAGES
