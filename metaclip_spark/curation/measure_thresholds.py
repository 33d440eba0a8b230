"""Histograms of the admission thresholds of a pool, from which the t for a target size is found.

Only ids, texts and languages are read, and nothing is written. Executors return pairs of bin and rows, which Spark
adds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.core.balancing.target_size import histogram
from metaclip_spark.curation.choose_text import keep_one_text
from metaclip_spark.curation.gathered_statistics import statistics_of
from metaclip_spark.curation.keep_balanced import matched_parts
from metaclip_spark.pools.split_by_language import split_by_language
from metaclip_spark.spark.arrow_functions import map_in_arrow
from metaclip_spark.tables.schemas import LANGUAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray
    from pyspark.sql import DataFrame

    from metaclip_spark.core.balancing.language_steps import LanguageSteps
    from metaclip_spark.core.balancing.target_size import Window
    from metaclip_spark.curation.keep_balanced import Balance
    from metaclip_spark.spark.shared_metadata import SharedMetadata

_SCHEMA: Final = "prefix long, rows long"
_ARROW_SCHEMA: Final = pa.schema([("prefix", pa.int64()), ("rows", pa.int64())])
_ALL_ROWS: Final = float(np.finfo(np.float64).max)
_FULL: Final = 1_000_000  # thresholds gathered before they are counted by bin


@dataclass(frozen=True)
class Thresholds:
    """Pool whose admission thresholds are measured.

    Attributes:
        rows: The pool under its canonical names.
        metadata: Metadata on the executors.
        balance: Counts and seed; its t does not matter.
        one_text_per_image: Whether only the chosen text of each image counts.
        steps: Threshold steps (`core.balancing.language_steps`) of every language except the reference language.
    """

    rows: DataFrame
    metadata: SharedMetadata
    balance: Balance
    one_text_per_image: bool = False
    steps: Mapping[str, LanguageSteps] = field(default_factory=dict)


def threshold_histogram(
    thresholds: Thresholds, window: Window, shift: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return `core.target_size.histogram` of the pool, in terms of the t of the reference language."""
    if thresholds.one_text_per_image:
        rows, gather = _chosen(thresholds), _read_thresholds(thresholds)
    else:
        names = [name for name in ("uid", "text", LANGUAGE.name) if name in thresholds.rows.columns]
        rows, gather = thresholds.rows.select(*names), _matched_thresholds(thresholds)

    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        parts: list[NDArray[np.float64]] = []
        for part in gather(batches):
            parts.append(part)
            if sum(map(len, parts)) > _FULL:
                yield _as_batch(*histogram(np.concatenate(parts), window, shift))
                parts = []
        if parts:
            yield _as_batch(*histogram(np.concatenate(parts), window, shift))

    counted = map_in_arrow(rows, count, _SCHEMA).groupBy("prefix").agg(F.sum("rows").alias("rows"))
    found = counted.toArrow().sort_by("prefix")
    return found["prefix"].to_numpy(), found["rows"].to_numpy()


def _as_batch(prefixes: NDArray[np.int64], rows: NDArray[np.int64]) -> pa.RecordBatch:
    return pa.record_batch([pa.array(prefixes), pa.array(rows)], schema=_ARROW_SCHEMA)


def _matched_thresholds(thresholds: Thresholds) -> Callable[[Iterator[pa.RecordBatch]], Iterator[NDArray[np.float64]]]:
    """Return a function that matches captions on an executor and yields their thresholds."""
    metadata, balance, steps = thresholds.metadata, thresholds.balance, thresholds.steps

    def gather(batches: Iterator[pa.RecordBatch]) -> Iterator[NDArray[np.float64]]:
        for language, _, matched in matched_parts(batches, metadata, balance):
            yield _translated(matched.decisions.threshold, language, steps)

    return gather


def _chosen(thresholds: Thresholds) -> DataFrame:
    """Return the thresholds of the chosen texts; all columns are read, because all take part in the choice."""
    all_rows = dict.fromkeys(thresholds.metadata.languages, _ALL_ROWS)
    everything = replace(thresholds.balance, t=all_rows, stored=all_rows)
    unused = statistics_of(thresholds.rows.sparkSession)
    chosen = keep_one_text(thresholds.rows, thresholds.metadata, everything, unused)
    return chosen.select(*(name for name in (LANGUAGE.name, "admission_threshold") if name in chosen.columns))


def _read_thresholds(thresholds: Thresholds) -> Callable[[Iterator[pa.RecordBatch]], Iterator[NDArray[np.float64]]]:
    """Return a function that yields the thresholds of rows that have them already."""
    languages, steps = thresholds.metadata.languages, thresholds.steps

    def gather(batches: Iterator[pa.RecordBatch]) -> Iterator[NDArray[np.float64]]:
        for batch in batches:
            for language, part in split_by_language(batch, languages):
                yield _translated(part.column("admission_threshold").to_numpy(), language, steps)

    return gather


def _translated(
    thresholds: NDArray[np.float64], language: str, steps: Mapping[str, LanguageSteps]
) -> NDArray[np.float64]:
    return steps[language].equivalents(thresholds) if language in steps else thresholds
