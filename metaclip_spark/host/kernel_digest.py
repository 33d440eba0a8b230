"""Digest of everything that a compiled kernel depends on: its sources, the compiler and the CPU."""

# llvmlite has no types
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import ast
import hashlib
import importlib.util
import platform
import sys
from functools import cache
from typing import TYPE_CHECKING, Final, cast

import llvmlite
import llvmlite.binding
import numba

from metaclip_spark.errors import EnvironmentProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.abc import ResourceLoader
    from importlib.machinery import ModuleSpec

_PACKAGE: Final = __name__.partition(".")[0]
DIGEST_DIGITS: Final = 20


@cache
def kernel_digest(module: str) -> str:
    """Return 20 hex digits that change whenever the kernels of a module could compile to other machine code.

    Args:
        module: Full name of the module. The modules of this package that it imports, directly or indirectly, count too.

    >>> kernel_digest("metaclip_spark.core.matching.oracle") == kernel_digest("metaclip_spark.core.xxh64")
    False
    """
    digest = hashlib.sha256()
    for name, source in sorted(sources(module).items()):
        for part in (name.encode(), source):
            digest.update(len(part).to_bytes(8, "little") + part)
    # Name and features of the CPU: the machines of a mixed cluster may share the directory over a network file system.
    features = llvmlite.binding.get_host_cpu_features().flatten()
    versions = (sys.version, numba.__version__, llvmlite.__version__, platform.machine())
    digest.update("\n".join((*versions, llvmlite.binding.get_host_cpu_name(), features)).encode())
    return digest.hexdigest()[:DIGEST_DIGITS]


def sources(module: str) -> dict[str, bytes]:
    """Return the source of a module and of every module of this package that it imports, directly or not, by name."""
    found: dict[str, bytes] = {}
    pending = [module]
    while pending:
        name = pending.pop()
        if name not in found:
            spec = importlib.util.find_spec(name)
            if spec is None or spec.origin is None:
                raise EnvironmentProblemError(
                    f"The source of module {name} cannot be found, and the kernel cache needs it. Install {_PACKAGE} "
                    "from a wheel."
                )
            # The loader also reads from a zip file, which is how an executor may receive its packages.
            found[name] = cast("ResourceLoader", spec.loader).get_data(spec.origin)
            pending += _imports(found[name], spec)
    return found


def _imports(source: bytes, spec: ModuleSpec) -> Iterator[str]:
    """Yield the modules of this package that a source imports, at any place and in any form."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if _is_ours(alias.name))
        elif isinstance(node, ast.ImportFrom):
            package = spec.name if spec.submodule_search_locations is not None else spec.parent
            name = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            if _is_ours(name):
                yield name
                parent = importlib.util.find_spec(name)
                if parent is not None and parent.submodule_search_locations is not None:
                    # A name imported from a package is one of its modules or a name in its __init__.
                    members = (f"{name}.{alias.name}" for alias in node.names)
                    yield from (member for member in members if importlib.util.find_spec(member) is not None)


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == _PACKAGE
