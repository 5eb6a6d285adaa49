"""Events that cannot be read, opened or handled: their neighbours are, and nobody waits in vain."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from handlers import welcome
from handlers.contents import COMMANDS, Command
from handlers.context import Context
from handlers.messages import Inbound, Outbound
from storage.database import Database, Transaction
from storage.tables import Inbox, Key
from tests.conversations.acts import restart
from tests.faults.hasty import account, api, hasty_world, outcomes
from tests.world import World

SORRY = "I am sorry, that went wrong on my side"


@pytest.fixture
async def hasty(sqlite_database: Database) -> AsyncIterator[World]:
    async with hasty_world(sqlite_database) as world:
        yield world


class Failing:
    """A command that writes something, and then fails, as often as it is told."""

    def __init__(self, error: BaseException, times: int = 1_000) -> None:
        self.error = error
        self.left = times

    def __call__(self, ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
        if not self.left:
            return welcome.my(ctx, inbound, argument)
        self.left -= 1
        ctx.person.language = "es"
        ctx.tx.session.flush()
        raise self.error

    def put(self, monkeypatch: pytest.MonkeyPatch) -> Failing:
        monkeypatch.setitem(COMMANDS, "my", Command(self))
        return self


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


async def test_a_malformed_update_is_kept_and_its_neighbours_are_handled(hasty: World) -> None:
    ana, ben, dan = hasty.person("ana"), hasty.person("ben"), hasty.person("dan")
    await hasty.platform.says("ana", "hello")
    sender = {"id": account(hasty, "dan").user_id, "is_bot": False, "first_name": "Dan"}
    message = {"message_id": 9, "date": 0, "from": sender, "chat": account(hasty, "dan").chat}
    api(hasty).update({"message": {**message, "text": ["not", "a", "text"]}})
    api(hasty).raw("no update at all")
    await hasty.platform.says("ben", "hello")
    await hasty.settle()

    ana.hears("this is One Cloak")
    ben.hears("this is One Cloak")
    dan.hears("I could not read that message")
    assert await outcomes(hasty.database) == {"handled": 2, "unreadable": 2}
    assert not len(api(hasty).updates), "they are confirmed and do not come again"
    hasty.nobody_hears_anything_else()


async def test_an_update_id_that_falls_after_an_idle_week_is_handled_once(hasty: World) -> None:
    api(hasty).updates.next_number = 900_000
    await hasty.person("ana").says("hello")
    hasty.person("ana").hears("this is One Cloak")
    api(hasty).updates.next_number = 1_000
    await hasty.person("ana").says("/help")
    hasty.person("ana").hears("Write what you need")
    hasty.nobody_hears_anything_else()
    assert await outcomes(hasty.database) == {"handled": 2}


async def test_a_handler_that_fails_gets_an_apology_and_the_others_their_answer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    Failing(RuntimeError("a bug")).put(monkeypatch)
    carla = await world.coordinator("carla")
    ana, ben, cleo = world.person("ana"), world.person("ben"), world.person("cleo")
    await world.platform.says("ben", "hello")
    await world.platform.says("ana", "/my")
    await world.platform.says("cleo", "hello")
    await world.settle()

    ben.hears("this is One Cloak")
    cleo.hears("this is One Cloak")
    ana.hears(SORRY, "A person has been told")  # in English: what the handler wrote is undone
    carla.hears("⚠️", "the bot has a fault", "I take it")
    world.nobody_hears_anything_else()
    assert (await outcomes(world.database))["failed"] == 1

    await ana.says("/my")
    ana.hears(SORRY)
    carla.hears_nothing()  # a second fault joins the open alert
    await ana.says("hello")
    ana.hears("this is One Cloak")


async def test_an_event_that_ended_the_process_three_times_is_set_aside(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadly = Failing(Killed()).put(monkeypatch)
    carla = await world.coordinator("carla")
    for name, words in (("ana", "/my"), ("ben", "hello")):
        await world.platform.says(name, words)
    for _death in range(3):
        with pytest.raises(Killed):
            await world.settle()
        await restart(world)
    await world.platform.says("dan", "SOS")
    await world.settle()

    world.person("ana").hears(SORRY)
    world.person("ben").hears("this is One Cloak")
    carla.hears("🔴", "SOS")
    carla.hears("⚠️", "the bot has a fault")
    world.person("dan").hears("emergency number")
    assert deadly.left == 1_000 - 3
    assert (await outcomes(world.database))["failed"] == 1


async def test_an_sos_does_not_wait_behind_what_ends_the_process(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    Failing(Killed()).put(monkeypatch)
    await world.platform.says("ana", "/my")
    with pytest.raises(Killed):
        await world.settle()
    await restart(world)
    await world.platform.says("dan", "SOS")
    with pytest.raises(Killed):
        await world.settle()
    await restart(world)
    await world.app.stations[0].courier.run_once()
    assert [name for name, _message in await world.platform.heard()] == ["dan"]


async def test_an_event_whose_key_was_destroyed_holds_up_nobody(world: World) -> None:
    await world.platform.says("ana", "hello")
    gateway = world.app.stations[0].gateway
    await gateway.run_once()

    def destroy(tx: Transaction) -> None:
        for key_id in tx.session.scalars(sa.select(Inbox.key_id)):
            tx.session.execute(sa.delete(Key).where(Key.id == key_id))
            tx.vault.forget(key_id)

    await world.database.run(destroy)
    await world.platform.says("ben", "hello")
    await world.settle()
    world.person("ben").hears("this is One Cloak")
    world.nobody_hears_anything_else()
    assert await outcomes(world.database) == {"handled": 1, "unreadable": 1}


async def test_a_database_that_fails_for_a_moment_costs_nobody_an_answer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    Failing(OperationalError("UPDATE", None, Exception("database is locked")), times=1).put(monkeypatch)
    await world.person("ana").says("hello")
    world.clear()
    await world.platform.says("ana", "/my")
    await world.platform.says("ben", "hello")
    with pytest.raises(OperationalError):
        await world.settle()
    await world.settle()
    world.person("ana").hears("You have no open case", without=[SORRY])
    world.person("ben").hears("this is One Cloak")
    assert (await outcomes(world.database)).keys() == {"handled"}
