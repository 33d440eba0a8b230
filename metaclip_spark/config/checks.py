"""Checks of single configuration values from a file, an option or a program."""

from __future__ import annotations

import math

from metaclip_spark.errors import ConfigError


def is_number(value: object) -> bool:
    """Return whether a value is a finite number that a double can represent."""
    try:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def is_text(value: object) -> bool:
    """Return whether a value is text that UTF-8 can encode."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False


def is_pair_of_names(pair: object) -> bool:
    """Return whether a value is a pair of a name and a text that is not empty."""
    return isinstance(pair, (list, tuple)) and [is_text(name) for name in pair] == [True, True] and bool(pair[1])


def checked_names(what: str, value: object) -> tuple[str, ...]:
    """Return one or several texts as a tuple; raise a ConfigError for anything else."""
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(map(is_text, names)):
        raise ConfigError(f"{what} = {value!r} of a pool is not a text or a list of texts.")
    return tuple(names)


def check_threshold(name: str, value: object) -> None:
    """Raise a ConfigError unless a value is a finite number > 0."""
    if not (isinstance(value, (int, float)) and is_number(value) and value > 0):
        raise ConfigError(
            f"{name} = {value!r} is not a threshold. Pass a finite number of matches > 0 (the paper used 20000)."
        )


def check_choice(what: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise a ConfigError that lists the allowed values unless a value is one of them."""
    if value not in allowed:
        raise ConfigError(f"The {what} {value!r} is unknown. Pass one of {', '.join(allowed)}.")


def check_integer(name: str, value: object, minimum: int, maximum: int) -> None:
    """Raise a ConfigError unless a value is an integer within the limits."""
    if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
        raise ConfigError(f"{name} = {value!r} is not an integer from {minimum} to {maximum}.")


def check_flag(name: str, value: object) -> None:
    """Raise a ConfigError unless a value is true or false."""
    if not isinstance(value, bool):
        raise ConfigError(f"{name} = {value!r} is neither true nor false.")
