"""Reading of metadata from a list, a compiled artifact or a table, on this machine or where Spark can read."""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metaclip_spark.core.entry_list import parse_json, parse_text
from metaclip_spark.core.matching.artifact import artifact_from_buffer
from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.errors import ArtifactError, ColumnNotFoundError, EnvironmentProblemError, InputError
from metaclip_spark.host.places import HAS_SCHEME, absolute, exists_here, is_table_name, name_parts, resolved
from metaclip_spark.metadata.language_lists import list_of_language
from metaclip_spark.spark.failures.failure_kinds import kind_of
from metaclip_spark.spark.host_artifact import map_artifact
from metaclip_spark.spark.job_errors import failure_reason
from metaclip_spark.spark.locations import absent_part
from metaclip_spark.spark.session_features import analysed

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

DEFAULT_LANGUAGE: Final = "en"

# A bare .gz is text. Any other suffix (.tsv.gz, .xml.gz) is refused, because otherwise each line of any file would
# become an entry.
_LIST: Final = re.compile(r".*\.(?:txt|json)(?:\.gz)?|(?:.*/)?[^./]+\.gz", re.IGNORECASE | re.DOTALL)
_LIST_FORMS: Final = ".txt with one entry per line, .json with an array of strings, either with .gz; .gz alone is text"
_FORMS: Final = (
    f"Metadata is a list ({_LIST_FORMS}), an artifact of `metaclip-spark compile`, or a Parquet or Delta table with "
    "the columns entry_id and entry."
)


def read_metadata(
    location: str | Path, *, language: str | None = None, spark: SparkSession | None = None
) -> CompiledMetadata:
    """Read metadata and compile it, unless it is an artifact already.

    Args:
        location: A list (.txt, .json, either with .gz; .gz alone is text), the path or name of a table, or an artifact
            (any other file); or a folder of this machine with one list per language (en.txt, de.json.gz, …).
        language: Language of the captions to match; None: that of the artifact, else English. If a table has a column
            `language`, only the rows of this language are read.
        spark: A session, needed for tables and for locations with a scheme (s3a://…).

    Raises:
        InputError: The location does not exist, or is not a list or table of entries.
        ConfigError: The path cannot be accessed on this machine.
        ArtifactError: The artifact is damaged, or for another language.
        EnvironmentProblemError: A session is needed and not given.
    """
    given = str(location)
    by_name = not _LIST.fullmatch(given) and is_table_name(given)
    place = resolved(given) if by_name else absolute(given)
    if not by_name and (own := list_of_language(place, language)) is not None:
        return read_metadata(own[1], language=own[0], spark=spark)
    if _LIST.fullmatch(place):
        return compile_metadata(_parse(place, _content(place, spark)), language=language or DEFAULT_LANGUAGE)
    if HAS_SCHEME.match(place):
        if _is_remote_file(place, _needed(spark, place)):
            return _artifact(place, language, spark)
    elif not by_name and exists_here(Path(place)) and Path(place).is_file():
        return _artifact(place, language, spark)
    elif not by_name and not exists_here(Path(place)):
        raise InputError(f"There is no metadata at {place} ({absent_part(place)}). {_FORMS}")
    entries = _table_entries(place, _needed(spark, place), language or DEFAULT_LANGUAGE)
    return compile_metadata(entries, language=language or DEFAULT_LANGUAGE)


def read_list(path: Path, language: str | None = None) -> list[str]:
    """Return the entries of a list on this machine, in order.

    Args:
        path: A list, or a folder with one list per language.
        language: Language whose list is read, if it is such a folder.

    Raises:
        InputError: The file cannot be read, is not a list, or has no entries.
    """
    own = list_of_language(str(path), language)
    path = path if own is None else Path(own[1])
    if not _LIST.fullmatch(str(path)):
        raise InputError(f"{path} is not named like a list of entries ({_LIST_FORMS}). Rename or convert it.")
    return _parse(str(path), _content(str(path), None))


def _parse(place: str, content: bytes) -> list[str]:
    name = place.lower()
    if name.endswith(".gz"):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"The metadata list {place} is damaged or not a gzip file: {error}. Restore it.") from None
        name = name.removesuffix(".gz")
    try:
        entries = parse_json(content) if name.endswith(".json") else parse_text(content)
    except InputError as error:
        raise InputError(f"Cannot read the metadata list {place}. {error}") from None
    if not entries:
        raise InputError(f"The metadata list {place} has no entries. It may be truncated.")
    return entries


def _content(place: str, spark: SparkSession | None) -> bytes:
    if not HAS_SCHEME.match(place):
        try:
            return Path(place).read_bytes()
        except OSError as error:
            absent = absent_part(place)
            why = f"{error.strerror}{absent and f' ({absent})'}"
            raise InputError(f"Cannot read the metadata {place}: {why}. {_FORMS}") from None
    files = _listed(place, _needed(spark, place)).select("content").collect()
    if len(files) != 1:
        raise InputError(f"The metadata {place} is {len(files)} files, not one. {_FORMS}")
    return bytes(files[0].content)


def _table_entries(place: str, spark: SparkSession, language: str) -> list[str]:
    """Return the entries of a table in the order of their ids."""
    rows = _rows(place, spark)
    missing = {"entry_id", "entry"} - set(rows.columns)
    if missing:
        raise ColumnNotFoundError(
            f"The metadata table {place} has no column {', '.join(sorted(missing))} "
            f"(it has {', '.join(rows.columns)}). It needs entry_id, the position from 0, and entry, the text."
        )
    if "language" in rows.columns:
        rows = rows.where(rows.language == language)
    listed = rows.select("entry_id", "entry").orderBy("entry_id").collect()
    if not listed:
        raise InputError(
            f"The metadata table {place} has no rows for language {language!r}. Pass the language of its rows."
        )
    for position, row in enumerate(listed):
        if row.entry_id != position or row.entry is None:
            raise InputError(
                f"The metadata table {place} has entry_id {row.entry_id} with entry {row.entry!r} where entry_id "
                f"{position} is expected. Ids must count from 0 without gaps or repeats, and entries must not be null."
            )
    return [row.entry for row in listed]


def _rows(place: str, spark: SparkSession) -> DataFrame:
    from pyspark.errors import AnalysisException  # noqa: PLC0415 - lists on this machine are read without Spark

    reasons = []
    by_name = name_parts(place) is not None
    for kind in ("name",) if by_name else ("delta", "parquet"):
        try:
            return analysed(spark.table(place) if by_name else spark.read.format(kind).load(place))
        except AnalysisException as error:
            reasons.append(f"{kind}: {error.getCondition()}")
    raise InputError(f"The metadata {place} is not a table ({', '.join(reasons)}). {_FORMS}")


def _artifact(place: str, language: str | None, spark: SparkSession | None) -> CompiledMetadata:
    try:
        remote = HAS_SCHEME.match(place)
        compiled = artifact_from_buffer(_content(place, spark)) if remote else map_artifact(Path(place))
    except ArtifactError as error:
        raise ArtifactError(f"{place}: {error}. {_FORMS}") from error
    if language not in {None, compiled.language}:
        raise ArtifactError(
            f"The artifact {place} was compiled for language {compiled.language!r}, not {language!r}. Compile the list "
            f"again with --language {language}."
        )
    return compiled


def _is_remote_file(place: str, spark: SparkSession) -> bool:
    paths = [row.path for row in _listed(place, spark).select("path").take(2)]
    return len(paths) == 1 and Path(paths[0]).name == Path(place).name


def _listed(place: str, spark: SparkSession) -> DataFrame:
    """Return path and content of a file, or of every file of a folder."""
    from py4j.protocol import Py4JJavaError  # noqa: PLC0415 - lists on this machine are read without Spark
    from pyspark.errors import PySparkException  # noqa: PLC0415

    from metaclip_spark.spark.file_listing import listed_files  # noqa: PLC0415

    try:
        return analysed(listed_files(spark, place))
    except (PySparkException, Py4JJavaError) as error:  # Py4JJavaError if Spark has no driver for the store
        kind, remedy = kind_of(str(error)) or (None, _FORMS)
        raise (kind or InputError)(f"Cannot read the metadata {place}: {failure_reason(error)}. {remedy}") from error


def _needed(spark: SparkSession | None, place: str) -> SparkSession:
    if spark is None:
        raise EnvironmentProblemError(f"The metadata {place} is read with Spark. Pass a session.")
    return spark
