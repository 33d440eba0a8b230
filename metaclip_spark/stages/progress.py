"""Where a run is: seconds by step, and one line at the end of each for whoever watches."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Progress:
    """Times the steps of a run.

    Args:
        say: receives a line when a step ends; None: nobody watches.

    >>> progress = Progress(print)
    >>> with progress.step("count"):
    ...     progress.seconds
    {}
    count ... 0.0 s
    >>> list(progress.seconds)
    ['count']
    """

    def __init__(self, say: Callable[[str], None] | None = None) -> None:
        self.seconds: dict[str, float] = {}
        self._say = say
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
        start = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - start
        if self._say is not None:
            figures = f" {self._noted}" if self._noted else ""
            self._say(f"{name} ...{figures} {self.seconds[name]:.1f} s")
