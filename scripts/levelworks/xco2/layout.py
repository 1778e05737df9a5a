"""Where the products of a campaign stand, and which files each job reads: the rules' input functions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from levelworks.core.layout import LineLayout
from levelworks.xco2.plan import Plan


class Layout(LineLayout):
    """Paths of products by wildcard (``{granule}``, ``{dataset}``, ``{day}``, ``{quality}``, ``{target}``).

    Parameters
    ----------
    plan : Plan
    results : Path
        Folder of all products.
    """

    line = "xco2"

    def __init__(self, plan: Plan, results: Path) -> None:
        super().__init__(results)
        self.plan = plan
        section = plan.section
        self.captures = self.product("cut-captures", "{granule}.nc")
        self.grids = self.product("grid-capture", "{granule}.nc")
        self.world = self.product("grid-capture", "world/{granule}.nc")
        self.listing = self.product("list-captures", "{dataset}.tsv")
        root = section.cube_folder
        self.cube = str(root / section.layout) if root else self.product("update-cube", section.layout)
        # The peer's mosaics stand where its cubes have their folders; with both each must have its own.
        alone = "{quality}" if section.cubes == "off" else "{quality}_global"
        self.mosaic = str(root / alone) if root else self.product("update-global", "{quality}")
        self.report = self.product("verify-cube", "{dataset}/{target}_report.json")
        self.cogs = self.product("write-cog", "{dataset}/{day}")
        self.links = self.product("write-cog", "{dataset}/{day}.linked")
        self.tables = self.product("tabulate-targets", "{dataset}")
        self.made_targets = self.product("make-targets", "targets.json")
        self.climatology = self.product("make-climatology", "{quality}/{dataset}/{target}_{span}.nc")
        self.days = self.product("select-days", "days.json")
        self.state = self.product("select-days", "state.json")
        self.capture_picture = self.product("plot-capture", "{granule}.png")
        self.target_picture = self.product("plot-target", "{dataset}/{target}.png")
        self.quality_sets = {section.quality_sets.pre: "pre", section.quality_sets.post: "post"}

    @property
    def grid_outputs(self) -> dict[str, str]:
        """Return the outputs of `grid-capture`: on the grids of targets, on that of the world, or both."""
        section = self.plan.section
        wanted = {
            "grids": section.cubes == "on" or section.cogs == "on" or section.plots,
            "world": section.world == "on",
        }
        return {name: path for name, path in (("grids", self.grids), ("world", self.world)) if wanted[name]}

    def _targets(self, dataset: str) -> str | list[str]:
        file = self.plan.targets_file(dataset)
        if file is not None:
            return str(file)
        return self.made_targets if self.plan.makes_targets else []

    def cut_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return a granule and its targets."""
        granule = self.plan.granules[wildcards.granule]
        return {"granule": str(granule.path), "targets": self._targets(granule.dataset)}

    def cut_options(self, wildcards: Any) -> dict[str, Any]:
        """Return the variables of a granule's dataset."""
        section = self.plan.section
        dataset = self.plan.granules[wildcards.granule].dataset
        chosen = section.variables.get(dataset)  # type: ignore[call-overload]
        return {"variables": chosen} if chosen is not None else {}

    def grid_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return the captures of a granule and its targets."""
        dataset = self.plan.granules[wildcards.granule].dataset
        return {"captures": self.captures.format(granule=wildcards.granule), "targets": self._targets(dataset)}

    def grids_of(self, wildcards: Any) -> list[str]:
        """Return the gridded captures of all granules of a dataset."""
        return [self.grids.format(granule=one.id) for one in self.plan.granules_of(wildcards.dataset)]

    def table_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return the captures of all granules of a dataset and its targets."""
        captures = [self.captures.format(granule=one.id) for one in self.plan.granules_of(wildcards.dataset)]
        return {"captures": captures, "targets": self._targets(wildcards.dataset)}

    def worlds(self, wildcards: Any) -> list[str]:  # noqa: ARG002 - an input function
        """Return the grids of the world of all granules."""
        return [self.world.format(granule=one) for one in self.plan.granules]

    def cube_options(self, wildcards: Any) -> dict[str, Any]:
        """Return what a cube's name says of it."""
        quality_set = self.quality_sets[wildcards.quality]
        return {"dataset": wildcards.dataset, "target": wildcards.target, "quality_set": quality_set}

    def mosaic_options(self, wildcards: Any) -> dict[str, Any]:
        """Return what a mosaic's name says of it."""
        return {"quality_set": self.quality_sets[wildcards.quality]}

    def cube_records(self, wildcards: Any) -> dict[str, str]:
        """Return the records of both cubes of a target."""
        return {
            quality_set: self.cube.format(quality=name, dataset=wildcards.dataset, target=wildcards.target) + ".json"
            for name, quality_set in self.quality_sets.items()
        }

    def good_cube_record(self, wildcards: Any) -> str:
        """Return the record of the cube of good soundings."""
        return self.cube_records(wildcards)["post"]

    def cog_inputs(self, wildcards: Any) -> dict[str, str]:
        """Return the captures of a day and their grids."""
        granule = self.plan.by_day[wildcards.dataset, wildcards.day].id
        return {"captures": self.captures.format(granule=granule), "grids": self.grids.format(granule=granule)}

    def plot_inputs(self, wildcards: Any) -> dict[str, str]:
        """Return the captures of a granule, their grids and their targets."""
        return {
            "captures": self.captures.format(granule=wildcards.granule),
            "grids": self.grids.format(granule=wildcards.granule),
        }

    def day_inputs(self, wildcards: Any) -> dict[str, Any]:  # noqa: ARG002 - an input function
        """Return all granules that were found, known gaps, and what must be done before a day counts as processed."""
        plan = self.plan
        finished = [f"{path}.json" for path in (*self._cubes(), *self._mosaics())]
        finished = finished or [self.captures.format(granule=one) for one in plan.granules]
        return {
            "granules": [str(path) for path in plan.found.values()],
            "gaps": str(plan.section.gaps) if plan.section.gaps else [],
            "elsewhere": str(plan.section.state) if plan.section.state else [],
            "finished": finished,
        }

    def granules(self) -> list[str]:
        """Return one product of every granule, by whose outcomes a campaign is judged."""
        return [next(iter(self.grid_outputs.values()), self.captures).format(granule=one) for one in self.plan.granules]

    def _cubes(self) -> list[str]:
        if self.plan.section.cubes == "off":
            return []
        return [
            self.cube.format(quality=quality, dataset=dataset, target=target)
            for dataset, targets in self.plan.targets.items()
            for target in targets
            for quality in self.quality_sets
        ]

    def _mosaics(self) -> list[str]:
        on = self.plan.section.world == "on" and self.plan.granules
        return [self.mosaic.format(quality=quality) for quality in self.quality_sets] if on else []

    def targets(self) -> list[str]:
        """Return every product that the configuration asks for."""
        section, plan = self.plan.section, self.plan
        found = [self.captures.format(granule=one) for one in plan.granules]
        found += [path.format(granule=one) for one in plan.granules for path in self.grid_outputs.values()]
        found += [f"{path}.json" for path in (*self._cubes(), *self._mosaics())]
        if section.cubes == "on":
            pairs = [(dataset, target) for dataset, targets in plan.targets.items() for target in targets]
            found += [f"{self.report.format(dataset=dataset, target=target)}.json" for dataset, target in pairs]
            found += [
                self.record_of(self.climatology.format(quality=quality, dataset=dataset, target=target, span=span))
                for span in section.climatologies
                for dataset, target in pairs
                for quality in self.quality_sets
            ]
            if section.plots:
                found += [
                    self.record_of(self.target_picture.format(dataset=dataset, target=target))
                    for dataset, target in pairs
                ]
        if section.cogs == "on":
            pattern = self.links if section.cog_folder else f"{self.cogs}.json"
            found += [pattern.format(dataset=one.dataset, day=one.day.isoformat()) for one in plan.granules.values()]
        if section.tables:
            found += [f"{self.tables.format(dataset=dataset)}.json" for dataset in plan.datasets]
        if section.plots:
            found += [self.capture_picture.format(granule=one) for one in plan.granules]
        if plan.granules:
            found += [self.days]
        return found
