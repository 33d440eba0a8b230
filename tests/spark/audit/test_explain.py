"""Explanations of every outcome of a row, of captions and of entries; and the errors for unknown ones."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pytest
from pools import pool_at, write_files

from metaclip_spark import example
from metaclip_spark.audit.explain.explain_caption import explain_caption, explain_uid
from metaclip_spark.audit.explain.explain_entry import explain_entry
from metaclip_spark.cli import main
from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.config.pool import PoolColumns
from metaclip_spark.core.balancing.rule import admission_threshold, keep_probability
from metaclip_spark.core.derived_ids import derived_uid
from metaclip_spark.core.draw import choice_hashes, draw
from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.core.spacing import space_caption
from metaclip_spark.curation.curate import curate
from metaclip_spark.errors import ConfigError, InputError, TableError

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import Row, SparkSession

    from metaclip_spark.audit.explain.explain_report import CaptionExplanation
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = pytest.mark.spark


class Example(NamedTuple):
    root: str
    kept: dict[str, Row]
    captions: dict[str, str]
    counts: dict[str, tuple[int, int]]

    @property
    def dropped(self) -> list[str]:
        return sorted(self.captions.keys() - self.kept.keys())


@pytest.fixture(scope="module")
def curated(spark: SparkSession, example_root: str) -> Example:
    rows = spark.read.format("delta").load(f"{example_root}/curated").drop("synset").collect()
    counts = spark.read.format("delta").load(f"{example_root}/entry_counts").collect()
    pool = example.pool_table().select(["image_url", "text"]).to_pylist()
    return Example(
        example_root,
        {row.uid: row for row in rows},
        {derived_uid(row["image_url"], row["text"]): row["text"] for row in pool},
        {row.entry: (row.entry_id, row["count"]) for row in counts},
    )


def check_figures(found: CaptionExplanation, curated: Example) -> None:
    """Compute every figure again, by the rules in plain Python."""
    assert found.caption is not None
    assert found.spaced == space_caption(found.caption.encode()).decode()
    counts = [entry.count for entry in found.entries]
    assert [(entry.entry_id, entry.count) for entry in found.entries] == [
        curated.counts[entry.entry] for entry in found.entries
    ]
    for entry in found.entries:
        assert entry.probability == min(1.0, example.T / entry.count)
        assert entry.positions
        assert {found.caption[start:end] for start, end in entry.positions} == {entry.entry}
    assert found.probability == keep_probability([entry.probability for entry in found.entries])
    assert found.draw == draw(found.uid or "", 0)
    assert found.admission_threshold == admission_threshold(counts, found.draw)


def test_a_kept_row_is_explained_from_the_table(spark: SparkSession, curated: Example) -> None:
    uid = min(uid for uid, row in curated.kept.items() if row.probability < 1 and len(row.matched_entries) > 3)
    found = explain_uid(spark, curated.root, uid)
    assert (found.verdict, found.found_in, found.caption) == ("kept", "curated", curated.captions[uid])
    assert found.admission_threshold == curated.kept[uid].admission_threshold <= example.T
    check_figures(found, curated)


def test_a_dropped_row_is_matched_and_decided_again(
    spark: SparkSession, curated: Example, example_metadata: CompiledMetadata
) -> None:
    uid = next(uid for uid in curated.dropped if " , " in space_caption(curated.captions[uid].encode()).decode())
    without, found = (explain_uid(spark, curated.root, uid, given) for given in (None, example_metadata))
    assert without == found
    assert (found.verdict, found.found_in, found.caption) == ("not_drawn", "pool", curated.captions[uid])
    assert found.admission_threshold is not None
    assert found.admission_threshold > example.T
    check_figures(found, curated)


def test_a_caption_is_decided_as_its_row(
    spark: SparkSession, curated: Example, example_metadata: CompiledMetadata
) -> None:
    uid = min(curated.kept)
    row = explain_uid(spark, curated.root, uid)
    given = explain_caption(spark, curated.root, curated.captions[uid], example_metadata, uid=uid)
    assert given == replace(row, found_in="given")


def test_the_metadata_adds_entries_that_match_no_caption_of_the_pool(
    spark: SparkSession, curated: Example, example_metadata: CompiledMetadata
) -> None:
    assert "aardvark" not in curated.counts
    without, found = (explain_caption(spark, curated.root, "aardvark", given) for given in (None, example_metadata))
    assert (without.verdict, without.all_entries_searched, without.entries) == ("unmatched", False, [])
    assert (found.verdict, found.all_entries_searched, found.probability) == ("undecided", True, 1.0)
    assert [(entry.entry, entry.count, entry.probability) for entry in found.entries] == [("aardvark", 0, 1.0)]


def test_other_metadata_is_refused(spark: SparkSession, curated: Example) -> None:
    other = compile_metadata(["dog"])
    for explain in (explain_caption, explain_uid, explain_entry):
        with pytest.raises(InputError, match=other.metadata_digest):
            explain(spark, curated.root, "dog", other)


def test_similar_names_are_suggested(spark: SparkSession, curated: Example) -> None:
    uid = curated.dropped[0]
    with pytest.raises(InputError, match=f"Similar uids: {uid}"):
        explain_uid(spark, curated.root, ("0" if uid[0] != "0" else "1") + uid[1:])
    with pytest.raises(InputError, match=r"Similar entries: 'dog'"):
        explain_entry(spark, curated.root, "dogg")
    with pytest.raises(InputError, match="0 to 86653"):
        explain_entry(spark, curated.root, 86_654)
    with pytest.raises(TableError, match="no curated table"):
        explain_uid(spark, curated.root + "2", uid)


def test_an_entry_of_the_head(spark: SparkSession, curated: Example) -> None:
    entry_id, count = curated.counts["dog"]
    by_text, found = (explain_entry(spark, curated.root, named) for named in ("dog", entry_id))
    assert (by_text.entry_id, by_text.count) == (entry_id, count)
    assert (found.group, found.count, found.probability) == ("head", count, example.T / count)
    assert found.ranked == len(curated.counts)
    assert found.rank == 1 + sum(other > count for _, other in curated.counts.values())
    assert len(found.kept) == len(found.dropped) == 3
    for row in [*found.kept, *found.dropped]:
        assert " dog " in space_caption(row.caption.encode()).decode()
        assert (row.uid in curated.kept) == (row in found.kept)


def test_an_entry_of_the_tail_drops_nothing(spark: SparkSession, curated: Example) -> None:
    entry = min(entry for entry, (_, count) in curated.counts.items() if count == 1)
    found = explain_entry(spark, curated.root, entry)
    assert (found.group, found.probability, found.dropped, found.rows_searched) == ("tail", 1.0, [], 0)
    assert [row.uid for row in found.kept] == [
        u for u, r in curated.kept.items() if found.entry_id in r.matched_entries
    ]


def test_an_entry_that_never_matched(spark: SparkSession, curated: Example, example_metadata: CompiledMetadata) -> None:
    with pytest.raises(InputError, match="Pass the metadata"):
        explain_entry(spark, curated.root, "aardvark")
    found = explain_entry(spark, curated.root, "aardvark", example_metadata)
    assert (found.group, found.count, found.rank, found.probability) == ("never_matched", 0, None, None)
    with pytest.raises(InputError, match="the metadata does not have it"):
        explain_entry(spark, curated.root, "no such entry", example_metadata)


def test_on_the_command_line(curated: Example, capsys: pytest.CaptureFixture[str]) -> None:
    def shown(*arguments: str) -> str:
        capsys.readouterr()
        assert main(["explain", "--tables", curated.root, *arguments]) == 0
        return capsys.readouterr().out

    uid = min(curated.kept)
    assert shown("--uid", uid).startswith("Kept: its admission threshold")
    assert json.loads(shown("--uid", uid, "--json"))["verdict"] == "kept"
    assert "Would be kept with probability" in shown("--caption", "a dog, barking")
    assert "rank" in shown("--entry", "dog", "--examples", "0")
    assert json.loads(shown("--entry-id", "7", "--metadata", str(example.metadata_path()), "--json"))["entry"] == "7"


@pytest.mark.parametrize("arguments", [[], ["--entry", "a", "--uid", "b"], ["--entry", "a", "--caption", "b"]])
def test_only_one_thing_is_explained_at_a_time(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--tables", "tables", *arguments]) == 2
    assert "--entry-id" in capsys.readouterr().err


OUTCOMES = [  # id, url, text, language
    ("null", "u1", None, "en"),
    ("empty", "u2", b"", "en"),
    ("language_without_metadata", "u3", b"red", "fr"),
    ("language_without_metadata 2", "u3", b"red", None),
    ("unmatched", "u4", b"nothing of it", "en"),
    ("no_identity", " \t", b"red", "en"),
    *((f"text {number}", "u5", b"red", "en") for number in range(3)),
    ("text 3", "u5", b"rot \xff rot", "de"),
    *((f"row {number}", f"v{number}", b"red, blue", "en") for number in range(6)),
]


def test_every_outcome_is_explained_as_the_run_counted_it(spark: SparkSession, tmp_path: Path) -> None:
    names = ("id", "url", "text", "language")
    columns = dict(zip(names, zip(*OUTCOMES, strict=True), strict=True))
    table = pa.table({name: pa.array(v, pa.binary() if name == "text" else pa.string()) for name, v in columns.items()})
    pool = pool_at(write_files(table, tmp_path / "pool"), PoolColumns(uid="id", image_url="url", language="language"))
    metadata = {"en": compile_metadata(["red", "blue"]), "de": compile_metadata(["rot"], language="de")}
    config = CurateConfig(t=3, texts_per_image="one_text_per_image", tail_share=0.5)
    root = str(tmp_path / "tables")
    report = curate(spark, pool, metadata, root, config)
    found = {uid: explain_uid(spark, root, uid) for uid, *_ in OUTCOMES}
    verdicts = Counter(explanation.verdict for explanation in found.values())
    assert verdicts == {name: number for name, number in report.counters.items() if number and name != "read"}
    assert verdicts.keys() >= {"not_chosen", "not_drawn", "kept", "no_identity", "null", "empty", "unmatched"}
    texts = {uid: explanation.chosen_uid for uid, explanation in found.items() if uid in {"text 0", "text 1", "text 2"}}
    (chosen,) = (uid for uid, other in texts.items() if other is None)
    assert {other for other in texts.values() if other} == {chosen}
    assert found["text 3"].caption == "rot \ufffd rot"
    assert found["text 3"].entries[0].positions == [(0, 3), (6, 9)]
    with pytest.raises(ConfigError, match="de, en"):
        explain_caption(spark, root, "red")
    assert explain_caption(spark, root, "rot", language="de").entries[0].count == 1

    kept = next(uid for uid, explanation in found.items() if explanation.verdict == "kept")
    spark.sql(f"DELETE FROM delta.`{root}/curated` WHERE uid = '{kept}'")
    assert explain_uid(spark, root, kept).verdict == "deleted"
    (tmp_path / "pool" / "more.parquet").write_bytes((tmp_path / "pool" / "part-00000.parquet").read_bytes())
    with pytest.raises(InputError, match="changed since"):
        explain_uid(spark, root, "unmatched")


@pytest.mark.slow
def test_the_chosen_text_of_an_image_with_12_000_texts(spark: SparkSession, tmp_path: Path) -> None:
    """A placeholder image has as many texts as pages. Here the chosen text comes after the first block of 10,000."""
    rows = 12_000
    seed = next(seed for seed in range(50) if choice_hashes(pa.array(range(rows)), seed).argmin() > 10_000)
    chosen = int(choice_hashes(pa.array(range(rows)), seed).argmin())
    table = pa.table({"id": range(rows), "image_url": ["u"] * rows, "text": ["red"] * rows})
    pool, root = pool_at(write_files(table, tmp_path / "pool")), str(tmp_path / "tables")
    config = CurateConfig(t=2.0 * rows, texts_per_image="one_text_per_image", seed=seed)
    assert curate(spark, pool, compile_metadata(["red"]), root, config).counters["kept"] == 1
    assert explain_uid(spark, root, chosen).verdict == "kept"
    found = explain_uid(spark, root, (chosen + 1) % rows)
    assert (found.verdict, found.chosen_uid) == ("not_chosen", str(chosen))
