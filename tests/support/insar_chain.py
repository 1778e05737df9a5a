"""A simulated stack taken through the stages of the insar line, each on the files of those before it."""

from __future__ import annotations

import datetime as dt
from itertools import combinations

from levelworks.core.options import validate
from levelworks.core.stage import run, stages
from levelworks.insar.coregistration.amplitude_stage import correlate_amplitudes
from levelworks.insar.coregistration.coregister_options import Coregister
from levelworks.insar.coregistration.coregister_stage import coregister
from levelworks.insar.coregistration.diversity_stage import estimate_diversity
from levelworks.insar.coregistration.network_stage import solve_shifts
from levelworks.insar.coregistration.refinement_options import CorrelateAmplitudes, EstimateDiversity, Solution
from levelworks.insar.frames.catalogue import list_bursts
from levelworks.insar.frames.define import define_frame
from levelworks.insar.frames.frame import Looks, write_frame
from levelworks.insar.interferograms.interferogram_files import read_interferogram
from levelworks.insar.interferograms.interferogram_options import FormInterferogram
from levelworks.insar.interferograms.interferogram_stage import form_interferogram
from levelworks.insar.mosaic.geometry_options import ReferenceGeometry
from levelworks.insar.mosaic.geometry_stage import reference_geometry
from levelworks.insar.safe.acquisition import read_acquisition
from levelworks.insar.safe.parse_options import ParseSafe
from levelworks.insar.safe.parse_stage import parse_safe
from levelworks.insar.simulation.simulate import simulate

LOOKS = Looks(range=10, azimuth=4)


class Chain:
    """The files of a simulated stack as the stages leave them."""

    def __init__(self, scenario, folder):
        self.folder = folder
        self.simulated = simulate(scenario, folder / "level1")
        first = min(self.simulated.products)
        found = read_acquisition(self.simulated.products[first], pixels=False)
        frame = define_frame(list_bursts(found), dt.date.fromisoformat(first), looks=LOOKS)
        self.frame = folder / "frame.json"
        write_frame(self.frame, frame)
        self.reference = self.parse(first)
        self.geometry = folder / "geometry.h5"
        self.said = reference_geometry(
            self.frame,
            self.reference,
            self.simulated.elevation,
            geometry=self.geometry,
            options=ReferenceGeometry(),
        )

    def parse(self, date, **options):
        path = self.folder / f"{date}.json"
        orbits = sorted(self.simulated.orbits.iterdir())
        products = list(self.simulated.products[date])
        self.parsed = parse_safe(self.frame, products, orbits, acquisition=path, options=ParseSafe(**options))
        return path

    def resample(self, date, network=None, name=None):
        folder = self.folder / (name or date)
        self.resampled = coregister(
            self.frame,
            self.reference,
            self.parse(date),
            self.geometry,
            network,
            folder=folder,
            options=Coregister(),
        )
        return folder

    def pair(self, first, second, name="pair.h5", **options):
        path = self.folder / name
        self.formed = form_interferogram(
            self.frame,
            self.reference,
            self.geometry,
            first,
            second,
            interferogram=path,
            options=FormInterferogram(**options),
        )
        return read_interferogram(path)

    def offset(self, date):
        path = self.folder / f"{date}.offset.json"
        self.correlated = correlate_amplitudes(
            self.frame,
            self.reference,
            self.parse(date),
            self.geometry,
            offset=path,
            options=CorrelateAmplitudes(),
        )
        return path

    def shift(self, first, second, **options):
        path = self.folder / f"{first}_{second}.shift.json"
        offsets = (self.folder / f"{date}.offset.json" for date in (first, second))
        self.diverse = estimate_diversity(
            self.frame,
            self.reference,
            self.parse(first),
            self.parse(second),
            self.geometry,
            *(offset if offset.exists() else None for offset in offsets),
            shift=path,
            options=EstimateDiversity(**options),
        )
        return path

    def solve(self, shifts, offsets, previous=(), name="network.json"):
        path = self.folder / name
        self.solved = solve_shifts(self.frame, shifts, offsets, list(previous), network=path, options=Solution())
        return path


class Line:
    """A simulated stack taken through the stages under their contract: records beside products, outcomes as data."""

    def __init__(self, simulated, folder, *, orbits=True):
        folder.mkdir(exist_ok=True)
        self.simulated, self.folder, self.said = simulated, folder, {}
        self.dates = sorted(simulated.products)
        self.orbits = sorted(simulated.orbits.iterdir()) if orbits else []
        found = read_acquisition(self.simulated.products[self.dates[0]], pixels=False)
        self.frame = folder / "frame.json"
        frame = define_frame(list_bursts(found), dt.date.fromisoformat(self.dates[0]), looks=LOOKS)
        write_frame(self.frame, frame)
        self.name = frame.frame
        self.geometry, self.lookup = folder / "geometry.h5", folder / "geographic"

    def run(self, stage, unit, options=None, **files):
        """Run a stage for a date or a pair, and keep what it says."""
        found = stages("insar")[stage]
        many = {name: [*paths] if isinstance(paths, (list, tuple)) else [paths] for name, paths in files.items()}
        given = {name: [path for path in paths if path] for name, paths in many.items()}
        self.said[stage, unit] = run(found, given, validate(found.options, options or {}, stage))
        return self.said[stage, unit]

    @property
    def reference(self):
        """Return the acquisition of the reference date."""
        return self.path("acquisition", self.dates[0], ".json")

    def path(self, kind, unit, ending=""):
        """Return a product's path."""
        folder = self.folder / kind
        folder.mkdir(exist_ok=True)
        return folder / f"{unit}{ending}"

    def begin(self, geometry=None):
        """Parse the reference, and place the frame."""
        self.parse(self.dates[0])
        ground = {"heights": self.simulated.elevation, "geometry": self.geometry}
        return self.run("reference-geometry", "", geometry, frame=self.frame, reference=self.reference, **ground)

    def parse(self, date, products=None):
        """Find the bursts of a date in its products, or in those given."""
        path = self.path("acquisition", date, ".json")
        given = {"products": products or self.simulated.products[date], "orbits": self.orbits}
        return self.run("parse-safe", date, frame=self.frame, acquisition=path, **given)

    def refine(self, dates=(), diversity=None):
        """Measure the shifts of dates against each other, and solve for them."""
        self.network = self.folder / "network.json"
        secondaries = [date for date in dates or self.dates if date != self.dates[0]]
        same = {"frame": self.frame, "reference": self.reference, "geometry": self.geometry}
        offsets, shifts = {}, []
        for date in secondaries:
            self.parse(date)
            offsets[date] = self.path("offset", date, ".json")
            secondary = self.path("acquisition", date, ".json")
            self.run("correlate-amplitudes", date, **same, secondary=secondary, offset=offsets[date])
        for first, second in combinations([self.dates[0], *secondaries], 2):
            shifts.append(self.path("shift", f"{first}_{second}", ".json"))
            sides = {
                "first": self.path("acquisition", first, ".json"),
                "second": self.path("acquisition", second, ".json"),
                "first_offset": offsets.get(first),
                "second_offset": offsets[second],
            }
            self.run("estimate-diversity", f"{first}_{second}", diversity, **same, **sides, shift=shifts[-1])
        files = {"shifts": shifts, "offsets": list(offsets.values()), "network": self.network}
        return self.run("solve-network", "", frame=self.frame, **files)

    def coregister(self, date, network=None):
        """Resample a date."""
        files = {
            "frame": self.frame,
            "reference": self.reference,
            "secondary": self.path("acquisition", date, ".json"),
            "geometry": self.geometry,
            "network": network,
            "folder": self.path("coregistered", date),
        }
        return self.run("coregister", date, **files)

    def form(self, first, second, options=None):
        """Form an interferogram."""
        pair = f"{first}_{second}"
        files = {
            "frame": self.frame,
            "reference": self.reference,
            "geometry": self.geometry,
            "first": self.path("coregistered", first),
            "second": self.path("coregistered", second),
            "interferogram": self.path("interferogram", pair, ".h5"),
        }
        return self.run("form-interferogram", pair, options, **files)

    def locate(self):
        """Locate the geographic grid."""
        files = {
            "frame": self.frame,
            "reference": self.reference,
            "heights": self.simulated.elevation,
            "geometry": self.geometry,
            "folder": self.lookup,
        }
        return self.run("geocode-geometry", "", **files)

    def finish(self, first, second, unwrap=None):
        """Filter, unwrap and geocode an interferogram."""
        pair = f"{first}_{second}"
        raw, smooth, whole = (self.path(kind, pair, ".h5") for kind in ("interferogram", "filtered", "unwrapped"))
        self.run("filter-phase", pair, interferogram=raw, filtered=smooth)
        same = {"frame": self.frame, "lookup": self.lookup, "interferogram": raw, "filtered": smooth}
        self.run("unwrap", pair, unwrap, **same, unwrapped=whole)
        return self.run("geocode", pair, **same, unwrapped=whole, folder=self.path("geocoded", pair))

    def interferogram(self, first, second):
        """Read an interferogram."""
        return read_interferogram(self.path("interferogram", f"{first}_{second}", ".h5"))
