"""Metadata in every form that can be read, and forms that are refused."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from metaclip_spark import Matcher, compile_metadata, read_metadata
from metaclip_spark.core.matching.artifact import artifact_to_bytes
from metaclip_spark.errors import ArtifactError, ColumnNotFoundError, ConfigError, EnvironmentProblemError, InputError
from metaclip_spark.metadata.read_metadata import read_list

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

ENTRIES = ["photo", "new york", "", "Köln"]
DIGEST = compile_metadata(ENTRIES).metadata_digest


@pytest.fixture(scope="module")
def places(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the locations of one list in every form."""
    folder = tmp_path_factory.mktemp("metadata")
    text, array = "\n".join(ENTRIES).encode() + b"\n", json.dumps(ENTRIES).encode()
    files = {
        "text": ("list.txt", text),
        "text, gzip": ("list.txt.gz", gzip.compress(text)),
        "JSON": ("metadata.json", array),
        "JSON, gzip": ("metadata.json.gz", gzip.compress(array)),
        "artifact": ("compiled", artifact_to_bytes(compile_metadata(ENTRIES))),
    }
    for name, content in files.values():
        (folder / name).write_bytes(content)
    found = {form: str(folder / name) for form, (name, _) in files.items()}
    found |= {
        "text by URL": f"file://{folder}/list.txt",
        "artifact by URL": f"file://{folder}/compiled",
    }
    # Shuffled, and with another language beside: the order of a table's rows means nothing.
    rows = [(3, "Köln", "en"), (0, "photo", "en"), (0, "Bild", "de"), (2, "", "en"), (1, "new york", "en")]
    table = spark.createDataFrame(rows, "entry_id int, entry string, language string")
    for kind in ("delta", "parquet"):
        table.write.format(kind).save(str(folder / kind))
        found[f"{kind} table"] = str(folder / kind)
        found[f"{kind} table by URL"] = f"file://{folder}/{kind}"
    spark.sql("CREATE DATABASE IF NOT EXISTS metadata_source_test")
    table.write.format("delta").mode("overwrite").saveAsTable("metadata_source_test.entries")
    found["table by name"] = "metadata_source_test.entries"
    return found


FORMS = [
    "text",
    "text, gzip",
    "JSON",
    "JSON, gzip",
    "artifact",
    "text by URL",
    "artifact by URL",
    "delta table",
    "parquet table",
    "delta table by URL",
    "parquet table by URL",
    "table by name",
]


@pytest.mark.spark
@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_metadata(form: str, places: dict[str, str], spark: SparkSession) -> None:
    compiled = read_metadata(places[form], spark=spark)
    assert (compiled.metadata_digest, compiled.language) == (DIGEST, "en")
    assert Matcher(compiled).match("a photo of Köln") == [0, 3]


@pytest.mark.spark
def test_language_of_a_table(places: dict[str, str], spark: SparkSession) -> None:
    compiled = read_metadata(places["delta table"], language="de", spark=spark)
    assert (compiled.entry(0), compiled.n_entries, compiled.language) == ("Bild", 1, "de")
    with pytest.raises(InputError, match="no rows for language 'fr'"):
        read_metadata(places["delta table"], language="fr", spark=spark)


@pytest.mark.spark
def test_gaps_and_missing_columns_of_a_table(spark: SparkSession, tmp_path: Path) -> None:
    gap = str(tmp_path / "gap")
    spark.createDataFrame([(0, "a"), (2, "b")], "entry_id int, entry string").write.parquet(gap)
    with pytest.raises(InputError, match="entry_id 2 with entry 'b' where entry_id 1 is expected"):
        read_metadata(gap, spark=spark)
    other = str(tmp_path / "other")
    spark.createDataFrame([("a",)], "word string").write.parquet(other)
    with pytest.raises(ColumnNotFoundError, match=r"no column entry, entry_id \(it has word\)"):
        read_metadata(other, spark=spark)


@pytest.mark.spark
def test_absent(spark: SparkSession, tmp_path: Path) -> None:
    absent = [
        tmp_path / "list.txt",
        tmp_path / "artifact",
        f"file://{tmp_path}/x.txt",
        f"file://{tmp_path}/x",
        "no.such",
    ]
    for place in absent:
        with pytest.raises(InputError, match=r"list \(\.txt"):
            read_metadata(place, spark=spark)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="is not a table"):
        read_metadata(tmp_path / "empty", spark=spark)


def test_store_without_a_driver(spark: SparkSession) -> None:
    """Spark has no driver for it here; the list itself, not Spark's call, is what the error is about."""
    with pytest.raises(ConfigError, match=r"Cannot read the metadata s3a://bucket/entries.*S3AFileSystem not found"):
        read_metadata("s3a://bucket/entries.txt.gz", spark=spark)


def test_artifact_of_another_language(tmp_path: Path) -> None:
    (tmp_path / "compiled").write_bytes(artifact_to_bytes(compile_metadata(ENTRIES, language="de")))
    assert read_metadata(tmp_path / "compiled").language == "de"
    with pytest.raises(ArtifactError, match="--language fr"):
        read_metadata(tmp_path / "compiled", language="fr")


def test_tables_need_a_session(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblemError, match="Pass a session"):
        read_metadata(tmp_path)


@pytest.mark.parametrize(("name", "content"), [("list.txt", b""), ("list.txt", b"\xef\xbb\xbf"), ("list.json", b"[]")])
def test_list_without_entries(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match="has no entries"):
        read_metadata(tmp_path / name)


def test_bare_gz_is_text(tmp_path: Path) -> None:
    (tmp_path / "entries.gz").write_bytes(gzip.compress("\n".join(ENTRIES).encode()))
    assert read_list(tmp_path / "entries.gz") == ENTRIES
    assert read_metadata(str(tmp_path / "entries.gz")).metadata_digest == DIGEST


def test_gzip_of_something_else(tmp_path: Path) -> None:
    """Each line of it, score and all, would be an entry that nothing matches."""
    path = tmp_path / "unigrams.tsv.gz"
    path.write_bytes(gzip.compress(b"photo\t10.5\n"))
    with pytest.raises(InputError, match=r"not named like a list of entries .*\.gz alone is text"):
        read_list(path)
    with pytest.raises(ArtifactError, match=r"\.gz alone is text"):
        read_metadata(path)


def test_damaged_gzip(tmp_path: Path) -> None:
    (tmp_path / "list.txt.gz").write_bytes(b"photo\n")
    with pytest.raises(InputError, match="not a gzip file"):
        read_metadata(tmp_path / "list.txt.gz")
