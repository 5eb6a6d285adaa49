"""In which country a place lies, on both engines, and whom people there call."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from handlers import calling, naming
from handlers.context import Moment, Union
from handlers.emergency import ToCall
from storage import gathering
from storage.database import Database, Transaction
from storage.gathering import Entry
from tests.storage import BOTH_ENGINES
from tests.world import NOON, make_core

pytestmark = BOTH_ENGINES

SPAIN = Union(country="ES")
IRUN, HENDAYE, RIO, AT_SEA = (43.338, -1.789), (43.374, -1.774), (-22.91, -43.2), (44.9, -5.0)
TOWNS = {
    "ES": [Entry(1, "Irun", (), *IRUN, "ES", "town", 62_000, "Europe/Madrid")],
    "FR": [Entry(2, "Hendaye", (), *HENDAYE, "FR", "town", 17_000, "Europe/Paris")],
    "BR": [Entry(3, "Rio de Janeiro", (), *RIO, "BR", "town", 6_700_000, "America/Sao_Paulo")],
}


@pytest.fixture
async def loaded(database: Database) -> Database:
    def load(tx: Transaction) -> None:
        for country, towns in TOWNS.items():
            gathering.replace_batch(tx, country, towns)

    await database.run(load)
    return database


async def country(database: Database, where: tuple[float, float] | None, union: Union = SPAIN) -> str:
    latitude, longitude = where or (None, None)
    return await database.run(
        lambda tx: naming.country_at(Moment(make_core(union), tx, NOON), latitude, longitude)
    )


async def whom(
    database: Database, danger: str, where: tuple[float, float] | None, union: Union = SPAIN
) -> ToCall | None:
    latitude, longitude = where or (None, None)
    return await database.run(
        lambda tx: calling.whom(Moment(make_core(union), tx, NOON), danger, latitude, longitude)
    )


@pytest.mark.parametrize(("where", "code"), [(IRUN, "ES"), (HENDAYE, "FR"), (RIO, "BR")])
async def test_a_place_lies_in_the_country_of_the_nearest_town(
    loaded: Database, where: tuple[float, float], code: str
) -> None:
    assert await country(loaded, where) == code


async def test_where_nothing_is_near_or_no_place_is_known_it_is_the_unions_country(loaded: Database) -> None:
    assert await country(loaded, AT_SEA) == "ES"
    assert await country(loaded, None) == "ES"
    assert await country(loaded, AT_SEA, Union()) == ""


async def test_without_names_of_places_it_is_the_unions_country(database: Database) -> None:
    assert await country(database, RIO) == "ES"


async def test_one_of_the_unions_own_areas_does_not_hide_the_country(loaded: Database) -> None:
    own = Entry(-1, "Les Joncaux", (), 43.366, -1.772)
    await loaded.run(lambda tx: gathering.merge_own(tx, [own]))
    assert await country(loaded, (own.latitude, own.longitude)) == "FR"


async def test_naming_an_area_and_finding_its_country_ask_the_database_once(loaded: Database) -> None:
    asked: list[str] = []

    def look(tx: Transaction) -> None:
        def heard(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
            asked.append(statement)

        bind = tx.session.get_bind()
        assert isinstance(bind, sa.Engine | sa.Connection)
        event.listen(bind, "before_cursor_execute", heard)
        try:
            moment = Moment(make_core(SPAIN), tx, NOON)
            naming.area(moment, *IRUN, "en")
            first = len(asked)
            assert naming.country_at(moment, *IRUN) == "ES"
            assert first > 0
            assert len(asked) == first
        finally:
            event.remove(bind, "before_cursor_execute", heard)

    await loaded.run(look)


async def test_people_are_told_the_number_of_the_country_where_they_are(loaded: Database) -> None:
    assert await whom(loaded, "fire", IRUN) == ToCall("112", "general", True, "")
    assert await whom(loaded, "fire", RIO) == ToCall("193", "fire", True, "")
    assert await whom(loaded, "self_harm", HENDAYE) == ToCall("112", "general", True, "3114")


async def test_the_operators_number_holds_at_home_only(loaded: Database) -> None:
    union = Union(country="ES", emergency_number="085")
    assert await whom(loaded, "fire", IRUN, union) == ToCall("085", "general", True, "")
    assert await whom(loaded, "fire", None, union) == ToCall("085", "general", True, "")
    assert await whom(loaded, "fire", RIO, union) == ToCall("193", "fire", True, "")


async def test_a_union_that_named_no_country_is_told_nothing_but_its_own_number(database: Database) -> None:
    assert await whom(database, "fire", None, Union()) is None
    union = Union(emergency_number="085")
    assert await whom(database, "fire", IRUN, union) == ToCall("085", "general", True, "")
