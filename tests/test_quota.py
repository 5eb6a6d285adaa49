"""Who writes very much is handled after others; nothing they say is refused."""

from __future__ import annotations

from datetime import timedelta

from bot.adapters import RawEvent
from bot.quota import MOST_A_MINUTE, MOST_CHATS, Quota
from storage.database import Database
from tests.world import NOON, console_world


def test_the_share_of_a_minute_is_counted_for_each_chat() -> None:
    quota = Quota()
    assert not any(quota.slows("ana", NOON) for _ in range(MOST_A_MINUTE))
    assert quota.slows("ana", NOON)
    assert not quota.slows("ben", NOON)
    assert not quota.slows("ana", NOON + timedelta(minutes=1))


def test_memory_is_bounded_and_nobody_is_slowed_for_that() -> None:
    quota = Quota()
    for number in range(MOST_CHATS):
        quota.slows(str(number), NOON)
    assert not any(quota.slows("one more", NOON) for _ in range(2 * MOST_A_MINUTE))
    assert len(quota._said) == MOST_CHATS


async def test_a_flooder_waits_for_others_and_each_word_is_handled(sqlite_database: Database) -> None:
    async with console_world(sqlite_database) as world:

        def said(who: str, number: int, text: str) -> RawEvent:
            return RawEvent(
                f"{who}:{number}", who, {"id": f"{who}-{number}", "name": who, "text": text}, text
            )

        flood = [said("flooder", number, "hello") for number in range(MOST_A_MINUTE + 20)]
        late = [said("ana", 1, "hello"), said("flooder", 900, "sos")]
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
