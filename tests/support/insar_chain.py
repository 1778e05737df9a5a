"""A simulated stack taken through the stages of the insar line, each on the files of those before it."""

from __future__ import annotations

import datetime as dt

from levelworks.insar.coregistration.amplitude_stage import correlate_amplitudes
from levelworks.insar.coregistration.coregister_options import Coregister
from levelworks.insar.coregistration.coregister_stage import coregister
from levelworks.insar.coregistration.diversity_stage import estimate_diversity
from levelworks.insar.coregistration.network_stage import solve_shifts
from levelworks.insar.coregistration.refinement_options import CorrelateAmplitudes, EstimateDiversity, SolveNetwork
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
        self.solved = solve_shifts(self.frame, shifts, offsets, list(previous), network=path, options=SolveNetwork())
        return path
