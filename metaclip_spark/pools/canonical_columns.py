"""Canonical names of a pool's columns: `uid`, `text`, `image_url` and `language`."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Final

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.core.derived_ids import UID_HASH
from metaclip_spark.pools.columns.list_captions import POSITION
from metaclip_spark.spark.columns import quoted

if TYPE_CHECKING:
    from collections.abc import Collection

    from pyspark.sql import Column

    from metaclip_spark.config.pool import Pool, PoolColumns

CANONICAL_NAMES: Final = ("text", "uid", "image_url", "language")
_COMMENTS: Final = {
    "uid": "id of the row: the pool's own, or MD5 of image_url, a zero byte and text",
    "text": "the caption",
    "image_url": "URL of the image, as in the pool",
}


def with_default_columns(pool: Pool, names: Collection[str]) -> Pool:
    """Return the pool with default columns: a meaning without a configured column gets the column of the same name.

    Args:
        pool: Pool as configured.
        names: Names of its columns, before any is renamed or dropped.

    >>> from metaclip_spark.config.pool import Pool
    >>> with_default_columns(Pool(paths=("p",), drop=("language",)), ["text", "uid", "language"]).columns
    PoolColumns(text='text', uid='uid', image_url=None, language=None)
    """
    used = {*asdict(pool.columns).values(), *pool.renamed(), *pool.drop}
    unnamed = [meaning for meaning, name in asdict(pool.columns).items() if name is None]
    defaults = {meaning: meaning for meaning in unnamed if meaning in names and meaning not in used}
    return replace(pool, columns=replace(pool.columns, **defaults))


def meanings(columns: PoolColumns) -> dict[str, str]:
    """Return the canonical name of each column that has a meaning, by its name in the pool."""
    return {name: meaning for meaning in CANONICAL_NAMES if (name := getattr(columns, meaning)) is not None}


def canonical_columns(schema: T.StructType, columns: PoolColumns) -> list[Column]:
    """Return the projection from a pool's own columns to canonical ones; a derived uid comes first.

    Args:
        schema: Schema of the pool, with `POSITION` where captions are lists.
        columns: Columns with a meaning.
    """
    names = meanings(columns)
    # A list that is null or empty has no position.
    position = F.coalesce(quoted(POSITION), F.lit(0)).cast("string") if POSITION in schema.names else None
    projected = []
    for field in schema.fields:
        if field.name == POSITION:
            continue
        name = names.get(field.name, field.name)
        comment = _COMMENTS.get(name) or field.metadata.get("comment")
        column = _id(field, position) if name == "uid" and columns.uid is not None else quoted(field.name)
        projected.append(column.alias(name, metadata={"comment": comment} if comment else {}))
    if columns.uid is not None or columns.image_url is None:
        return projected
    derived = _derived_uid(quoted(columns.image_url), quoted(columns.text), position)
    return [derived.alias("uid", metadata={"comment": _COMMENTS["uid"]}), *projected]


def _id(field: T.StructField, position: Column | None) -> Column:
    """Return an id in its canonical form: bytes as lowercase hex digits, decimals as digits without trailing zeros.

    In a list of captions, the id of a text is that of the record, "#" and the position.
    """
    uid = quoted(field.name)
    if isinstance(field.dataType, T.BinaryType):
        uid = F.lower(F.hex(uid))
    elif isinstance(field.dataType, T.DecimalType):
        uid = uid.cast("string")
        if field.dataType.scale > 0:
            uid = F.regexp_replace(uid, r"\.?0+$", "")
    return uid if position is None else F.concat(uid.cast("string"), F.lit("#"), position)


def _derived_uid(image_url: Column, text: Column, position: Column | None) -> Column:
    """Return `derived_ids.derived_uid` as a Spark expression; null without a URL, as such rows would share it."""
    if UID_HASH != "md5":
        raise AssertionError(f"the derived uid is {UID_HASH}, not md5")
    zero = F.lit(bytearray(b"\0"))
    parts = [image_url.cast("binary"), zero, text.cast("binary")]
    if position is not None:
        parts += [zero, position.cast("binary")]
    return F.when(F.length(image_url) > 0, F.md5(F.concat(*parts)))
