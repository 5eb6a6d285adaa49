"""Much at once: many sends into one room, and many messages that waited while the bot was down."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import nio
import pytest
import sqlalchemy as sa

from bot.adapters import Outgoing
from storage.database import Database, Transaction
from storage.tables import Inbox
from tests.faults.matrix_tools import kept, matrix, member, restarted, world_with
from tests.matrix_client import good
from tests.synapse import Synapse
from tests.world import World

MANY = 250


async def test_many_sends_at_once_into_one_encrypted_room(
    sqlite_database: Database, synapse: Synapse, tmp_path: Path
) -> None:
    async with world_with(sqlite_database, synapse, tmp_path) as world:
        await world.app.start()
        await world.person("ana").says("hello")
        ana, room = await member(world, "ana")
        lines = [f"line {number}" for number in range(MANY)]
        began = time.monotonic()
        sent = await asyncio.gather(
            *(matrix(world).matrix.send(Outgoing(ana.user_id, line, key=line)) for line in lines)
        )
        took = time.monotonic() - began
        events = {event for pieces in sent for event in pieces}
        assert len(events) == MANY
        await ana.sync()  # brings the keys, and of the events not all: a homeserver gives a hundred
        page = good(await ana.client.room_messages(room, ana.client.next_batch, limit=2 * MANY))
        heard = {each.event_id: each for each in page.chunk if each.event_id in events}
        assert heard.keys() == events
        assert all(isinstance(each, nio.RoomMessageText) and each.decrypted for each in heard.values())
        assert sorted(each.body for each in heard.values()) == sorted(lines)
        print(f"{MANY} messages in {took:.1f} s: {MANY / took:.0f} a second")  # noqa: T201


async def _said_while_down(world: World, counts: dict[str, int], rotate_every: int) -> None:
    """Everyone writes; the bot comes back, takes and handles all of it, in the order of each writer."""
    people = {name: await member(world, name) for name in counts}
    for name in counts:
        await world.person(name).says("hello")
    await matrix(world).matrix.stop()
    said: dict[str, list[str]] = {name: [] for name in counts}

    async def write(name: str) -> None:
        someone, room = people[name]
        for number in range(counts[name]):
            if number % rotate_every == 0:
                await someone.rotates(room)
            said[name].append(await someone.says(room, "!my"))

    await asyncio.gather(*(write(name) for name in counts))
    began = time.monotonic()
    await restarted(world)
    for name in counts:
        for event in said[name]:
            matrix(world).expect(event)
    while matrix(world).busy():
        await world.app.stations[0].gateway.run_once()
        assert time.monotonic() - began < 120, "something does not come"
    took = time.monotonic() - began
    while await world.app.worker.run_once():
        pass
    for name, events in said.items():
        found = await world.database.run(lambda tx: _order(tx, events))  # noqa: B023
        assert found == list(range(len(events))), name
    assert not dict((await kept(world)).items("locked/"))
    total = sum(counts.values())
    print(f"{total} messages taken {took:.1f} s after the start, {total / took:.0f} a second")  # noqa: T201


def _order(tx: Transaction, events: list[str]) -> list[int]:
    """The numbers of one person's messages in the order in which they came in, each handled."""
    keys = {tx.vault.index("event", "matrix", event): number for number, event in enumerate(events)}
    rows = tx.session.scalars(sa.select(Inbox).where(Inbox.event_key.in_(keys)).order_by(Inbox.id)).all()
    assert {row.outcome for row in rows} == {"handled"}
    return [keys[row.event_key] for row in rows]


async def test_said_while_the_bot_was_down(
    sqlite_database: Database, synapse: Synapse, tmp_path: Path
) -> None:
    async with world_with(sqlite_database, synapse, tmp_path) as world:
        await world.app.start()
        await _said_while_down(world, {"ana": 120, "ben": 10, "cleo": 10}, rotate_every=10)


@pytest.mark.faults
async def test_five_hundred_said_while_the_bot_was_down(
    sqlite_database: Database, synapse: Synapse, tmp_path: Path
) -> None:
    async with world_with(sqlite_database, synapse, tmp_path) as world:
        await world.app.start()
        counts = {"ana": 180, "ben": 130, "cleo": 70, "dan": 70, "eva": 50}
        await _said_while_down(world, counts, rotate_every=2)
