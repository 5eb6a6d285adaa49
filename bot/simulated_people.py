"""The people of a simulated day: how many, how they behave, where they live, what they can do.

docs/simulation.md names the source of each default.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import cos, exp, log, radians
from random import Random
from typing import Any

from storage.cells import METRES_PER_DEGREE

FIRST_HOUR = 8  # of the union's day, at which the simulation begins
ASLEEP_FROM, ASLEEP_UNTIL = 23, 7  # hours of the day
NIGHT_SHARE = 0.2  # needs in an hour of the night, beside an hour of the day
HAND_SPREAD = 1.0  # sigma of the logarithm of the time to answer
DIFFERENCE = 3.0  # the lower, the more people differ in how readily they answer (a + b of a beta)


def option(default: float, words: str) -> Any:
    return field(default=default, metadata={"help": words})


@dataclass(frozen=True, slots=True)
class Plan:
    """How large a day is, and how people behave. Shares are from 0 to 1."""

    people: int = option(1_000, "people in the union's area, volunteers among them")
    volunteers: int = option(200, "people who have offered help")
    needs: int = option(100, "needs in a day of 24 hours")
    hours: int = option(24, "hours in which needs come up; two more pass before the figures are taken")
    seed: int = option(1, "the same seed gives the same day")
    answer: float = option(0.30, "share of invitations that a volunteer answers, on average")
    ignore: float = option(0.10, "share of volunteers who never answer")
    decline: float = option(0.35, "share of answers that are a no")
    withdraw: float = option(0.05, "share of acceptances that are taken back")
    minutes_to_answer: float = option(4.0, "median minutes until an answer")
    urgent: float = option(0.20, "share of needs that are urgent")
    confirm: float = option(0.80, "share of requesters who say that it is done")


@dataclass(frozen=True, slots=True)
class Neighbourhoods:
    """Where people live: around a few centres, the largest in the middle of the union."""

    centres: tuple[tuple[float, float], ...]  # degrees
    weights: tuple[float, ...]
    metres: float  # the standard deviation around each centre

    @classmethod
    def around(cls, random: Random, centre: tuple[float, float], count: int = 8) -> Neighbourhoods:
        """Neighbourhoods whose sizes fall as those of towns do: the second has half of the first, and on."""
        spots = [centre, *(_near(random, centre, 4_000) for _ in range(count - 1))]
        return cls(tuple(spots), tuple(1 / rank for rank in range(1, count + 1)), 900)

    def home(self, random: Random) -> tuple[float, float]:
        return _near(random, random.choices(self.centres, self.weights)[0], self.metres)


def _near(random: Random, place: tuple[float, float], metres: float) -> tuple[float, float]:
    north, east = (random.gauss(0, metres / METRES_PER_DEGREE) for _ in range(2))
    return place[0] + north, place[1] + east / cos(radians(place[0]))


@dataclass(slots=True)
class Someone:
    """One person, with chance of their own: what others do changes nothing in what they would do."""

    name: str
    home: tuple[float, float]
    random: Random
    readiness: float = 0.0  # the chance that they answer an invitation
    skills: tuple[str, ...] = ()
    radius: int = 0  # metres
    wants: str = ""  # the kind of help that they ask for now

    def answers(self) -> bool:
        return self.random.random() < self.readiness

    def hand(self, median_minutes: float) -> timedelta:
        """How long until they act: long for some, seldom less than a few seconds."""
        return timedelta(minutes=exp(self.random.gauss(log(median_minutes), HAND_SPREAD)))


def readiness(random: Random, answer: float, ignore: float) -> float:
    """How readily a volunteer answers: never for some; over all of them it is `answer` on average."""
    if random.random() < ignore:
        return 0.0
    mean = min(1.0, answer / (1 - ignore)) if ignore < 1 else 0.0
    if not 0 < mean < 1:
        return mean
    return random.betavariate(mean * DIFFERENCE, (1 - mean) * DIFFERENCE)


def population(plan: Plan, centre: tuple[float, float], skills: Sequence[str]) -> list[Someone]:
    """Everyone, the volunteers first; `skills` are ordered by how often they are asked for."""
    random = Random(f"{plan.seed} population")
    places = Neighbourhoods.around(random, centre)
    everyone = []
    for number in range(max(plan.people, plan.volunteers)):
        name = f"{'volunteer' if number < plan.volunteers else 'neighbour'}{number}"
        someone = Someone(name, places.home(random), Random(f"{plan.seed} {name}"))
        if number < plan.volunteers:
            someone.readiness = readiness(random, plan.answer, plan.ignore)
            wanted = random.choices((1, 2, 3, 5), (4, 3, 2, 1))[0]
            someone.skills = tuple(dict.fromkeys(random.choices(skills, popularity(skills), k=wanted)))
            someone.radius = random.choices((1_000, 5_000, 20_000), (3, 5, 2))[0]
        everyone.append(someone)
    return everyone


def popularity(skills: Sequence[str]) -> list[float]:
    """Of skills in their order, the second is asked for and offered half as often as the first, and on."""
    return [1 / rank for rank in range(1, len(skills) + 1)]


def moments(plan: Plan, begin: datetime) -> Iterator[datetime]:
    """When needs come up, in order: evenly through the day, seldom at night; in the zone of `begin`."""
    random = Random(f"{plan.seed} moments")
    hours = [begin + timedelta(hours=number) for number in range(plan.hours)]
    weights = [NIGHT_SHARE if asleep(hour) else 1.0 for hour in hours]
    count = round(plan.needs * plan.hours / 24)
    chosen = random.choices(hours, weights, k=count) if hours else []
    yield from sorted(hour + timedelta(seconds=random.randrange(3600)) for hour in chosen)


def asleep(moment: datetime) -> bool:
    return moment.hour >= ASLEEP_FROM or moment.hour < ASLEEP_UNTIL


def awake(moment: datetime) -> datetime:
    """The moment itself, or some minutes after waking, the more of them the later in its hour it is."""
    if not asleep(moment):
        return moment
    days = 1 if moment.hour >= ASLEEP_FROM else 0
    morning = moment.replace(hour=ASLEEP_UNTIL, minute=0, second=0, microsecond=0) + timedelta(days=days)
    return morning + timedelta(minutes=moment.minute, seconds=moment.second)
