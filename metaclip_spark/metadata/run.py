"""Stand-in for the run's lifecycle."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Self

from metaclip_spark.spark.job_errors import translated_job_errors
from metaclip_spark.spark.progress import Progress, watched_tasks
from metaclip_spark.spark.session import check_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyspark.sql import SparkSession


class Run:
    """Steps of a run."""

    def __init__(self, spark: SparkSession, stage: str, progress: Callable[[str], None] | None) -> None:
        self.spark = spark
        self._progress = Progress(progress, spark, stage)

    @classmethod
    def open(cls, spark: SparkSession, root: str, stage: str, *, progress: Callable[[str], None] | None = None) -> Self:
        """Return a run."""
        _ = root
        check_session(spark)
        return cls(spark, stage, progress)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    @contextmanager
    def step(self, name: str, *, source: str | None = None) -> Iterator[None]:
        """Time a step."""
        with ExitStack() as stack:
            if source is not None:
                stack.enter_context(translated_job_errors(source=source))
            stack.enter_context(self._progress.step(name))
            stack.enter_context(watched_tasks(self.spark, self._progress))
            yield

    def note(self, figures: str) -> None:
        """Add figures."""
        self._progress.note(figures)
