"""Thousands write at once and one is in danger: they are served first, and all others are handled too."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from itertools import islice

import pytest
import sqlalchemy as sa

from bot.adapters import RawEvent
from bot.adapters.telegram_events import raw_event
from storage.database import Database
from storage.tables import Inbox
from tests.bench.pipeline import update
from tests.faults.hasty import account, api, hasty_world, outcomes
from tests.world import World

A_SECOND = 10_000  # messages that come in one second
MOST_GROWTH = 150 * 1024 * 1024  # bytes of memory, whatever waits: it waits on the disk
PEOPLE = 5_000
BATCH = 100  # messages that Telegram gives at once


def crowd(size: int, first: int = 1_000_000) -> Iterator[RawEvent]:
    """Greetings, of all people in turn; first: the number of the first."""
    return (raw_event(update(number, number % PEOPLE, "hello")) for number in range(first, first + size))


async def _come_in(world: World, events: Iterator[RawEvent]) -> int:
    """Take events as a gateway does; gives how many."""
    taken = 0
    gateway = world.app.stations[0].gateway
    while batch := list(islice(events, BATCH)):
        await gateway.accept(batch, None)
        taken += len(batch)
    return taken


def memory() -> int:
    """The most memory that this process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def _one_is_in_danger(world: World) -> None:
    """Ana cries for help behind all others, and is the first to whom something is said."""
    await world.platform.says("ana", "sos my father is not breathing")
    await world.app.stations[0].gateway.run_once()
    before = len(api(world).sent)
    while len(api(world).sent) == before:
        await world.app.worker.run_once()
        await world.app.stations[0].courier.run_some()
    first = api(world).sent[before]
    assert first.chat == account(world, "ana").user_id
    assert "112" in first.text


async def test_a_crowd_writes_and_the_one_in_danger_is_answered_first(sqlite_database: Database) -> None:
    async with hasty_world(sqlite_database) as world:
        accepted = await _come_in(world, crowd(600))
        await _one_is_in_danger(world)
        while await world.app.worker.run_once():
            pass
        assert await outcomes(world.database) == {"handled": accepted + 1}


@pytest.mark.faults
async def test_ten_thousand_a_second_for_a_minute_and_one_in_danger(database: Database) -> None:
    """What waits is on the disk: memory grows no more than MOST_GROWTH, and the cry leaves in ten seconds."""
    async with hasty_world(database) as world:
        await _come_in(world, crowd(A_SECOND // 10))  # caches and statements are made ready by the first
        began = memory()
        accepted = A_SECOND // 10 + await _come_in(world, crowd(60 * A_SECOND, first=10_000_000))
        cried = time.monotonic()
        await _one_is_in_danger(world)
        waited = time.monotonic() - cried
        grown = memory() - began
        print(f"{accepted} came in; the cry left after {waited:.1f} s; {grown >> 20} MB more memory")  # noqa: T201
        assert waited < 10
        assert grown < MOST_GROWTH
        for _batch in range(100):
            assert await world.app.worker.run_once(), "nobody else is handled"
        counted = await outcomes(world.database)
        assert set(counted) == {"handled", None}
        stored = sa.select(sa.func.count()).select_from(Inbox).where(Inbox.gateway != "core")
        assert await world.database.run(lambda tx: tx.session.scalar(stored)) == accepted + 1
