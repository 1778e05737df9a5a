"""Where the products of a campaign stand, and which files each job reads: the rules' input functions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from levelworks.core.layout import LineLayout, named
from levelworks.insar.burst_consumers import use_of_bursts
from levelworks.insar.burst_use import BurstUse
from levelworks.insar.coregistration.refinement_options import CoherentCells
from levelworks.insar.plan import FramePlan, Plan


class Layout(LineLayout):
    """Paths of products by wildcard (``{track}``, the id of a frame; ``{date}``, ``{pair}``, ``{batch}``).

    Products that are folders are named without a suffix; the rules' outputs are the records beside them.

    Parameters
    ----------
    plan : Plan
    results : Path
        Folder of all products.
    ancient : callable, optional
        Marks an input that its job has taken already, though it is newer than what the job made.
    """

    line = "insar"

    def __init__(self, plan: Plan, results: Path, ancient: Callable[[str], str] = str) -> None:
        super().__init__(results)
        self.plan = plan
        self._ancient = ancient
        self._uses: dict[str, BurstUse] = {}
        self.requests = self.product("request-products", "{track}/{month}.tsv")
        self.fetched = self.product("fetch-product", "{slc}.zip")
        self.definition = self.product("define-frame", "{name}.json")
        self.acquisition = self.product("parse-safe", "{track}/{date}.json")
        self.heights = self.product("prepare-dem", "{track}.tif")
        self.geometry = self.product("reference-geometry", "{track}.h5")
        self.lookup = self.product("geocode-geometry", "{track}")
        self.offset = self.product("correlate-amplitudes", "{track}/{date}.json")
        self.shift = self.product("estimate-diversity", "{track}/{pair}.json")
        self.network = self.product("solve-network", "{track}/{batch}.json")
        self.bursts = self.product("coregister", "{track}/{date}")
        self.residual = self.product("verify-coregistration", "{track}/{date}.json")
        self.interferogram = self.product("form-interferogram", "{track}/{pair}.h5")
        self.offset_map = self.product("estimate-azimuth-offsets", "{track}/{pair}")
        self.along_track = self.product("measure-along-track", "{track}/{pair}")
        self.filtered = self.product("filter-phase", "{track}/{pair}.h5")
        self.unwrapped = self.product("unwrap", "{track}/{pair}.h5")
        self.closure = self.product("check-closure", "{track}/{batch}")
        self.layers = self.product("geocode", "{track}/{pair}")
        self.image = self.product("geocode-epoch", "{track}/{date}.tif")
        self.delay = self.product("geocode-delay", "{track}/{date}.sltd.geo.tif")
        self.tide = self.product("geocode-tide", "{track}/{date}.tide.geo.tif")
        self.corrected = self.product("correct-atmosphere", "{track}/{pair}")
        self.pictures = self.product("plot-pair", "{track}/{pair}")
        self.metadata = self.product("describe-frame", "{track}")
        self.tree = self.product("publish", "{track}")
        self.validation = self.product("validate-tree", "{track}.json")
        self.page = self.product("report-frame", "{track}.html")
        self.table = self.product("report-frame", "{track}.csv")

    def frame(self, wildcards: Any) -> FramePlan:
        """Return the plan of a frame."""
        return self.plan.frames[wildcards.track]

    def _of(self, pattern: str, wildcards: Any, **values: str) -> str:
        return pattern.format(track=wildcards.track, **values)

    def _record(self, pattern: str, wildcards: Any, **values: str) -> str:
        return self.record_of(self._of(pattern, wildcards, **values))

    def _common(self, wildcards: Any) -> dict[str, Any]:
        """Return the definition of a frame and its reference date."""
        found = self.frame(wildcards)
        reference = self._of(self.acquisition, wildcards, date=found.reference)
        return {"frame": str(found.path), "reference": reference}

    def requested(self, wildcards: Any) -> str | list[str]:
        """Return the record of the batch in which a product is asked for from tape."""
        track, month = self.plan.batch_of.get(wildcards.slc, ("", ""))
        return self.record_of(self.requests.format(track=track, month=month)) if track else []

    def request_options(self, wildcards: Any) -> dict[str, Any]:
        """Return the products of a batch, and what it is called."""
        identifiers = self.plan.batches[wildcards.track][wildcards.month]
        days = sorted(one.product.start for one in self.plan.wanted[wildcards.track] if one.row.id in identifiers)
        return {"ids": identifiers, "label": f"{wildcards.track}: {days[0]:%Y-%m-%d} -> {days[-1]:%Y-%m-%d}"}

    def define_inputs(self, _wildcards: Any) -> dict[str, Any]:
        """Return the products that a frame is defined by."""
        return {"products": list(self.plan.section.new_frame_products)}

    def parse_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return the products of a pass, and the orbit files that cover it."""
        found = self.frame(wildcards)
        products = [str(product.path) for product in found.acquisitions[wildcards.date].products]
        return {
            "frame": str(found.path),
            "products": products,
            "orbits": [str(path) for path in found.orbits[wildcards.date]],
        }

    def dem_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return the elevation model, and the geoid where there is one."""
        section = self.plan.section
        return {
            "frame": str(self.frame(wildcards).path),
            "elevation": str(section.elevation),
            "geoid": named(section.geoid),
        }

    def geometry_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return the reference date and the heights."""
        return self._common(wildcards) | {"heights": self._of(self.heights, wildcards)}

    def lookup_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return the reference date, heights, geometry and the mask of land."""
        geometry = self._of(self.geometry, wildcards)
        return self.geometry_inputs(wildcards) | {"geometry": geometry, "land": named(self.plan.section.land)}

    def offset_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return a date and the reference."""
        secondary = self._of(self.acquisition, wildcards, date=wildcards.date)
        return self._common(wildcards) | {"secondary": secondary, "geometry": self._of(self.geometry, wildcards)}

    def shift_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return two dates, and what amplitudes say of those that are not the reference."""
        found, inputs = self.frame(wildcards), self._common(wildcards)
        inputs["geometry"] = self._of(self.geometry, wildcards)
        for name, date in zip(("first", "second"), wildcards.pair.split("_"), strict=True):
            inputs[name] = self._of(self.acquisition, wildcards, date=date)
            offset = self._of(self.offset, wildcards, date=date)
            inputs[f"{name}_offset"] = [] if date == found.reference else offset
        return inputs

    def network_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return the shifts of all pairs, the offsets of all dates, and the solutions before."""
        found = self.frame(wildcards)
        others = [date for date in found.acquisitions if date != found.reference]
        return {
            "frame": str(found.path),
            "shifts": [self._of(self.shift, wildcards, pair=pair) for pair in found.connections],
            "offsets": [self._of(self.offset, wildcards, date=date) for date in others],
            "previous": [self._of(self.network, wildcards, batch=batch) for batch in found.solved],
        }

    def network_options(self, wildcards: Any) -> dict[str, Any]:
        """Return the pairs that stand once a batch is solved, and by which rules they were chosen."""
        rules = self.plan.section.pairs.model_dump(by_alias=True)
        return {"pairs": self.frame(wildcards).pairs, "rules": rules}

    def burst_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return a date, the reference, and the solution that decides the date; the reference needs none."""
        found, inputs = self.frame(wildcards), self.offset_inputs(wildcards)
        network = self._of(self.network, wildcards, batch=found.solution_of(wildcards.date))
        return inputs | {"network": [] if wildcards.date == found.reference else network}

    def verification_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return the bursts of a date, and those of the dates that it is measured against, the reference first."""
        others = self.frame(wildcards).verified_against(wildcards.date)
        return self._common(wildcards) | {
            "date": self._bursts(self.residual, wildcards, wildcards.date),
            "against": [self._bursts(self.residual, wildcards, date) for date in others],
        }

    def coherent_cells(self) -> dict[str, Any]:
        """Return which cells of overlaps count, as the azimuth shifts of pairs are measured."""
        names = CoherentCells.model_fields
        return self.plan.section.estimate_diversity.model_dump(by_alias=True, include=set(names))

    def interferogram_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return the bursts of two dates."""
        return self._two_dates(self.interferogram, wildcards)

    def offset_map_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return the bursts of two dates and the lookup, for their offsets by amplitudes."""
        return self._two_dates(self.offset_map, wildcards) | {"lookup": self._record(self.lookup, wildcards)}

    def along_track_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return the bursts of two dates and the lookup, for their motion in the overlaps of bursts."""
        return self._two_dates(self.along_track, wildcards) | {"lookup": self._record(self.lookup, wildcards)}

    def _two_dates(self, product: str, wildcards: Any) -> dict[str, Any]:
        """Return the bursts of a pair as the job of a product takes them, and what goes with them."""
        first, second = (self._bursts(product, wildcards, date) for date in wildcards.pair.split("_"))
        geometry = self._of(self.geometry, wildcards)
        return self._common(wildcards) | {"geometry": geometry, "first": first, "second": second}

    def unwrap_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return a pair and its filtered phase, and the lookup where it is unwrapped on the geographic grid."""
        geographic = self.plan.section.unwrap.domain == "geographic"
        return {
            "frame": str(self.frame(wildcards).path),
            "interferogram": self._of(self.interferogram, wildcards, pair=wildcards.pair),
            "filtered": self._of(self.filtered, wildcards, pair=wildcards.pair),
            "lookup": self._record(self.lookup, wildcards) if geographic else [],
        }

    def closure_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return the unwrapped pairs of a batch, and the earlier ones that close their triplets."""
        pairs = self.frame(wildcards).closing_pairs(wildcards.batch)
        return {"unwrapped": [self._of(self.unwrapped, wildcards, pair=pair) for pair in pairs]}

    def layer_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return all of a pair, and the closure of its batch."""
        batch = self.frame(wildcards).batch_of(wildcards.pair)
        return self.unwrap_inputs(wildcards) | {
            "lookup": self._record(self.lookup, wildcards),
            "unwrapped": self._of(self.unwrapped, wildcards, pair=wildcards.pair),
            "closure": self._record(self.closure, wildcards, batch=batch),
        }

    def image_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return the bursts of a date and the lookup."""
        return {
            "frame": str(self.frame(wildcards).path),
            "lookup": self._record(self.lookup, wildcards),
            "date": self._bursts(self.image, wildcards, wildcards.date),
        }

    def delay_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return a date, the files of its zenith delays, and the geometry."""
        found = self.frame(wildcards)
        return self.tide_inputs(wildcards) | {"zenith": [str(path) for path in found.delays[wildcards.date]]}

    def tide_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return a date and the geometry."""
        return {
            "frame": str(self.frame(wildcards).path),
            "acquisition": self._of(self.acquisition, wildcards, date=wildcards.date),
            "geometry": self._record(self.lookup, wildcards),
        }

    def correction_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return the layers of a pair, and the delays of its dates where they are taken off and there are any."""
        found = self.frame(wildcards)
        known = found.delays if self.plan.section.correct_atmosphere.takes_delays else {}
        delays = [
            self._of(self.delay, wildcards, date=date) if date in known else [] for date in wildcards.pair.split("_")
        ]
        return {
            "frame": str(found.path),
            "layers": self._record(self.layers, wildcards, pair=wildcards.pair),
            "geometry": self._record(self.lookup, wildcards),
            "first_delay": delays[0],
            "second_delay": delays[1],
        }

    def metadata_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return all dates and pairs of a frame, and its geometry."""
        return self._common(wildcards) | {
            "acquisitions": self._dates(self.acquisition, wildcards),
            "geometry": self._of(self.geometry, wildcards),
            "geocoded_geometry": self._record(self.lookup, wildcards),
            "pairs": self._pairs(self.record_of(self.layers), wildcards),
            "closure": self._batches(wildcards),
            "verified": self._verified(wildcards),
        }

    def tree_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return what is published of a frame."""
        section = self.plan.section
        drawn = self._pairs(self.record_of(self.pictures), wildcards) if section.plots else []
        corrected = section.correct_atmosphere.method != "off"
        offsets = self._pairs(self.record_of(self.offset_map), wildcards) if section.offsets else []
        along_track = self._pairs(self.record_of(self.along_track), wildcards) if section.along_track else []
        return {
            "frame": str(self.frame(wildcards).path),
            "metadata": self._record(self.metadata, wildcards),
            "pairs": self._pairs(self.record_of(self.layers), wildcards),
            "pictures": drawn,
            "epochs": self._dates(self.image, wildcards),
            "closure": self._batches(wildcards),
            "delays": [self._of(self.delay, wildcards, date=date) for date in self.frame(wildcards).delays],
            "tides": self._dates(self.tide, wildcards) if section.tides else [],
            "corrections": self._pairs(self.record_of(self.corrected), wildcards) if corrected else [],
            "offsets": offsets,
            "along_track": along_track,
        }

    def report_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Return all products of a frame by whose records its progress is counted."""
        found = self.frame(wildcards)
        return {
            "frame": str(found.path),
            "acquisitions": self._dates(self.acquisition, wildcards),
            "coregistered": self._dates(self.record_of(self.bursts), wildcards),
            "verified": self._verified(wildcards),
            "diversity": [self._of(self.shift, wildcards, pair=pair) for pair in found.connections],
            "interferograms": self._pairs(self.interferogram, wildcards),
            "filtered": self._pairs(self.filtered, wildcards),
            "unwrapped": self._pairs(self.unwrapped, wildcards),
            "pairs": self._pairs(self.record_of(self.layers), wildcards),
            "closure": self._batches(wildcards),
        }

    def own_pairs(self, wildcards: Any) -> list[str]:
        """Return the pairs that a batch decides."""
        return self.frame(wildcards).own_pairs(wildcards.batch)

    def new_batches(self) -> str:
        """Return a pattern of the batches that are still to be solved: standing solutions stay as they are."""
        return "|".join(sorted({one.new_batch for one in self.plan.frames.values()} - {""})) or "none"

    def burst_count(self, wildcards: Any) -> int:
        """Return the number of bursts of a frame."""
        return len(self.frame(wildcards).frame.bursts)

    def _dates(self, pattern: str, wildcards: Any) -> list[str]:
        return [self._of(pattern, wildcards, date=date) for date in self.frame(wildcards).acquisitions]

    def _verified(self, wildcards: Any) -> list[str]:
        """Return what is left of the shifts of all dates but the reference."""
        reference = self.frame(wildcards).reference
        return [path for path in self._dates(self.residual, wildcards) if Path(path).stem != reference]

    def _pairs(self, pattern: str, wildcards: Any) -> list[str]:
        return [self._of(pattern, wildcards, pair=pair) for pair in self.frame(wildcards).pairs]

    def _batches(self, wildcards: Any) -> list[str]:
        return [self._record(self.closure, wildcards, batch=batch) for batch in self.frame(wildcards).batches]

    def _bursts(self, product: str, wildcards: Any, date: str) -> str:
        """Return the bursts of a date as the job of a product takes them."""
        record = self._record(self.bursts, wildcards, date=date)
        found = self._of(product, wildcards, **{name: value for name, value in wildcards.items() if name != "track"})
        return self._ancient(record) if self.use(wildcards.track).unchanged(found, date) else record

    def use(self, track: str) -> BurstUse:
        """Return which products of a frame are made of the bursts of which dates."""
        if track not in self._uses:
            self._uses[track] = use_of_bursts(self, track)
        return self._uses[track]

    def granules(self) -> list[str]:
        """Return the acquisitions of all frames, by whose outcomes the campaign is judged."""
        return [
            self.acquisition.format(track=track, date=date)
            for track, found in self.plan.frames.items()
            for date in found.acquisitions
        ]

    def notes(self) -> list[str]:
        """Return what a person should know of the plan."""
        return [note for frame in self.plan.frames.values() for note in frame.notes]

    def targets(self) -> list[str]:
        """Return everything the line makes by itself."""
        found = []
        for track, frame in self.plan.frames.items():
            again = sorted(self.use(track).needed)
            found += [self.mark_of(self.bursts.format(track=track, date=date)) for date in again]
            if frame.pairs:
                if frame.new_batch:
                    # Asked for by itself: products of a date that was mended stand already.
                    found.append(self.network.format(track=track, batch=frame.new_batch))
                found += [
                    self.record_of(self.tree.format(track=track)),
                    self.validation.format(track=track),
                    self.page.format(track=track),
                    self.table.format(track=track),
                ]
            else:
                found.append(self.record_of(self.bursts.format(track=track, date=frame.reference)))
        name = self.plan.section.new_frame
        return [*found, self.definition.format(name=name)] if name else found
