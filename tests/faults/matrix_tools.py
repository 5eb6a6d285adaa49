"""What the stories of faults on Matrix share: restarts, a clock that runs, and what the homeserver shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.app import App
from bot.keychain import Keychain
from storage.database import Database
from storage.tables import Inbox, Outbox
from tests.matrix_member import Member
from tests.matrix_world import MatrixPlatform, WatchedMatrix, make_adapter, matrix_platform
from tests.synapse import PASSWORD, Synapse
from tests.world import Platform, Time, World, compose

GLANCE = 0.05
PATIENCE = 60  # seconds: what a busy machine may need


class RunningClock(Time):
    """The time of day, for a bot that runs by itself."""

    def __call__(self) -> datetime:
        return datetime.now(UTC)


@asynccontextmanager
async def world_with(
    database: Database, synapse: Synapse, folder: Path, *others: Platform, time: Time | None = None
) -> AsyncIterator[World]:
    """A world on Matrix and perhaps on other platforms; it is not started."""
    time = time or Time()
    async with matrix_platform(database, synapse, folder, time) as platform:
        yield compose(database, platform, *others, time=time)


def matrix(world: World) -> MatrixPlatform:
    assert isinstance(world.platforms[0], MatrixPlatform)
    return world.platforms[0]


async def member(world: World, name: str) -> tuple[Member, str]:
    """A person's client and the room of their private chat."""
    return await matrix(world).member(name)


async def restarted(world: World, password: str = PASSWORD) -> None:
    """The process ends and another begins, which knows only the database and this password."""
    old = matrix(world).matrix
    await old.stop()
    adapter = another_adapter(world, password)
    adapter.taken, adapter.delivered = old.taken, old.delivered
    matrix(world).matrix = adapter
    others = [platform.adapter for platform in world.platforms[1:]]
    world.app = App.compose(world.database, world.core, [adapter, *others], now=world.time)
    await world.app.start()


def another_adapter(
    world: World, password: str = PASSWORD, database: Database | None = None
) -> WatchedMatrix:
    """The adapter of another process that serves the same account."""
    platform = matrix(world)
    return make_adapter(database or world.database, platform.synapse, platform.bot, world.time, password)


@asynccontextmanager
async def running(world: World) -> AsyncIterator[None]:
    """A new process of the bot runs by itself, as in earnest, until the end of the block."""
    adapters = [platform.adapter for platform in world.platforms]
    world.app = App.compose(world.database, world.core, adapters, now=world.time)
    stopping = asyncio.Event()
    task = asyncio.create_task(world.app.run(stopping))
    try:
        yield
        assert not task.done(), "it has ended by itself"
    finally:
        stopping.set()
        await asyncio.wait_for(task, 20)


async def until(check: Callable[[], Any], seconds: float = PATIENCE) -> None:
    """Wait until something is so in a bot that runs by itself."""
    async with asyncio.timeout(seconds):
        while not (await found if asyncio.iscoroutine(found := check()) else found):  # noqa: ASYNC110
            await asyncio.sleep(GLANCE)


async def kept(world: World) -> Keychain:
    """What the account has kept, as a process would find it that starts now."""
    keychain = Keychain(world.database, "matrix", world.time)
    await keychain.load()
    return keychain


async def devices(world: World, asker: Member) -> dict[str, dict[str, Any]]:
    """The keys of the bot's devices, as others see them."""
    return (await _keys(world, asker)).get("device_keys", {}).get(matrix(world).bot_id, {})  # type: ignore[no-any-return]


async def is_signed(world: World, asker: Member, device: str) -> bool:
    """Whether others see that the owner of the account has signed the device."""
    found = await _keys(world, asker)
    user = matrix(world).bot_id
    (signer,) = found["self_signing_keys"][user]["keys"]
    return signer in found["device_keys"][user][device]["signatures"][user]


async def _keys(world: World, asker: Member) -> dict[str, Any]:
    asked: dict[str, Any] = {"device_keys": {matrix(world).bot_id: []}}
    path = "/_matrix/client/v3/keys/query"
    return await matrix(world).synapse.call("POST", path, asked, asker.account.token)


async def state(world: World, name: str, kind: str, content: dict[str, Any], key: str = "") -> str:
    """Change the state of the private chat; raises Refused."""
    someone, room = await member(world, name)
    path = f"/_matrix/client/v3/rooms/{room}/state/{kind}/{key}"
    sent = await matrix(world).synapse.call("PUT", path, content, someone.account.token)
    await someone.sync()
    return str(sent["event_id"])


async def look(world: World, times: int = 2) -> None:
    """Let the bot look at the homeserver, though nobody said anything that it must take."""
    for _look in range(times):
        await world.app.stations[0].gateway.run_once()
        await world.settle()


async def handled(database: Database) -> dict[str, int]:
    """How many messages from Matrix ended how."""
    query = sa.select(Inbox.outcome, sa.func.count()).where(Inbox.gateway == "matrix").group_by(Inbox.outcome)
    return await database.run(lambda tx: {str(row[0]): row[1] for row in tx.session.execute(query)})


async def fates(database: Database) -> dict[str, int]:
    query = sa.select(Outbox.state, sa.func.count()).where(Outbox.gateway == "matrix").group_by(Outbox.state)
    return await database.run(lambda tx: {str(row[0]): row[1] for row in tx.session.execute(query)})
