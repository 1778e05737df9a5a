"""A small campaign in a folder of its own, run through Snakemake as a person would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from warm_snakemake import run_snakemake

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def environment() -> dict[str, str]:
    """Return the environment of a fresh shell that has the installation on its path."""
    return {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "HOME": os.environ.get("HOME", "/")}


@dataclass
class Workflow:
    """A working folder with a configuration; `run` calls Snakemake there."""

    folder: Path
    config: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=environment)

    def command(self, *words: str, profile: str = "test") -> list[str]:
        """Write the configuration and return the command line."""
        path = self.folder / "campaign.yaml"
        path.write_text(yaml.safe_dump(self.config))
        base = ["snakemake", "--snakefile", str(ROOT / "Snakefile"), "--profile", str(ROOT / "profiles" / profile)]
        return [*base, *words, "--configfile", str(ROOT / "config" / "config.yaml"), str(path)]

    def run(self, *words: str, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run Snakemake; its output, both streams together, stands in ``stdout``."""
        done = run_snakemake(self.command(*words, **options)[1:], self.folder, self.variables)
        if check and done.returncode:
            raise AssertionError(f"snakemake ended with {done.returncode}:\n{done.stdout[-6000:]}")
        return done

    def levelworks(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the command ``levelworks`` in the folder."""
        done = subprocess.run(
            [str(BIN / "levelworks"), *words],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"levelworks ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    @property
    def products(self) -> dict[str, bytes]:
        """Return the bytes of every product by its path, records and tables aside."""
        results = self.folder / "results"
        found = (path for path in sorted(results.rglob("*")) if path.is_file() and path.suffix in (".fits", ".png"))
        return {str(path.relative_to(results)): path.read_bytes() for path in found}


def planned(output: str) -> dict[str, int]:
    """Return the number of jobs by rule from a dry run's table."""
    table = output.rsplit("Job stats:", maxsplit=1)[-1].split("total", maxsplit=1)[0]
    return {name: int(number) for name, number in re.findall(r"^(\w+)\s+(\d+)\s*$", table, flags=re.MULTILINE)}


def simulated(
    folder: Path, *, frames: int = 4, gain: float = 100.0, first: int = 0, time: float = 2.0, **kinds: Any
) -> list[Path]:
    """Write tenth-size Level-1 frames with their references into a folder."""
    from levelworks.coronagraph.geometry import geometries
    from levelworks.coronagraph.simulate import simulate_dataset

    return simulate_dataset(
        folder,
        frames=frames,
        first_frame=first,
        gain=gain,
        exposure_time=time,
        generation="flight",
        geometry=geometries()["TEST"],
        seed=5,
        **kinds,
    )


def references(folder: str) -> dict[str, str]:
    """Return the references section for the files that `simulated` wrote."""
    names = {
        role: f"{folder}/references/{role}.fits" for role in ("fixed_pattern", "dark_current", "flat", "bad_pixels")
    }
    names["clock_induced_charge"] = f"{folder}/references/clock_induced_charge.fits"
    return {**names, "nonlinearity": f"{folder}/references/nonlinearity.csv"}
