"""Annotations: the numbers that the agency's processor, s1-reader and our own look-ups give of real ones."""

from __future__ import annotations

import numpy as np
import pytest

from levelworks.core.outcome import InvalidInput
from levelworks.insar.safe.acquisition import read_acquisition
from levelworks.insar.safe.annotation_reader import read_annotation
from levelworks.insar.safe.burst_ids import burst_id, track_of
from levelworks.insar.safe.calibration import read_calibration, read_noise
from levelworks.insar.safe.package import open_package


@pytest.fixture(scope="module")
def of_2020(real_products):
    path = next(path for path in real_products if "_20200511" in path.name)
    return [burst for burst in read_acquisition([path], pixels=False).bursts if burst.swath == "IW3"], path


def test_burst_values_of_s1_reader(of_2020):
    """specs/insar.md 9, first two rows."""
    bursts, path = of_2020
    first = bursts[0]
    assert [burst.id for burst in bursts] == list(range(151199, 151208))
    assert first.track == 71
    assert first.wavelength == pytest.approx(0.05546576, abs=1e-8)
    assert first.steering_rate == 0.024389943375862838
    assert first.starting_range == pytest.approx(901673.89084624, abs=1e-7)
    assert first.range_sampling_rate == pytest.approx(64345238.12571428, abs=1e-8)
    assert first.range_spacing == pytest.approx(2.329562114715323, abs=1e-12)
    assert (first.lines, first.samples) == (1515, 24492)
    assert first.range_window.bandwidth == 42789918.40322842
    assert {(burst.valid.first_sample, burst.valid.last_sample) for burst in bursts} == {(451, 24119)}
    assert [burst.valid.first_line for burst in bursts] == [28, 27, 27, 27, 28, 28, 28, 27, 28]
    assert [burst.valid.last_line for burst in bursts] == [1487, 1489, 1489, 1490, 1487, 1488, 1488, 1489, 1488]
    assert (first.rank, first.prf, first.chirp_rate) == (10, 1685.817302492702, 801450949070.5804)
    assert first.doppler.coefficients == (-22.63739, 41814.14, -44259730)
    assert first.doppler.t0 * 299792458 / 2 == pytest.approx(800884.72, abs=0.005)
    assert first.fm_rate.coefficients == (-2056.065941779171, 353463.4449453847, -54169735.41467991)
    middle = read_acquisition([path], swaths=["IW2"], pixels=False).bursts[0]
    assert middle.starting_range + middle.samples / 2 * middle.range_spacing == pytest.approx(
        875604.926001518, abs=1e-8
    )


def test_burst_ids_of_every_real_annotation(real_annotations):
    annotated = 0
    for manifest, annotation in real_annotations:
        computed = [
            burst_id(annotation.swath, burst.sensing_time - annotation.ascending_node_time, manifest.relative_orbits[1])
            for burst in annotation.bursts
        ]
        assert computed == list(range(computed[0], computed[0] + 9))
        assert {track_of(number) for number in computed} == set(manifest.relative_orbits)
        given = [burst.annotated_id for burst in annotation.bursts]
        if given[0] is not None:
            assert computed == given
            annotated += len(given)
    assert annotated == 7 * 9


def test_ids_across_the_ascending_node():
    """A burst sensed an orbit after the node that times count from is the one of the next track."""
    orbit = 12 * 86400 / 175
    assert burst_id("IW2", orbit + 20.0, 72, crosses_node=True) == burst_id("IW2", 20.0, 72)


def test_facts_of_the_pair(real_annotations):
    """specs/insar.md 4.1."""
    one, two = (each for manifest, each in real_annotations if manifest.start.day == 6)
    assert (one.lines_per_burst, one.samples_per_burst) == (1502, 22612)
    assert (two.lines_per_burst, two.samples_per_burst) == (1513, 26395)
    for each in (one, two):
        first = each.bursts[0]
        for k, burst in enumerate(each.bursts):
            line = (burst.azimuth_time - first.azimuth_time) / each.azimuth_time_interval
            assert abs(line - round(line)) < 6e-4
            assert burst.byte_offset == first.byte_offset + k * each.lines_per_burst * each.samples_per_burst * 4
        assert (len(each.fm_rates), len(each.dopplers), each.state_vectors.times.size) == (11, 11, 17)
        assert each.grid.line.size == 210
    apart = (two.slant_range_time - one.slant_range_time) * one.range_sampling_rate
    later = (two.bursts[0].azimuth_time - one.bursts[0].azimuth_time) / one.azimuth_time_interval
    assert apart == pytest.approx(19918, abs=1e-4)
    assert later == pytest.approx(458, abs=5e-4)
    assert (one.range_window.kind, one.range_window.coefficient, one.range_window.bandwidth) == (
        "Hamming",
        0.75,
        56.5e6,
    )
    assert (one.azimuth_window.coefficient, one.azimuth_window.bandwidth) == (0.7, 327)


def test_outlines_lie_where_the_agency_says(real_products):
    """All burst corners lie inside the product's footprint, of which they fill most."""
    from shapely import Polygon, union_all

    path = next(path for path in real_products if "_20200511" in path.name)
    acquisition = read_acquisition([path], pixels=False)
    union = union_all([Polygon(burst.corners) for burst in acquisition.bursts])
    footprint = Polygon([(-115.650406, 37.133995), (-118.427, 37.537), (-118.12, 39.16), (-115.28, 38.76)])
    assert union.intersection(footprint).area > 0.9 * union.area


def test_earlier_processors_give_rates_as_three_elements(real_products):
    path = real_products[0]
    package = open_package(path)
    member = next(name for name in package.members if name.startswith("annotation/s1"))
    content = package.read(member).decode()
    new = read_annotation(content.encode(), member)
    start = content.index("<azimuthFmRatePolynomial")
    while start > 0:
        stop = content.index("</azimuthFmRatePolynomial>", start)
        values = content[content.index(">", start) + 1 : stop].split()
        elements = "".join(f"<c{k}>{value}</c{k}>" for k, value in enumerate(values))
        content = content[:start] + elements + content[stop + len("</azimuthFmRatePolynomial>") :]
        start = content.find("<azimuthFmRatePolynomial")
    assert read_annotation(content.encode(), member).fm_rates == new.fm_rates


def test_calibration_and_noise_of_the_pair(real_pair):
    package = open_package(real_pair[0])
    tables = {}
    for kind, read in (("calibration", read_calibration), ("noise", read_noise)):
        member = next(name for name in package.members if f"/{kind}-" in name)
        tables[kind] = read(package.read(member), member)
    calibration, noise = tables["calibration"], tables["noise"]
    assert calibration.values.shape == (29, 661)
    assert noise.values.shape == (10, 661)
    line, sample = calibration.lines[4:6], calibration.samples[10:12]
    np.testing.assert_allclose(calibration.at(line, sample), calibration.values[4:6, 10:12], rtol=1e-12)
    middle = calibration.at(line.mean(keepdims=True), sample.mean(keepdims=True))
    assert middle[0, 0] == pytest.approx(calibration.values[4:6, 10:12].mean(), rel=1e-12)
    assert (calibration.at([-1e6], [1e6]) == calibration.values[0, -1]).all()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"</product>", b"", "no whole XML"),
        (b"<mode>IW</mode>", b"<mode>EW</mode>", "annotates EW SLC"),
        (b"<prf>", b"<prf>fast ", "not numbers"),
        (b"<numberOfLines>13518", b"<numberOfLines>13519", "is not 9 bursts of 1502 lines"),
        (
            b"<slantRangeTime>5.339839490506816e-03</slantRangeTime>\n      <pixelValue>",
            b"<pixelValue>",
            "slantRangeTime",
        ),
        (b"<?xml", b"<!DOCTYPE x [<!ENTITY y 'z'>]><?xml", "declares entities"),
    ],
)
def test_damage_is_named(real_pair, old, new, message):
    package = open_package(real_pair[0])
    member = next(name for name in package.members if name.startswith("annotation/s1"))
    content = package.read(member)
    assert old in content
    with pytest.raises(InvalidInput, match=message):
        read_annotation(content.replace(old, new, 1), member)
