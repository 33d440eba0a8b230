"""Pool configuration: where the captions are and what their columns mean. Immutable, validated on construction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from metaclip_spark.config.checks import checked_names, is_pair_of_names, is_text, one_of
from metaclip_spark.errors import ConfigError

PoolFormat = Literal["parquet", "delta", "table", "csv", "tsv", "json"]

POOL_FORMATS: Final = ("parquet", "delta", "table", "csv", "tsv", "json")
TABLE_FORMATS: Final = ("delta", "table")
TEXT_FORMATS: Final = ("csv", "tsv", "json")
HEADER_FORMATS: Final = ("csv", "tsv")


@dataclass(frozen=True, kw_only=True)
class PoolColumns:
    """What the columns of a pool mean; each is named as in the pool.

    Attributes:
        text: the captions; string or binary.
        uid: ids, unique by row; string or integer. None: derived from `image_url` and `text`, so that a row with no URL
            has none and is counted as a reject.
        image_url: the images' URLs; string.
        language: language codes, the keys of the metadata; string. None: every row is of the one language given.
    """

    text: str = "text"
    uid: str | None = None
    image_url: str | None = None
    language: str | None = None

    def __post_init__(self) -> None:
        odd = {meaning: name for meaning, name in asdict(self).items() if not (name is None or is_text(name))}
        if odd:
            raise ConfigError(f"column names have to be text, or None: {odd}")
        named = [name for name in asdict(self).values() if name is not None]
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice:
            raise ConfigError(
                f"column {twice[0]!r} is given two meanings: {asdict(self)}; give each meaning its own column"
            )
        if "" in named:
            raise ConfigError(f"a column name is empty: {asdict(self)}")
        if self.uid is None and self.image_url is None:
            raise ConfigError(
                "the rows have no id: name the pool's id column (uid, --id-column), or its URL column (image_url, "
                "--url-column), for ids derived from URL and text, or the kind of pool (--preset)"
            )


@dataclass(frozen=True, kw_only=True)
class Pool:
    """A table of captions.

    Attributes:
        paths: files or folders, read as one table; of a table format, paths of Delta tables or names in the catalog
            (schema.table, catalog.schema.table).
        columns: what its columns mean, by the names they have in the pool.
        format: of the files: "parquet"; "csv" (RFC 4180) or "tsv" (no quoting), every column a string; "json", one
            object a line; "delta"; or "table", any table of the catalog.
        version: of Delta tables: the version to read, or one for each path; None is the newest when the run begins.
        name: Name of this pool, recorded with its counts and rows ("CC-MAIN-2024-51").
        header: CSV and TSV: whether each file begins with the names of its columns; None: it does.
        multiline: CSV: quoted fields may hold line ends; a file is then read by one task.
        schema: names and types of the columns, as in CREATE TABLE: for text formats. None: of JSON inferred from all
            records, of the others taken from the header, without one `_c0`, `_c1`, ….
        rename: carried columns to be renamed, new names by the pool's; also given as pairs.
        drop: columns to be left out.
    """

    paths: tuple[str, ...]
    columns: PoolColumns
    format: PoolFormat = "parquet"
    version: int | tuple[int | None, ...] | None = None
    name: str = ""
    header: bool | None = None
    multiline: bool = False
    schema: str | None = None
    rename: Mapping[str, str] | tuple[tuple[str, str], ...] = ()
    drop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("paths", "drop"):
            object.__setattr__(self, name, checked_names(name, getattr(self, name)))
        if not self.paths or not all(self.paths):
            raise ConfigError(f"the pool has no path: {self.paths!r}")
        one_of("pool format", self.format, POOL_FORMATS)
        if not isinstance(self.columns, PoolColumns):
            raise ConfigError(f"columns = {self.columns!r} of a pool is no PoolColumns")
        for name, value in (("name", self.name), ("schema", "" if self.schema is None else self.schema)):
            if not is_text(value):
                raise ConfigError(f"{name} = {value!r} of a pool is no text")
        if not isinstance(self.header, bool | None) or not isinstance(self.multiline, bool):
            raise ConfigError(f"header = {self.header!r}, multiline = {self.multiline!r}: say true or false")
        self._refuse_unfit_options()
        self._check_versions()
        self._check_changes()

    @property
    def has_header(self) -> bool:
        """Whether each file begins with the names of its columns."""
        return self.format in HEADER_FORMATS and self.header is not False

    def renamed(self) -> dict[str, str]:
        """New names of carried columns by the pool's own."""
        return dict(self.rename)

    def reading(self) -> dict[str, Any]:
        """How the bytes become rows, as far as it is not said by defaults: part of a run's identity."""
        options = {"header": self.header, "multiline": self.multiline or None, "schema": self.schema}
        if self.format in TEXT_FORMATS:
            options["format"] = self.format
        return {name: value for name, value in options.items() if value is not None}

    def changes(self) -> dict[str, Any]:
        """What becomes of carried columns, as far as anything does."""
        changes = {"rename": self.renamed(), "drop": list(self.drop)}
        return {name: value for name, value in changes.items() if value}

    def settings(self) -> dict[str, Any]:
        """Meanings of the columns, reading and changes: what a run's configuration stores of its pool.

        Only what is asked for is named, so that runs over plain Parquet and Delta keep their names.
        """
        asked_for = {"reading": self.reading(), "changes": self.changes()}
        return {"columns": asdict(self.columns)} | {name: values for name, values in asked_for.items() if values}

    def _refuse_unfit_options(self) -> None:
        fitting = {
            "version": (self.version is not None, TABLE_FORMATS),
            "header": (self.header is not None, HEADER_FORMATS),
            "multiline": (self.multiline, ("csv",)),
            "schema": (self.schema is not None, TEXT_FORMATS),
        }
        for name, (given, formats) in fitting.items():
            if given and self.format not in formats:
                raise ConfigError(
                    f"{name} = {getattr(self, name)!r} of a {self.format} pool: only {' and '.join(formats)} have one"
                )

    def _check_versions(self) -> None:
        if isinstance(self.version, (list, tuple)):
            versions = tuple(self.version)
            object.__setattr__(self, "version", versions[0] if len(versions) == len(self.paths) == 1 else versions)
        else:
            versions = (self.version,) * len(self.paths) if self.version is None else (self.version,)
        odd = [v for v in versions if v is not None and (isinstance(v, bool) or not isinstance(v, int))]
        if odd:
            raise ConfigError(f"version {odd[0]!r} of a pool is no whole number")
        if len(versions) != len(self.paths):
            raise ConfigError(f"{len(versions)} version(s) of {len(self.paths)} Delta tables: give one for each path")

    def _check_changes(self) -> None:
        pairs = tuple(self.rename.items()) if isinstance(self.rename, Mapping) else self.rename
        if not isinstance(pairs, (list, tuple)) or not all(map(is_pair_of_names, pairs)):
            raise ConfigError(
                f"rename = {self.rename!r} of a pool: give new names, none of them empty, by the old ones"
            )
        object.__setattr__(self, "rename", tuple((old, new) for old, new in pairs))
        old = [name for name, _ in pairs]
        own = {name for name in asdict(self.columns).values() if name is not None}
        twice = sorted({name for name in [*old, *self.drop] if [*old, *self.drop].count(name) > 1})
        if twice:
            raise ConfigError(f"column {twice[0]!r} is to be renamed or dropped twice: say once what becomes of it")
        taken = sorted(own & {*old, *self.drop})
        if taken:
            raise ConfigError(
                f"column {taken[0]!r} has a meaning ({asdict(self.columns)}), by which it is named in the result: it "
                "can be neither renamed nor dropped"
            )
