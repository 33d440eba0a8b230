"""Metadata from wherever it is kept: a text or JSON list, plain or gzip; a compiled artifact; a Delta table."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Final

import pyarrow as pa
from pyarrow import fs

from metaclip_spark.core.matching.artifact import artifact_from_buffer, is_artifact
from metaclip_spark.core.matching.tables import compile_metadata
from metaclip_spark.core.metadata.entry_list import parse_json, parse_text
from metaclip_spark.errors import ConfigError, InputError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from metaclip_spark.core.matching.tables import CompiledMetadata

_GZIP: Final = b"\x1f\x8b"


def load_metadata(path: str, *, language: str | None = None, spark: SparkSession | None = None) -> CompiledMetadata:
    """Compiled metadata from an artifact, a list or a table; what it is shows in its content.

    Args:
        path: local, or the URI of a store that pyarrow reads (s3, gs, hdfs).
        language: what the entries are for; None: what the artifact says, else "en". Of a table with a column `language`
            only its rows are taken.
        spark: needed for a table only.

    Raises:
        InputError: no such file or table, or no metadata list in it.
        ArtifactError: an artifact that is damaged or of another version.
        ConfigError: a table without a session, or an artifact of another language.
    """
    system, place = _locate(path)
    if system.get_file_info(f"{place}/_delta_log").type is fs.FileType.Directory:
        if spark is None:
            raise ConfigError(
                f"the metadata {path} is a Delta table, which only a Spark session reads: give the list itself"
            )
        return compile_metadata(_table_entries(spark, path, language or "en"), language=language or "en")
    content = _read(system, place, path)
    if is_artifact(content):
        compiled = artifact_from_buffer(content)
        if language not in {None, compiled.language}:
            raise ConfigError(f"the artifact {path} was compiled for {compiled.language!r}, not {language!r}")
        return compiled
    return compile_metadata(read_entries(content, path), language=language or "en")


def read_list(path: str) -> list[str]:
    """Entries of a text or JSON list, plain or gzip.

    Raises:
        InputError: the file cannot be read, or is no list.
    """
    system, place = _locate(path)
    return read_entries(_read(system, place, path), path)


def read_entries(content: bytes, path: str) -> list[str]:
    """Entries of a list's bytes: JSON if the path ends so, else one entry a line.

    Args:
        content: of the file, gzip or not.
        path: names the list in messages, and its ending tells JSON.
    """
    if content.startswith(_GZIP):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"the metadata list {path} is damaged gzip: {error}") from error
    is_json = path.removesuffix(".gz").endswith(".json")
    try:
        return parse_json(content) if is_json else parse_text(content)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _locate(path: str) -> tuple[fs.FileSystem, str]:
    if "://" not in path:
        return fs.LocalFileSystem(), path
    try:
        system, place = fs.FileSystem.from_uri(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"the metadata {path} is in a store that cannot be read: {error}") from error
    return system, place


def _read(system: fs.FileSystem, place: str, path: str) -> bytes:
    try:
        with system.open_input_file(place) as file:
            return bytes(file.read())
    except OSError as error:
        raise InputError(f"the metadata {path} cannot be read: {error}") from error


def _table_entries(spark: SparkSession, path: str, language: str) -> list[str]:
    """Entries of a table in the order of their ids, which have to be 0, 1, 2 … without a gap."""
    table = spark.read.format("delta").load(path)
    missing = {"entry_id", "entry"} - set(table.columns)
    if missing:
        raise InputError(
            f"the metadata table {path} has no column {sorted(missing)[0]!r} (it has {', '.join(table.columns)})"
        )
    if "language" in table.columns:
        table = table.where(table.language == language)
    rows = table.select("entry_id", "entry").orderBy("entry_id").toArrow()
    ids, entries = rows["entry_id"].to_pylist(), rows["entry"].to_pylist()
    if not ids:
        raise InputError(f"the metadata table {path} has no entries of language {language!r}")
    for place, (entry_id, entry) in enumerate(zip(ids, entries, strict=True)):
        if entry_id != place or entry is None:
            raise InputError(
                f"the metadata table {path} has entry_id {entry_id} ({entry!r}) where {place} is due: ids are 0, 1, 2 … without "
                "a gap, repeat or null; is it a table of several versions?"
            )
    return entries
