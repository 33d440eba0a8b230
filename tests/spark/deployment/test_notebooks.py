"""Each notebook, run as a job on Databricks runs it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from dumps import Article, dump, made_up_articles, views, write
from notebook import run_notebook
from pools import write_files
from small_wordnet import write_wordnet

from metaclip_spark import example, read_metadata, sizes

if TYPE_CHECKING:
    from pathlib import Path

    from notebook import Shown
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notebooks")


@pytest.fixture(scope="module")
def quickstart(repository: Path, spark: SparkSession, folder: Path) -> Shown:
    return run_notebook(repository / "notebooks" / "quickstart.py", spark, folder=str(folder))


def test_quickstart(quickstart: Shown) -> None:
    assert not quickstart.unused
    pool, counters, rows, smaller, entries = quickstart.tables
    assert {"image_url", "text", "synset"} == set(pool[0].asDict())
    assert {row.rows: row.number for row in counters}["read"] == 48_223
    assert len(rows) == 10
    assert smaller[0].rows_at_t_1 == 18_998
    assert entries
    assert quickstart.names["explained"].verdict == "kept"


def test_quickstart_again_is_the_same_run(
    quickstart: Shown, repository: Path, spark: SparkSession, folder: Path
) -> None:
    again = run_notebook(repository / "notebooks" / "quickstart.py", spark, folder=str(folder))
    assert again.names["report"].already_finished
    assert again.names["report"].run_id == quickstart.names["report"].run_id


def test_curate(quickstart: Shown, repository: Path, spark: SparkSession, folder: Path) -> None:
    assert quickstart.tables
    shown = run_notebook(
        repository / "notebooks" / "curate.py", spark, pool=str(folder / "pool"), format="delta",
        url_column="image_url", metadata=str(example.metadata_path()), tables=str(folder / "own"),
        t="", target_size="10000", sample="0.05",
    )  # fmt: skip
    assert not shown.unused
    _, sizes, counters = shown.tables
    assert all(size.low <= size.rows <= size.high for size in sizes)
    assert {row.rows: row.number for row in counters}["kept"] == 10_000
    assert shown.left_with == shown.names["report"].run_id


def test_append(quickstart: Shown, repository: Path, spark: SparkSession, folder: Path) -> None:
    first = quickstart.names["report"]
    pool = folder / "second"
    table = example.pool_table().slice(0, 500)
    texts = pa.array([f"{text.as_py()}, once more" for text in table["text"]])
    write_files(table.set_column(1, "text", texts), pool)
    tables = str(shutil.copytree(folder / "tables", folder / "appended"))
    parameters = {
        "pool": str(pool), "pool_name": "second", "url_column": "image_url", "metadata": str(example.metadata_path()),
        "tables": tables, "t": "3",
    }  # fmt: skip
    shown = run_notebook(repository / "notebooks" / "append.py", spark, **parameters)
    assert not shown.unused
    counters, by_pool, moves = shown.tables
    assert {row.rows: row.number for row in counters}["read"] == first.counters["read"] + 500
    assert {row.pool_name for row in by_pool} == {"", "second"}
    assert {row.what for row in moves} == {"came", "left"} or {row.what for row in moves} == {"came"}
    again = run_notebook(repository / "notebooks" / "append.py", spark, **parameters)
    assert again.left_with == shown.left_with
    assert len(again.tables) == 2, "nothing changed"


def test_metadata(repository: Path, spark: SparkSession, folder: Path) -> None:
    pytest.importorskip("nltk")
    views_of = [["en Paris 60 0", "en.m Paris 55 0", "en Rome 90 0"], ["en Title_1_%26_more 90 0"]]
    for number, lines in enumerate(views_of):
        write(folder / "views" / f"pageviews-20240501-{number:02}0000.gz", views(lines))
    articles = [*made_up_articles(120), Article("Paris", "Paris is new york, dog dog. " * 40), Article("Rome", "")]
    output = str(folder / "metadata")
    shown = run_notebook(
        repository / "notebooks" / "metadata.py", spark, nltk_data=str(write_wordnet(folder / "nltk")), output=output,
        dump=str(write(folder / "enwiki-pages-articles.xml.bz2", dump(articles))), page_views=str(folder / "views"),
        total="700", caption="a dog in New York, new york and Paris",
    )  # fmt: skip
    assert not shown.unused
    settings, sources, first, best, matched = shown.tables
    assert {row.setting: row.number for row in settings}["total_cap"] == "700"
    report = shown.names["report"]
    assert [row.source for row in sources] == ["wordnet", "unigrams", "bigrams", "titles"]
    assert sum(row.admitted for row in sources) == report.entries
    assert all(row.proposed >= row.admitted + row.already_listed + row.over_cap + row.rejected for row in sources)
    assert [row.entry for row in first] == [str(number) for number in range(20)]
    assert [row.score for row in best] == sorted((row.score for row in best), reverse=True)
    assert {"dog", "new york"} <= {row.entry for row in matched}
    assert shown.left_with == f"{output}/metadata"
    assert read_metadata(shown.left_with, spark=spark).metadata_digest == report.metadata_digest


def test_choose_t(quickstart: Shown, repository: Path, spark: SparkSession, folder: Path) -> None:
    assert quickstart.tables
    shown = run_notebook(repository / "notebooks" / "choose_t.py", spark, tables=str(folder / "tables"), entry="dog")
    assert not shown.unused
    curve, tables, top, examples, rarest = shown.tables
    points = sizes(spark, str(folder / "tables")).languages["en"].points
    assert {row.t: row.rows for row in curve}.items() <= {point.t: point.rows for point in points}.items()
    assert {0.5, 1.0, 2.0, 64.0} <= {row.t for row in curve}
    assert {row.name for row in tables} == {"curated", "entry_counts", "size_curve", "runs"}
    assert top[0].captions == max(row.captions for row in top)
    assert {row.what for row in examples} == {"kept", "dropped"}
    assert all("dog" in row.caption for row in examples)
    assert [row.captions for row in rarest] == [1] * 20
