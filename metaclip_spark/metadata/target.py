"""A list as it is kept: a table of all languages, and for each a text file, the published JSON form, an artifact."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.config.metadata import check_language
from metaclip_spark.core.entry_list import first_unfit_for_text, overall_digest
from metaclip_spark.core.matching.artifact import artifact_to_bytes
from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.core.xxh64 import hash_rows
from metaclip_spark.errors import MetaclipSparkError
from metaclip_spark.spark.job_errors import failure_reason
from metaclip_spark.spark.locations import local_path, located
from metaclip_spark.tables.atomic_files import json_bytes, put_file
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
    """What was written.

    Attributes:
        files: the table, and each file by its name; no text file of entries that are no lines.
        warnings: what was not written, and what to do.
    """

    files: dict[str, str]
    warnings: list[str]


class MetadataTarget:
    """Where the list of a language goes. It is checked before any work, and written at the end, all or nothing.

    Args:
        spark: a session with Delta.
        output: root of the table `metadata`: a path; or a place in a store or a schema of the catalog, which take no
            files.
        language: of the list, and name of the folder of its files.

    Raises:
        ConfigError: the language is no code, or in capitals.
        TableError: another's files or table are in the way.
    """

    def __init__(self, spark: SparkSession, output: str, language: str) -> None:
        check_language(language)
        self._tables = Tables(spark, output)
        self._language = language
        root = None if self._tables.folder is None else local_path(located(spark, self._tables.folder))
        self._folder = None if root is None else root / language
        self._tables.refuse_foreign()

    def write(
        self, entries: Sequence[Entry], *, digest: str, manifest: dict[str, Any], report: dict[str, Any]
    ) -> Written:
        """Write the list in all its forms; the table's commit is the last thing that can fail.

        What comes behind it are new names for files that are written, and what has a warning where it fails.

        Args:
            entries: in order.
            digest: of the list.
            manifest: where it comes from; the same for the same list.
            report: figures.

        Raises:
            TableError: the output cannot be written.
        """
        table = self._tables.path(METADATA)
        if self._folder is None:
            self._put(entries, digest)
            return Written({"table": table}, [_only_table(table, self._language)])
        contents = self._contents(entries, manifest, report)
        overview = self._folder.parent / MANIFEST
        lists = stored_lists(self._tables) | {self._language: {"metadata_digest": digest, "entries": len(entries)}}
        with ExitStack() as stack:
            # Each file is written under another name, and gets its own when this block ends without an error.
            for place, content in ((overview, _overview(lists)), *contents.items()):
                put_file(stack, place, content)
            self._put(entries, digest)
        earlier = self._folder / LIST
        warnings = [] if earlier in contents else _without(earlier)
        warnings += self._joined_meanwhile(overview, lists)
        return Written({"table": table} | {place.name: str(place) for place in contents}, warnings)

    def _put(self, entries: Sequence[Entry], digest: str) -> None:
        rows = self._tables.frame(_rows(entries, self._language, digest), METADATA_SCHEMA)
        self._tables.put(METADATA, rows, f"language = '{self._language}'")

    def _contents(
        self, entries: Sequence[Entry], manifest: dict[str, Any], report: dict[str, Any]
    ) -> dict[Path, bytes]:
        """The files, by their places."""
        folder, texts = self._folder or Path(), [entry.text for entry in entries]
        contents = {
            folder / LIST: "".join(f"{text}\n" for text in texts).encode(),
            folder / JSON: json.dumps(texts, ensure_ascii=False).encode(),
            folder / ARTIFACT: artifact_to_bytes(compile_metadata(texts, language=self._language)),
            folder / MANIFEST: json_bytes(manifest),
            folder / REPORT: json_bytes(report),
        }
        if first_unfit_for_text(texts) is not None:  # the report has a warning that says so
            del contents[folder / LIST]
        return contents

    def _joined_meanwhile(self, place: Path, written: dict[str, dict[str, Any]]) -> list[str]:
        """Name the languages that others put into the table since it was looked at; a warning where that fails."""
        try:
            lists = stored_lists(self._tables)
            if lists != written:
                with ExitStack() as stack:
                    put_file(stack, place, _overview(lists))
        except (MetaclipSparkError, PySparkException, Py4JJavaError) as error:
            why = str(error) if isinstance(error, MetaclipSparkError) else failure_reason(error)
            said = f"the list is written and whole, but {place} may lack languages that were built at the same time"
            return [f"{said}: {why}; building any of them again brings it up to date"]
        return []


def _overview(lists: dict[str, dict[str, Any]]) -> bytes:
    """The languages of the table, and one digest over all: what the table says, for who has no Spark."""
    overall = overall_digest({language: one["metadata_digest"] for language, one in lists.items()})
    return json_bytes({"metadata_digest": overall, "languages": lists})


def _only_table(table: str, language: str) -> str:
    """What a store or a catalog has in place of files."""
    return (
        f"only the table {table} is written: a store or a catalog takes none of the files ({LIST}, {JSON}, {ARTIFACT}, "
        f"{MANIFEST}, {REPORT}). `curate --metadata {language}={table}` takes the table as it is; keep this report, or "
        "write to a folder of this machine for the files"
    )


def _without(place: Path) -> list[str]:
    """Remove an earlier list's file, whose place none of this list takes; a warning where that fails."""
    try:
        place.unlink(missing_ok=True)
    except OSError as error:
        return [f"{place} is of an earlier list and cannot be removed: {error.strerror}; remove it"]
    return []


def stored_lists(tables: Tables) -> dict[str, dict[str, Any]]:
    """Digest and number of entries of each language in the table `metadata`, by language; empty if there is none."""
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
