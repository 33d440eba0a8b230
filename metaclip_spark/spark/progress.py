"""Where a run is: seconds by step, a line at the end of each for whoever watches, and names for Spark's jobs."""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Final

from metaclip_spark.spark.events import log_event
from metaclip_spark.spark.job_names import named_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyspark.sql import SparkSession

_SAID: Final = {
    "open": "open what is there",
    "count": "count how many captions hold each entry (part 1)",
    "choose t": "choose t by size",
    "balance": "keep captions of which an entry fires (part 2)",
    "record": "check, and mark the run as whole",
}


class Progress:
    """Times the steps of a run.

    Args:
        say: receives a line when a step ends; None: nobody watches.
        spark: its jobs are named by the steps; None: they are not.
        stage: what the steps are of.

    >>> progress = Progress(print)
    >>> with progress.step("count"):
    ...     progress.seconds
    {}
    count ... 0.0 s
    >>> list(progress.seconds)
    ['count']
    """

    def __init__(
        self, say: Callable[[str], None] | None = None, spark: SparkSession | None = None, stage: str = ""
    ) -> None:
        self.seconds: dict[str, float] = {}
        self._say = say
        self._spark = spark
        self._stage = stage
        self._noted = ""

    @property
    def is_watched(self) -> bool:
        """Whether anybody receives lines."""
        return self._say is not None

    def say(self, line: str) -> None:
        """A line within a step."""
        if self._say is not None:
            self._say(line)

    def note(self, figures: str) -> None:
        """Figures for the line of the step that is running."""
        self._noted = figures

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """One step; a step that fails leaves no line, as the error says more."""
        self._noted = ""
        group, description = f"metaclip-spark {self._stage}", _SAID.get(name, name)
        start = time.monotonic()
        with nullcontext() if self._spark is None else named_jobs(self._spark, group, description):
            yield
        self.seconds[name] = time.monotonic() - start
        log_event(stage=self._stage, step=name, seconds=round(self.seconds[name], 3), figures=self._noted)
        if self._say is not None:
            figures = f" {self._noted}" if self._noted else ""
            self._say(f"{name} ...{figures} {self.seconds[name]:.1f} s")
