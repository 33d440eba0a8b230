"""Kinds of content, recognised by the first bytes of a file: what it is, whatever its name says."""

from __future__ import annotations

import json
import re
import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD_BYTES: Final = 2**16
"""Number of first bytes by which a kind is recognised."""

_DECOMPRESS: Final = "Decompress it, or compress it with gzip and name it .gz"
_UNPACK: Final = "Unpack it and name the files inside"
_TO_PARQUET: Final = "Convert it to Parquet"
# First bytes, kind, and what to do. Compressed text that Spark reads by its suffix is handled apart.
_MAGIC: Final = (
    (b"PAR1", "a Parquet file", "Pass --format parquet"),
    (b"PARE", "an encrypted Parquet file", "Decrypt it"),
    (b"PK\x03\x04", "a ZIP archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (b"\xfd7zXZ\x00", "compressed with xz", _DECOMPRESS),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", _DECOMPRESS),
    (b"\x04\x22\x4d\x18", "compressed with lz4", _DECOMPRESS),
    (b"ARROW1\x00\x00", "an Arrow file", _TO_PARQUET),
    (b"FEA1", "a Feather file", _TO_PARQUET),
    (b"ORC", "an ORC file", _TO_PARQUET),
    (b"Obj\x01", "an Avro file", _TO_PARQUET),
    (b"SQLite format 3\x00", "an SQLite database", _TO_PARQUET),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", _TO_PARQUET),
    (b"\x93NUMPY", "a NumPy file", _TO_PARQUET),
    (b"%PDF-", "a PDF file", "Leave it out"),
    (b"\x89PNG\r\n", "a PNG image", "Leave it out"),
    (b"\xff\xd8\xff", "a JPEG image", "Leave it out"),
    (b"version https://git-lfs.github.com/spec/", "a Git LFS pointer, not the file itself", "Run git lfs pull"),
)
# Text may begin with these letters, too; a binary file has a null byte soon after.
_LETTERS: Final = (b"PAR1", b"PARE", b"ORC", b"FEA1")
_SUFFIXES: Final = {".gz": "gzip", ".bz2": "bzip2"}
_COMPRESSED: Final = {".gz": re.compile(rb"\x1f\x8b"), ".bz2": re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")}
_MIN_LINES: Final = 10
_TEXT: Final = {"csv", "tsv", "json"}
_HTML: Final = re.compile(rb"\s*<(?:!doctype html|html|head|\?xml)", re.IGNORECASE)
_UTF_16: Final = "Convert it to UTF-8, for example with iconv -f {} -t UTF-8"
_MARKS: Final = {
    b"\xff\xfe\x00\x00": "UTF-32", b"\x00\x00\xfe\xff": "UTF-32", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"
}  # fmt: skip
_TAR: Final = slice(257, 262)


def problem(name: str, head: bytes, form: str) -> str | None:
    r"""Return why a file cannot be read in a format, and what to do; None if its first bytes do not tell.

    Args:
        name: Name of the file; Spark decompresses by its suffix.
        head: First bytes of the file, at most `HEAD_BYTES`.
        form: Format of the pool.

    >>> problem("a.csv", b"PAR1\0...", "csv")
    'is a Parquet file. Pass --format parquet'
    >>> problem("a.csv.gz", b"", "csv"), problem("a.csv", b"id,text\n", "csv")
    (None, None)
    """
    return next(_problems(name, head, form), None)


def _problems(name: str, head: bytes, form: str) -> Iterator[str]:
    if not head:
        if form == "parquet":
            yield "is empty. Write it again, or remove it"
        return
    for suffix, codec in _SUFFIXES.items():
        has_suffix = form != "parquet" and name.lower().endswith(suffix)
        if has_suffix or _COMPRESSED[suffix].match(head):
            yield from _problems_of_compressed(name, head, form, codec, suffix)
            return
    for kind, remedy in _kinds(head):
        if form == "parquet" and remedy == _MAGIC[0][2]:
            return
        yield f"is {kind}. {remedy}"
    if form in _TEXT:
        yield from _problems_of_text(head, form)
    else:
        yield _text_as_parquet(head)


def _problems_of_compressed(name: str, head: bytes, form: str, codec: str, suffix: str) -> Iterator[str]:
    """Yield problems of a file that is compressed, or named so, in a way that Spark decompresses by the suffix."""
    if not _COMPRESSED[suffix].match(head):
        kind, remedy = next(_kinds(head), ("not compressed", f"Name it without {suffix}"))
        yield f"has the suffix {suffix}, but is {kind}. {remedy}"
    elif form == "parquet":
        yield f"is compressed with {codec}. Decompress it"
    elif not name.lower().endswith(suffix):
        yield f"is compressed with {codec}. Add {suffix} to its name, or decompress it"
    elif suffix == ".gz":
        yield from _problems_inside(name, head, form)


def _problems_inside(name: str, head: bytes, form: str) -> Iterator[str]:
    """Yield problems of gzipped content; what is torn is found when it is read."""
    try:
        inner = zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)
    except zlib.error:
        return
    if inner:
        yield from (f"contains, compressed with gzip, what {found}" for found in _problems(name[:-3], inner, form))


def _kinds(head: bytes) -> Iterator[tuple[str, str]]:
    for magic, kind, remedy in _MAGIC:
        if head.startswith(magic) and (magic not in _LETTERS or b"\0" in head or head == magic):
            yield kind, remedy
    if head[_TAR] == b"ustar":
        yield "a tar archive", _UNPACK
    if _HTML.match(head):
        yield "an HTML or XML page", "Download the file itself; a page is what a server sends instead of a missing file"
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            yield f"encoded in {encoding}", _UTF_16.format(encoding)
            return
    wide = _wide_encoding(head)
    if wide:
        yield f"encoded in {wide}", _UTF_16.format(wide)


def _wide_encoding(head: bytes) -> str | None:
    """Return UTF-16 without a mark: every other byte of Latin text is null, which text in UTF-8 hardly ever has."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if max(even, odd) <= half // 2 or min(even, odd) > half // 4:
        return None
    return "UTF-16BE" if even > odd else "UTF-16LE"


def _problems_of_text(head: bytes, form: str) -> Iterator[str]:
    returns = head.count(b"\r") - head.endswith(b"\r")
    if b"\n" not in head and returns >= (_MIN_LINES if len(head) == HEAD_BYTES else 1):
        yield "has lines that end in CR alone. Convert them, for example with tr '\\r' '\\n'"
    if form == "json":
        yield from _problems_of_json(head)


def _problems_of_json(head: bytes) -> Iterator[str]:
    text = head.decode(errors="replace").lstrip("\ufeff \t\r\n")
    if text.startswith("["):
        yield "is one JSON array. Write one object per line, for example with jq -c '.[]'"
    line, _, rest = text.partition("\n")
    if text.startswith("{") and rest and not _parses(line):
        try:
            _, end = json.JSONDecoder().raw_decode(text)
        except (json.JSONDecodeError, RecursionError):
            is_split = line.strip() == "{"
        else:
            is_split = "\n" in text[:end]
        if is_split:
            yield "has objects that span several lines. Write one object per line, for example with jq -c ."


def _parses(line: str) -> bool:
    try:
        json.loads(line)
    except (json.JSONDecodeError, RecursionError):
        return False
    return True


def _text_as_parquet(head: bytes) -> str:
    line = head.partition(b"\n")[0].strip()
    if b"\0" in head:
        return "is not a Parquet file. Leave it out, or name the format of the pool (--format)"
    if line.startswith(b"{"):
        return "is JSON. Pass --format json"
    if b"\t" in line:
        return "is text with tabs. Pass --format tsv"
    if b"," in line:
        return "is text with commas. Pass --format csv"
    return "is not a Parquet file. Leave it out, or name the format of the pool (--format)"
