"""Writing of metadata: a table of all languages, and per language a text file, a JSON list, an artifact, a manifest."""

from __future__ import annotations

import json
import shlex
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.config.metadata import check_language
from metaclip_spark.core.entry_list import first_unwritable_as_text, overall_digest
from metaclip_spark.core.matching.artifact import artifact_to_bytes
from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.core.xxh64 import hash_rows
from metaclip_spark.errors import MetaclipSparkError
from metaclip_spark.spark.job_errors import failure_reason
from metaclip_spark.spark.locations import local_path, located
from metaclip_spark.tables.atomic_files import add_file, json_bytes
from metaclip_spark.tables.schemas import METADATA, METADATA_SCHEMA
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import SparkSession

    from metaclip_spark.core.entries.merge import Entry

LIST, JSON, ARTIFACT, MANIFEST, REPORT = (
    "entries.txt", "metadata.json", "entries.mcs", "manifest.json", "report.json"
)  # fmt: skip


class Written(NamedTuple):
    """Metadata that was written.

    Attributes:
        files: Path of the table, and of each file by its name. Entries that cannot be lines have no text file.
        warnings: Human-readable warnings about parts that were not written.
    """

    files: dict[str, str]
    warnings: list[str]


class MetadataTarget:
    """Destination of the metadata of a language: checked before any work, written at the end, all or nothing.

    Args:
        spark: A session with Delta.
        output: Root of the table `metadata`: a local folder, which also gets files; or a place in a store or a schema
            of the catalog, which get the table alone.
        language: Code of the language, which is also the name of the folder of its files.

    Raises:
        ConfigError: The language is not a lower-case code.
        TableError: Foreign files or a foreign table are in the place of the output.
    """

    def __init__(self, spark: SparkSession, output: str, language: str) -> None:
        check_language(language)
        self._tables = Tables(spark, output)
        self._language = language
        root = None if self._tables.folder is None else local_path(located(spark, self._tables.folder))
        self._folder = None if root is None else root / language
        self._tables.check_root()
        self._tables.check_writable()

    def write(
        self, entries: Sequence[Entry], *, digest: str, manifest: dict[str, Any], report: dict[str, Any]
    ) -> Written:
        """Write the metadata in all forms; the commit of the table is the last step that can fail.

        Only renames of written files and steps whose failure is a warning come after it.

        Args:
            entries: Entries in order.
            digest: Their digest.
            manifest: Origins and configuration; equal for equal metadata.
            report: Figures of the build.

        Raises:
            TableError: The output cannot be written.
        """
        table = self._tables.path(METADATA)
        if self._folder is None:
            self._put(entries, digest)
            return Written({"table": table}, [_only_table(table, self._language)])
        contents = self._contents(entries, manifest, report)
        overview = self._folder.parent / MANIFEST
        languages = stored_languages(self._tables) | {
            self._language: {"metadata_digest": digest, "entries": len(entries)}
        }
        with ExitStack() as stack:
            # Files are written under temporary names and renamed when this block ends without an error.
            for place, content in ((overview, _overview(languages)), *contents.items()):
                add_file(stack, place, content)
            self._put(entries, digest)
        earlier = self._folder / LIST
        warnings = [] if earlier in contents else _remove(earlier)
        warnings += self._joined_meanwhile(overview, languages)
        return Written({"table": table} | {place.name: str(place) for place in contents}, warnings)

    def _put(self, entries: Sequence[Entry], digest: str) -> None:
        rows = self._tables.create_dataframe(_rows(entries, self._language, digest), METADATA_SCHEMA)
        self._tables.replace_rows(METADATA, rows, f"language = '{self._language}'")

    def _contents(
        self, entries: Sequence[Entry], manifest: dict[str, Any], report: dict[str, Any]
    ) -> dict[Path, bytes]:
        """Return the content of each file, by path."""
        folder, texts = self._folder or Path(), [entry.text for entry in entries]
        contents = {
            folder / LIST: "".join(f"{text}\n" for text in texts).encode(),
            folder / JSON: json.dumps(texts, ensure_ascii=False).encode(),
            folder / ARTIFACT: artifact_to_bytes(compile_metadata(texts, language=self._language)),
            folder / MANIFEST: json_bytes(manifest),
            folder / REPORT: json_bytes(report),
        }
        if first_unwritable_as_text(texts) is not None:  # the report has a warning
            del contents[folder / LIST]
        return contents

    def _joined_meanwhile(self, place: Path, written: dict[str, dict[str, Any]]) -> list[str]:
        """Update the list of languages if other builds joined the table meanwhile; return a warning if that fails."""
        try:
            languages = stored_languages(self._tables)
            if languages != written:
                with ExitStack() as stack:
                    add_file(stack, place, _overview(languages))
        except (MetaclipSparkError, PySparkException, Py4JJavaError) as error:
            why = str(error) if isinstance(error, MetaclipSparkError) else failure_reason(error)
            said = (
                f"the metadata is completely written, but {place} may lack languages that were built at the same time"
            )
            return [f"{said}: {why}. Build any of them again to update the file"]
        return []


def _overview(languages: dict[str, dict[str, Any]]) -> bytes:
    """Return the languages of the table with one digest over all, for readers without Spark."""
    overall = overall_digest({language: one["metadata_digest"] for language, one in languages.items()})
    return json_bytes({"metadata_digest": overall, "languages": languages})


def _only_table(table: str, language: str) -> str:
    """Warn that a store or a catalog gets no files."""
    argument = shlex.quote(f"{language}={table}")
    return (
        f"only the table {table} is written, without the files ({LIST}, {JSON}, {ARTIFACT}, {MANIFEST}, {REPORT}), "
        f"because the output is a store or a catalog. `curate --metadata {argument}` reads the table. Keep "
        "this report, or write to a local folder to get the files"
    )


def _remove(place: Path) -> list[str]:
    """Remove the file of earlier metadata that the new metadata does not replace; return a warning if that fails."""
    try:
        place.unlink(missing_ok=True)
    except OSError as error:
        return [f"{place} belongs to earlier metadata and cannot be removed: {error.strerror}. Remove it"]
    return []


def stored_languages(tables: Tables) -> dict[str, dict[str, Any]]:
    """Return digest and number of entries of each language in the table `metadata`; empty if there is no table."""
    rows = tables.read(METADATA)
    if rows is None:
        return {}
    found = rows.groupBy("language").agg(F.first("metadata_version").alias("digest"), F.count("*").alias("entries"))
    return {
        row.language: {"metadata_digest": row.digest, "entries": row.entries}
        for row in sorted(found.collect(), key=lambda row: str(row.language))
    }


def _rows(entries: Sequence[Entry], language: str, digest: str) -> pa.Table:
    keys = hash_rows(pa.array([f"{language}\0{entry.text}" for entry in entries]), 0)
    columns = [
        pa.repeat(pa.scalar(digest), len(entries)),
        pa.repeat(pa.scalar(language), len(entries)),
        pa.array(range(len(entries)), pa.int32()),
        pa.array([entry.text for entry in entries], pa.string()),
        pa.array([f"{key:016x}" for key in keys.tolist()]),
        pa.array([list(entry.sources) for entry in entries], pa.list_(pa.string())),
        pa.array([entry.admitted_by for entry in entries]),
        pa.array([entry.score for entry in entries], pa.float64()),
    ]
    return pa.table(columns, names=METADATA_SCHEMA.names)
