"""Step by step: entries, figures and manifest equal those of building at once, and differences are warnings."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from small_sources import CONFIG, small_sources

from metaclip_spark.cli import main
from metaclip_spark.core.entry_list import metadata_digest
from metaclip_spark.errors import ConfigError, InputError
from metaclip_spark.metadata.build import build_metadata
from metaclip_spark.metadata.build_stepwise import merge_candidates, write_candidates
from metaclip_spark.metadata.candidates.stored_candidates import SOURCES

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark
pytest.importorskip("nltk")

CAPS = ["--unigram-min-count=5", "--unigram-cap=150", "--bigram-cap=40", "--title-cap=5", "--total-cap=300"]


def steps_of(lines: list[str]) -> list[str]:
    return [line.partition(" ...")[0] for line in lines if not line.startswith("  stage")]


def test_steps_give_the_entries_and_manifest_of_building_at_once(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = small_sources(tmp_path / "in")
    folder = tmp_path / "steps"
    steps = [
        (["wordnet", "--nltk-data", str(sources.nltk_data)], ["wordnet", "write"]),
        (["ngrams", "--dump", *sources.dump], ["count words", "unigrams", "bigrams", "write"]),
        (
            ["titles", "--dump", *sources.dump, "--page-views", *sources.page_views],
            ["list articles", "titles", "write"],
        ),
    ]
    for arguments, said in steps:
        assert main(["metadata", *arguments, "--output", str(folder), "--progress", *CAPS]) == 0
        assert steps_of(capsys.readouterr().err.splitlines()) == said
    listed = sorted(path.name for path in folder.iterdir())
    assert listed == sorted(f"{name}{end}" for name in SOURCES for end in (".json", ".tsv.gz"))

    official = tmp_path / "official.txt"
    official.write_text("dog\nSt. Louis\ndog\n")
    for taken in (None, str(official)):
        at_once = build_metadata(spark, replace(sources, official=taken), str(tmp_path / "at_once"), "en", CONFIG)
        merge = ["merge", "--candidates", str(folder), "--output", str(tmp_path / "merged"), "--progress", "--json"]
        assert main(["metadata", *merge, *CAPS, *(["--official", taken] if taken else [])]) == 0
        printed = capsys.readouterr()
        assert steps_of(printed.err.splitlines()) == ["read candidates", "write"]
        assert json.loads(printed.out)["metadata_digest"] == at_once.metadata_digest
        manifests = [
            json.loads((tmp_path / root / "en" / "manifest.json").read_text()) for root in ("at_once", "merged")
        ]
        assert manifests[0] == manifests[1]
        assert manifests[0]["sources"]["dump"] == "enwiki"
        assert manifests[0]["figures"]["unigrams"]["min count reached"]
        assert any(said.startswith("WordNet 3.0 gives") for said in manifests[0]["warnings"])


def test_candidates_that_do_not_belong_together_are_refused_or_warned_of(spark: SparkSession, tmp_path: Path) -> None:
    sources = small_sources(tmp_path / "in")
    folder, output = tmp_path / "steps", tmp_path / "out"
    lines: list[str] = []
    (written,) = write_candidates(
        spark, "titles", replace(sources, dump=()), folder, "en", CONFIG, progress=lines.append
    )
    assert steps_of(lines) == ["titles", "write"]
    with pytest.raises(ConfigError, match=r"titles\.tsv\.gz has candidates of 'en'.*of 'vi'.*--language en"):
        merge_candidates(spark, folder, str(output), "vi", CONFIG)
    with pytest.raises(ConfigError, match="cannot be in a store, as s3a:"):
        write_candidates(spark, "titles", sources, Path("s3a://bucket/steps"), "en", CONFIG)

    # Other settings, and candidates without a description
    (folder / "unigrams.tsv.gz").write_bytes(gzip.compress("\ufeffcat\t3\r\ndog\t2".encode()))
    report = merge_candidates(spark, folder, str(output), "en", replace(CONFIG, title_cap=1, title_min_views=1))
    assert {name: own["admitted"] for name, own in report.merged.items()} == {
        "wordnet": 0, "unigrams": 2, "bigrams": 0, "titles": 1,
    }  # fmt: skip
    assert report.sources["unigrams.tsv.gz"] == "made by hand"
    assert "unigrams.tsv.gz has no unigrams.json beside it" in report.warnings[0]
    assert "titles were made with title_min_views = 70, not 1, title_cap = 5, not 1" in report.warnings[1]
    assert (report.configuration["title_min_views"], report.configuration["title_cap"]) == (70, 1)
    assert report.figures["titles"]["min views reached"] == report.top["titles"][0][1] == 500
    assert report.metadata_digest == metadata_digest(["cat", "dog", "Nowhere"])

    place = tmp_path / "steps" / "titles.tsv.gz"
    assert written.file == str(place)
    place.write_bytes(gzip.compress(b"Paris\t9\n"))
    with pytest.raises(InputError, match=r"titles\.json does not describe titles\.tsv\.gz.*remove titles\.json"):
        merge_candidates(spark, folder, str(output), "en", CONFIG)
