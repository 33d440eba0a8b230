"""Reading Arrow batches by language: each caption is matched against the metadata of its own language only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def split_by_language(batch: pa.RecordBatch, languages: Sequence[str]) -> Iterator[tuple[str, pa.RecordBatch]]:
    """A batch's rows by language, in the order of `languages`; rows of no such language are left out.

    Args:
        batch: has a column `language`, or belongs as a whole to the only language.
        languages: those with metadata.

    Yields:
        The language and its rows, in the batch's order.
    """
    if "language" not in batch.schema.names:
        yield languages[0], batch
        return
    places = pc.index_in(batch.column("language"), value_set=pa.array(languages, pa.string()))
    codes = pc.fill_null(places, -1).to_numpy(zero_copy_only=False)
    for code in np.unique(codes):
        if code >= 0:
            mine = codes == code
            yield languages[code], batch if mine.all() else batch.filter(pa.array(mine))
