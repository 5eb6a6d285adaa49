"""The coarse map: what it hides, and that it never leaves anyone out."""

from __future__ import annotations

from itertools import pairwise
from math import asin, atan2, cos, degrees, pi, radians, sin

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from storage import cells
from storage.cells import COARSE, EARTH_RADIUS, METRES_PER_DEGREE, RADIUS_CLASSES

latitudes = st.floats(-90, 90)
longitudes = st.floats(-180, 180)
places = st.tuples(latitudes, longitudes)
# Where maps break: the poles, the equator, the antimeridian.
corners = st.tuples(
    st.sampled_from([-90.0, -89.999, -89.5, 0.0, 41.4, 66.6, 84.3, 89.2, 89.9999, 90.0]),
    st.sampled_from([-180.0, -179.9999, -0.001, 0.0, 2.16, 179.9999, 180.0]),
)
anywhere = st.one_of(places, corners)
sizes = st.sampled_from([COARSE, *RADIUS_CLASSES])


def going(latitude: float, longitude: float, bearing: float, metres: float) -> tuple[float, float]:
    """Where one arrives from a place (degrees) by a bearing (radians) after some metres."""
    north, far = radians(latitude), metres / EARTH_RADIUS
    arrived = asin(max(-1.0, min(1.0, sin(north) * cos(far) + cos(north) * sin(far) * cos(bearing))))
    east = atan2(sin(bearing) * sin(far) * cos(north), cos(far) - sin(north) * sin(arrived))
    return degrees(arrived), (longitude + degrees(east) + 540) % 360 - 180


@given(anywhere, sizes)
def test_a_place_is_moved_by_less_than_its_cell(place: tuple[float, float], size: int) -> None:
    middle = cells.snap(*place, size)
    assert -90 <= middle[0] <= 90
    assert -180 <= middle[1] <= 180
    assert cells.distance(*place, *middle) <= size * 0.75


@given(anywhere, sizes)
def test_the_middle_of_a_cell_is_in_it_and_stays(place: tuple[float, float], size: int) -> None:
    middle = cells.snap(*place, size)
    assert cells.cell(*middle, size) == cells.cell(*place, size)
    assert cells.snap(*middle, size) == middle


@given(latitudes.filter(lambda latitude: abs(latitude) < 89), longitudes)
def test_neighbours_share_a_cell_so_that_it_tells_little(latitude: float, longitude: float) -> None:
    """A cell is not a fingerprint of its place: most places a few metres away have the same one."""
    here = cells.cell(*cells.snap(latitude, longitude), COARSE)
    middle = cells.snap(latitude, longitude)
    around = [going(*middle, bearing * pi / 4, COARSE * 0.4) for bearing in range(8)]
    assert sum(cells.cell(*place, COARSE) == here for place in around) >= 6


@settings(max_examples=400)
@given(anywhere, sizes, st.floats(0, 3), st.floats(0, 2 * pi), st.floats(0, 1))
@example((89.95, 0.0), 100_000, 1.005, 0.0, 0.99)  # across the pole
@example((84.0, 179.99), 100_000, 1.005, pi / 2, 1.0)
@example((85.0, 0.0), 10_000, 3.0, 4.75, 1.0)
@example((-60.0, -179.999), 50_000, 1.01, 4.71, 1.0)  # across the antimeridian
@example((-89.0, 0.0), 50_000, 1.01, 1.5, 1.0)
def test_everyone_within_reach_is_in_the_ranges(
    centre: tuple[float, float], size: int, factor: float, bearing: float, part: float
) -> None:
    reach = size * factor
    place = going(*centre, bearing, reach * part)
    assume(cells.distance(*centre, *place) <= reach)
    cell = cells.cell(*place, size)
    found = list(cells.ranges(*centre, size, reach))
    assert any(first <= cell <= last for first, last in found), (place, cell)


@given(latitudes.filter(lambda latitude: abs(latitude) < 85), longitudes, st.sampled_from(RADIUS_CLASSES))
def test_the_ranges_are_few_and_hold_little_else(latitude: float, longitude: float, size: int) -> None:
    """The index is fast because a need asks for a handful of short ranges, in order, none twice."""
    found = list(cells.ranges(latitude, longitude, size, size + COARSE))
    assert len(found) <= 10
    assert all(first <= last for first, last in found)
    assert sum(last - first + 1 for first, last in found) <= 50
    ordered = sorted(found)
    assert all(before[1] < after[0] for before, after in pairwise(ordered))


@given(anywhere, anywhere)
def test_a_distance_is_the_same_both_ways(one: tuple[float, float], other: tuple[float, float]) -> None:
    there, back = cells.distance(*one, *other), cells.distance(*other, *one)
    assert there == pytest.approx(back, abs=0.01)
    assert 0 <= there <= pi * EARTH_RADIUS + 1
    assert cells.distance(*one, *one) == 0


@given(places, st.floats(0, 2 * pi), st.floats(1, 1_000_000))
def test_one_arrives_as_far_as_one_went(place: tuple[float, float], bearing: float, metres: float) -> None:
    assert cells.distance(*place, *going(*place, bearing, metres)) == pytest.approx(metres, rel=1e-5, abs=0.5)


@pytest.mark.parametrize(
    ("one", "other", "metres"),
    [
        ((0, 0), (0, 1), METRES_PER_DEGREE),
        ((0, 179.5), (0, -179.5), METRES_PER_DEGREE),
        ((89, 0), (89, 180), 2 * METRES_PER_DEGREE),
        ((90, 0), (-90, 77), 180 * METRES_PER_DEGREE),
        ((36.12, -86.67), (33.94, -118.40), 2_886_450),  # Nashville to Los Angeles, the usual example
        ((41.3874, 2.1686), (40.4168, -3.7038), 505_000),  # Barcelona to Madrid
        ((60.0, 10.0), (60.0, 11.0), 55_597),
    ],
)
def test_known_distances(one: tuple[float, float], other: tuple[float, float], metres: float) -> None:
    assert cells.distance(*one, *other) == pytest.approx(metres, rel=0.002)


def test_a_radius_has_the_smallest_class_that_holds_it() -> None:
    assert [cells.radius_class(each) for each in (0, 1000, 1001, 50_000, 99_999, 100_000)] == [
        1000, 1000, 2000, 50_000, 100_000, 100_000,
    ]  # fmt: skip
