"""Errors raised on a worker reach the driver as text inside Spark's own; here they get their name back."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pyspark.errors import PySparkException

from metaclip_spark import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMED: Final = re.compile(r"metaclip_spark\.errors\.(\w+): (.+)")


@contextmanager
def named_worker_errors() -> Iterator[None]:
    """Raise a worker's own error in place of Spark's report of it; other failures pass unchanged."""
    try:
        yield
    except PySparkException as failure:
        found = _NAMED.search(str(failure))
        kind = getattr(errors, found.group(1), None) if found else None
        if found is None or kind is None:
            raise
        raise kind(f"on a worker: {found.group(2)}") from failure
