"""Print the jobs of a campaign that asks for everything, as JSON.

Run as a program, in an empty folder: ``python plan_everything.py``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml
from everything import everything
from planned_jobs import planned_jobs

from workflow import ROOT

if __name__ == "__main__":
    folder = Path.cwd()
    campaign = folder / "campaign.yaml"
    campaign.write_text(yaml.safe_dump(everything(folder)), encoding="utf-8")
    json.dump(planned_jobs(ROOT / "Snakefile", "all", [ROOT / "config" / "config.yaml", campaign]), sys.stdout)
