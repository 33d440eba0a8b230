"""The public names: each is defined, documented and in the typed program, and so is every class that one returns."""

from __future__ import annotations

import ast
import functools
import inspect
import sys
import typing
from pathlib import Path
from types import GenericAlias
from typing import TYPE_CHECKING, Any

import pytest

import metaclip_spark

if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_FOR_USERS = {"Tables"}  # the arrays of compiled metadata that kernels read


@pytest.mark.parametrize("name", metaclip_spark.__all__)
def test_every_public_name_is_defined_and_documented(name: str) -> None:
    assert getattr(metaclip_spark, name).__doc__
    assert name in dir(metaclip_spark)


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = metaclip_spark.no_such_name


def test_typed_program_uses_every_public_name() -> None:
    program = ast.parse(Path(__file__).with_name("typed_api.py").read_text(encoding="utf-8"))
    used = {node.id for node in ast.walk(program) if isinstance(node, ast.Name)}
    assert set(metaclip_spark.__all__) - used == set()


def test_every_class_that_a_public_name_returns_is_public() -> None:
    reached = [getattr(metaclip_spark, name) for name in metaclip_spark.__all__]
    for value in reached:  # grows meanwhile
        reached += [found for found in classes_of(value) if found not in reached]
    assert {value.__name__ for value in reached} - NOT_FOR_USERS - set(metaclip_spark.__all__) == set()


def classes_of(value: Any) -> Iterator[type]:
    """Classes of this package that a function returns, or that a class has as attributes or returns from methods."""
    hints = [type_hints(value).get("return")]
    if inspect.isclass(value):
        public = [member for name, member in inspect.getmembers(value) if not name.startswith("_")]
        functions = [member.fget if isinstance(member, property) else member for member in public]
        hints = [*type_hints(value).values()]
        hints += [type_hints(function).get("return") for function in functions if inspect.isroutine(function)]
    for hint in hints:
        yield from (found for found in parts(hint) if found.__module__.startswith("metaclip_spark."))


def parts(hint: Any) -> Iterator[type]:
    if isinstance(hint, type) and not isinstance(hint, GenericAlias):
        yield hint
    for argument in typing.get_args(hint):
        yield from parts(argument)


def type_hints(value: Any) -> dict[str, Any]:
    module = getattr(value, "__module__", None) or ""
    if not module.startswith("metaclip_spark."):  # inherited
        return {}
    return typing.get_type_hints(value, localns=names_for_types(module))


@functools.cache
def names_for_types(module: str) -> dict[str, Any]:
    """Names of a module, including those that it imports for type checkers only."""
    source = ast.parse(Path(sys.modules[module].__file__ or "").read_text(encoding="utf-8"))
    guarded = [node for node in source.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    names = dict(vars(sys.modules[module]))
    for block in guarded:
        exec(compile(ast.Module(block.body, []), module, "exec"), names)  # imports of this package
    return names
