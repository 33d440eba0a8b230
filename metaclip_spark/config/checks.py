"""Checks of single values that a user gave, from a file, an option or a program."""

from __future__ import annotations

import math

from metaclip_spark.errors import ConfigError


def is_number(value: object) -> bool:
    """Whether it is a finite number that has a double."""
    try:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def is_text(value: object) -> bool:
    """Whether it is text that has a UTF-8."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False


def is_pair_of_names(pair: object) -> bool:
    """Whether it is a name and what it stands for, which is not empty."""
    return isinstance(pair, (list, tuple)) and [is_text(name) for name in pair] == [True, True] and bool(pair[1])


def checked_names(what: str, value: object) -> tuple[str, ...]:
    """One or several texts as a tuple; refuse anything else by a ConfigError."""
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(map(is_text, names)):
        raise ConfigError(f"{what} = {value!r} of a pool: give texts")
    return tuple(names)


def check_threshold(name: str, value: object) -> None:
    """Refuse what is no finite number > 0 by a ConfigError."""
    if not (isinstance(value, (int, float)) and is_number(value) and value > 0):
        raise ConfigError(f"{name} = {value!r} is no threshold: pass a finite number of matches > 0 (the paper: 20000)")


def check_choice(what: str, value: str, allowed: tuple[str, ...]) -> None:
    """Refuse what is not among the values allowed, by a ConfigError that lists them."""
    if value not in allowed:
        raise ConfigError(f"{what} {value!r} is unknown: one of {', '.join(allowed)}")


def check_integer(name: str, value: object, least: int, most: int) -> None:
    """Refuse what is no integer within the limits by a ConfigError."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ConfigError(f"{name} = {value!r} is not an integer from {least} to {most}")


def check_flag(name: str, value: object) -> None:
    """Refuse what is neither true nor false by a ConfigError."""
    if not isinstance(value, bool):
        raise ConfigError(f"{name} = {value!r} is neither true nor false")
