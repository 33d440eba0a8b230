"""A WordNet of a few synsets in the format of NLTK's corpora, with an optional multilingual one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PARTS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
NOUNS = ["dog", "new_york", "dr.", "42"]
VERBS = ["run", "dog"]


def write_wordnet(root: Path, *, version: str = "3.0", japanese: tuple[str, ...] = ()) -> Path:
    """Write `corpora/wordnet`, and `corpora/omw-1.4` if there are Japanese lemmas, and return the root."""
    folder = root / "corpora" / "wordnet"
    folder.mkdir(parents=True)
    licence = f"  1 This is made up for tests: WordNet {version} Copyright nobody.  \n"
    first = ""
    for part, letter in _PARTS.items():
        words = {"noun": NOUNS, "verb": VERBS}.get(part, ["well"])
        data, index = licence, ""
        for word in words:
            offset = f"{len(data):08d}"
            first = first or offset
            frames = " 01 + 01 00" if part == "verb" else ""
            data += f"{offset} 00 {letter} 01 {word} 0 000{frames} | a gloss  \n"
            index += f"{word.lower()} {letter} 1 0 1 0 {offset}  \n"
        (folder / f"data.{part}").write_text(data)
        (folder / f"index.{part}").write_text(licence + index)
        (folder / f"{part}.exc").write_text("")
    (folder / "lexnames").write_text("00\tall\t1\n")
    (folder / "index.sense").write_text(f"dog%1:00:00:: {first} 1 0\n")
    (folder / "cntlist.rev").write_text("")
    if japanese:
        omw = root / "corpora" / "omw-1.4" / "jpn"
        omw.mkdir(parents=True)
        lines = [f"{first}-n\tjpn:lemma\t{lemma}\n" for lemma in japanese]
        (omw / "wn-data-jpn.tab").write_text("# Made up\tjpn\tnowhere\tno licence\n" + "".join(lines), encoding="utf-8")
    return root
