"""Run the benchmarks of a line: ``python tests/benchmarks/run.py LINE [NAME]``; one JSON object a figure."""

from __future__ import annotations

import importlib
import os
import sys

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")


def main(words: list[str]) -> int:
    """Print the figures of every benchmark of a line, or of those that produce the figure named."""
    if not words:
        sys.stderr.write("usage: scripts/bench LINE [NAME]\n")
        return 64
    module = importlib.import_module(words[0])
    usual, on_request = module.BENCHMARKS, getattr(module, "ON_REQUEST", {})
    known = usual | on_request
    wanted = [words[1]] if len(words) > 1 and words[1] in known else list(usual)
    for name in wanted:
        for figure in known[name]():
            if len(words) < 2 or words[1] in (figure.name, name):
                sys.stdout.write(figure.to_json() + "\n")
                sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
