"""Progress of a run: seconds by step, lines for the user, events for Python's log, and names of Spark's jobs.

The logger is "metaclip_spark", its level INFO. Each step and each finished run is one line of JSON; the command line
writes them to standard error with `--log`.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import threading
import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Final

from metaclip_spark.spark.session_features import has_spark_context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyspark.sql import SparkSession

LOGGER: Final = logging.getLogger("metaclip_spark")
_GROUP: Final = "spark.jobGroup.id"
_DESCRIPTION: Final = "spark.job.description"
_SECONDS: Final = 30.0
_DESCRIPTIONS: Final = {
    "open": "open the pool and the tables",
    "count": "count the captions that match each entry (part 1)",
    "choose t": "choose t by size",
    "balance": "keep the captions of which an entry is sampled (part 2)",
    "record": "check the figures and record the run",
}


def log_event(**fields: object) -> None:
    """Log an event with its time."""
    if LOGGER.isEnabledFor(logging.INFO):
        LOGGER.info(json.dumps({"time": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"), **fields}))


class Progress:
    """Timer of the steps of a run.

    Args:
        say: Function that receives a line when a step ends; None: no lines.
        spark: Session whose jobs are named by the steps; None: no jobs are named.
        stage: Stage that the steps belong to.

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
        """Whether progress lines are printed."""
        return self._say is not None

    def say(self, line: str) -> None:
        """Pass on a line within a step."""
        if self._say is not None:
            self._say(line)

    def note(self, figures: str) -> None:
        """Add figures to the line of the current step."""
        self._noted = figures

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step; a step that fails prints no line, because the error says more."""
        self._noted = ""
        group, description = f"metaclip-spark {self._stage}", _DESCRIPTIONS.get(name, name)
        start = time.monotonic()
        with nullcontext() if self._spark is None else named_jobs(self._spark, group, description):
            yield
        self.seconds[name] = time.monotonic() - start
        log_event(stage=self._stage, step=name, seconds=round(self.seconds[name], 3), figures=self._noted)
        if self._say is not None:
            figures = f" {self._noted}" if self._noted else ""
            self._say(f"{name} ...{figures} {self.seconds[name]:.1f} s")


@contextmanager
def watched_tasks(spark: SparkSession, timer: Progress, *, seconds: float = _SECONDS) -> Iterator[None]:
    """Report the finished tasks of the running stages from time to time.

    Args:
        spark: Session whose stages are watched.
        timer: Progress that receives the lines.
        seconds: Seconds between two reports.
    """
    if not timer.is_watched or not has_spark_context(spark):  # the status of tasks needs a SparkContext
        yield
        return
    tracker, ended = spark.sparkContext.statusTracker(), threading.Event()

    def watch() -> None:
        while not ended.wait(seconds):
            for stage in sorted(tracker.getActiveStageIds()):
                info = tracker.getStageInfo(stage)
                if info is not None:
                    timer.say(f"  stage {stage}: {info.numCompletedTasks:,} of {info.numTasks:,} tasks done")

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


@contextmanager
def named_jobs(spark: SparkSession, group: str, description: str) -> Iterator[None]:
    """Give this thread's jobs a description, and a group unless the user of the session has set one.

    An existing group is kept because jobs are cancelled by it: Databricks sets one for each cell of a notebook. Without
    a SparkContext the jobs get a tag instead.
    """
    if not has_spark_context(spark):
        with _tagged(spark, f"{group}: {description}".replace(",", ";")):
            yield
        return
    context = spark.sparkContext
    before = {name: context.getLocalProperty(name) for name in (_GROUP, _DESCRIPTION)}
    context.setLocalProperty(_GROUP, before[_GROUP] or group)
    context.setLocalProperty(_DESCRIPTION, f"{group}: {description}")
    try:
        yield
    finally:
        for name, value in before.items():
            context.setLocalProperty(name, value)  # type: ignore[arg-type]  # None unsets it


@contextmanager
def _tagged(spark: SparkSession, tag: str) -> Iterator[None]:
    spark.addTag(tag)
    try:
        yield
    finally:
        spark.removeTag(tag)
