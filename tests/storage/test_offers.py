"""Matching: the index and the ranking find just whom a search through everyone would find."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, radians
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from handlers import matching
from storage import cells, needs, offers, people
from storage.cells import COARSE, METRES_PER_DEGREE
from storage.database import Database, Transaction
from storage.offers import Candidate, Terms
from storage.tables import Account, OfferSkill, Person
from tests.storage import BOTH_ENGINES, HOUR, a_need, empty, meet, some
from tests.world import BARCELONA, NOON

pytestmark = BOTH_ENGINES
CONSIDERED = 64

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

    def may_be_asked(self, skill: str) -> bool:
        resting = self.paused is not None and self.paused > timedelta(0)
        asked = self.invited not in ("", "withdrawn")
        unwanted = self.banned or self.blocks or self.blocked or asked or resting
        return skill in self.skills and self.member and self.reachable and not unwanted


def settle(tx: Transaction, name: str, volunteer: Volunteer, requester: Person) -> UUID:
    """Put a volunteer into the database; gives their id."""
    known = meet(tx, name, language=volunteer.language)
    person = known.person
    person.member_since = NOON if volunteer.member else None
    person.banned_at = NOON if volunteer.banned else None
    known.account.reachable = volunteer.reachable
    spot = cells.snap(*volunteer.spot) if volunteer.spot else None
    offer = offers.save(tx, NOON, person, "UTC", Terms(volunteer.skills, "words", spot, volunteer.radius))
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
    own = Terms(("medicine",), "my own", cells.snap(*BARCELONA), 100_000)
    offers.save(tx, NOON, requester.person, "UTC", own)
    found = {settle(tx, f"v{n}", each, requester.person): each for n, each in enumerate(volunteers)}
    for person_id, each in found.items():
        if each.invited:
            [invitation] = needs.invite(tx, NOON, need, [person_id])
            invitation.state = each.invited
    tx.session.flush()
    return need.id, found


def ranked(tx: Transaction, need_id: UUID, limit: int = CONSIDERED) -> list[Candidate]:
    need = needs.get(tx, need_id)
    return matching.rank(offers.candidates(tx, NOON, need, limit), "es")


def searched(spot: Spot | None, world: dict[UUID, Volunteer]) -> list[Candidate]:
    """The same by looking at everyone, one by one."""
    everyone = []
    for person_id, each in world.items():
        far = None
        if spot is not None and each.spot is not None:
            far = cells.distance(*cells.snap(*spot), *cells.snap(*each.spot))
        if each.may_be_asked("medicine") and (far is None or far <= each.radius + COARSE):
            everyone.append(Candidate(person_id, each.language, each.radius, far))

    def order(each: Candidate) -> tuple[int, bool, str]:
        far = each.radius if each.distance is None else each.distance
        return round(far / COARSE), each.language != "es", str(each.person_id)

    return sorted(everyone, key=order)


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
    )


CENTRES: list[Spot] = [BARCELONA, (0.0, 0.0), (-16.5, 179.99), (69.6, 18.95), (-54.8, -68.3)]
worlds = st.sampled_from(CENTRES).flatmap(
    lambda spot: st.tuples(
        st.one_of(st.just(spot), st.just(spot), st.none()), st.lists(volunteers_near(spot), max_size=12)
    )
)


@some(60)
@given(worlds)
async def test_the_index_finds_whom_an_exhaustive_search_finds(
    database: Database, world: tuple[Spot | None, list[Volunteer]]
) -> None:
    await empty(database)
    spot, volunteers = world
    need_id, placed = await database.run(lambda tx: build(tx, spot, volunteers))
    assert await database.run(lambda tx: ranked(tx, need_id)) == searched(spot, placed)


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
    found = await database.run(lambda tx: ranked(tx, need_id, limit=10))
    nearest = searched(centre, placed)[:10]
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
    found = await database.run(lambda tx: ranked(tx, need_id))
    assert [placed[each.person_id] for each in found] == [driver]


async def test_without_a_place_whoever_offered_first_is_asked(database: Database) -> None:
    volunteers = [Volunteer(spot=None), Volunteer(spot=(-33.0, 151.0)), Volunteer(radius=500)]
    need_id, placed = await database.run(lambda tx: build(tx, None, volunteers))
    found = await database.run(lambda tx: ranked(tx, need_id))
    assert {each.person_id for each in found} == set(placed)
    assert [each.distance for each in found] == [None] * 3


async def test_a_volunteer_whose_place_is_unknown_counts_as_far_as_they_go(database: Database) -> None:
    far, unknown = Volunteer(spot=(BARCELONA[0] + 0.1, BARCELONA[1]), radius=20_000), Volunteer(spot=None)
    need_id, placed = await database.run(lambda tx: build(tx, BARCELONA, [far, unknown]))
    found = await database.run(lambda tx: ranked(tx, need_id))
    assert [placed[each.person_id] for each in found] == [unknown, far]


async def test_an_offer_is_replaced_whole_and_removed_whole(database: Database) -> None:
    def change(tx: Transaction) -> tuple[str, int, int]:
        ben = meet(tx, "ben", member_since=NOON)
        pills = Terms(("medicine", "food", "medicine"), "pills", BARCELONA, 5_000)
        offers.save(tx, NOON, ben.person, "UTC", pills)
        offers.save(tx, NOON, ben.person, "UTC", Terms(("transport",), "a van", None, 20_000))
        offer = offers.of(tx, ben.person.id)
        assert offer is not None
        words = str(tx.open(ben.person.key_id, "offer words", offer.sealed_words))
        tx.session.flush()
        kept = len(list(tx.session.scalars(sa.select(OfferSkill))))
        offers.remove(tx, ben.person.id)
        offers.remove(tx, ben.person.id)
        return words, kept, len(list(tx.session.scalars(sa.select(OfferSkill))))

    assert await database.run(change) == ("a van", 1, 0)


async def test_one_account_that_can_be_reached_is_enough(database: Database) -> None:
    need_id, placed = await database.run(lambda tx: build(tx, BARCELONA, [Volunteer(reachable=False)]))
    [ben_id] = placed

    def elsewhere(tx: Transaction, now: datetime = NOON) -> None:
        ben = people.get(tx, ben_id)
        tx.session.add(
            Account(id=tx.new_id(), person_id=ben_id, platform="telegram", address_index=b"elsewhere",
                    sealed_address=tx.seal(ben.key_id, "address", "7"), reachable=True, created_at=now)
        )  # fmt: skip

    assert await database.run(lambda tx: ranked(tx, need_id)) == []
    await database.run(elsewhere)
    assert [each.person_id for each in await database.run(lambda tx: ranked(tx, need_id))] == [ben_id]
