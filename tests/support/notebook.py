"""Run of a Databricks notebook in source format, cell by cell, with stand-ins for what Databricks adds to Python."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pyspark.sql import DataFrame, Row, SparkSession

HEADER: Final = "# Databricks notebook source\n"
NEXT_CELL: Final = "\n# COMMAND ----------\n"
MAGIC: Final = "# MAGIC"


class Exited(Exception):  # noqa: N818 - how Databricks itself leaves a notebook
    """`dbutils.notebook.exit` was called."""


@dataclass
class Widgets:
    """Parameters of a notebook: declared with a default, overridden by the job, always text.

    Attributes:
        given: Parameters of the job.
        values: Values of the widgets that the notebook declared.
    """

    given: Mapping[str, str]
    values: dict[str, str] = field(default_factory=dict)

    def text(self, name: str, defaultValue: str, label: str = "") -> None:  # noqa: N803 - Databricks' name
        assert isinstance(defaultValue, str), f"{name}: Databricks takes text only"
        assert label, f"{name}: the widget has no label"
        self.values[name] = self.given.get(name, defaultValue)

    def dropdown(self, name: str, defaultValue: str, choices: list[str], label: str = "") -> None:  # noqa: N803
        assert defaultValue in choices, f"{name}: Databricks refuses a default that is not a choice"
        self.text(name, defaultValue, label)
        assert self.values[name] in choices, f"{name}: {self.values[name]!r} is not one of {choices}"

    def get(self, name: str) -> str:
        return self.values[name]


@dataclass
class Notebook:
    """Stand-in for `dbutils.notebook`."""

    left_with: str | None = None

    def exit(self, value: str) -> None:
        assert isinstance(value, str), "Databricks takes text only"
        self.left_with = value
        raise Exited


@dataclass
class Dbutils:
    """Stand-in for the part of `dbutils` that our notebooks use."""

    widgets: Widgets
    notebook: Notebook = field(default_factory=Notebook)


@dataclass(frozen=True)
class Shown:
    """Result of a run.

    Attributes:
        tables: Displayed tables in order, at most 1,000 rows of each, as on Databricks.
        names: Variables of the notebook.
        left_with: Value that the notebook exited with.
        unused: Given parameters that are not widgets.
    """

    tables: list[list[Row]]
    names: dict[str, Any]
    left_with: str | None
    unused: set[str]


def cells(path: Path) -> list[str]:
    """Return the cells with code, and check that the others are Markdown."""
    source = path.read_text(encoding="utf-8")
    assert source.startswith(HEADER), f"{path} would be imported as a file, not as a notebook"
    code = []
    for cell in source.removeprefix(HEADER).split(NEXT_CELL):
        lines = [line for line in cell.splitlines() if line]
        if lines and lines[0].startswith(MAGIC):
            assert lines[0] == f"{MAGIC} %md"
            assert all(line.startswith(MAGIC) for line in lines)
        else:
            assert MAGIC not in cell
            code.append(cell)
    return code


def run_notebook(path: Path, spark: SparkSession, **parameters: str) -> Shown:
    """Run all cells in one namespace, as a job does."""
    tables: list[list[Row]] = []

    def display(what: DataFrame) -> None:
        tables.append(what.limit(1_000).collect())

    dbutils = Dbutils(Widgets(parameters))
    names: dict[str, Any] = {"spark": spark, "dbutils": dbutils, "display": display}
    try:
        for number, cell in enumerate(cells(path)):
            exec(compile(cell, f"{path.name}, cell {number}", "exec"), names)
    except Exited:
        pass
    return Shown(tables, names, dbutils.notebook.left_with, parameters.keys() - dbutils.widgets.values.keys())
