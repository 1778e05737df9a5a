"""The compiled functions of a line: found, and counted once they have run."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any


def kernels(package: ModuleType) -> Iterator[Any]:
    """Yield the numba functions of all modules of a line."""
    seen: set[int] = set()
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        for found in vars(importlib.import_module(module.name)).values():
            if hasattr(found, "py_func") and hasattr(found, "stats") and id(found) not in seen:
                seen.add(id(found))
                yield found


def say_compiled(package: ModuleType) -> str:
    """Say how many kernels of a line this process compiled, and how many it found on disk."""
    compiled = sum(sum(kernel.stats.cache_misses.values()) for kernel in kernels(package))
    loaded = sum(sum(kernel.stats.cache_hits.values()) for kernel in kernels(package))
    return f"{compiled} kernels compiled, {loaded} were there"
