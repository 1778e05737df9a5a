"""The executor ``jobarray``: every ready job of a campaign through scheduler arrays of bundles, for milliseconds each.

Snakemake finds it by its name (``--executor jobarray``). What the nodes import of this package must stay light, so
its parts are loaded when they are asked for.

controller side     executor.py (what Snakemake sees), controller.py, submitter.py, watcher.py, tasks.py, requests.py,
                    arrays.py, durations.py, causes.py, journal.py; a module a back end: slurm.py, lsf.py, local.py
node side           node/: the worker of a bundle; imports nothing of the above
"""

from __future__ import annotations

import importlib
from typing import Any

_PARTS = {"Executor": "executor", "ExecutorSettings": "settings", "common_settings": "settings"}


def __getattr__(name: str) -> Any:
    """Load what Snakemake's plug-in registry asks for."""
    if name not in _PARTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PARTS[name]}"), name)
