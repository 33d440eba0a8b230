"""Projects of Wikimedia, by the database that the dump of a wiki names."""

from __future__ import annotations

import re
from typing import Final

SIMPLE: Final = "simple"
"""Code of the Wikipedia in Simple English. It declares English as its language, but is not part of enwiki."""

# Databases are named by language and project, such as "enwiktionary".
_BY_SUFFIX: Final = {
    name.lower(): name
    for name in (
        "Wiktionary", "Wikiquote", "Wikibooks", "Wikisource", "Wikinews", "Wikivoyage", "Wikiversity", "Wikimedia",
    )
}  # fmt: skip
# Wikis whose databases are named as those of Wikipedias are.
_BY_NAME: Final = {
    "commonswiki": "Wikimedia Commons",
    "wikidatawiki": "Wikidata",
    "wikifunctionswiki": "Wikifunctions",
    "abstractwiki": "Abstract Wikipedia",
    "specieswiki": "Wikispecies",
    "sourceswiki": "multilingual Wikisource",
    "metawiki": "Meta-Wiki",
    "mediawikiwiki": "MediaWiki",
    "incubatorwiki": "Wikimedia Incubator",
    "outreachwiki": "Wikimedia Outreach",
    "foundationwiki": "Wikimedia Foundation",
    "nostalgiawiki": "the Wikipedia of 2001",
    "tenwiki": "the tenth anniversary of Wikipedia",
}
_OTHERS: Final = (
    (re.compile(r"test\w*wiki|testwikidatawiki|labswiki|labtestwiki"), "a test wiki"),
    (re.compile(r"(?:wikimania\w*|wikimaniateam|wg_en|strategy|usability|quality|login|vote|donate|advisory)wiki"),
     "an internal wiki of Wikimedia"),
)  # fmt: skip
_WIKIPEDIA: Final = "wiki"


def other_project(database: str) -> str:
    """Return the project of a wiki, or "" if it is a Wikipedia or its dump names no database.

    >>> [other_project(name) for name in ("enwiki", "zh_yuewiki", "simplewiki", "")]
    ['', '', '', '']
    >>> [other_project(name) for name in ("enwiktionary", "commonswiki", "test2wiki", "wikidb")]
    ['Wiktionary', 'Wikimedia Commons', 'a test wiki', 'a wiki outside Wikimedia']
    """
    name = database.lower()
    if name in _BY_NAME:
        return _BY_NAME[name]
    for suffix, project in _BY_SUFFIX.items():
        if name.endswith(suffix):
            return project
    for pattern, project in _OTHERS:
        if pattern.fullmatch(name):
            return project
    return "" if not name or name.endswith(_WIKIPEDIA) else "a wiki outside Wikimedia"
