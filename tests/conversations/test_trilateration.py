"""A hostile volunteer who moves their offer around learns in which cell someone is, and nothing finer.

Each story is told twice; the two differ only by where in the cell the person is, and all answers are alike.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from math import cos, radians
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from handlers import matching
from handlers.messages import Place
from handlers.places import coarse
from storage import candidates, cells, needs, offers, people
from storage.database import Database, Transaction
from storage.tables import Account, Base, Offer, OfferSkill, Person
from tests.engines import open_database, sqlite_url
from tests.world import BARCELONA, NOON, World, console_world

PROBES = 10_000
EAST = cells.METRES_PER_DEGREE * cos(radians(BARCELONA[0]))  # metres in a degree of longitude
CELL = cells.snap(*BARCELONA)
# Within the cell of Barcelona, nearly as far from each other as two places in it can be, in degrees.
ONE_CORNER = CELL[0] - 240 / cells.METRES_PER_DEGREE, CELL[1] - 240 / EAST
OTHER_CORNER = CELL[0] + 240 / cells.METRES_PER_DEGREE, CELL[1] + 240 / EAST
NEXT_CELL = CELL[0], CELL[1] + 510 / EAST


def probes(seed: int, count: int) -> Iterator[tuple[tuple[float, float], int]]:
    """Places and radii that circle around Barcelona, most of them where an answer could change."""
    random = Random(seed)
    for _ in range(count):
        north, east = random.uniform(-6_000, 6_000), random.uniform(-6_000, 6_000)
        where = BARCELONA[0] + north / cells.METRES_PER_DEGREE, BARCELONA[1] + east / EAST
        yield where, random.choice((500, 1_000, 2_000, 5_000, round(abs(north)), round(abs(east))))


def test_the_corners_are_far_apart_in_one_cell() -> None:
    assert cells.distance(*ONE_CORNER, *OTHER_CORNER) > 600
    assert coarse(Place(*ONE_CORNER)) == coarse(Place(*OTHER_CORNER)) != coarse(Place(*NEXT_CELL))


# --- ten thousand places at once, through the query and what is said ---------------------------------


def volunteers_at(tx: Transaction, places: Sequence[tuple[tuple[float, float], int]]) -> None:
    """A volunteer like any other at each of the places: an offer that moves answers as they do."""
    first = people.meet(tx, NOON, "console", "ben", "en").person
    first.member_since = NOON
    offers.save(tx, NOON, first, "UTC", offers.Terms(("medicine",), place=CELL))
    tx.write()
    for model in (Person, Account, Offer, OfferSkill):
        column = getattr(model, "id" if model is Person else "person_id")
        row = tx.session.scalars(sa.select(model).where(column == first.id)).one()
        like = {each.name: getattr(row, each.name) for each in model.__table__.columns}
        copies = [copy(tx, model, like, number, *place) for number, place in enumerate(places)]
        tx.session.execute(sa.insert(model), copies)


def copy(
    tx: Transaction,
    model: type[Base],
    like: dict[str, Any],
    number: int,
    place: tuple[float, float],
    radius: int,
) -> dict[str, Any]:
    person_id = UUID(int=number + 1)
    size, snapped = cells.radius_class(radius), cells.snap(*place)
    changes = {
        "id": person_id, "person_id": person_id, "address_index": person_id.bytes, "latitude": snapped[0],
        "longitude": snapped[1], "radius": radius, "radius_class": size,
        "cell": cells.index_cell(*snapped, size),
    }  # fmt: skip
    return like | {name: value for name, value in changes.items() if name in like}


def answers(tx: Transaction, person: tuple[float, float]) -> list[tuple[str, bool, str]]:
    """Who would be asked for someone at this place, in which order, and how far they would be told it is."""
    stored = coarse(Place(*person))
    assert stored is not None
    requester = people.meet(tx, NOON, "console", f"at {person}", "en").person
    need = needs.add(
        tx, reference=f"N-{tx.new_id()}", person_id=requester.id, skill="medicine", urgent=False,
        state="open", sealed_words=b"", latitude=stored[0], longitude=stored[1], created_at=NOON,
    )  # fmt: skip
    tx.write()
    search = candidates.Search(need.id, requester.id, "medicine", *stored, at=NOON, union_zone="UTC")
    found = candidates.find(tx, NOON, search, 2 * PROBES)
    return [(str(each.person_id), each.reaches, matching.how_far(each).message) for each in found]


async def test_ten_thousand_places_of_an_offer_answer_alike_wherever_in_the_cell_someone_is(
    sqlite_database: Database,
) -> None:
    places = list(probes(7, PROBES))

    def ask(tx: Transaction) -> list[list[tuple[str, bool, str]]]:
        volunteers_at(tx, places)
        return [answers(tx, person) for person in (ONE_CORNER, OTHER_CORNER, NEXT_CELL)]

    one, other, elsewhere = await sqlite_database.run(ask)
    assert one == other
    assert 1_000 < len(one) < PROBES  # some are told of it, some are not: there is something to learn
    assert len({told for _who, _reaches, told in one}) == 3
    assert one != elsewhere


@given(st.floats(-60, 60), st.floats(-179, 179), st.randoms(use_true_random=False))
def test_anywhere_on_earth_two_places_of_a_cell_are_stored_as_one(
    latitude: float, longitude: float, random: Random
) -> None:
    middle = cells.snap(latitude, longitude)
    size = 249 / cells.METRES_PER_DEGREE
    somewhere = middle[0] + random.uniform(-size, size), middle[1] + random.uniform(-size, size)
    assert coarse(Place(*somewhere)) == coarse(Place(latitude, longitude)) == middle


# --- a hostile volunteer in person ------------------------------------------------------------------


MEETINGS = 12


@asynccontextmanager
async def twin(template: Path, folder: Path, name: str) -> AsyncIterator[World]:
    """A world of its own, in which chance falls as in the other."""
    path = folder / f"{name}.db"
    shutil.copy(template, path)
    database = await open_database(sqlite_url(path))
    async with console_world(database) as world:
        yield world
    await database.close()


async def spied(world: World, person: tuple[float, float]) -> list[list[str]]:
    """All that a volunteer hears who offers help from somewhere else before each need of the same person."""
    mallory, ana = world.person("mallory"), world.person("ana")
    heard = []
    for place, radius in probes(3, MEETINGS):
        await world.volunteer("mallory", place=place, radius="1 km" if radius < 2_000 else "5 km")
        await world.need("ana", place=person)
        await mallory.says("/my")
        await ana.says("/stop")
        heard.append([f"{each.text} {each.labels}" for each in mallory.inbox])
        await world.forward(days=1, minutes=1)
        world.clear()
    return heard


async def test_a_volunteer_who_moves_around_hears_the_same_wherever_in_the_cell_someone_is(
    sqlite_template: Path, tmp_path: Path
) -> None:
    heard = []
    for number, person in enumerate((ONE_CORNER, OTHER_CORNER)):
        async with twin(sqlite_template, tmp_path, f"world{number}") as world:
            heard.append(await spied(world, person))
    one, other = heard
    assert one == other
    asked = [any("Can you help" in text for text in texts) for texts in one]
    assert 1 < sum(asked) < MEETINGS  # sometimes asked and sometimes not: there is something to learn
    seen = " ".join(text for texts in one for text in texts)
    assert "from you" in seen
    assert not any(f"{degrees:.3f}" in seen for degrees in (*ONE_CORNER, *OTHER_CORNER, *CELL))


async def test_who_moves_more_often_than_people_do_has_to_wait(world: World) -> None:
    mallory = world.person("mallory")
    for place, _radius in probes(5, people.MOST_MOVES):
        await world.volunteer("mallory", place=place)
    before = await world.database.run(offered_at)
    await mallory.says("/offer I can fetch medicine")
    mallory.inbox.clear()
    await mallory.sends_place(*BARCELONA)
    mallory.hears("You have changed your place often today")
    assert await world.database.run(offered_at) == before
    await mallory.says("/cancel")
    await world.forward(days=1, minutes=1)
    await world.volunteer("mallory", place=BARCELONA)
    assert await world.database.run(offered_at) == CELL


def offered_at(tx: Transaction) -> tuple[float | None, float | None]:
    offer = tx.session.scalars(sa.select(Offer)).one()
    return offer.latitude, offer.longitude
