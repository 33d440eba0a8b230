"""Pool folders of random files: kinds, names, types and truncations mixed, with the captions that each file has."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

FORMATS: Final = ("parquet", "csv", "tsv", "json")
WORDS: Final = ["photo", "dog", "köln", "猫", "a b", "x,y", 'say "hi"', "tab", "emoji 🐱", "it's", "#1", "50%", "\\d"]
NAMES: Final = [
    "part-{n:05d}", "{n}", "ü-{n}", "a b {n}", "a%20{n}", "猫{n}", "x#{n}", "it's {n}", "a+{n}", "v1.{n}", "{{{n}}}",
    "a:{n}", "part={n}", "[{n}]",
]  # fmt: skip
FOLDERS: Final = [*[""] * 4, "language=en/", "shard=00001/", "sub/", "a=1/b=2/", "_temporary/", ".hidden/", "ünter/"]


class OddFolder:
    """A folder of files.

    Attributes:
        path: The folder.
        form: Format of the pool.
        sound: Captions of files that are what their name and folder say; each must be read, or the pool refused.
        doubtful: Captions of other files, which may be left out if that is said.
        cut: Captions of files that were cut, of which any number may be left.
        files: What was written, for the message of a failed test.
    """

    def __init__(self, random_: random.Random, path: Path, form: str) -> None:
        self.path = path
        self.form = form
        self.sound: list[str] = []
        self.doubtful: list[str] = []
        self.cut: list[str] = []
        self.files: list[str] = []
        self._random = random_
        self._rows = 0
        path.mkdir(parents=True)
        mixed = random_.random() < 0.6
        for number in range(random_.randint(1, 4)):
            self._add(number, odd=mixed and random_.random() < 0.5)

    def _add(self, number: int, *, odd: bool) -> None:
        random_ = self._random
        name = random_.choice(NAMES if odd or random_.random() < 0.3 else NAMES[:2]).format(n=number)
        folder = random_.choice(FOLDERS) if random_.random() < 0.3 else ""
        place = self.path / folder / f"{name}.{self.form}"
        place.parent.mkdir(parents=True, exist_ok=True)
        captions = [self._caption() for _ in range(random_.randint(1, 5))]
        kind = random_.choice([*ODD]) if odd else "plain"
        content = self._content(captions)
        sound = kind in SOUND and not folder.startswith(("_", "."))
        written = (ODD[kind] if odd else _plain)(self, place, captions, content)
        self.files.append(f"{kind}: {written.relative_to(self.path)}")
        (self.cut if kind in WITHOUT_ROWS else self.sound if sound else self.doubtful).extend(captions)

    def _caption(self) -> str:
        self._rows += 1
        return f"{self._random.choice(WORDS)} {self._rows}"

    def _content(self, captions: list[str], form: str | None = None, **columns: Any) -> bytes:
        rows = {"id": [f"{self.path.name}-{caption.rpartition(' ')[2]}" for caption in captions], "text": captions}
        form = form or self.form
        if form == "parquet":
            sink = io.BytesIO()
            pq.write_table(pa.table(rows | columns), sink)
            return sink.getvalue()
        lines = list(zip(*rows.values(), strict=True))
        if form == "json":
            return b"".join(json.dumps({"id": key, "text": text}).encode() + b"\n" for key, text in lines)
        if form == "tsv":
            return "".join(f"{key}\t{text}\n" for key, text in [("id", "text"), *lines]).encode()
        return ("id,text\n" + "".join('{},"{}"\n'.format(key, text.replace('"', '""')) for key, text in lines)).encode()


def _write(place: Path, content: bytes) -> Path:
    place.write_bytes(content)
    return place


def _plain(_: OddFolder, place: Path, __: list[str], content: bytes) -> Path:
    return _write(place, content)


def _columns(values: Callable[[int], Any]) -> Callable[[OddFolder, Path, list[str], bytes], Path]:
    """Return a writer of Parquet files with another column; of other files without one."""

    def write(folder: OddFolder, place: Path, captions: list[str], content: bytes) -> Path:
        is_parquet = place.suffix == ".parquet"
        return _write(place, folder._content(captions, more=values(len(captions))) if is_parquet else content)

    return write


def _other(form: str) -> Callable[[OddFolder, Path, list[str], bytes], Path]:
    return lambda folder, place, captions, _: _write(place, folder._content(captions, form))


def _zip(content: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("x", content)
    return sink.getvalue()


def _link(folder: OddFolder, place: Path, _: list[str], __: bytes) -> Path:
    place.symlink_to(folder.path / "nowhere")
    return place


def _log(folder: OddFolder, place: Path, _: list[str], content: bytes) -> Path:
    (folder.path / "_delta_log").mkdir(exist_ok=True)
    (folder.path / "_delta_log" / "00000000000000000000.json").write_text('{"commitInfo":{}}\n')
    return _write(place, content)


ODD: Final[dict[str, Callable[[OddFolder, Path, list[str], bytes], Path]]] = {
    "plain": _plain,
    "integers": _columns(lambda rows: pa.array(range(rows), pa.int32())),
    "long integers": _columns(lambda rows: pa.array(range(rows), pa.int64())),
    "doubles": _columns(lambda rows: pa.array([0.5] * rows, pa.float64())),
    "nulls": _columns(pa.nulls),
    "texts": _columns(lambda rows: pa.array(["x"] * rows)),
    "nanoseconds": _columns(lambda rows: pa.array([10**18] * rows, pa.timestamp("ns"))),
    "half floats": _columns(lambda rows: pa.array([0.5] * rows, pa.float32()).cast(pa.float16())),
    "lists": _columns(lambda rows: pa.array([["x"]] * rows)),
    "packed": lambda _, place, __, content: _write(
        place if place.suffix == ".parquet" else place.with_name(f"{place.name}.gz"),
        content if place.suffix == ".parquet" else gzip.compress(content),
    ),
    "CR LF": lambda _, place, __, content: _write(
        place, content if place.suffix == ".parquet" else content.replace(b"\n", b"\r\n")
    ),
    "byte order mark": lambda _, place, __, content: _write(
        place, content if place.suffix == ".parquet" else b"\xef\xbb\xbf" + content
    ),
    "no end of line": lambda _, place, __, content: _write(
        place, content if place.suffix == ".parquet" else content[:-1]
    ),
    # From here on: not what their name or place says
    "packed by name only": lambda _, place, __, content: _write(place, gzip.compress(content)),
    "zip": lambda _, place, __, content: _write(place, _zip(content)),
    "UTF-16": lambda _, place, __, content: _write(place, content.decode("utf-8", "replace").encode("utf-16")),
    "latin-1": lambda _, place, __, content: _write(
        place, content.decode("utf-8", "replace").encode("latin-1", "replace")
    ),
    "CR": lambda _, place, __, content: _write(place, content.replace(b"\n", b"\r")),
    "truncated": lambda folder, place, __, content: _write(place, content[: folder._random.randrange(len(content))]),
    "empty": lambda _, place, __, ___: _write(place, b""),
    "blank": lambda _, place, __, ___: _write(place, b"\n\n"),
    "noise": lambda folder, place, __, ___: _write(place, folder._random.randbytes(99)),
    "parquet inside": _other("parquet"),
    "csv inside": _other("csv"),
    "tsv inside": _other("tsv"),
    "json inside": _other("json"),
    "underscore": lambda _, place, __, content: _write(place.with_name(f"_{place.name}"), content),
    "dot": lambda _, place, __, content: _write(place.with_name(f".{place.name}"), content),
    "tar beside": lambda _, place, __, ___: _write(place.with_suffix(".tar"), b"\0" * 1024),
    "statistics beside": lambda _, place, __, ___: _write(place.with_name(f"{place.stem}_stats.json"), b'{"count": 1}'),
    "success": lambda _, place, __, ___: _write(place.with_name("_SUCCESS"), b""),
    "link to nowhere": _link,
    "log of Delta": _log,
}
SOUND: Final = frozenset(list(ODD)[: list(ODD).index("packed by name only")])
WITHOUT_ROWS: Final = frozenset(
    {"truncated", "empty", "blank", "noise", "tar beside", "statistics beside", "success", "link to nowhere"}
)
