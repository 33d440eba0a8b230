"""Write the embedded example from the data files of WordNet 3.0: `python -m metaclip_spark.example.from_wordnet DIR`.

DIR is the folder of data.noun, data.verb, data.adj and data.adv of WordNet 3.0 (Debian's wordnet-base has them in
/usr/share/wordnet; other editions are refused). The same input and the same zlib give the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from metaclip_spark.core.entries.wordnet_entries import entry_of_synset

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PARTS_OF_SPEECH = ("noun", "verb", "adj", "adv")
NAMES_FILE = "wordnet_names.txt.gz"
SENTENCES_FILE = "wordnet_sentences.tsv.gz"
WORDNET_3_0_ENTRIES = 86_654  # Demystifying CLIP Data, table 1: synset names and "0" to "99"

_SYNTACTIC_MARKER = re.compile(r"\((?:a|p|ip)\)$")
# Only quotations between semicolons are example sentences; others are phrases quoted inside a definition.
_SENTENCE = re.compile(r'(?:^|; )"([^"]+)"')


class Synset(NamedTuple):
    """Synset of a data file: its key, its first word as written, its gloss."""

    key: str
    word: str
    gloss: str


def read_synsets(lines: Iterable[str]) -> Iterator[Synset]:
    """Yield the synsets of one data file, in file order, without the licence at its top (indented lines)."""
    for line in lines:
        if line.startswith(" "):
            continue
        fields, gloss = line.rstrip("\n").split("| ", 1)
        offset, _, kind, _, word, _ = fields.split(" ", 5)
        yield Synset(key=kind + offset, word=word, gloss=gloss)


def entry_of(word: str) -> str:
    """Return the metadata entry of a synset's first word: up to the first ".", "_" replaced by a space.

    >>> entry_of("New_York"), entry_of("other(a)"), entry_of("Dr.")
    ('new york', 'other', 'dr')
    """
    return entry_of_synset(_SYNTACTIC_MARKER.sub("", word).lower())


def sentences_of(gloss: str) -> list[str]:
    """Return the example sentences of a gloss.

    >>> sentences_of('a distinct part; "how big is it?"; the phrase "in part" is common; "it works"')
    ['how big is it?', 'it works']
    """
    return [" ".join(sentence.split()) for sentence in _SENTENCE.findall(gloss)]


def build_entries(synsets: Iterable[Synset]) -> list[str]:
    """Return the metadata: "0" to "99", then the distinct names of the synsets in file order, not the empty one."""
    entries = dict.fromkeys(str(number) for number in range(100))
    entries.update(dict.fromkeys(entry_of(synset.word) for synset in synsets))
    entries.pop("", None)
    return list(entries)


def build_sentences(synsets: Iterable[Synset]) -> list[tuple[str, str]]:
    """Return pairs (key, sentence); the key is that of the synset and the number of the sentence: "n00003553-1"."""
    return [
        (f"{synset.key}-{number}", sentence)
        for synset in synsets
        for number, sentence in enumerate(sentences_of(synset.gloss), start=1)
    ]


def write_example(wordnet: Path, output: Path) -> None:
    """Write both data files of the example.

    Raises:
        SystemExit: The folder has another edition than WordNet 3.0.
    """
    synsets: list[Synset] = []
    for part in PARTS_OF_SPEECH:
        with (wordnet / f"data.{part}").open(encoding="utf-8") as lines:
            synsets += read_synsets(lines)
    entries = build_entries(synsets)
    if len(entries) != WORDNET_3_0_ENTRIES:
        message = (
            f"{wordnet} has {len(entries):,} entries instead of {WORDNET_3_0_ENTRIES:,}. Pass a folder of WordNet 3.0."
        )
        raise SystemExit(message)
    _write_lines(output / NAMES_FILE, entries)
    _write_lines(output / SENTENCES_FILE, ("\t".join(pair) for pair in build_sentences(synsets)))


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    text = "".join(line + "\n" for line in lines)
    # The header has neither time nor file name, so that every run writes the same bytes.
    path.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wordnet", type=Path, help="folder of WordNet 3.0's data files")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    arguments = parser.parse_args()
    write_example(arguments.wordnet, arguments.output)
