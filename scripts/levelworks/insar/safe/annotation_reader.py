"""Reads the annotation of one swath (``annotation/s1?-iw?-slc-*.xml``) of every processor version since 2014."""

from __future__ import annotations

import datetime as dt

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.insar.orbits.state_vectors import StateVectors
from levelworks.insar.safe.annotation import (
    BurstTiming,
    DopplerEstimate,
    GeolocationGrid,
    RangePolynomial,
    SpectralWindow,
    SwathAnnotation,
)
from levelworks.insar.safe.elements import Element, parse_xml
from levelworks.insar.times import seconds_since

XYZ = ("x", "y", "z")


def read_annotation(content: bytes, file: str, epoch: dt.date | None = None) -> SwathAnnotation:
    """Read the annotation of a swath.

    Parameters
    ----------
    content : bytes
        Of the XML.
    file : str
        Its name, for messages.
    epoch : date, optional
        The day whose midnight times count from; the day of the first line where it isn't given.

    Raises
    ------
    InvalidInput
        Where it is damaged, no IW SLC, or its lists contradict each other.
    """
    root = parse_xml(content, file)
    header, product = root.find("adsHeader"), root.find("generalAnnotation/productInformation")
    image, timing = root.find("imageAnnotation/imageInformation"), root.find("swathTiming")
    downlink = root.find("generalAnnotation/downlinkInformationList/downlinkInformation")
    processing = root.find("imageAnnotation/processingInformation/swathProcParamsList/swathProcParams")
    kind = f"{header.text('mode')} {header.text('productType')}"
    if kind != "IW SLC":
        raise InvalidInput(f"{file} annotates {kind}; the line takes IW SLC")
    day = epoch or header.time("startTime").date()
    fm_rates = tuple(_fm_rates(root, day))
    dopplers = tuple(_dopplers(root, day))
    bursts = tuple(_bursts(timing, day))
    if not (fm_rates and dopplers and bursts):
        raise InvalidInput(f"{file} lists no burst, no Doppler centroid or no Doppler rate: fetch it again")
    lines, samples = timing.integer("linesPerBurst"), timing.integer("samplesPerBurst")
    if image.integer("numberOfLines") != lines * len(bursts) or image.integer("numberOfSamples") != samples:
        raise InvalidInput(f"{file}: the image is not {len(bursts)} bursts of {lines} lines and {samples} samples")
    return SwathAnnotation(
        mission=header.text("missionId"),
        swath=header.text("swath"),
        polarisation=header.text("polarisation"),
        epoch=day,
        start=seconds_since(day, header.time("startTime")),
        stop=seconds_since(day, header.time("stopTime")),
        absolute_orbit=header.integer("absoluteOrbitNumber"),
        pass_direction=product.text("pass").lower(),
        heading=product.number("platformHeading"),
        range_sampling_rate=product.number("rangeSamplingRate"),
        radar_frequency=product.number("radarFrequency"),
        steering_rate=product.number("azimuthSteeringRate"),
        prf=downlink.number("prf"),
        pri=downlink.number("downlinkValues/pri"),
        rank=downlink.integer("downlinkValues/rank"),
        chirp_rate=downlink.number("downlinkValues/txPulseRampRate"),
        slant_range_time=image.number("slantRangeTime"),
        azimuth_time_interval=image.number("azimuthTimeInterval"),
        range_pixel_spacing=image.number("rangePixelSpacing"),
        azimuth_pixel_spacing=image.number("azimuthPixelSpacing"),
        ascending_node_time=seconds_since(day, image.time("ascendingNodeTime")),
        incidence_mid_swath=image.number("incidenceAngleMidSwath"),
        range_window=_window(processing.find("rangeProcessing")),
        azimuth_window=_window(processing.find("azimuthProcessing")),
        lines_per_burst=lines,
        samples_per_burst=samples,
        doppler_from_data=root.text("imageAnnotation/processingInformation/dcMethod") == "Data Analysis",
        state_vectors=_state_vectors(root, day),
        fm_rates=fm_rates,
        dopplers=dopplers,
        bursts=bursts,
        grid=_grid(root, day),
    )


def _window(processing: Element) -> SpectralWindow:
    return SpectralWindow(
        processing.number("processingBandwidth"), processing.text("windowType"), processing.number("windowCoefficient")
    )


def _fm_rates(root: Element, day: dt.date) -> list[RangePolynomial]:
    """Return the Doppler rates; processors before 2.43 (2015) gave c0, c1 and c2 instead of a list."""
    rates = []
    for rate in root.all("generalAnnotation/azimuthFmRateList/azimuthFmRate"):
        if rate.optional("azimuthFmRatePolynomial") is not None:
            coefficients = rate.numbers("azimuthFmRatePolynomial")
        else:
            coefficients = [rate.number(name) for name in ("c0", "c1", "c2")]
        rates.append(_polynomial(rate, coefficients, day))
    return rates


def _dopplers(root: Element, day: dt.date) -> list[DopplerEstimate]:
    return [
        DopplerEstimate(
            data=_polynomial(estimate, estimate.numbers("dataDcPolynomial"), day),
            geometry=_polynomial(estimate, estimate.numbers("geometryDcPolynomial"), day),
            rms_error=estimate.number("dataDcRmsError"),
        )
        for estimate in root.all("dopplerCentroid/dcEstimateList/dcEstimate")
    ]


def _polynomial(estimate: Element, coefficients: list[float], day: dt.date) -> RangePolynomial:
    time = seconds_since(day, estimate.time("azimuthTime"))
    return RangePolynomial(time, estimate.number("t0"), tuple(coefficients))


def _bursts(timing: Element, day: dt.date) -> list[BurstTiming]:
    lines = timing.integer("linesPerBurst")
    bursts = []
    for burst in timing.all("burstList/burst"):
        first, last = (np.array(burst.numbers(f"{end}ValidSample", lines), np.int64) for end in ("first", "last"))
        valid = np.flatnonzero((first >= 0) & (last >= first))
        identifier = burst.optional("burstId")
        bursts.append(
            BurstTiming(
                azimuth_time=seconds_since(day, burst.time("azimuthTime")),
                node_time=burst.number("azimuthAnxTime"),
                sensing_time=seconds_since(day, burst.time("sensingTime")),
                byte_offset=burst.integer("byteOffset"),
                first_line=int(valid[0]) if valid.size else -1,
                last_line=int(valid[-1]) if valid.size else -1,
                first_sample=int(first[valid].max()) if valid.size else -1,
                last_sample=int(last[valid].min()) if valid.size else -1,
                annotated_id=None if identifier is None else burst.integer("burstId"),
            )
        )
    return bursts


def _state_vectors(root: Element, day: dt.date) -> StateVectors:
    times, positions, velocities = [], [], []
    for orbit in root.all("generalAnnotation/orbitList/orbit"):
        if orbit.text("frame") != "Earth Fixed":
            raise InvalidInput(f"{root.file}: state vectors are {orbit.text('frame')}; the line takes Earth Fixed ones")
        times.append(seconds_since(day, orbit.time("time")))
        positions.append([orbit.number(f"position/{axis}") for axis in XYZ])
        velocities.append([orbit.number(f"velocity/{axis}") for axis in XYZ])
    listed = StateVectors(np.array(times), np.array(positions).reshape(-1, 3), np.array(velocities).reshape(-1, 3))
    return listed.evenly_timed()


def _grid(root: Element, day: dt.date) -> GeolocationGrid:
    names = ("slantRangeTime", "line", "pixel", "latitude", "longitude", "height", "incidenceAngle")
    points = [
        (seconds_since(day, point.time("azimuthTime")), *(point.number(name) for name in names))
        for point in root.all("geolocationGrid/geolocationGridPointList/geolocationGridPoint")
    ]
    if not points:
        raise InvalidInput(f"{root.file} has no geolocation grid: fetch it again")
    return GeolocationGrid(*np.array(points, np.float64).T.copy())
