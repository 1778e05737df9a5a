"""What Snakemake's own linter says of the rules."""

from __future__ import annotations

import re
import subprocess

from workflow import BIN, environment

# One environment serves every rule, made once by pip or conda (envs/): an environment a rule would be built again for
# each of them, and the linter knows no other way to say where software comes from.
ACCEPTED = {"Specify a conda environment or container for each rule."}


def test_rules_are_lint_clean(project):
    done = subprocess.run(
        [str(BIN / "snakemake"), "--lint"],
        cwd=project,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    found = set(re.findall(r"^    \* (.*):$", done.stdout + done.stderr, flags=re.MULTILINE))
    assert found == ACCEPTED
