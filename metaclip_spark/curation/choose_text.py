"""One text per image (Meta CLIP 2): choose among the matched texts of an image before the draw.

The text with the smallest keyed hash of its uid is chosen. The hash has another seed than the draw, because otherwise
the chosen rows would tend to have small u. Rows are grouped by image and language in one shuffle, and the choice is
made among all texts that matched, drawn or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Window
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.core.draw import choice_hashes
from metaclip_spark.curation.keep_balanced import decided_schema, image_id_column, matched_parts, with_decisions
from metaclip_spark.pools.split_by_language import split_by_language
from metaclip_spark.spark.arrow_functions import map_in_arrow
from metaclip_spark.spark.columns import quoted
from metaclip_spark.tables.schemas import LANGUAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyspark.sql import DataFrame

    from metaclip_spark.core.balancing.statistics import BalanceStatistics
    from metaclip_spark.curation.gathered_statistics import Function, Statistics
    from metaclip_spark.curation.keep_balanced import Balance
    from metaclip_spark.spark.shared_metadata import SharedMetadata

# Temporary columns; no column of a Delta table can have a colon in its name.
_CHOICE: Final = "metaclip:choice"
_PLACE: Final = "metaclip:place"
_NOT_BLANK: Final = r"[^\t ]"  # image ids ignore tabs and spaces
_SIGN: Final = np.uint64(1 << 63)


def keep_one_text(rows: DataFrame, metadata: SharedMetadata, balance: Balance, statistics: Statistics) -> DataFrame:
    """Return the rows that balancing keeps if each image contributes one text per language.

    Args:
        rows: `uid`, `text` and `image_url`, `language` if the metadata has several, and any other columns. Rows without
            a uid or a URL belong to no image: they are never kept, and are counted as such.
        metadata: Metadata on the executors.
        balance: Counts (of all matched texts), thresholds and seed.
        statistics: Receives the figures of all chosen rows, and of rows without an image, when the result is written.

    Returns:
        Rows with the columns of `keep_balanced`.
    """
    schema = decided_schema(rows.schema)
    matched = map_in_arrow(
        rows, _match_all(metadata, balance), T.StructType([*schema.fields, T.StructField(_CHOICE, T.LongType())])
    )
    of_no_image = F.isnan("admission_threshold")
    # Rows without an image are only counted. Grouping them by a hash, which is never as long as an image id, spreads
    # them over tasks.
    image = F.when(of_no_image, quoted(_CHOICE).cast("string")).otherwise(image_id_column(F.col("image_url")))
    language = [F.col(LANGUAGE.name)] if LANGUAGE.name in rows.columns else []
    # Rows may share a uid although it should be unique. The other columns then decide; rows that are equal in all
    # columns count as one row.
    settled = F.xxhash64(*(quoted(field.name) for field in schema.fields if not _has_map(field.dataType)))
    texts = Window.partitionBy(image, *language).orderBy(quoted(_CHOICE), F.col("uid"), settled)
    chosen = matched.withColumn(_PLACE, F.row_number().over(texts)).where(of_no_image | (quoted(_PLACE) == 1))
    return statistics.gather(chosen.select(*map(quoted, schema.names)), _keep_chosen(metadata, balance), schema)


def _match_all(
    metadata: SharedMetadata, balance: Balance
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return the function of one task: matched rows with their decisions and the hash that orders an image's texts."""

    def match(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for _, part, matched in matched_parts(batches, metadata, balance):
            urls = part.column("image_url").cast(pa.binary())
            has_url = pc.fill_null(pc.match_substring_regex(urls, _NOT_BLANK), fill_value=False)
            matched.decisions.threshold[~has_url.to_numpy(zero_copy_only=False)] = np.nan
            decided = with_decisions(part, matched, np.diff(matched.offsets) > 0)
            uids = decided.column("uid")
            # Spark has no unsigned integers; flipping the top bit keeps the order.
            order = (choice_hashes(uids, balance.seed) ^ _SIGN).view(np.int64)
            # Rows without a uid share one hash, and may be equal in all other columns (the same caption a million
            # times). Their position in the batch, the same in every attempt of the task, distinguishes them.
            no_uid = pc.is_null(uids).to_numpy(zero_copy_only=False)
            order[no_uid] = np.flatnonzero(no_uid)
            yield decided.append_column(_CHOICE, pa.array(order))

    return match


def _keep_chosen(metadata: SharedMetadata, balance: Balance) -> Function:
    """Return the function of one task, which takes chosen rows and yields the kept ones."""

    def keep(batches: Iterator[pa.RecordBatch], figures: BalanceStatistics) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for language, part in split_by_language(batch, metadata.languages):
                threshold = part.column("admission_threshold").to_numpy()
                figures.add(language, part.column("probability").to_numpy(), threshold, balance.t[language])
                yield part.filter(pa.array(threshold <= balance.stored[language]))

    return keep


def _has_map(kind: T.DataType) -> bool:
    """Return whether a type contains a map, which Spark cannot hash."""
    if isinstance(kind, T.StructType):
        return any(_has_map(field.dataType) for field in kind.fields)
    if isinstance(kind, T.ArrayType):
        return _has_map(kind.elementType)
    return isinstance(kind, T.MapType)
