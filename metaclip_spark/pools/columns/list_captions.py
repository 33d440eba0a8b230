"""Captions that are lists: one row per text of a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.spark.columns import quoted

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# The colon keeps this name apart from any that a pool may have in a Delta table.
POSITION: Final = "metaclip:position"
"""Column of the position of a text in its list, from 0."""


def one_row_per_text(table: DataFrame, text: str) -> DataFrame:
    """Return a row for each text of a list, with its position; a table whose captions are single texts is unchanged.

    A list that is null or empty gives one row without a text, so that it is counted.

    Args:
        table: Table of the pool.
        text: Name of the column of the captions.
    """
    if not isinstance(table.schema[text].dataType, T.ArrayType):
        return table
    names = [quoted(name) for name in table.columns]
    place = table.columns.index(text)
    names[place] = F.posexplode_outer(quoted(text)).alias(POSITION, text)
    return table.select(*names)
