"""Sent twice, asked to wait, taken over: a message is one event, and one process at a time has the keys."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.adapters import GatewayFault, NotSent, Outgoing
from bot.adapters.matrix import Matrix
from bot.app import App
from bot.station import Station
from storage.database import Database
from storage.tables import Lease, Outbox
from tests.engines import create_postgres, open_database
from tests.faults.matrix_tools import (
    another_adapter,
    devices,
    fates,
    kept,
    look,
    matrix,
    member,
    restarted,
    world_with,
)
from tests.synapse import STRICT, Synapse
from tests.world import World


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


async def test_killed_between_sending_and_recording(
    sqlite_database: Database, synapse: Synapse, tmp_path: Path
) -> None:
    async with world_with(sqlite_database, synapse, tmp_path) as world:

        def die(step: str) -> None:
            if step == "8 sent":
                raise Killed

        world.app = App.compose(world.database, world.core, [world.platform.adapter], world.time, die)
        await world.app.start()
        with pytest.raises(Killed):
            await world.person("ana").says("hello")
        assert await fates(sqlite_database) == {"sending": 1}
        await restarted(world)
        await look(world, 1)
        world.time.moment += timedelta(seconds=10)
        await look(world, 1)
        assert await fates(sqlite_database) == {"sent": 1}
        ana, _room = await member(world, "ana")
        sent = Counter(event for _chat, event in matrix(world).matrix.delivered)
        assert list(sent.values()) == [2], "sent twice, under one id"
        assert [each.event_id for each in ana.heard] == list(sent)
        world.person("ana").hears("this is One Cloak")
        world.nobody_hears_anything_else()


# --- asked to wait ------------------------------------------------------------------------------------------


async def _limited_out(world: World, chat: str) -> None:
    """The homeserver asks the bot to wait, and says how long."""
    lines = [Outgoing(chat, f"line {number}", key=f"limit{number}") for number in range(15)]
    with pytest.raises(NotSent) as wait:
        await _send_all(world, lines)
    assert wait.value.retry_after is not None
    assert timedelta() < wait.value.retry_after < timedelta(minutes=1)


async def _send_all(world: World, lines: list[Outgoing]) -> None:
    for line in lines:
        await matrix(world).matrix.send(line)


async def _much_is_asked(world: World, strict: Synapse) -> tuple[int, int]:
    """Fifteen answers to Ana, and then one to Ben, who is in danger.

    Gives how many had to wait, and how many were delivered before he wrote.
    """
    for name in ("ana", "ben", "dan"):
        someone, _room = await member(world, name)
        await strict.unlimited(someone.user_id)
    ana, room = await member(world, "ana")
    ben, his_room = await member(world, "ben")
    for _message in range(15):
        matrix(world).expect(await ana.says(room, "!my"))
    await world.settle()
    before = await fates(world.database)
    assert before.keys() == {"waiting", "sent"}
    assert sum(before.values()) >= 15
    await _limited_out(world, ana.user_id)
    done = len(matrix(world).matrix.delivered)
    matrix(world).expect(await ben.says(his_room, "SOS"))
    await world.settle()
    return before["waiting"], done


async def test_a_homeserver_that_limits_the_bot(sqlite_database: Database, tmp_path: Path) -> None:
    async with (
        Synapse(tmp_path / "synapse", STRICT) as strict,
        world_with(sqlite_database, strict, tmp_path) as world,
    ):
        await world.app.start()
        waited, done = await _much_is_asked(world, strict)
        assert "refused" not in await fates(sqlite_database)
        reasons = await sqlite_database.run(
            lambda tx: set(tx.session.scalars(sa.select(Outbox.reason).where(Outbox.state == "waiting")))
        )
        assert "the homeserver asks to wait" in reasons

        await strict.unlimited(matrix(world).bot_id)
        for _second in range(30):
            world.time.moment += timedelta(seconds=1)
            await world.app.settle()
        assert (await fates(sqlite_database)).keys() == {"sent"}, "nothing is lost"
        order = [chat for chat, _event in matrix(world).matrix.delivered[done:]]
        ben, _room = await member(world, "ben")
        assert order.index(ben.user_id) <= 1, "the crisis is not behind what waited before it"
        print(f"{waited} had to wait; the crisis left as number {order.index(ben.user_id) + 1}")  # noqa: T201
        await world.person("dan").says("hello")  # its answer has buttons
        dan, _room = await member(world, "dan")
        await look(world)
        await dan.sync()
        assert [each.reactions for each in dan.heard] == [[]], "courtesies wait after a limit"


# --- another process ----------------------------------------------------------------------------------------


async def test_another_process_takes_over(
    postgres: str, postgres_template: str, synapse: Synapse, tmp_path: Path
) -> None:
    url = await create_postgres(postgres, "matrix_takeover", postgres_template)
    first, second = await open_database(url), await open_database(url, seed=2)
    async with asyncio.timeout(60), world_with(first, synapse, tmp_path) as world:
        await world.app.start()
        await world.person("ana").says("hello")
        world.clear()
        ana, room = await member(world, "ana")
        (device,) = await devices(world, ana)
        late, slept = world.app.stations[0], matrix(world).matrix
        heir = another_adapter(world, database=second)
        app = App.compose(second, world.core, [heir], now=world.time)
        await app.start()
        assert not app.stations[0].leading.is_set(), "the lease is still the first one's"

        await ana.rotates(room)
        written = await ana.says(room, "!my")
        run_out = sa.update(Lease).values(expires_at=world.time() - timedelta(days=365))
        await second.run(lambda tx: tx.session.execute(run_out))
        await app.start()
        assert app.stations[0].leading.is_set()
        heir.taken, heir.delivered = slept.taken, slept.delivered
        matrix(world).matrix, world.app, world.database = heir, app, second
        matrix(world).expect(written)
        await world.settle()
        world.person("ana").hears("no open case")
        assert list(await devices(world, ana)) == [device]

        await _comes_too_late(late, slept)
        await world.person("ana").says("/my")
        world.person("ana").hears("no open case")
        await app.stations[0].holding.give_up()
        await restarted(world)
        assert not dict((await kept(world)).items("locked/"))
        await world.person("ana").says("/my")
        world.person("ana").hears("no open case")
        await world.platform.adapter.stop()
    await first.close()
    await second.close()


async def _comes_too_late(late: Station, slept: Matrix) -> None:
    """The first process wakes up: it neither writes its keys nor takes events."""
    assert slept.keychain is not None
    slept.keychain.put("olm account", {"pickle": "of another time", "shared": True})
    with pytest.raises(GatewayFault, match="another process has taken the account over"):
        await slept.keychain.save()
    with pytest.raises(GatewayFault):
        await late.gateway.run_once()
    await slept.stop()
