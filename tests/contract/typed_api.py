"""The public API as a typed program, which mypy must accept. It is checked, not run."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_type

import pyarrow as pa

from metaclip_spark import (
    CaptionExplanation,
    CheckReport,
    CompiledMetadata,
    CurateConfig,
    CurateReport,
    CurationFigures,
    DiffReport,
    DryRunReport,
    EntryChange,
    EntryEvidence,
    EntryExplanation,
    EntryFate,
    EntryReport,
    EstimateReport,
    ExampleRow,
    ExportReport,
    InspectReport,
    Interval,
    LanguageEstimate,
    LanguageFigures,
    LanguageReport,
    LanguageSizes,
    Match,
    Matcher,
    MetaclipSparkError,
    MetadataConfig,
    MetadataDifference,
    MetadataReport,
    MetadataSources,
    Pool,
    PoolColumns,
    RowChange,
    RunFigures,
    SizeEstimate,
    SizePoint,
    SizesReport,
    TableFigures,
    TableVersion,
    append,
    build_metadata,
    check,
    compile_metadata,
    curate,
    diff,
    dry_run,
    estimate,
    explain_caption,
    explain_entry,
    explain_uid,
    export_datacomp,
    export_entry_probabilities,
    export_img2dataset,
    export_jsonl,
    inspect,
    preset_pool,
    read_metadata,
    read_table,
    rebalance,
    sizes,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def match(captions: list[str]) -> list[list[int]]:
    compiled = compile_metadata(["photo", "new york"], language="en")
    assert_type(compiled, CompiledMetadata)
    assert_type(compiled.report, EntryReport)
    assert_type(compiled.report.counts, dict[EntryFate, int])
    matcher = Matcher(compiled)
    assert_type(matcher.find("a photo"), list[Match])
    assert len(matcher.match_batch(pa.array(captions)).to_pylist()) == len(captions)
    return [matcher.match(caption) for caption in captions]


def metadata(spark: SparkSession) -> None:
    report = build_metadata(spark, MetadataSources(), "entries", "en", MetadataConfig())
    assert_type(report, MetadataReport)
    assert_type(report.difference, MetadataDifference | None)
    assert_type(read_metadata("entries", language="en", spark=spark), CompiledMetadata)


def curation(spark: SparkSession) -> None:
    pool = Pool(paths=("pool",), columns=PoolColumns(text="TEXT", image_url="URL"))
    english = {"en": compile_metadata(["photo"])}
    report = curate(spark, pool, english, "out", CurateConfig(t=20.0))
    assert_type(report, CurateReport)
    assert_type(report.languages, dict[str, LanguageReport])
    assert_type(rebalance(spark, "out", 10.0), CurateReport)
    more = preset_pool("laion", "more", columns={"text": "TEXT"})
    assert_type(more, Pool)
    assert_type(append(spark, more, english["en"], "out", frozen=True).expected_size, float | None)
    assert_type(read_table(spark, "main.pools", "runs", version=0).columns, list[str])


def before_a_run(spark: SparkSession, pool: Pool, compiled: CompiledMetadata) -> None:
    assert_type(dry_run(spark, pool, compiled, "out"), DryRunReport)
    estimated = estimate(spark, pool, compiled, 0.01)
    assert_type(estimated, EstimateReport)
    assert_type(estimated.matched, Interval)
    assert_type(estimated.languages, dict[str, LanguageEstimate])
    assert_type(estimated.sizes, list[SizeEstimate])


def audit(spark: SparkSession, compiled: CompiledMetadata) -> None:
    assert_type(check(spark, "out"), CheckReport)
    assert_type(explain_caption(spark, "out", "a photo", compiled, uid=7), CaptionExplanation)
    assert_type(explain_uid(spark, "out", "0").entries, list[EntryEvidence])
    entry = explain_entry(spark, "out", "photo")
    assert_type(entry, EntryExplanation)
    assert_type(entry.kept, list[ExampleRow])
    inspected = inspect(spark, "out")
    assert_type(inspected, InspectReport)
    assert_type(inspected.tables, list[TableFigures])
    assert_type(inspected.tables[0].last_versions, list[TableVersion])
    assert_type(inspected.runs, list[RunFigures])
    assert_type(inspected.languages, list[LanguageFigures])
    changes = diff(spark, "out", "out", before_at=0, after_at="598148bd")
    assert_type(changes, DiffReport)
    assert_type(changes.before, CurationFigures)
    assert_type(changes.entries, list[EntryChange])
    assert_type(changes.rows_added, list[RowChange])
    curve = sizes(spark, "out")
    assert_type(curve, SizesReport)
    assert_type(curve.languages, dict[str, LanguageSizes])
    assert_type(curve.languages["en"].points, list[SizePoint])


def exports(spark: SparkSession) -> list[ExportReport]:
    return [
        export_img2dataset(spark, "out", "urls", columns=["width"]),
        export_jsonl(spark, "out", "lines", gzip=True),
        export_datacomp(spark, "out", "uids.npy", overwrite=True),
        export_entry_probabilities(spark, "out", "p.npy", t=5.0),
    ]


def failed(error: MetaclipSparkError) -> int:
    return error.exit_code
