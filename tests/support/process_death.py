"""Stand-in for the end of a process at a certain step, within the process of the tests."""

from __future__ import annotations


class Death(Exception):  # noqa: N818 - not an error of the step: the process would end there
    """The process would have ended here."""


def die(*_: object, **__: object) -> None:
    """Raise Death. Patch a step with it to end a run before that step."""
    raise Death
