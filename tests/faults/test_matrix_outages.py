"""The homeserver is away, or knows the bot no more: nothing is lost, and the right people hear of it."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.adapters import GatewayFault
from bot.adapters.matrix_client import Client
from bot.adapters.matrix_wire import TOKEN_REFUSED
from storage.database import Database
from storage.tables import Outbox
from tests.faults.matrix_tools import (
    PATIENCE,
    RunningClock,
    another_adapter,
    devices,
    fates,
    is_signed,
    kept,
    look,
    matrix,
    member,
    restarted,
    running,
    until,
    world_with,
)
from tests.synapse import Synapse
from tests.world import ConsolePlatform, World

RECOVERS = timedelta(seconds=10)  # on a moved clock


@pytest.fixture
async def frail(tmp_path: Path) -> AsyncIterator[Synapse]:
    """A homeserver that one test may stop."""
    async with Synapse(tmp_path / "synapse") as server:
        yield server


async def in_danger(world: World) -> None:
    """Ana, on Matrix, is in danger; Carla, at the console, has taken charge. What was heard is cleared."""
    console = world.platforms[1]
    carla = world.person("carla", console)
    await carla.says(f"/join {await world.code('coordinator')}")
    await world.person("ana").says("SOS")
    await carla.presses("I take it")
    world.clear()


# --- away ---------------------------------------------------------------------------------------------------


async def test_a_short_outage_while_the_bot_runs(
    sqlite_database: Database, frail: Synapse, tmp_path: Path
) -> None:
    console = ConsolePlatform(tmp_path)
    async with world_with(sqlite_database, frail, tmp_path, console, time=RunningClock()) as world:
        await world.app.start()
        await in_danger(world)
        ana, room = await member(world, "ana")
        async with running(world):
            await until(lambda: world.app.stations[0].leading.is_set())
            await frail.stop()
            failures = world.app.loops.walls.total()
            await until(lambda: world.app.loops.walls.total() >= failures + 2)
            await console.says("carla", "I am at your door")
            await until(lambda: _has_tried(sqlite_database))
            await frail.start()
            back = time.monotonic()
            said = await ana.says(room, "it is the blue one")
            await until(lambda: said in matrix(world).matrix.taken)
            took = time.monotonic() - back
            await ana.until(lambda: any("I am at your door" in each.body for each in ana.heard), PATIENCE)
            arrived = time.monotonic() - back
            await until(lambda: any("it is the blue one" in heard.text for _, heard in console._new))
        print(f"back after {took:.1f} s; what was to be sent arrived after {arrived:.1f} s")  # noqa: T201


async def _has_tried(database: Database) -> bool:
    """Whether something was certainly not sent and waits for its next turn."""
    tried = sa.select(sa.func.count()).where(Outbox.state == "waiting", Outbox.reason.is_not(None))
    return bool(await database.run(lambda tx: tx.session.scalar(tried)))


@pytest.mark.parametrize("away", [timedelta(seconds=20), timedelta(minutes=10)], ids=["20 s", "10 min"])
async def test_an_outage_on_a_moved_clock(
    sqlite_database: Database, frail: Synapse, tmp_path: Path, away: timedelta
) -> None:
    """The loop that receives is played by hand: it asks, fails, and pauses as long as it would."""
    console = ConsolePlatform(tmp_path)
    async with world_with(sqlite_database, frail, tmp_path, console) as world:
        await world.app.start()
        await in_danger(world)
        dan, room = await member(world, "dan")
        await world.person("dan").says("hello")
        await dan.says(room, "/my")  # taken by nobody before the homeserver is gone
        await frail.stop()
        await console.says("carla", "I am at your door")
        begin, pauses = world.time.moment, []
        while world.time.moment < begin + away:
            pauses.append(await _failed_attempt(world))
            world.time.moment += timedelta(seconds=pauses[-1])
            await world.app.settle()
        assert max(pauses) <= RECOVERS.total_seconds()
        await frail.start()
        ana, her_room = await member(world, "ana")
        matrix(world).expect(await ana.says(her_room, "it is the blue one"))
        world.time.moment += timedelta(seconds=pauses[-1])
        await world.settle()
        await world.forward(seconds=RECOVERS.total_seconds())
        assert any("I am at your door" in each.text for each in world.person("ana").inbox)
        assert any("it is the blue one" in each.text for each in world.person("carla", console).inbox)
        await _all_is_sent(world, away)


async def _failed_attempt(world: World) -> float:
    station = world.app.stations[0]
    with pytest.raises(GatewayFault) as fault:
        await station.gateway.run_once()
    assert not fault.value.fatal
    return await world.app._gateway_failed("gateway matrix", fault.value)


async def _all_is_sent(world: World, away: timedelta) -> None:
    """The clock of the story stops only where something is due, so let the courier look each second."""
    waited = timedelta()
    while (await fates(world.database)).keys() != {"sent"}:
        assert waited < away, await fates(world.database)
        waited += timedelta(seconds=1)
        world.time.moment += timedelta(seconds=1)
        await world.settle()
    print(f"the last reply left {waited.total_seconds():.0f} s later than the crisis")  # noqa: T201


# --- the token is gone --------------------------------------------------------------------------------------


async def test_a_revoked_token(
    sqlite_database: Database, synapse: Synapse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    console = ConsolePlatform(tmp_path)
    async with world_with(sqlite_database, synapse, tmp_path, console, time=RunningClock()) as world:
        await world.app.start()
        await in_danger(world)
        ana, _room = await member(world, "ana")
        (old,) = await devices(world, ana)
        requests = _count_requests(monkeypatch)
        caplog.set_level(logging.ERROR)
        async with running(world):
            await until(lambda: world.app.stations[0].leading.is_set())
            await synapse.revoke((await kept(world)).get("login")["token"])
            began = time.monotonic()
            await until(lambda: any("the bot has a fault" in heard.text for _, heard in console._new))
            told = time.monotonic() - began
            await console.says("carla", "I am at your door")
            await until(lambda: _has_tried(sqlite_database))
            first = requests[-1]
            await until(lambda: time.monotonic() - began > 4)  # over several tries of the courier
        after = [each for each in requests if each > first]
        assert len(after) <= time.monotonic() - first
        lines = [each for each in caplog.messages if TOKEN_REFUSED in each]
        assert len(lines) == 1, lines
        assert (await fates(sqlite_database))["waiting"] == 1
        print(  # noqa: T201
            f"alert after {told:.1f} s; {len(after)} requests in the {time.monotonic() - first:.1f} s after"
        )
        await _goes_on_with_the_password(world, old)


async def _goes_on_with_the_password(world: World, old: str) -> None:
    """Without it the start is refused; with it a new device is made, and what waited leaves."""
    ana, room = await member(world, "ana")
    await matrix(world).matrix.stop()
    with pytest.raises(GatewayFault, match="set ONECLOAK_MATRIX__PASSWORD and restart"):
        await another_adapter(world, password="").start()
    await restarted(world)
    (new,) = await devices(world, ana)
    assert new != old
    assert await is_signed(world, ana, new)
    world.clear()
    await look(world)
    await until(lambda: _comes_through(world, ana))
    matrix(world).expect(await ana.says(room, "it is the blue one"))
    await world.settle()
    carla = world.person("carla", world.platforms[1])
    assert any("it is the blue one" in each.text for each in carla.inbox)


async def _comes_through(world: World, ana: Any) -> bool:
    """Both what had to wait and the request to say again what matters."""
    await world.settle()
    await ana.sync()
    heard = [each.body for each in ana.heard]
    return all(
        any(words in each for each in heard) for words in ("I am at your door", "send again what matters")
    )


def _count_requests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The moment of each request that any adapter makes from now on."""
    moments: list[float] = []
    send = Client.send

    async def counted(self: Client, *args: Any, **more: Any) -> Any:
        moments.append(time.monotonic())
        return await send(self, *args, **more)

    monkeypatch.setattr(Client, "send", counted)
    return moments
