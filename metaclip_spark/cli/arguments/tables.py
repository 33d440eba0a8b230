"""`--tables ROOT`: the tables of a curation."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, _ArgumentGroup


def add_tables_argument(parser: ArgumentParser | _ArgumentGroup, *, written: bool = False) -> None:
    """Add `--tables`.

    Args:
        parser: Parser of a command, or one of its groups.
        written: Whether the command creates the tables if they do not exist.
    """
    described = "root of the tables to write" if written else "root of the tables that curate wrote"
    parser.add_argument(
        "--tables", required=True, metavar="ROOT", help=f"{described}: a folder, or a schema (catalog.schema)"
    )
