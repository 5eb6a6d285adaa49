"""Who writes very much is handled after others; nothing they say is refused."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.adapters import RawEvent
from bot.gateway import Gateway
from bot.quota import MOST_A_MINUTE, MOST_CHATS, Quota
from storage.database import Database
from storage.inbox import CRISIS, MOST_WAITING, ORDINARY, SLOWED
from storage.tables import Inbox
from tests.engines import create_postgres, open_database
from tests.world import NOON, console_world

_numbers = itertools.count(1)


def event(who: str, number: int, text: str = "hello") -> RawEvent:
    return RawEvent(f"{who}:{number}", who, {"id": f"{who}-{number}", "name": who, "text": text}, text)


def test_the_share_of_a_minute_is_counted_for_each_chat() -> None:
    quota = Quota()
    assert [quota.count("ana", NOON) for _ in range(MOST_A_MINUTE)] == list(range(1, MOST_A_MINUTE + 1))
    assert quota.count("ana", NOON) > MOST_A_MINUTE
    assert quota.count("ben", NOON) == 1
    assert quota.count("ana", NOON + timedelta(minutes=1)) == 1


def test_memory_is_bounded_and_nobody_is_slowed_for_that() -> None:
    quota = Quota()
    for number in range(MOST_CHATS):
        quota.count(str(number), NOON)
    assert {quota.count("one more", NOON) for _ in range(2 * MOST_A_MINUTE)} == {1}
    assert len(quota._said) == MOST_CHATS


async def test_a_flooder_waits_for_others_and_each_word_is_handled(sqlite_database: Database) -> None:
    async with console_world(sqlite_database) as world:
        flood = [event("flooder", number) for number in range(MOST_A_MINUTE + 20)]
        late = [event("ana", 1), event("flooder", 900, "sos")]
        await world.app.stations[0].gateway.accept([*flood, *late], None)
        await world.app.worker.run_once()
        await world.app.stations[0].courier.run_once()
        heard = [name for name, _message in await world.platform.heard()]
        assert set(heard) == {"flooder"}  # the SOS, and nothing before it
        await world.app.worker.run_once()
        await world.app.stations[0].courier.run_once()
        assert "ana" in [name for name, _message in await world.platform.heard()]
        await world.settle()
        assert await world.app.worker.run_once() == 0


# --- several gateways -------------------------------------------------------------------------------------


@pytest.fixture
async def common(postgres: str, postgres_template: str) -> AsyncIterator[Database]:
    database = await open_database(
        await create_postgres(postgres, f"gateways_{next(_numbers)}", postgres_template)
    )
    yield database
    await database.close()


async def lanes(database: Database, who: str) -> dict[int, int]:
    """How much of someone's waits in each lane."""
    sender = database.vault.index("address", "console", who)
    query = sa.select(Inbox.lane, sa.func.count()).where(Inbox.sender == sender, Inbox.outcome.is_(None))
    return await database.run(
        lambda tx: {row[0]: row[1] for row in tx.session.execute(query.group_by(Inbox.lane))}
    )


async def test_a_flooder_who_comes_through_five_gateways_gets_one_share_and_a_cry_for_help_is_not_slowed(
    common: Database,
) -> None:
    """A web server deals a flooder's updates out among five gateways; Ana comes through one of them."""
    async with console_world(common) as world:
        gateways = [
            Gateway(common, world.platform.adapter, world.core, world.app.stations[0].holding, world.time)
            for _ in range(5)
        ]
        for number in range(200):
            await gateways[number % 5].accept([event("flooder", number)], None)
        assert await lanes(common, "flooder") == {ORDINARY: MOST_WAITING, SLOWED: 200 - MOST_WAITING}
        batch = [event("flooder", number) for number in range(200, 230)]
        await gateways[0].accept(batch, None)
        assert (await lanes(common, "flooder"))[ORDINARY] == MOST_WAITING, "nor in one batch"

        await gateways[1].accept([event("ana", 1)], None)
        assert await lanes(common, "ana") == {ORDINARY: 1}
        await gateways[2].accept([event("flooder", 900, "sos")], None)
        assert (await lanes(common, "flooder"))[CRISIS] == 1


async def test_in_an_open_alert_nothing_is_slowed_through_any_gateway(common: Database) -> None:
    async with console_world(common) as world:
        await world.coordinator("carla")
        await world.person("ana").says("/sos the curtains are burning")
        gateways = [
            Gateway(common, world.platform.adapter, world.core, world.app.stations[0].holding, world.time)
            for _ in range(3)
        ]
        for number in range(120):
            await gateways[number % 3].accept([event("ana", number)], None)
        assert await lanes(common, "ana") == {CRISIS: 120}
