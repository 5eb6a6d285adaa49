"""The coarse map: cells that stand for places, and the ranges of cells that a circle touches.

A cell of size s is about s metres high and wide: rows are bands of latitude, and each band is cut into
as many columns as fit its equator-side edge. Distances are metres, angles degrees (WGS 84 as a sphere).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import asin, ceil, cos, degrees, floor, pi, radians, sin, sqrt

EARTH_RADIUS = 6_371_000.0
METRES_PER_DEGREE = EARTH_RADIUS * pi / 180
COARSE = 500  # the cell with which people and needs are matched
# The classes of radius by which volunteers are found, each with the size of the cells of its map: near
# a need only few of those who go far are read, and all the same a few ranges reach around it.
INDEX_CELLS = {
    1_000: 1_000, 2_000: 2_000, 5_000: 2_500, 10_000: 5_000, 20_000: 5_000, 50_000: 10_000, 100_000: 20_000,
}  # fmt: skip
RADIUS_CLASSES = tuple(INDEX_CELLS)
_ROW = 1_000_000  # more than the columns of any row


def distance(latitude: float, longitude: float, latitude2: float, longitude2: float) -> float:
    """Metres along the great circle (haversine)."""
    half_north = sin(radians(latitude2 - latitude) / 2) ** 2
    half_east = sin(radians(longitude2 - longitude) / 2) ** 2
    chord = half_north + cos(radians(latitude)) * cos(radians(latitude2)) * half_east
    return 2 * EARTH_RADIUS * asin(sqrt(min(1.0, chord)))


def snap(latitude: float, longitude: float, size: int = COARSE) -> tuple[float, float]:
    """The middle of the cell in which a place lies: all that is kept of it in clear."""
    row = _row(latitude, size)
    columns = _columns(row, size)
    column = _column(longitude, columns)
    height = size / METRES_PER_DEGREE
    return min(90.0, (row + 0.5) * height - 90), (column + 0.5) * 360 / columns - 180


def cell(latitude: float, longitude: float, size: int) -> int:
    row = _row(latitude, size)
    return row * _ROW + _column(longitude, _columns(row, size))


def index_cell(latitude: float, longitude: float, radius_class: int) -> int:
    """The cell of someone in the index of those who go as far as a class of radius."""
    return cell(latitude, longitude, INDEX_CELLS[radius_class])


def ranges(latitude: float, longitude: float, size: int, reach: float) -> Iterator[tuple[int, int]]:
    """Ranges of cells (first, last) that together hold every place within `reach` metres."""
    north = reach / METRES_PER_DEGREE
    half_chord = sin(min(reach / EARTH_RADIUS, pi) / 2)
    for row in range(_row(latitude - north, size), _row(latitude + north, size) + 1):
        columns = _columns(row, size)
        south_edge, north_edge = (abs(edge * size / METRES_PER_DEGREE - 90) for edge in (row, row + 1))
        # From the haversine: the farthest east within reach, taken nearest to a pole where it is widest.
        narrow = cos(radians(min(max(south_edge, north_edge, abs(latitude)), 90)))
        east = degrees(2 * asin(half_chord / narrow)) + 1e-9 if half_chord < narrow else 360.0
        first = floor((longitude - east + 180) / 360 * columns)
        last = floor((longitude + east + 180) / 360 * columns)
        yield from _wrapped(row, first, last, columns)


def radius_class(radius: float) -> int:
    """The smallest class that holds a radius."""
    return next((each for each in RADIUS_CLASSES if radius <= each), RADIUS_CLASSES[-1])


def _row(latitude: float, size: int) -> int:
    return floor((min(90.0, max(-90.0, latitude)) + 90) * METRES_PER_DEGREE / size)


@lru_cache(maxsize=1 << 14)  # a union's area has few rows, and each search asks for dozens of them
def _columns(row: int, size: int) -> int:
    south, north = (abs(edge * size / METRES_PER_DEGREE - 90) for edge in (row, row + 1))
    widest = cos(radians(min(south, north, 90)))
    return max(1, ceil(360 * METRES_PER_DEGREE * widest / size))


def _column(longitude: float, columns: int) -> int:
    return floor((longitude + 180) / 360 * columns) % columns


def _wrapped(row: int, first: int, last: int, columns: int) -> Iterator[tuple[int, int]]:
    base = row * _ROW
    if last - first + 1 >= columns:
        yield base, base + columns - 1
        return
    first, last = first % columns, last % columns
    if first <= last:
        yield base + first, base + last
    else:  # across the antimeridian
        yield base + first, base + columns - 1
        yield base, base + last
