"""The address of this machine that Spark's JVM takes: a name that nobody can look up must not end it.

The JVM asks for the address of the machine's name before it reads any setting, and ends where there is none, as in
containers without a network; the environment alone comes earlier.
"""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE: Final = "SPARK_LOCAL_IP"
"""Spark's own environment variable: an address of this machine, whose name is then not looked up."""


@contextmanager
def child_address(master: str) -> Iterator[None]:
    """Within it, the JVM of a local master gets this machine's address for itself; one that the user set stays."""
    ours = master.startswith("local") and VARIABLE not in os.environ
    if ours:
        os.environ[VARIABLE] = "127.0.0.1"
    try:
        yield
    finally:
        if ours:
            os.environ.pop(VARIABLE, None)


def host_name_problem() -> str | None:
    """Why the JVM ended and the remedy, where this machine's name has no address; None where that is no reason."""
    if VARIABLE in os.environ:
        return None
    name = socket.gethostname()
    try:
        socket.gethostbyname(name)
    except OSError as error:
        return (
            f"most likely because the name of this machine, {name}, cannot be looked up ({error}). Remedy: set the "
            f"environment variable {VARIABLE} to the address at which executors reach this machine, or enter the name "
            "in /etc/hosts"
        )
    return None
