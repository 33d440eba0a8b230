"""What Spark says of a failure, in one line."""

from __future__ import annotations

import re
from typing import Final

_CAUSE: Final = re.compile(r"^(?:Caused by|: org\.apache\.spark\.SparkException): (.*)$", re.MULTILINE)
_TRACEBACK: Final = re.compile(r"^Traceback \(most recent call last\):\n(?:(?:[ \t].*)?\n)*(\S.*)$", re.MULTILINE)
_CONDITION: Final = re.compile(r"\[[A-Z][A-Z0-9_.]+\] .*")


def reason(error: Exception) -> str:
    r"""The line that names the condition ("[PATH_NOT_FOUND] …"), else the innermost cause, else the first line.

    What an exception of Python says on a worker is the line after its traceback.

    Where the condition is only that a task could not write, the innermost cause follows it.

    Taken from the text: `getMessage` fails for Delta's exceptions, whose conditions Spark seeks in a list of its own.

    >>> worker = "Traceback (most recent call last):\n  File 'x.py', line 1\n    g()\nValueError: no g\n at y.scala"
    >>> reason(Exception("An exception was thrown from the Python worker:\n" + worker))
    'ValueError: no g'
    """
    text = str(error).strip()
    found = _CONDITION.search(text)
    causes = [found.group()] if found else _TRACEBACK.findall(text) or _CAUSE.findall(text)
    if found and found.group().startswith("[TASK_WRITE_FAILED]"):  # it names the table, but not what is wrong
        causes = [f"{found.group()}: {cause}" for cause in _CAUSE.findall(text)] or causes
    return str(causes[-1]) if causes else text.partition("\n")[0]
