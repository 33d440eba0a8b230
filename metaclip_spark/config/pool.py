"""Pool configuration: where the captions are and what their columns mean. Immutable, validated on construction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from metaclip_spark.config.checks import check_choice, checked_names, is_pair_of_names, is_text
from metaclip_spark.errors import ConfigError
from metaclip_spark.host.places import absolute, resolved

PoolFormat = Literal["parquet", "delta", "table", "csv", "tsv", "json"]

POOL_FORMATS: Final = ("parquet", "delta", "table", "csv", "tsv", "json")
TABLE_FORMATS: Final = ("delta", "table")
TEXT_FORMATS: Final = ("csv", "tsv", "json")
HEADER_FORMATS: Final = ("csv", "tsv")


@dataclass(frozen=True, kw_only=True)
class PoolColumns:
    """Columns of a pool that have a meaning, by their names in the pool.

    Where `uid`, `image_url` or `language` is None, the pool's column of exactly that name is used if it has one and
    does not rename or drop it. This is resolved when the pool is opened.

    Attributes:
        text: Captions; string or binary, or a list of these, of which each text is a row.
        uid: Ids, unique per row; string, integer, binary (taken as lowercase hex digits) or decimal (as digits). If
            captions are lists, "#" and the position of the text are added. Where the pool has none, ids are derived
            from `image_url` and `text`; rows without a URL then have no id and are counted as rejects.
        image_url: URLs of the images; string.
        language: Language codes, the keys of the metadata; string. Where the pool has none, every row is in the only
            language of the metadata.
    """

    text: str = "text"
    uid: str | None = None
    image_url: str | None = None
    language: str | None = None

    def __post_init__(self) -> None:
        invalid = {meaning: name for meaning, name in asdict(self).items() if not (name is None or is_text(name))}
        if invalid:
            raise ConfigError(f"Column names must be strings or None, but {invalid} was given.")
        named = [name for name in asdict(self).values() if name is not None]
        repeated = sorted({name for name in named if named.count(name) > 1})
        if repeated:
            raise ConfigError(
                f"Column {repeated[0]!r} is given two meanings: {asdict(self)}. Give each meaning a column of its own."
            )
        if "" in named:
            raise ConfigError(f"A column name is empty: {asdict(self)}.")


@dataclass(frozen=True, kw_only=True)
class Pool:
    """A table of captions.

    Attributes:
        paths: Files or folders, read as one table. For a table format: paths of Delta tables, or names in the catalog
            (schema.table, catalog.schema.table). Relative paths are those of the directory in which the pool is
            constructed.
        columns: Columns that have a meaning, by their names in the pool.
        format: "parquet"; "csv" (RFC 4180) or "tsv" (no quoting), every column a string; "json", one object per line;
            "delta"; or "table", any table of the catalog.
        version: Version of a Delta table, or one for each path. None: the newest when the run starts.
        name: Name of this pool, recorded with its counts and rows ("CC-MAIN-2024-51").
        header: CSV and TSV: whether each file starts with the names of its columns. None: it does.
        multiline: CSV: whether quoted fields may contain line ends; each file is then read by one task.
        schema: Text formats: names and types of the columns, as in CREATE TABLE. None: JSON types are inferred from all
            records; CSV and TSV names are taken from the header, or are `_c0`, `_c1`, … without one.
        rename: New names of carried columns by their names in the pool; also given as pairs.
        drop: Columns to leave out.
        cast: Types, as in CREATE TABLE, by names of columns in the pool; also given as pairs.
        skip_unreadable_files: Parquet: whether files that cannot be opened (empty, torn, of another kind) are left out.
            They are counted, and recorded with the run.
    """

    paths: tuple[str, ...]
    columns: PoolColumns = PoolColumns()
    format: PoolFormat = "parquet"
    version: int | tuple[int | None, ...] | None = None
    name: str = ""
    header: bool | None = None
    multiline: bool = False
    schema: str | None = None
    rename: Mapping[str, str] | tuple[tuple[str, str], ...] = ()
    drop: tuple[str, ...] = ()
    skip_unreadable_files: bool = False
    cast: Mapping[str, str] | tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for name in ("paths", "drop"):
            object.__setattr__(self, name, checked_names(name, getattr(self, name)))
        if not self.paths or not all(self.paths):
            raise ConfigError(f"The pool has no path, or an empty one: {self.paths!r}.")
        check_choice("pool format", self.format, POOL_FORMATS)
        if not isinstance(self.columns, PoolColumns):
            raise ConfigError(f"The pool's columns must be PoolColumns, not {self.columns!r}.")
        for name, value in (("name", self.name), ("schema", "" if self.schema is None else self.schema)):
            if not is_text(value):
                raise ConfigError(f"The pool's {name} must be a string, not {value!r}.")
        flags = {"header": self.header or False} | {
            name: getattr(self, name) for name in ("multiline", "skip_unreadable_files")
        }
        for name, flag in flags.items():
            if not isinstance(flag, bool):
                raise ConfigError(f"The pool's {name} must be true or false, not {flag!r}.")
        self._check_options_of_format()
        place = resolved if self.format in TABLE_FORMATS else absolute
        object.__setattr__(self, "paths", tuple(map(place, self.paths)))
        self._check_versions()
        self._check_changes()

    @property
    def has_header(self) -> bool:
        """Whether each file starts with the names of its columns."""
        return self.format in HEADER_FORMATS and self.header is not False

    def renamed(self) -> dict[str, str]:
        """Return the new names of carried columns by their names in the pool."""
        return dict(self.rename)

    def casts(self) -> dict[str, str]:
        """Return the types to which columns are cast, by their names in the pool."""
        return dict(self.cast)

    def reading(self) -> dict[str, Any]:
        """Return the options that decide how bytes become rows, where they differ from the defaults."""
        options = {"header": self.header, "multiline": self.multiline or None, "schema": self.schema}
        if self.format in TEXT_FORMATS:
            options["format"] = self.format
        return {name: value for name, value in options.items() if value is not None}

    def settings(self) -> dict[str, Any]:
        """Return what a run's configuration stores of its pool: columns, reading options and changes.

        Options at their defaults are left out, so that the identity of a run does not depend on them.
        """
        changes = {"rename": self.renamed(), "drop": list(self.drop), "cast": self.casts()}
        given = {"reading": self.reading(), "changes": {name: value for name, value in changes.items() if value}}
        return {"columns": asdict(self.columns)} | {name: values for name, values in given.items() if values}

    def _check_options_of_format(self) -> None:
        options = {
            "version": (self.version is not None, TABLE_FORMATS),
            "header": (self.header is not None, HEADER_FORMATS),
            "multiline": (self.multiline, ("csv",)),
            "schema": (self.schema is not None, TEXT_FORMATS),
            "skip_unreadable_files": (self.skip_unreadable_files, ("parquet",)),
        }
        for name, (given, formats) in options.items():
            if given and self.format not in formats:
                raise ConfigError(
                    f"{name} = {getattr(self, name)!r} does not apply to a pool of format {self.format}, only to "
                    f"{' and '.join(formats)}."
                )

    def _check_versions(self) -> None:
        if isinstance(self.version, (list, tuple)):
            versions = tuple(self.version)
            object.__setattr__(self, "version", versions[0] if len(versions) == len(self.paths) == 1 else versions)
        else:
            versions = (self.version,) * len(self.paths) if self.version is None else (self.version,)
        invalid = [v for v in versions if v is not None and (isinstance(v, bool) or not isinstance(v, int))]
        if invalid:
            raise ConfigError(f"The version of a pool must be an integer, not {invalid[0]!r}.")
        if len(versions) != len(self.paths):
            raise ConfigError(
                f"{len(versions)} version(s) are given for {len(self.paths)} Delta tables. Give one for each path."
            )

    def _check_changes(self) -> None:
        pairs = self._checked_pairs("rename", "new, non-empty names by the old ones")
        casts = [name for name, _ in self._checked_pairs("cast", "types by the names of columns")]
        lost = sorted(set(casts) & set(self.drop)) or sorted({name for name in casts if casts.count(name) > 1})
        if lost:
            raise ConfigError(f"Column {lost[0]!r} is to be cast twice, or cast and dropped. Give one change for it.")
        changed = [*(name for name, _ in pairs), *self.drop]
        repeated = sorted({name for name in changed if changed.count(name) > 1})
        if repeated:
            raise ConfigError(f"Column {repeated[0]!r} is to be renamed or dropped twice. Give one change for it.")
        named = {name for name in asdict(self.columns).values() if name is not None}
        taken = sorted(named & set(changed))
        if taken:
            raise ConfigError(
                f"Column {taken[0]!r} has a meaning, which decides its name in the result ({asdict(self.columns)}). It "
                "can be neither renamed nor dropped."
            )

    def _checked_pairs(self, name: str, what: str) -> tuple[tuple[str, str], ...]:
        """Set a field to the pairs that it is given as, or as a mapping, and return them."""
        value = getattr(self, name)
        pairs = tuple(value.items()) if isinstance(value, Mapping) else value
        if not isinstance(pairs, (list, tuple)) or not all(map(is_pair_of_names, pairs)):
            raise ConfigError(f"The pool's {name} must give {what}, not {value!r}.")
        object.__setattr__(self, name, tuple((old, new) for old, new in pairs))
        return getattr(self, name)  # type: ignore[no-any-return]
