"""The `metaclip-spark` command: options in, one summary or one error message out.

No rule of the recipe is here: each subcommand reads its options and calls the function that a Python user would call.
"""

from __future__ import annotations

import io
import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from metaclip_spark.cli.arguments import build_parser, given
from metaclip_spark.cli.log import log_to_standard_error
from metaclip_spark.errors import MetaclipSparkError, MetaclipSparkWarning

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["main"]

_INTERRUPTED = 130  # the shell's 128 + SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand.

    Args:
        arguments: as after the command's name; None takes the process's own.

    Returns:
        Exit code: 0, or the kind of the error (`MetaclipSparkError.exit_code`; 1 for one that was not foreseen).
    """
    options = build_parser().parse_args(given(sys.argv[1:] if arguments is None else arguments))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # entries are of any script, a terminal may know only its own
    if getattr(options, "log", False):
        log_to_standard_error()
    try:
        with _plain_warnings():
            options.run(options)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except MetaclipSparkError as error:
        if options.debug:
            raise
        print(f"metaclip-spark: {error}", file=sys.stderr)
        return error.exit_code
    except Exception as error:  # a person gets a sentence; the traceback is one option away
        if options.debug:
            raise
        said = str(error).strip().partition("\n")[0]
        print(f"metaclip-spark: {type(error).__name__}: {said}\n(--debug shows where)", file=sys.stderr)
        return MetaclipSparkError.exit_code
    return 0


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Our own warnings as one line each; those of others as they are."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", MetaclipSparkWarning)
        of_others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: object, **more: object) -> None:
            if issubclass(category, MetaclipSparkWarning):
                print(f"metaclip-spark: warning: {message}", file=sys.stderr)
            else:
                of_others(message, category, *where, **more)  # type: ignore[arg-type]

        warnings.showwarning = show
        yield
