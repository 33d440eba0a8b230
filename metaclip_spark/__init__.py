"""MetaCLIP data curation on Spark: match captions to metadata entries, count, balance, audit.

The public names are listed in `__init__.pyi`. Each is loaded at its first use, so that importing the package needs
neither pyspark nor numba.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil

__version__ = "0.1.0"

_MODULES = {
    alias.name: str(statement.module)
    for statement in ast.parse(pkgutil.get_data(__name__, "__init__.pyi") or b"").body
    if isinstance(statement, ast.ImportFrom)
    for alias in statement.names
}
__all__ = sorted(_MODULES)  # noqa: PLE0605 - a list


def __getattr__(name: str) -> object:
    """Load a public name from the module that defines it (PEP 562)."""
    if name not in _MODULES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(importlib.import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, including those that are not loaded yet."""
    return sorted({*globals(), *__all__})
