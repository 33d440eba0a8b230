"""Arrow batches split by language: each caption is matched against the metadata of its own language only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def split_by_language(batch: pa.RecordBatch, languages: Sequence[str]) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Yield the rows of each language that has metadata; rows of other languages are left out.

    Args:
        batch: Rows, with a column `language` unless all of them are in the only language.
        languages: Languages that have metadata.

    Yields:
        A language, in the order of `languages`, and its rows, in the order of the batch.
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
