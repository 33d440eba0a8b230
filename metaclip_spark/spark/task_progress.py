"""A line now and then while a step of hours is running: how many of its tasks are done."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from metaclip_spark.spark.session_kind import has_context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

    from metaclip_spark.spark.progress import Progress

_SECONDS: Final = 30.0


@contextmanager
def watched_step(spark: SparkSession, timer: Progress, name: str) -> Iterator[None]:
    """A step that may be long: its tasks are counted from time to time."""
    with timer.step(name), watched_tasks(spark, timer):
        yield


@contextmanager
def watched_tasks(spark: SparkSession, timer: Progress, *, seconds: float = _SECONDS) -> Iterator[None]:
    """Within it the tasks of the stages that run are counted from time to time.

    Args:
        spark: a session.
        timer: whoever watches the run hears of it.
        seconds: between two lines.
    """
    if not timer.is_watched or not has_context(spark):  # without a context nobody can ask
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
