"""Columns by their exact names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

if TYPE_CHECKING:
    from pyspark.sql import Column


def quoted(name: str) -> Column:
    """Return the column of exactly this name, which may contain dots and backticks."""
    return F.col(f"`{name.replace('`', '``')}`")
