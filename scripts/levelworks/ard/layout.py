"""Where the products of a campaign stand, and which files each job reads: the rules' input functions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from levelworks.ard.plan import Plan, Planned
from levelworks.core.layout import LineLayout, named


class Layout(LineLayout):
    """Paths of products by wildcard (``{image}``, ``{acquisition}``).

    Products that are folders are named without a suffix; the rules' outputs are the records beside them.

    Parameters
    ----------
    plan : Plan
    results : Path
        Folder of all products.
    """

    line = "ard"

    def __init__(self, plan: Plan, results: Path) -> None:
        super().__init__(results)
        self.plan = plan
        self.reflectance = self.product("process-image", "{image}")
        self.tiles = self.product("tile-image", "{image}")
        self.merged = self.product("merge-tile", "{acquisition}.json")
        self.mosaics = self.product("mosaic", "cube")
        self.overviews = self.product("overview", "cube")
        self.states = self.product("index-queue", "queue.txt")
        self.page = self.product("report-level2", "report.html")
        self.table = self.product("report-level2", "images.csv")
        self.water_vapour = self.product("build-water-vapour-table", "tables")
        self.grid = self.product("tabulate-grid", "grid.geojson")
        self.grid_table = self.product("tabulate-grid", "grid.csv")
        self.parameters = self.product("make-parameter-file", "level2.prm")

    @property
    def cube(self) -> Path:
        """Return the folder of the cube, absolute."""
        section = self.plan.section
        return (section.cube if section.cube is not None else self.root / "cube").absolute()

    def _image(self, wildcards: Any) -> Planned:
        return self.plan.images[wildcards.image]

    def image_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return an image and what goes with it."""
        section = self.plan.section
        made = self.record_of(self.water_vapour) if section.reanalysis else None
        return {
            "image": str(self._image(wildcards).path),
            "dem": named(section.dem),
            "area_of_interest": named(section.area_of_interest),
            "water_vapour_tables": made or named(section.water_vapour_tables),
            "aerosol_tables": named(section.aerosol_tables),
            "coregistration_base": named(section.coregistration_base),
        }

    def tile_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return an image's reflectance, and the tiles that are wanted."""
        image = self.record_of(self.reflectance).format(image=wildcards.image)
        return {"image": image, "allow_list": named(self.plan.section.tiles)}

    def merge_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return the tiles of all images of a day and sensor."""
        images = self.plan.acquisitions[wildcards.acquisition]
        found = [self.record_of(self.tiles).format(image=one.id) for one in images]
        return {"tiles": found, "output_options": named(self.plan.section.output_options)}

    def all_images(self, _wildcards: Any = None) -> list[str]:
        """Return the records of all images' reflectance."""
        return [self.record_of(self.reflectance).format(image=name) for name in self.plan.images]

    def all_merged(self, _wildcards: Any = None) -> list[str]:
        """Return the listings of the cube's files of all days and sensors."""
        return [self.merged.format(acquisition=name) for name in self.plan.acquisitions]

    def queue_inputs(self, _wildcards: Any) -> dict[str, Any]:
        """Return FORCE's queue, and the records of all images."""
        return {"queue": named(self.plan.section.queue), "images": self.all_images()}

    def grid_inputs(self, _wildcards: Any) -> dict[str, Any]:
        """Return what says which tiles there are."""
        return {"definition": named(self.plan.section.definition), "allow_list": named(self.plan.section.tiles)}

    def water_vapour_inputs(self, _wildcards: Any) -> dict[str, Any]:
        """Return the files of a reanalysis, and the points of the tables."""
        return {"reanalysis": self.plan.reanalysis, "points": named(self.plan.section.water_vapour_points)}

    def parameters_of_force(self) -> dict[str, str]:
        """Return FORCE's parameters that mean what the configuration says, as texts."""
        from levelworks.ard.peer.parameter_file import value_text
        from levelworks.ard.peer.sections import parameters_of

        section = self.plan.section.model_dump(mode="json", by_alias=True) | {"cube": str(self.cube)}
        return {tag: value_text(value) for tag, value in parameters_of(section).items()}

    def granules(self) -> list[str]:
        """Return a product of every image, by whose outcomes the campaign is judged."""
        return self.all_images()

    def targets(self) -> list[str]:
        """Return everything the line makes by itself."""
        section = self.plan.section
        found: list[str] = []
        if self.plan.images:
            found += [*self.all_merged(), self.page, self.table, self.record_of(self.mosaics), self.parameters]
            if section.overviews:
                found.append(self.record_of(self.overviews))
        if section.queue is not None and self.plan.queue:
            found.append(self.states)
        if section.tabulate_grid is not None:
            found += [self.grid, self.grid_table]
        if section.reanalysis:
            found.append(self.record_of(self.water_vapour))
        return found
