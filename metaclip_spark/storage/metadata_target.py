"""A list as it is kept: a table of all languages, and for each a text file, the published JSON form, an artifact."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.core.hashing import hash_rows
from metaclip_spark.core.matching.artifact import artifact_to_bytes
from metaclip_spark.core.matching.tables import compile_metadata
from metaclip_spark.core.metadata.entry_list import first_unfit_for_text, overall_digest
from metaclip_spark.errors import TableError
from metaclip_spark.metadata_config import check_language
from metaclip_spark.storage.export_target import new_file
from metaclip_spark.storage.locations import HAS_SCHEME
from metaclip_spark.storage.schemas import METADATA, METADATA_SCHEMA
from metaclip_spark.storage.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import SparkSession

    from metaclip_spark.core.metadata.merge import Entry

LIST, JSON, ARTIFACT, MANIFEST, REPORT = (
    "entries.txt", "metadata.json", "entries.mcs", "manifest.json", "report.json"
)  # fmt: skip


class MetadataTarget:
    """Where the list of a language goes. It is checked before any work, and written at the end, all or nothing.

    Args:
        spark: a session with Delta.
        output: root of the table `metadata`: a path, or a schema of the catalog, which takes no files.
        language: of the list, and name of the folder of its files.

    Raises:
        ConfigError: the language is no code, or in capitals.
        TableError: another's files or table are in the way.
    """

    def __init__(self, spark: SparkSession, output: str, language: str) -> None:
        check_language(language)
        self._tables = Tables(spark, output)
        self._language = language
        folder = self._tables.folder
        self._folder = None if folder is None or HAS_SCHEME.match(folder) else Path(folder) / language
        self._tables.refuse_foreign()

    def write(
        self, entries: Sequence[Entry], *, digest: str, manifest: dict[str, Any], report: dict[str, Any]
    ) -> dict[str, str]:
        """Write the list in all its forms; the table's commit is the last thing that can fail.

        Args:
            entries: in order.
            digest: of the list.
            manifest: where it comes from; the same for the same list.
            report: figures.

        Returns:
            What was written: the table, and each file by its name; no text file of entries that are no lines.

        Raises:
            TableError: the output cannot be written.
        """
        texts = [entry.text for entry in entries]
        contents: dict[str, bytes] = {}
        if self._folder is not None:
            compiled = compile_metadata(texts, language=self._language)
            contents = {
                LIST: "".join(f"{text}\n" for text in texts).encode(),
                JSON: json.dumps(texts, ensure_ascii=False).encode(),
                ARTIFACT: artifact_to_bytes(compiled),
                MANIFEST: _json(manifest),
                REPORT: _json(report),
            }
            if first_unfit_for_text(texts) is not None:  # the report has a warning that says so
                del contents[LIST]
        places = {name: str(self._folder / name) for name in contents} if self._folder is not None else {}
        with ExitStack() as stack:
            # Each file is written under another name, and gets its own when this block ends without an error.
            for name, content in contents.items():
                _write(stack.enter_context(new_file(places[name], overwrite=True)), Path(places[name]), content)
            rows = self._tables.frame(_rows(entries, self._language, digest), METADATA_SCHEMA)
            self._tables.put(METADATA, rows, f"language = '{self._language}'")
        if self._folder is not None:
            if LIST not in contents:
                _remove(self._folder / LIST)  # an earlier list's
            self._write_overview(self._folder.parent)
        return {"table": self._tables.path(METADATA), **places}

    def _write_overview(self, root: Path) -> None:
        """The languages of the table, and one digest over all, beside it: what the table says, for who has no Spark."""
        lists = stored_lists(self._tables)
        overall = overall_digest({language: one["metadata_digest"] for language, one in lists.items()})
        with new_file(str(root / MANIFEST), overwrite=True) as partial:
            _write(partial, root / MANIFEST, _json({"metadata_digest": overall, "languages": lists}))


def _write(partial: Path, place: Path, content: bytes) -> None:
    try:
        partial.write_bytes(content)
    except OSError as error:
        raise TableError(f"cannot write {place}: {error.strerror}") from None


def _remove(place: Path) -> None:
    try:
        place.unlink(missing_ok=True)
    except OSError as error:
        raise TableError(f"cannot remove {place}, which is of an earlier list: {error.strerror}; remove it") from None


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


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n").encode()
