"""Matching: the index and the ranking find just whom a search through everyone would find."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, radians
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from handlers import matching
from handlers.matching import CONSIDERED, Request
from storage import candidates, cells, hours, needs, offers, people
from storage.candidates import Candidate, Search
from storage.cells import COARSE, METRES_PER_DEGREE
from storage.database import Database, Transaction
from storage.offers import Terms
from storage.tables import Account, Person
from tests.storage import BOTH_ENGINES, HOUR, a_need, empty, meet, some
from tests.world import BARCELONA, NOON

pytestmark = BOTH_ENGINES

Spot = tuple[float, float]


@dataclass(frozen=True)
class Volunteer:
    """All that decides whether someone is asked."""

    spot: Spot | None = BARCELONA
    radius: int = 5_000
    skills: tuple[str, ...] = ("medicine",)
    language: str = "en"
    member: bool = True
    banned: bool = False
    reachable: bool = True
    paused: timedelta | None = None
    blocks: bool = False
    blocked: bool = False
    invited: str = ""
    hours: str | None = None
    zone: str = "UTC"
    also_speaks: tuple[str, ...] = ()

    @property
    def languages(self) -> frozenset[str]:
        return frozenset((self.language, *self.also_speaks))

    def may_be_asked(self, skill: str) -> bool:
        resting = self.paused is not None and self.paused > timedelta(0)
        asked = self.invited not in ("", "withdrawn")
        unwanted = self.banned or self.blocks or self.blocked or asked or resting
        return skill in self.skills and self.member and self.reachable and not unwanted

    def candidate(self, person_id: UUID, distance: float | None, wider: float) -> Candidate:
        asked = self.invited == "withdrawn"
        return Candidate(
            person_id, self.language, self.languages, self.radius, distance, "", self.hours, self.zone, 0, 0,
            False, 1, 7, frozenset(), asked_this_week=int(asked), wider=wider,
        )  # fmt: skip


def settle(tx: Transaction, name: str, volunteer: Volunteer, requester: Person) -> UUID:
    """Put a volunteer into the database; gives their id."""
    known = meet(tx, name, language=volunteer.language)
    person = known.person
    person.member_since = NOON if volunteer.member else None
    person.banned_at = NOON if volunteer.banned else None
    known.account.reachable = volunteer.reachable
    spot = cells.snap(*volunteer.spot) if volunteer.spot else None
    person.time_zone = volunteer.zone
    terms = Terms(
        volunteer.skills, place=spot, radius=volunteer.radius, hours=volunteer.hours,
        languages=volunteer.also_speaks,
    )  # fmt: skip
    offer = offers.save(tx, NOON, person, "UTC", terms)
    offer.paused_until = None if volunteer.paused is None else NOON + volunteer.paused
    if volunteer.blocks:
        people.block(tx, NOON, person.id, requester.id)
    if volunteer.blocked:
        people.block(tx, NOON, requester.id, person.id)
    tx.session.flush()
    return person.id


def build(
    tx: Transaction, spot: Spot | None, volunteers: list[Volunteer]
) -> tuple[UUID, dict[UUID, Volunteer]]:
    """A need and the volunteers around it; gives its id and theirs."""
    requester = meet(tx, "ana", member_since=NOON)
    middle = cells.snap(*spot) if spot else (None, None)
    need = a_need(tx, requester.person, latitude=middle[0], longitude=middle[1])
    own = Terms(("medicine",), place=cells.snap(*BARCELONA), radius=100_000)
    offers.save(tx, NOON, requester.person, "UTC", own)
    found = {settle(tx, f"v{n}", each, requester.person): each for n, each in enumerate(volunteers)}
    for person_id, each in found.items():
        if each.invited:
            [invitation] = needs.invite(tx, NOON, need, [person_id])
            invitation.state = each.invited
    tx.session.flush()
    return need.id, found


@dataclass(frozen=True)
class Asked:
    """How the need is looked for."""

    spot: Spot | None
    only: tuple[str, ...] = ()  # languages of which one must be shared; none: any
    widened: int = 0
    limit: int = CONSIDERED


def ranked(tx: Transaction, need_id: UUID, asked: Asked) -> list[Candidate]:
    need = needs.get(tx, need_id)
    search = Search(need.id, need.person_id, "medicine", need.latitude, need.longitude, NOON, "UTC",
                    offers.language_bits(asked.only), asked.widened)  # fmt: skip
    found = candidates.find(tx, NOON, search, asked.limit)
    return [each.candidate for each in matching.rank(REQUEST, found)]


HERE = Asked(BARCELONA)
REQUEST = Request("medicine", "es", False, NOON, NOON, "UTC")


def searched(asked: Asked, world: dict[UUID, Volunteer]) -> list[Candidate]:
    """The same by looking at everyone, one by one."""
    everyone = []
    wider = 1.5**asked.widened
    for person_id, each in world.items():
        far = None
        if asked.spot is not None and each.spot is not None:
            far = cells.distance(*cells.snap(*asked.spot), *cells.snap(*each.spot))
        understood = not asked.only or each.languages & set(asked.only)
        near = far is None or far <= each.radius * wider + COARSE
        if each.may_be_asked("medicine") and near and understood:
            everyone.append(each.candidate(person_id, far, wider))

    nearest = sorted(everyone, key=lambda each: math.inf if each.distance is None else each.distance)
    judged = [matching.judge(REQUEST, each) for each in nearest[: asked.limit]]
    best = sorted(
        (each for each in judged if each.refusal is None),
        key=lambda each: (
            -round(each.score, 3),
            math.inf if each.candidate.distance is None else each.candidate.distance,
            str(each.candidate.person_id),
        ),
    )
    return [each.candidate for each in best]


def about(spot: Spot) -> st.SearchStrategy[Spot]:
    """Places within some hundred kilometres, more often near."""
    scales = st.sampled_from([0.005, 0.05, 0.5, 1.5])
    return st.builds(
        lambda scale, north, east: (
            max(-90.0, min(90.0, spot[0] + scale * north)),
            (spot[1] + scale * east / max(0.05, cos(radians(spot[0]))) + 540) % 360 - 180,
        ),
        scales, st.floats(-1, 1), st.floats(-1, 1),
    )  # fmt: skip


THIS_HOUR = hours.hour_of_week(NOON, "UTC")
WEEKS = [
    "".join(str(int(low <= (hour - THIS_HOUR) % 168 < high)) for hour in range(168))
    for low, high in [(0, 1), (1, 168), (160, 168), (1, 2), (5, 7)]
]


def volunteers_near(spot: Spot) -> st.SearchStrategy[Volunteer]:
    seldom = st.sampled_from([False] * 5 + [True])
    return st.builds(
        Volunteer,
        spot=st.one_of(st.none(), about(spot), about(spot), about(spot)),
        radius=st.sampled_from([500, 1_000, 1_500, 5_000, 20_000, 60_000, 100_000]),
        skills=st.sampled_from([("medicine",), ("medicine", "food"), ("food",)]),
        language=st.sampled_from(["en", "es"]),
        member=seldom.map(lambda each: not each),
        reachable=seldom.map(lambda each: not each),
        banned=seldom,
        blocks=seldom,
        blocked=seldom,
        paused=st.sampled_from([None, None, -HOUR, timedelta(0), HOUR]),
        invited=st.sampled_from(["", "", "", "pending", "declined", "expired", "withdrawn"]),
        hours=st.sampled_from([None, None, *WEEKS]),
        zone=st.sampled_from(["UTC", "UTC", "Europe/Madrid", "Asia/Kathmandu"]),
        also_speaks=st.sampled_from([(), (), ("es",), ("ar", "tr")]),
    )


CENTRES: list[Spot] = [BARCELONA, (0.0, 0.0), (-16.5, 179.99), (69.6, 18.95), (-54.8, -68.3)]
worlds = st.sampled_from(CENTRES).flatmap(
    lambda spot: st.tuples(
        st.builds(
            Asked,
            st.sampled_from([spot, spot, None]),
            only=st.sampled_from([(), (), ("es",), ("tr", "fr")]),
            widened=st.sampled_from([0, 0, 1, 3]),
        ),
        st.lists(volunteers_near(spot), max_size=12),
    )
)


@some(60)
@given(worlds)
async def test_the_index_finds_whom_an_exhaustive_search_finds(
    database: Database, world: tuple[Asked, list[Volunteer]]
) -> None:
    await empty(database)
    asked, volunteers = world
    need_id, placed = await database.run(lambda tx: build(tx, asked.spot, volunteers))
    assert await database.run(lambda tx: ranked(tx, need_id, asked)) == searched(asked, placed)


@pytest.mark.parametrize("centre", CENTRES)
async def test_when_there_are_many_the_nearest_are_considered(database: Database, centre: Spot) -> None:
    """Forty on a spiral around the need, on either side of any line of the map; ten are looked at."""
    steps = [0.01 * (n + 1) for n in range(40)]
    sides = [(1, 0), (0, -1), (-1, 0), (0, 1)]
    around = [
        Volunteer(
            spot=(
                centre[0] + step * sides[n % 4][0],
                (centre[1] + step * sides[n % 4][1] / cos(radians(centre[0])) + 540) % 360 - 180,
            ),
            radius=100_000,
        )
        for n, step in enumerate(steps)
    ]
    need_id, placed = await database.run(lambda tx: build(tx, centre, around))
    ten = Asked(centre, limit=10)
    found = await database.run(lambda tx: ranked(tx, need_id, ten))
    nearest = searched(ten, placed)
    assert {each.person_id for each in found} == {each.person_id for each in nearest}
    assert found == nearest


async def test_a_crowd_that_does_not_reach_hides_nobody_who_does(database: Database) -> None:
    """Dense quarters seven kilometres away where all go five, and someone with a car behind them."""
    step = 7_000 / METRES_PER_DEGREE
    quarters = [(step, 0.0), (-step, 0.0), (0.0, step / 0.75), (0.0, -step / 0.75)]
    crowd = [
        Volunteer(spot=(BARCELONA[0] + north, BARCELONA[1] + east))
        for north, east in quarters
        for _ in range(CONSIDERED + 1)
    ]
    driver = Volunteer(spot=(BARCELONA[0] + 2 * step, BARCELONA[1]), radius=20_000)
    need_id, placed = await database.run(lambda tx: build(tx, BARCELONA, [*crowd, driver]))
    found = await database.run(lambda tx: ranked(tx, need_id, HERE))
    assert [placed[each.person_id] for each in found] == [driver]


async def test_without_a_place_whoever_offered_first_is_asked(database: Database) -> None:
    volunteers = [Volunteer(spot=None), Volunteer(spot=(-33.0, 151.0)), Volunteer(radius=500)]
    need_id, placed = await database.run(lambda tx: build(tx, None, volunteers))
    found = await database.run(lambda tx: ranked(tx, need_id, Asked(None)))
    assert {each.person_id for each in found} == set(placed)
    assert [each.distance for each in found] == [None] * 3


async def test_a_volunteer_whose_place_is_unknown_comes_after_those_known_to_be_near(
    database: Database,
) -> None:
    near, unknown = Volunteer(spot=(BARCELONA[0] + 0.1, BARCELONA[1]), radius=20_000), Volunteer(spot=None)
    need_id, placed = await database.run(lambda tx: build(tx, BARCELONA, [unknown, near]))
    found = await database.run(lambda tx: ranked(tx, need_id, HERE))
    assert [placed[each.person_id] for each in found] == [near, unknown]


async def test_one_account_that_can_be_reached_is_enough(database: Database) -> None:
    need_id, placed = await database.run(lambda tx: build(tx, BARCELONA, [Volunteer(reachable=False)]))
    [ben_id] = placed

    def elsewhere(tx: Transaction, now: datetime = NOON) -> None:
        ben = people.get(tx, ben_id)
        tx.session.add(
            Account(id=tx.new_id(), person_id=ben_id, platform="telegram", address_index=b"elsewhere",
                    sealed_address=tx.seal(ben.key_id, "address", "7"), reachable=True, created_at=now)
        )  # fmt: skip

    assert await database.run(lambda tx: ranked(tx, need_id, HERE)) == []
    await database.run(elsewhere)
    assert [each.person_id for each in await database.run(lambda tx: ranked(tx, need_id, HERE))] == [ben_id]


@pytest.mark.parametrize("search", [(41.4, 2.16), (-16.5, 179.99), (None, None)])
async def test_the_statement_is_an_index_search_never_a_scan(
    database: Database, search: tuple[float | None, float | None]
) -> None:
    """However few rows there are, or many: the engine is told to choose by the plan alone."""

    def plan(tx: Transaction) -> str:
        engine = tx.session.get_bind().dialect.name
        asked = Search(tx.new_id(), tx.new_id(), "medicine", *search, NOON, "UTC")
        values = candidates.parameters(asked, 80)
        if engine == "postgresql":
            tx.session.execute(sa.text("SET LOCAL enable_seqscan = off"))  # the table is empty here
        prefix = "EXPLAIN QUERY PLAN " if engine == "sqlite" else "EXPLAIN "
        placed = "far" in values
        text = candidates.written(engine, placed=placed, wraps=placed and search[1] == 179.99)
        rows = tx.session.execute(candidates.typed(prefix + str(text)), values)
        return "\n".join(str(row[-1]) for row in rows)

    told = await database.run(plan)
    assert "SCAN s" not in told.splitlines()
    assert "Seq Scan on offer_skills" not in told
    if search[0] is not None:  # each ring searches by skill, class of radius and range of cells
        searches = [line for line in told.splitlines() if "SEARCH s " in line or "Index Cond: " in line]
        keys = ("skill", "radius_class", "cell")
        assert len([line for line in searches if all(key in line for key in keys)]) == 3, told
