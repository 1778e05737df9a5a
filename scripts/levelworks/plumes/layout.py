"""Where the products of a campaign stand, and which files each job reads: the rules' input functions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from levelworks.core.layout import LineLayout, named
from levelworks.plumes.names import sensor_of
from levelworks.plumes.plan import Plan, Planned


class Layout(LineLayout):
    """Paths of products by wildcard (``{granule}``, ``{scene}``, ``{folder}``, ``{gas}``).

    Parameters
    ----------
    plan : Plan
    results : Path
        Folder of all products.
    """

    line = "plumes"

    def __init__(self, plan: Plan, results: Path) -> None:
        super().__init__(results)
        self.plan = plan
        self.absorption = self.product("absorption", "{granule}.nc")
        self.first = self.product("retrieve", "{granule}.nc")
        self.excluded = self.product("mask-plumes", "{granule}.nc")
        self.second = self.product("retrieve-again", "{granule}.nc")
        self.enhancement = self.second if plan.two_passes else self.first
        self.denoised = self.product("denoise", "{granule}.nc")
        self.labels = self.product("detect-plumes", "{granule}.nc")
        self.plumes = self.product("detect-plumes", "{granule}.geojson")
        self.wind = self.product("wind", "{granule}.nc")
        self.level2 = self.product("orthorectify", "{scene}.nc")
        self.cogs = self.product("orthorectify", "{scene}")
        self.unortho = self.product("orthorectify", "{scene}_unortho.nc")
        self.colours = self.product("orthorectify", "{scene}_rgb.tif")
        self.effective_winds = self.product("calibrate-wind", "effective_winds.json")
        self.quantified = self.product("quantify", "{scene}")
        self.reprocessed = self.product("reprocess-plumes", "{scene}")
        self.scene_pictures = self.product("plot-scene", "{scene}")
        self.plume_pictures = self.product("plot-plume", "{scene}")
        self.folder_pages = self.product("map-scenes", "{folder}")
        self.revisits = self.product("revisit", "sites.csv")
        self.revisit_picture = self.product("revisit", "sites.png")

    @property
    def level2_files(self) -> dict[str, str]:
        """Return the outputs of rule `orthorectify` by name; the record stands for the folder of GeoTIFFs."""
        before = {"unortho": self.unortho, "colours": self.colours} if self.plan.section.unortho else {}
        folder = {"record": self.record_of(self.cogs)} if self.plan.section.cogs else {}
        return {"level2": self.level2} | before | folder

    @property
    def level2_outputs(self) -> list[str]:
        """Return the outputs of `orthorectify` by name: its files, and the folder of GeoTIFFs."""
        return ["cogs" if name == "record" else name for name in self.level2_files]

    @property
    def second_options(self) -> dict[str, Any]:
        """Return the options of the second pass: those of the first, as one section holds both."""
        return {"gases": self.plan.section.gases, **self.plan.section.retrieve.model_dump()}

    @property
    def first_options(self) -> dict[str, Any]:
        """Return what the options of the first pass must be; where a second follows, it needs no other window."""
        found: dict[str, Any] = {"gases": self.plan.section.gases}
        return found | ({"windows": "primary", "detector_score": "off"} if self.plan.two_passes else {})

    @property
    def emissions(self) -> str:
        """Return the folder of a scene's emission rates: as people's edits leave them, where there are any."""
        return self.reprocessed if self.plan.section.edits is not None else self.quantified

    def _granule(self, wildcards: Any) -> Planned:
        if hasattr(wildcards, "granule"):
            return self.plan.granules[wildcards.granule]
        return self.plan.by_scene[wildcards.scene]

    def _of(self, pattern: str, one: Planned) -> str:
        return pattern.format(granule=one.id, scene=one.scene)

    def absorption_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return a granule and where its gases' absorption comes from."""
        one, section = self._granule(wildcards), self.plan.section
        tables = {f"{gas}_table": named(section.lookup_tables.get(gas)) for gas in ("ch4", "co2")}
        sections = {f"{gas}_sections": named(section.cross_sections.get(gas)) for gas in ("ch4", "co2", "co", "no2")}
        granule = {"radiance": str(one.path), "observations": named(one.observations), "dem": self._dem(one)}
        return granule | tables | sections

    def retrieval_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return a granule and its absorption."""
        one = self._granule(wildcards)
        return {
            "radiance": str(one.path),
            "observations": named(one.observations),
            "mask": named(one.mask),
            "land": named(self.plan.section.land),
            "absorption": self._of(self.absorption, one),
            "dem": self._dem(one),
            "noise": named(self.plan.section.noise_table),
        }

    def second_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return a granule, its absorption, and what is left out of the statistics."""
        return self.retrieval_inputs(wildcards) | {"excluded": self._of(self.excluded, self._granule(wildcards))}

    def mask_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return the first retrieval and people's markers."""
        one = self._granule(wildcards)
        return {"retrieval": self._of(self.first, one), "markers": self._markers(one)}

    def detection_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return what plumes are sought in."""
        one = self._granule(wildcards)
        return {
            "retrieval": self._of(self.enhancement, one),
            "denoised": self._of(self.denoised, one),
            "absorption": self._of(self.absorption, one),
            "radiance": str(one.path),
            "wind": self._of(self.wind, one),
            "markers": self._markers(one),
            "rejected": named(self.plan.section.rejected),
            "sites": named(self.plan.section.sites),
        }

    def wind_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return the first retrieval, for its place and time, and the files of winds that may cover it."""
        one = self._granule(wildcards)
        return {
            "retrieval": self._of(self.first, one),
            "era5": [str(path) for path in self.plan.winds(self.plan.era5, one.day)],
            "geos_fp": [str(path) for path in self.plan.winds(self.plan.geos_fp, one.day)],
        }

    def level2_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return what the Level-2 product holds, and what places it."""
        one = self._granule(wildcards)
        points = self.plan.beside(self.plan.section.control_points, one.scene, ".points")
        return {
            "retrieval": self._of(self.enhancement, one),
            "denoised": self._of(self.denoised, one),
            "labels": self._of(self.labels, one),
            "wind": self._of(self.wind, one),
            "dem": named(self.plan.section.dem),
            "points": named(points),
            "radiance": str(one.path),
            "reference": named(self.plan.section.reference_image),
            "geoid": named(self.plan.section.geoid),
        }

    def quantify_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return a scene's plumes and winds."""
        one = self._granule(wildcards)
        return {
            "retrieval": self._of(self.enhancement, one),
            "labels": self._of(self.labels, one),
            "plumes": self._of(self.plumes, one),
            "wind": self._of(self.wind, one),
            "boundaries": named(self.plan.section.boundaries),
            "effective_winds": self._effective_winds(),
        }

    def reprocess_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return the record of a scene's emission rates, its winds and people's edits."""
        one = self._granule(wildcards)
        return {
            "quantified": self.record_of(self._of(self.quantified, one)),
            "wind": self._of(self.wind, one),
            "edits": named(self.plan.section.edits),
            "effective_winds": self._effective_winds(),
        }

    def scene_picture_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return what a scene's pictures are of."""
        one = self._granule(wildcards)
        return {
            "level2": self._of(self.level2, one),
            "emissions": self.record_of(self._of(self.emissions, one)),
            "points": named(self.plan.section.map_points),
        }

    def plume_picture_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return what the pictures of a scene's plumes are of."""
        one = self._granule(wildcards)
        return {
            "emissions": self.record_of(self._of(self.emissions, one)),
            "level2": self._of(self.level2, one),
        }

    def folder_inputs(self, wildcards: Any) -> list[str]:
        """Return the records of the pictures of a folder's scenes."""
        return [self.record_of(self._of(self.scene_pictures, one)) for one in self.plan.folders[wildcards.folder]]

    def page_options(self, wildcards: Any) -> dict[str, Any]:
        """Return what the options of a folder's pages must be: its name, where none is configured."""
        return {} if self.plan.section.map_scenes.name else {"name": wildcards.folder}

    @property
    def revisit_options(self) -> dict[str, Any]:
        """Return what the options of the table of sites must be: of the gases that count, those that are retrieved."""
        section = self.plan.section
        return {"gases": [gas for gas in section.revisit.gases if gas in section.gases] or section.gases}

    def all_emission_records(self) -> list[str]:
        """Return the records of every scene's emission rates."""
        return [self.record_of(self._of(self.emissions, one)) for one in self.plan.granules.values()]

    def _effective_winds(self) -> Any:
        made = self.plan.section.calibrate_wind is not None
        return self.effective_winds if made else named(self.plan.section.effective_winds)

    def _dem(self, one: Planned) -> Any:
        """Return the elevation model that places a granule's pixels: EMIT's have their own places and heights."""
        return [] if sensor_of(one.path.name) == "EMIT" else named(self.plan.section.dem)

    def _markers(self, one: Planned) -> Any:
        return named(self.plan.beside(self.plan.section.markers, one.scene, ".geojson"))

    def granules(self) -> list[str]:
        """Return one product of every granule, by whose outcomes a campaign is judged."""
        return [self._of(self.first, one) for one in self.plan.granules.values()]

    def targets(self) -> list[str]:
        """Return every product that the configuration asks for."""
        section, granules = self.plan.section, list(self.plan.granules.values())
        found = [self._of(path, one) for one in granules for path in self.level2_files.values()]
        found += self.all_emission_records()
        if section.plots:
            found += [self.record_of(self._of(self.scene_pictures, one)) for one in granules]
            found += [self.record_of(self._of(self.plume_pictures, one)) for one in granules]
            found += [self.record_of(self.folder_pages.format(folder=folder)) for folder in self.plan.folders]
        if granules:
            found.append(self.revisits)
        return found
