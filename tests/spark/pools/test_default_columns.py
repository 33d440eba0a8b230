"""Columns called `uid`, `image_url` and `language` are used for what their names say by default."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_spark.audit.dry_run import dry_run
from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.config.pool import Pool, PoolColumns
from metaclip_spark.curation.curate import curate
from metaclip_spark.errors import ConfigError
from metaclip_spark.pools.open_pool import open_pool

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = pytest.mark.spark

TABLE = {
    "uid": ["a", "b", "c"],
    "image_url": ["u", "v", "w"],
    "language": ["en", "en", "de"],
    "text": ["w1", "w2", "w3"],
    "url": ["x", "y", "z"],
}
CASES: dict[str, tuple[list[str], dict[str, Any], PoolColumns, list[str]]] = {
    "all": (
        ["uid", "image_url", "language"],
        {},
        PoolColumns(uid="uid", image_url="image_url", language="language"),
        ["uid", "image_url", "language", "text"],
    ),
    "an id alone": (["uid"], {}, PoolColumns(uid="uid"), ["uid", "text"]),
    "a URL alone": (["image_url"], {}, PoolColumns(image_url="image_url"), ["uid", "image_url", "text"]),
    "another case": (["uid", "IMAGE"], {}, PoolColumns(uid="uid"), ["uid", "IMAGE", "text"]),
    "another URL column": (
        ["uid", "url"],
        {"columns": PoolColumns(image_url="url")},
        PoolColumns(uid="uid", image_url="url"),
        ["uid", "image_url", "text"],
    ),
    "used for another meaning": (
        ["uid", "language"],
        {"columns": PoolColumns(text="language")},
        PoolColumns(text="language", uid="uid"),
        ["uid", "text"],
    ),
    "dropped": (
        ["uid", "image_url"],
        {"drop": ("uid",)},
        PoolColumns(image_url="image_url"),
        ["uid", "image_url", "text"],
    ),
    "renamed": (
        ["uid", "language"],
        {"rename": {"language": "site_language"}},
        PoolColumns(uid="uid"),
        ["uid", "site_language", "text"],
    ),
}


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    path = tmp_path_factory.mktemp("pool") / "pool.parquet"
    pq.write_table(pa.table(TABLE), path)
    return Pool(paths=(str(path),))


@pytest.mark.parametrize(("names", "options", "columns", "canonical"), CASES.values(), ids=CASES)
def test_effective_columns(
    spark: SparkSession, tmp_path: Path, names: list[str], options: dict[str, Any], columns: PoolColumns,
    canonical: list[str],
) -> None:  # fmt: skip
    text = [] if columns.text != "text" else ["text"]
    table = pa.table({name: TABLE.get(name, TABLE["url"]) for name in [*names, *text]})
    pq.write_table(table, tmp_path / "pool.parquet")
    opened = open_pool(spark, Pool(paths=(str(tmp_path / "pool.parquet"),), **options))
    assert opened.pool.columns == columns
    assert opened.rows.columns == canonical


def test_a_default_column_is_a_named_one(
    spark: SparkSession, pool: Pool, metadata: CompiledMetadata, tmp_path: Path
) -> None:
    """The effective columns are part of the run's identity, so that naming them gives the same run."""
    output, config = str(tmp_path / "out"), CurateConfig(t=1e9)
    by_default = curate(spark, pool, metadata, output, config)
    assert (by_default.counters["language_without_metadata"], by_default.counters["kept"]) == (1, 2)
    named = replace(pool, columns=PoolColumns(uid="uid", image_url="image_url", language="language"))
    assert dry_run(spark, named, metadata, output, config).run_id == by_default.run_id
    assert curate(spark, named, metadata, output, config).already_finished
    runs = spark.read.format("delta").load(f"{output}/runs").where("stage = 'curate'")
    assert (
        '"image_url": "image_url", "language": "language", "text": "text", "uid": "uid"' in runs.first().configuration
    )
    dropped = replace(pool, drop=("language",))
    assert dry_run(spark, dropped, metadata, output, replace(config, overwrite=True)).run_id != by_default.run_id


def test_several_languages_without_a_language_column(
    spark: SparkSession, pool: Pool, metadata: CompiledMetadata, tmp_path: Path
) -> None:
    both = {"en": metadata, "de": metadata}
    assert curate(spark, pool, both, str(tmp_path / "out"), CurateConfig(t=1e9)).counters["kept"] == 3
    with pytest.raises(ConfigError, match=r"several languages \(en, de\), but the pool .* \(--language-column\)"):
        curate(spark, replace(pool, drop=("language",)), both, str(tmp_path / "other"))
    config = CurateConfig(texts_per_image="one_text_per_image")
    with pytest.raises(ConfigError, match="needs a URL column"):
        curate(spark, replace(pool, drop=("image_url",)), metadata, str(tmp_path / "other"), config)
    assert not (tmp_path / "other").exists()
