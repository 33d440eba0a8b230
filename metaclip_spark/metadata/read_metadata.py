"""Metadata from wherever it is kept: a list, a compiled artifact, a table; local, or anything Spark can read."""

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
from metaclip_spark.spark.host_artifact import map_artifact
from metaclip_spark.spark.job_errors import failure_reason
from metaclip_spark.spark.locations import HAS_SCHEME, absent_part, exists_here, is_table_name
from metaclip_spark.spark.session_features import analysed

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

DEFAULT_LANGUAGE: Final = "en"

# A bare .gz is text; behind any other suffix (.tsv.gz, .xml.gz) may be anything, and each line of it would be an entry.
_LIST: Final = re.compile(r".*\.(?:txt|json)(?:\.gz)?|(?:.*/)?[^./]+\.gz", re.IGNORECASE | re.DOTALL)
_LIST_FORMS: Final = ".txt with one entry a line, .json with an array of strings, either with .gz; .gz alone is text"
_FORMS: Final = (
    f"metadata is a list ({_LIST_FORMS}), an artifact of `metaclip-spark compile`, or a Parquet or Delta table with "
    "the columns entry_id and entry"
)


def read_metadata(
    location: str | Path, *, language: str | None = None, spark: SparkSession | None = None
) -> CompiledMetadata:
    """Metadata ready to match: compiled here, unless it comes as an artifact.

    Args:
        location: a list (.txt, .json, either with .gz; .gz alone is text), the path or name of a table, or an artifact
            (any other file).
        language: of the captions it is for. None: the artifact's own, else English. Of a table with a column
            `language`, its rows are taken.
        spark: needed for tables and for locations with a scheme (s3a://…).

    Raises:
        InputError: nothing there, or no list or table of entries.
        ConfigError: the path is one that this machine cannot look up.
        ArtifactError: a damaged artifact, or one for another language.
        EnvironmentProblemError: a session is needed and not given.
    """
    place = str(location)
    if _LIST.fullmatch(place):
        return compile_metadata(_parse(place, _content(place, spark)), language=language or DEFAULT_LANGUAGE)
    if HAS_SCHEME.match(place):
        if _is_remote_file(place, _needed(spark, place)):
            return _artifact(place, language, spark)
    elif exists_here(Path(place)) and Path(place).is_file():
        return _artifact(place, language, spark)
    elif not exists_here(Path(place)) and not is_table_name(place):
        raise InputError(f"there is no metadata at {place} ({absent_part(place)}): {_FORMS}")
    entries = _table_entries(place, _needed(spark, place), language or DEFAULT_LANGUAGE)
    return compile_metadata(entries, language=language or DEFAULT_LANGUAGE)


def read_list(path: Path) -> list[str]:
    """Entries of a list on this machine, in order.

    Raises:
        InputError: it cannot be read, is no list, or has no entries.
    """
    if not _LIST.fullmatch(str(path)):
        raise InputError(f"{path} is not named like a list of entries ({_LIST_FORMS}): rename or convert it")
    return _parse(str(path), _content(str(path), None))


def _parse(place: str, content: bytes) -> list[str]:
    name = place.lower()
    if name.endswith(".gz"):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"the metadata list {place} is damaged or no gzip file: {error}") from None
        name = name.removesuffix(".gz")
    entries = parse_json(content) if name.endswith(".json") else parse_text(content)
    if not entries:
        raise InputError(f"the metadata list {place} has no entries: perhaps it was cut, or never filled")
    return entries


def _content(place: str, spark: SparkSession | None) -> bytes:
    if not HAS_SCHEME.match(place):
        try:
            return Path(place).read_bytes()
        except OSError as error:
            absent = absent_part(place)
            why = f"{error.strerror}{absent and f' ({absent})'}"
            raise InputError(f"cannot read the metadata {place}: {why}; {_FORMS}") from None
    files = _listed(place, _needed(spark, place)).select("content").collect()
    if len(files) != 1:
        raise InputError(f"the metadata {place} is {len(files)} files, not one; {_FORMS}")
    return bytes(files[0].content)


def _table_entries(place: str, spark: SparkSession, language: str) -> list[str]:
    """Entries of a table by id."""
    rows = _rows(place, spark)
    missing = {"entry_id", "entry"} - set(rows.columns)
    if missing:
        raise ColumnNotFoundError(
            f"the metadata table {place} has no column {', '.join(sorted(missing))} "
            f"(it has {', '.join(rows.columns)}): entry_id gives the order, from 0, and entry the text"
        )
    if "language" in rows.columns:
        rows = rows.where(rows.language == language)
    listed = rows.select("entry_id", "entry").orderBy("entry_id").collect()
    if not listed:
        raise InputError(f"the metadata table {place} has no rows for language {language!r}")
    for position, row in enumerate(listed):
        if row.entry_id != position or row.entry is None:
            raise InputError(
                f"the metadata table {place} has entry_id {row.entry_id} with entry {row.entry!r} where entry_id "
                f"{position} is due: ids count from 0 without gaps or repeats, and no entry is null"
            )
    return [row.entry for row in listed]


def _rows(place: str, spark: SparkSession) -> DataFrame:
    from pyspark.errors import AnalysisException  # noqa: PLC0415 - lists on this machine are read without Spark

    reasons = []
    by_name = is_table_name(place)
    for kind in ("name",) if by_name else ("delta", "parquet"):
        try:
            return analysed(spark.table(place) if by_name else spark.read.format(kind).load(place))
        except AnalysisException as error:
            reasons.append(f"{kind}: {error.getCondition()}")
    raise InputError(f"the metadata {place} is no table ({', '.join(reasons)}); {_FORMS}")


def _artifact(place: str, language: str | None, spark: SparkSession | None) -> CompiledMetadata:
    try:
        remote = HAS_SCHEME.match(place)
        compiled = artifact_from_buffer(_content(place, spark)) if remote else map_artifact(Path(place))
    except ArtifactError as error:
        raise ArtifactError(f"{place}: {error}. {_FORMS}") from error
    if language not in {None, compiled.language}:
        raise ArtifactError(
            f"the artifact {place} was compiled for language {compiled.language!r}, not {language!r}: compile the list "
            f"again with --language {language}"
        )
    return compiled


def _is_remote_file(place: str, spark: SparkSession) -> bool:
    paths = [row.path for row in _listed(place, spark).select("path").take(2)]
    return len(paths) == 1 and Path(paths[0]).name == Path(place).name


def _listed(place: str, spark: SparkSession) -> DataFrame:
    """Path and content of the file, or of every file of the folder."""
    from py4j.protocol import Py4JJavaError  # noqa: PLC0415 - lists on this machine are read without Spark
    from pyspark.errors import PySparkException  # noqa: PLC0415

    try:
        return analysed(spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(place))
    except (PySparkException, Py4JJavaError) as error:  # the second where the store has no driver, or refuses
        raise InputError(f"cannot read the metadata {place}: {failure_reason(error)}; {_FORMS}") from error


def _needed(spark: SparkSession | None, place: str) -> SparkSession:
    if spark is None:
        raise EnvironmentProblemError(f"the metadata {place} is read by Spark: pass a session")
    return spark
