"""The `metaclip-spark` command: options in, one report or one error message out.

The commands contain no rules of the recipe: each reads its options and calls the function that a Python user calls.
"""

from __future__ import annotations

import io
import sys
import traceback
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from metaclip_spark.cli.arguments.printing import log_to_standard_error, printable_output
from metaclip_spark.cli.parser import build_parser, without_empty_names
from metaclip_spark.errors import MetaclipSparkError, MetaclipSparkWarning

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["main"]

_INTERRUPTED = 130  # the shell's 128 + SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Arguments after the name of the program. None takes those of the process.

    Returns:
        Exit code: 0, the kind of the error (`MetaclipSparkError.exit_code`), or 1 for an unexpected error.
    """
    given = sys.argv[1:] if arguments is None else arguments
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # entries have any script, a terminal may not
    with printable_output():
        return _run(given)


def _run(arguments: Sequence[str]) -> int:
    options = build_parser().parse_args(without_empty_names(arguments))
    if options.log:
        log_to_standard_error()
    try:
        with _one_line_warnings():
            options.run(options)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except MetaclipSparkError as error:
        if options.debug:
            traceback.print_exc()
        print(f"metaclip-spark: {error}", file=sys.stderr)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - a person reads one sentence; --debug adds the traceback
        if options.debug:
            traceback.print_exc()
        first_line = str(error).strip().partition("\n")[0]
        print(f"metaclip-spark: {type(error).__name__}: {first_line}\n(--debug shows the traceback)", file=sys.stderr)
        return MetaclipSparkError.exit_code
    return 0


@contextmanager
def _one_line_warnings() -> Iterator[None]:
    """Print warnings of this package as one line each within the context; those of others stay unchanged."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", MetaclipSparkWarning)
        show_others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: object, **more: object) -> None:
            if issubclass(category, MetaclipSparkWarning):
                print(f"metaclip-spark: warning: {message}", file=sys.stderr)
            else:
                show_others(message, category, *where, **more)  # type: ignore[arg-type]

        warnings.showwarning = show
        yield
