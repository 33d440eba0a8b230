"""Make the embedded example again from WordNet 3.0's data files: `python -m metaclip_spark.example.from_wordnet DIR`.

DIR holds data.noun, data.verb, data.adj and data.adv of WordNet 3.0 (Debian's wordnet-base has them in
/usr/share/wordnet; 3.1 is the wrong edition and is refused). The output is the same for the same input, byte for byte
with the same zlib.
"""

from __future__ import annotations

import argparse
import gzip
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PARTS_OF_SPEECH = ("noun", "verb", "adj", "adv")
NAMES_FILE = "wordnet_names.txt.gz"
SENTENCES_FILE = "wordnet_sentences.tsv.gz"
WORDNET_3_0_ENTRIES = 86_654  # semantics of the recipe, table 1: synset names and "0" to "99"

_SYNTACTIC_MARKER = re.compile(r"\((?:a|p|ip)\)$")
# Only quotations that stand alone between semicolons: others are phrases quoted inside a definition.
_SENTENCE = re.compile(r'(?:^|; )"([^"]+)"')


class Synset(NamedTuple):
    """One synset of a data file: its key, its first word as written there, its gloss."""

    key: str
    word: str
    gloss: str


def read_synsets(lines: Iterable[str]) -> Iterator[Synset]:
    """Synsets of one data file, in file order; the licence at its top (indented lines) is left out."""
    for line in lines:
        if line.startswith(" "):
            continue
        fields, gloss = line.rstrip("\n").split("| ", 1)
        offset, _, kind, _, word, _ = fields.split(" ", 5)
        yield Synset(key=kind + offset, word=word, gloss=gloss)


def entry_of(word: str) -> str:
    """The metadata entry that a synset's first word gives: the synset's name up to the first ".", "_" as a space.

    >>> entry_of("New_York"), entry_of("other(a)"), entry_of("Dr.")
    ('new york', 'other', 'dr')
    """
    return _SYNTACTIC_MARKER.sub("", word).lower().split(".", 1)[0].replace("_", " ")


def sentences_of(gloss: str) -> list[str]:
    """The example sentences of a gloss, as written.

    >>> sentences_of('a distinct part; "how big is it?"; the phrase "in part" is common; "it works"')
    ['how big is it?', 'it works']
    """
    return [" ".join(sentence.split()) for sentence in _SENTENCE.findall(gloss)]


def build_entries(synsets: Iterable[Synset]) -> list[str]:
    """The metadata list: "0" to "99", then the synsets' names in file order, without repeats and the empty name."""
    entries = dict.fromkeys(str(number) for number in range(100))
    entries.update(dict.fromkeys(entry_of(synset.word) for synset in synsets))
    entries.pop("", None)
    return list(entries)


def build_sentences(synsets: Iterable[Synset]) -> list[tuple[str, str]]:
    """Pairs (key, sentence); the key is the synset's with the sentence's number: "n00003553-1"."""
    return [
        (f"{synset.key}-{number}", sentence)
        for synset in synsets
        for number, sentence in enumerate(sentences_of(synset.gloss), start=1)
    ]


def write_example(wordnet: Path, output: Path) -> None:
    """Write both data files of the example.

    Raises:
        SystemExit: the folder holds another edition than WordNet 3.0.
    """
    synsets: list[Synset] = []
    for part in PARTS_OF_SPEECH:
        with (wordnet / f"data.{part}").open(encoding="utf-8") as lines:
            synsets += read_synsets(lines)
    entries = build_entries(synsets)
    if len(entries) != WORDNET_3_0_ENTRIES:
        message = f"{wordnet} gives {len(entries):,} entries, WordNet 3.0 gives {WORDNET_3_0_ENTRIES:,}: wrong edition"
        raise SystemExit(message)
    _write_lines(output / NAMES_FILE, entries)
    _write_lines(output / SENTENCES_FILE, ("\t".join(pair) for pair in build_sentences(synsets)))


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    text = "".join(line + "\n" for line in lines)
    # No time and no file name in the header: the same bytes at every run.
    path.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wordnet", type=Path, help="folder of WordNet 3.0's data files")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    arguments = parser.parse_args()
    write_example(arguments.wordnet, arguments.output)
