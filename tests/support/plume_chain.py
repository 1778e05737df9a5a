"""Small granules through every stage of the plumes line, as the rules chain them, one folder a test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from levelworks.core.outcome import Outcome, Status
from levelworks.core.record import read_record, record_path
from levelworks.core.stage import run, stages
from levelworks.plumes.names import level2_name, partner

Given = Path | Sequence[Path] | None


class PlumeChain:
    """The stages of the line; products stand in folders named for their stage."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, stage: str, options: dict[str, Any] | None = None, **files: Given) -> Outcome:
        """Run a stage and return its outcome."""
        found = stages("plumes")[stage]
        given = {name: [one] if isinstance(one, Path) else list(one) for name, one in files.items() if one is not None}
        return run(found, given, found.options(**(options or {})))

    def product(self, stage: str, name: str) -> Path:
        """Return where a product stands."""
        return self.folder / stage / name

    def retrieve(self, radiance: Path, options: dict[str, dict[str, Any]] | None = None, **people: Given) -> Path:
        """Tabulate absorption and retrieve twice; return the second retrieval."""
        said, name = options or {}, f"{radiance.stem}.nc"
        granule = {"radiance": radiance, "observations": partner(radiance, "OBS"), "dem": people.get("dem")}
        masks = {"mask": partner(radiance, "MASK"), "land": people.get("land")}
        absorption, first, excluded, second = (
            self.product(stage, name) for stage in ("absorption", "retrieve", "mask-plumes", "retrieve-again")
        )
        self.run("absorption", said.get("absorption"), **granule, absorption=absorption)
        again = said.get("retrieve", {})
        before = again | {"windows": "primary", "detector_score": "off"}
        self.run("retrieve", before, **granule, **masks, absorption=absorption, enhancement=first)
        self.run(
            "mask-plumes", said.get("mask-plumes"), retrieval=first, markers=people.get("markers"), excluded=excluded
        )
        self.run(
            "retrieve-again", again, **granule, **masks, absorption=absorption, excluded=excluded, enhancement=second
        )
        return second

    def chain(self, radiance: Path, options: dict[str, dict[str, Any]] | None = None, **people: Given) -> str:
        """Run every stage of a granule and return the name of its Level-2 products.

        Parameters
        ----------
        people : path or list of paths
            markers, rejected, sites, edits, land, dem, points, boundaries, map_points, era5, geos_fp.
        """
        self.retrieve(radiance, options, **people)
        return self.later(radiance, options, **people)

    def later(self, radiance: Path, options: dict[str, dict[str, Any]] | None = None, **people: Given) -> str:
        """Run what follows the retrieval, which stands already."""
        said, scene, name = options or {}, level2_name(radiance.stem), f"{radiance.stem}.nc"
        retrieval = self.product("retrieve-again", name)
        denoised, wind, labels = (self.product(stage, name) for stage in ("denoise", "wind", "detect-plumes"))
        plumes = labels.with_suffix(".geojson")
        self.run("denoise", said.get("denoise"), retrieval=retrieval, denoised=denoised)
        winds = {"era5": people.get("era5"), "geos_fp": people.get("geos_fp")}
        self.run("wind", said.get("wind"), retrieval=self.product("retrieve", name), **winds, wind=wind)
        asked = {key: people.get(key) for key in ("markers", "rejected", "sites")}
        self.run(
            "detect-plumes", said.get("detect-plumes"), retrieval=retrieval, denoised=denoised,
            absorption=self.product("absorption", name), radiance=radiance, wind=wind, **asked,
            labels=labels, plumes=plumes,
        )  # fmt: skip
        level2 = self.product("orthorectify", f"{scene}.nc")
        self.run(
            "orthorectify", said.get("orthorectify"), retrieval=retrieval, denoised=denoised, labels=labels, wind=wind,
            dem=people.get("dem"), points=people.get("points"), radiance=radiance,
            level2=level2, cogs=level2.with_suffix(""),
        )  # fmt: skip
        emissions = self.product("quantify", scene)
        self.run(
            "quantify", {"scene": scene, **said.get("quantify", {})}, retrieval=retrieval, labels=labels,
            plumes=plumes, wind=wind, boundaries=people.get("boundaries"), emissions=emissions,
        )  # fmt: skip
        self.run(
            "reprocess-plumes", said.get("reprocess-plumes"), quantified=record_path(emissions), wind=wind,
            edits=people.get("edits"), emissions=self.product("reprocess-plumes", scene),
        )  # fmt: skip
        record = record_path(self.product("reprocess-plumes", scene))
        self.run(
            "plot-scene", said.get("plot-scene"), level2=level2, emissions=record, points=people.get("map_points"),
            pictures=self.product("plot-scene", scene),
        )  # fmt: skip
        pictures = self.product("plot-plume", scene)
        self.run("plot-plume", said.get("plot-plume"), emissions=record, level2=level2, pictures=pictures)
        return scene

    def aggregate(self, *scenes: str, sites: Path | None = None, **options: Any) -> tuple[Outcome, Outcome]:
        """Put scenes together: the table of sites and the page of maps; return the outcome of each."""
        emissions = [record_path(self.product("reprocess-plumes", scene)) for scene in scenes]
        table = self.product("revisit", "sites.csv")
        picture = table.with_suffix(".png")
        visits = self.run("revisit", options, emissions=emissions, sites=sites, table=table, picture=picture)
        drawn = [record_path(self.product("plot-scene", scene)) for scene in scenes]
        pages = self.run("map-scenes", {"name": "maps"}, scenes=drawn, pages=self.product("map-scenes", "maps"))
        return visits, pages

    def endings(self) -> Iterator[tuple[str, Path, Status, str]]:
        """Yield stage, product, outcome and reason of every product that stands."""
        for path in sorted(self.folder.glob("*/*.json")):
            product = path.with_name(path.name.removesuffix(".json"))
            record = read_record(product)
            if record is not None:
                yield record["stage"], product, Status(record["outcome"]), str(record["reason"])
