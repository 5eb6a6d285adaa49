"""Promises 3 and 5: a crisis leaves before all else, nobody is paged in vain, and one has it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

import bot.courier
import bot.worker
from bot.adapters import Outgoing, Pace
from bot.adapters.console import Console
from bot.adapters.telegram import TELEGRAM_PACE
from bot.worker import Worker
from handlers.escalation import POLICIES
from handlers.messages import Lane
from storage import alerts, outbox, people
from storage.database import Database, Transaction
from storage.tables import Alert
from tests.bot_api import Fault
from tests.faults.hasty import account, api, fates, hasty_world, later
from tests.storage import BOTH_ENGINES
from tests.storage import person as known
from tests.world import NOON, ConsolePlatform, World, compose, console_world

SOON = 10  # seconds of real time, at most
RACES = 200


class Gated(Console):
    """A console on which a message to some people takes until the gate opens."""

    def __init__(self, show: Callable[[str, Outgoing, bool], None], pace: Pace | None = None) -> None:
        super().__init__(show)
        self.pace = pace
        self.slow: tuple[str, ...] = ()
        self.gate = asyncio.Event()
        self.leaving: list[str] = []
        self.begun = asyncio.Event()

    async def send(self, message: Outgoing) -> tuple[str, ...]:
        self.leaving.append(message.chat)
        self.begun.set()
        if message.chat.startswith(self.slow):
            await self.gate.wait()
        return await super().send(message)


def gated(database: Database, folder: Path, pace: Pace | None = None) -> tuple[World, Gated]:
    platform = ConsolePlatform(folder)
    console = Gated(platform._show, pace)
    platform.console = platform.adapter = console
    return compose(database, platform), console


async def says(world: World, name: str, words: str) -> None:
    """Someone says something, and it is handled; what is answered has not left yet."""
    await world.platform.says(name, words)
    await world.app.stations[0].gateway.run_once()
    await world.app.worker.run_once()


async def sends(world: World) -> None:
    async with asyncio.timeout(SOON):
        await world.app.stations[0].courier.run_some()


async def broadcast(world: World, count: int) -> None:
    def queue(tx: Transaction) -> None:
        for number in range(count):
            member = people.meet(tx, NOON, "console", f"member{number}", "en")
            body = {"text": "The assembly is on Friday"}
            outbox.add(tx, NOON, member.account, member.person.key_id, body, Lane.BROADCAST)

    await world.database.run(queue)


async def test_a_chat_that_takes_long_delays_no_other(sqlite_database: Database, tmp_path: Path) -> None:
    world, console = gated(sqlite_database, tmp_path)
    console.slow = ("ana",)
    await says(world, "ana", "hello")
    await sends(world)
    await says(world, "ben", "hello")
    await sends(world)
    assert [name for name, _message in await world.platform.heard()] == ["ben"]
    console.gate.set()
    await world.settle()
    world.person("ana").hears("this is One Cloak")


async def test_an_orderly_end_waits_for_what_is_on_its_way(sqlite_database: Database, tmp_path: Path) -> None:
    world, console = gated(sqlite_database, tmp_path)
    console.slow, stopping = ("ana",), asyncio.Event()
    async with asyncio.timeout(SOON), asyncio.TaskGroup() as group:
        group.create_task(world.app.run(stopping))
        await world.platform.says("ana", "hello")
        await console.begun.wait()
        stopping.set()
        asyncio.get_running_loop().call_later(0.5, console.gate.set)  # after all loops have ended
    assert await fates(world.database) == {"sent": 1}


async def test_an_orderly_end_does_not_wait_for_ever(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.courier, "PARTING", 0.1)
    world, console = gated(sqlite_database, tmp_path)
    console.slow, stopping = ("ana",), asyncio.Event()
    async with asyncio.timeout(SOON), asyncio.TaskGroup() as group:
        group.create_task(world.app.run(stopping))
        await world.platform.says("ana", "hello")
        await console.begun.wait()
        stopping.set()
    assert await fates(world.database) == {"sending": 1}, "the next start decides about it"


async def test_a_page_leaves_before_500_broadcasts(sqlite_database: Database, tmp_path: Path) -> None:
    world, console = gated(sqlite_database, tmp_path)
    await world.coordinator("carla")
    console.slow = ("member",)
    await broadcast(world, 500)
    await sends(world)
    on_the_way = len(console.leaving)
    await says(world, "dan", "SOS")
    await sends(world)
    assert set(console.leaving[on_the_way:]) == {"dan", "carla"}, "though those before it hang"

    console.gate.set()
    await world.settle()
    assert (await fates(world.database)).keys() == {"sent"}
    assert sum(name.startswith("member") for name in console.leaving) == 500


async def test_a_page_leaves_though_the_second_is_used_up(sqlite_database: Database, tmp_path: Path) -> None:
    world, console = gated(sqlite_database, tmp_path, TELEGRAM_PACE)
    await world.coordinator("carla")
    await later(world, 3)
    courier = world.app.stations[0].courier
    await broadcast(world, 500)
    console.leaving.clear()
    for _look in range(3):
        await courier.run_once()
    assert len(console.leaving) == 21  # of thirty a second; the rest is spared for a crisis
    await says(world, "dan", "SOS")
    await courier.run_once()
    assert set(console.leaving[21:]) == {"dan", "carla"}


async def test_pages_that_wait_vanish_when_the_alert_is_taken(world: World) -> None:
    carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
    await says(world, "ana", "SOS")
    await says(world, "carla", "/take")
    await world.settle()
    carla.hears("You are in charge", "Resolve")
    assert "I take it" not in [label for message in dora.inbox for label in message.labels]
    dora.hears("🔴", "Carla")


@pytest.fixture
async def hasty(sqlite_database: Database) -> AsyncIterator[World]:
    async with hasty_world(sqlite_database) as made:
        yield made


@pytest.mark.parametrize("fault", [Fault.FLOOD, Fault.RESET_BEFORE])
async def test_a_page_that_failed_on_its_way_is_not_repeated_once_it_is_taken(
    hasty: World, fault: Fault
) -> None:
    carla, _dora = await hasty.coordinator("carla"), await hasty.coordinator("dora")
    api(hasty).fault("sendMessage", fault, account(hasty, "dora").user_id)
    courier = hasty.app.stations[0].courier
    await says(hasty, "ana", "SOS")
    await courier._dispatch()  # the pages are on their way
    await says(hasty, "carla", "/take")
    await hasty.settle()
    await later(hasty, 10)
    carla.hears("🔴")
    carla.hears("You are in charge")
    shown = [sent for sent in api(hasty).sent if sent.chat == account(hasty, "dora").user_id]
    assert not any("I take it" in sent.labels for sent in shown)


async def open_alert(database: Database, number: int) -> Alert:
    def add(tx: Transaction) -> Alert:
        reference = f"A-{number:04}"
        return alerts.add(tx, reference=reference, kind="fault", person_id=None, need_id=None, about_id=None,
                          policy=dict(POLICIES["fault"]), opened_at=NOON, owner_asked=False)  # fmt: skip

    return await database.run(add)


async def take(database: Database, alert_id: UUID, rival: UUID) -> bool:
    return await database.run(lambda tx: alerts.take(tx, NOON, alert_id, rival, NOON))


async def _race(database: Database, races: int) -> None:
    rivals = [(await known(database, name)).person.id for name in ("carla", "dora", "eva")]
    for number in range(races):
        alert_id = (await open_alert(database, number)).id
        won = await asyncio.gather(*(take(database, alert_id, rival) for rival in rivals))
        assert sorted(won) == [False, False, True]
    owners = await database.run(lambda tx: Counter(tx.session.scalars(sa.select(Alert.owner_id))))
    assert owners.total() == races
    assert owners.keys() <= set(rivals)


@BOTH_ENGINES
async def test_of_three_who_take_it_at_once_one_has_it(database: Database) -> None:
    await _race(database, RACES)


@pytest.mark.faults
@BOTH_ENGINES
async def test_of_three_who_take_it_at_once_one_has_it_a_thousand_times(database: Database) -> None:
    await _race(database, 1_000)


@BOTH_ENGINES
async def test_two_workers_handle_two_who_take_it_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.worker, "BATCH", 1)  # so that each has one of the two
    async with console_world(database) as world:
        carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
        workers = [Worker(database, world.core, name, world.time) for name in ("one", "two")]
        for number in range(10):
            reference = (await open_alert(database, number)).reference
            for name in ("carla", "dora"):
                await world.platform.says(name, f"/take {reference}")
            await world.app.stations[0].gateway.run_once()
            assert await asyncio.gather(*(worker.run_once() for worker in workers)) == [1, 1]
            await world.settle()
            in_charge = [f for f in (carla, dora) if any("in charge" in m.text for m in f.inbox)]
            assert len(in_charge) == 1, "exactly one is told that it is theirs"
            world.clear()
        owners = await database.run(lambda tx: tx.session.scalars(sa.select(Alert.owner_id)).all())
        assert None not in owners
