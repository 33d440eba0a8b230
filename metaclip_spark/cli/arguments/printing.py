"""`--json`, `--progress`, `--log` and `--debug`: what a command prints, and where."""

from __future__ import annotations

import json
import logging
import sys
from argparse import BooleanOptionalAction
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any, Protocol, TextIO, TypeVar, cast

from metaclip_spark.errors import printable

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterator
    from types import ModuleType


class Report(Protocol):
    """A result that can be printed as JSON."""

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON values."""


R = TypeVar("R", bound=Report)


def add_printing_arguments(parser: ArgumentParser, *, as_json: bool = True) -> None:
    """Add the options that determine what is printed.

    Args:
        parser: Parser of a command.
        as_json: Whether to add `--json`; a command with more than two forms adds its own option.
    """
    if as_json:
        parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument(
        "--progress",
        action=BooleanOptionalAction,
        help="print progress lines on standard error (default: only on a terminal)",
    )
    parser.add_argument("--log", action="store_true", help="log each step and run as a line of JSON on standard error")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def progress_of(options: Namespace) -> Callable[[str], None] | None:
    """Return the function that prints a line of progress, or None if progress is not shown."""
    shown = sys.stderr.isatty() if options.progress is None else options.progress
    return _print_to_standard_error if shown else None


def announce_kernels(options: Namespace, module: ModuleType) -> None:
    """Say that the kernels of a module are compiled now, unless this machine's cache has them.

    Args:
        options: Parsed options.
        module: Module of kernels that the command is about to call.
    """
    progress = progress_of(options)
    if progress is not None:
        from metaclip_spark.host.kernel_cache import has_compiled  # noqa: PLC0415 - `--help` must not load numba

        if not has_compiled(module.__name__):
            progress("Compiling kernels for this machine (once)")


def print_report(options: Namespace, report: R, render: Callable[[R], str]) -> None:
    """Print a report as JSON or human-readable text."""
    print(json.dumps(report.as_dict(), indent=2) if options.json else render(report))


class _PrintableStream:
    """A text stream that escapes control characters: what is printed may quote the files of other people."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text; its line ends and tabs stay."""
        self._stream.write(printable(text, one_line=False))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def printable_output() -> Iterator[None]:
    """Escape control characters in everything that is printed within the context."""
    out, err = (cast("TextIO", _PrintableStream(stream)) for stream in (sys.stdout, sys.stderr))
    with redirect_stdout(out), redirect_stderr(err):
        yield


def log_to_standard_error() -> None:
    """Write the library's events to standard error as lines of JSON; further calls change nothing."""
    logger = logging.getLogger("metaclip_spark")
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False


def _print_to_standard_error(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
