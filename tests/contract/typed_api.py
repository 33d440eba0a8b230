"""The public API as a typed program: mypy must accept it as it stands. Checked, not run."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_type

import pyarrow as pa

from metaclip_spark import (
    CurateConfig,
    CurateReport,
    Matcher,
    MetaclipSparkError,
    Pool,
    PoolColumns,
    append,
    compile_metadata,
    curate,
    diff,
    explain_caption,
    explain_entry,
    explain_uid,
    export_datacomp,
    export_entry_probabilities,
    export_img2dataset,
    export_jsonl,
    inspect,
    read_table,
    rebalance,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def match(captions: list[str]) -> list[list[int]]:
    compiled = compile_metadata(["photo", "new york"], language="en")
    matcher = Matcher(compiled)
    assert_type(matcher.find("a photo")[0].entry, str)
    rows = matcher.match_batch(pa.array(captions)).to_pylist()
    assert len(rows) == len(captions)
    return [matcher.match(caption) for caption in captions]


def run(spark: SparkSession) -> CurateReport:
    pool = Pool(paths=("pool",), columns=PoolColumns(text="TEXT", image_url="URL"))
    return curate(spark, pool, {"en": compile_metadata(["photo"])}, "out", CurateConfig(t=20.0))


def follow_up(spark: SparkSession) -> float | None:
    assert_type(rebalance(spark, "out", 10.0), CurateReport)
    pool = Pool(paths=("more",), columns=PoolColumns(text="TEXT", image_url="URL"))
    return append(spark, pool, compile_metadata(["photo"]), "out", frozen=True).expected_size


def look(spark: SparkSession) -> int:
    metadata = compile_metadata(["photo"])
    row = explain_caption(spark, "out", "a photo", metadata, uid=7)
    assert_type(row.entries[0].positions, list[tuple[int, int]])
    assert_type(explain_uid(spark, "out", "0").admission_threshold, float | None)
    assert_type(explain_entry(spark, "out", "photo").count, int)
    assert_type(inspect(spark, "out").tables[0].rows, int)
    assert_type(read_table(spark, "main.curation", "runs", version=0).columns, list[str])
    changes = diff(spark, "out", "out", before_at=0, after_at="598148bd")
    exports = [
        export_img2dataset(spark, "out", "urls", columns=["width"]),
        export_jsonl(spark, "out", "lines", gzip=True),
        export_datacomp(spark, "out", "uids.npy", overwrite=True),
        export_entry_probabilities(spark, "out", "p.npy", t=5.0),
    ]
    return changes.stayed + sum(export.rows for export in exports)


def failed(error: MetaclipSparkError) -> int:
    return error.exit_code
