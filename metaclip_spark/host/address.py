"""Address of this machine for Spark's JVM, which must start even if the machine's name cannot be resolved.

The JVM resolves the name of the machine before it reads any setting, and exits if that fails, as it does in containers
without a network. Only an environment variable takes effect earlier.
"""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE: Final = "SPARK_LOCAL_IP"
"""Environment variable of Spark: the address of this machine. If it is set, Spark does not resolve the name."""


@contextmanager
def child_address(master: str) -> Iterator[None]:
    """Set the address for processes started within the context, if the master is local and the user has set none."""
    ours = master.startswith("local") and VARIABLE not in os.environ
    if ours:
        os.environ[VARIABLE] = "127.0.0.1"
    try:
        yield
    finally:
        if ours:
            os.environ.pop(VARIABLE, None)


def host_name_problem() -> str | None:
    """Return the likely reason why the JVM exited, and the remedy, if this machine's name cannot be resolved."""
    if VARIABLE in os.environ:
        return None
    name = socket.gethostname()
    try:
        socket.gethostbyname(name)
    except OSError as error:
        return (
            f"most likely because the name of this machine, {name}, cannot be resolved ({error}). Set the environment "
            f"variable {VARIABLE} to the address at which executors reach this machine, or add the name to /etc/hosts"
        )
    return None
