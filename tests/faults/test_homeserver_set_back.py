"""Somebody brings yesterday's backup of the homeserver back, while the bot and the people are of today."""

from __future__ import annotations

import logging
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.adapters import GatewayFault
from bot.adapters.matrix import Matrix
from bot.adapters.matrix_set_back import KNOWN_FOR, MARGIN, from_when, remember
from bot.adapters.matrix_wire import MatrixError
from bot.clock import REMEMBER_EVENTS
from bot.keychain import Keychain
from storage.database import Database, Transaction
from storage.tables import Cursor
from tests.faults.matrix_tools import (
    PATIENCE,
    RunningClock,
    handled,
    look,
    matrix,
    member,
    restarted,
    running,
    until,
    world_with,
)
from tests.matrix_member import Member
from tests.synapse import Synapse
from tests.world import NOON, World

SINCE_THE_BACKUP = 3  # people who came, each of whom used up a one-time key


async def answered(who: Member, room: str, text: str) -> None:
    before = len(who.heard)
    await who.says(room, text)
    await who.until(lambda: len(who.heard) > before, PATIENCE)
    assert not any("could not read" in each.body for each in who.heard)


@asynccontextmanager
async def newcomer(world: World, folder: Path, name: str) -> AsyncIterator[tuple[Member, str]]:
    """Somebody who opens a chat for the first time, and the chat."""
    bot = matrix(world).bot_id
    async with await Member.join(matrix(world).synapse, name, folder / name) as someone:
        room = await someone.open_chat(bot)
        await someone.wait_joined(bot, room)
        yield someone, room


def _spoil_cursor(tx: Transaction) -> None:
    tx.session.execute(sa.update(Cursor).where(Cursor.gateway == "matrix").values(value="of another kind"))


@pytest.mark.parametrize("gives_keys_back", [True, False])
async def test_a_cursor_that_the_homeserver_does_not_take_makes_the_bot_deaf_for_two_turns(
    sqlite_database: Database, synapse: Synapse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    gives_keys_back: bool,
) -> None:  # fmt: skip
    """As one that another homeserver's program gave, in whose place this one was put."""
    async with world_with(sqlite_database, synapse, tmp_path) as world:
        await world.app.start()
        ana, room = await member(world, "ana")
        await world.person("ana").says("hello")
        if not gives_keys_back:
            _refuses(matrix(world).matrix, "/keys/claim", monkeypatch)
        await sqlite_database.run(_spoil_cursor)
        before = await handled(sqlite_database)
        said = await ana.says(room, "/my")
        for _turn in range(2):
            with pytest.raises(GatewayFault):
                await look(world, 1)
        await look(world)
        assert said in matrix(world).matrix.taken
        assert await handled(sqlite_database) == {"handled": before["handled"] + 1}


def _refuses(adapter: Matrix, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The homeserver's proxy does not let this request through."""
    client = adapter.client
    assert client is not None
    real = client.call

    async def call(method: str, asked: str, *args: Any, **options: Any) -> dict[str, Any]:
        if asked == path:
            raise MatrixError("the homeserver refused it", 405)
        return await real(method, asked, *args, **options)

    monkeypatch.setattr(client, "call", call)


async def test_a_room_that_was_removed_is_wondered_at_once(
    sqlite_database: Database, synapse: Synapse, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The last that was heard stood there, and nobody has written since; the bot starts anew."""
    async with world_with(sqlite_database, synapse, tmp_path) as world:
        await world.app.start()
        _ana, room = await member(world, "ana")
        await world.person("ana").says("hello")
        path = f"/_synapse/admin/v1/rooms/{room}"
        await synapse.call("DELETE", path, {"purge": True}, await synapse.admin_token())
        await look(world)
        await restarted(world)
        await look(world, 4)
    told = [each.getMessage() for each in caplog.records if "a room was removed" in each.getMessage()]
    assert len(told) == 1


async def _keychain(database: Database, now: datetime) -> Keychain:
    keychain = Keychain(database, "matrix", lambda: now)
    await keychain.load()
    return keychain


def _said(event_id: str, at: object) -> dict[str, list[dict[str, Any]]]:
    return {"!a:cloak.test": [{"event_id": event_id, "origin_server_ts": at}]}


async def test_nobodys_clock_has_old_messages_read_again_or_new_ones_passed_over(
    sqlite_database: Database,
) -> None:
    keychain = await _keychain(sqlite_database, NOON)
    noon = int(NOON.timestamp() * 1000)
    day = 24 * 3600 * 1000
    assert from_when(keychain, NOON) == noon - day  # nothing is known
    for event_id, at in (("$1", noon), ("$2", 0), ("$3", -5), ("$4", None), ("$5", 10**18)):
        remember(keychain, _said(event_id, at), NOON)
        assert from_when(keychain, NOON) == noon - day
    later = NOON + timedelta(days=30)
    assert from_when(keychain, later) == int((later - KNOWN_FOR).timestamp() * 1000)
    assert KNOWN_FOR + MARGIN <= REMEMBER_EVENTS


async def test_who_writes_to_a_homeserver_of_yesterday_is_heard_and_answered_once(
    sqlite_database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Also at once when it is back, before the bot has asked it anything; and also for the first time."""
    backup = tmp_path / "backup"
    async with (
        Synapse(tmp_path / "synapse") as synapse,
        world_with(sqlite_database, synapse, tmp_path, time=RunningClock()) as world,
    ):
        await world.app.start()
        ana, room = await member(world, "ana")
        await world.person("ana").says("hello")
        async with running(world):
            await until(lambda: world.app.stations[0].leading.is_set())
            await synapse.stop()
            shutil.copytree(synapse.folder, backup)
            await synapse.start()
            for number in range(SINCE_THE_BACKUP):
                await answered(ana, room, "/my")
                async with newcomer(world, tmp_path, f"lost-{number}") as (someone, theirs):
                    await answered(someone, theirs, "hello")
            said_before = await handled(sqlite_database)
            await synapse.stop()
            shutil.rmtree(synapse.folder)
            shutil.copytree(backup, synapse.folder)
            await synapse.start()
            await answered(ana, room, "/my")
            async with newcomer(world, tmp_path, "new") as (someone, theirs):
                await answered(someone, theirs, "hello")
                await answered(someone, theirs, "/my")
            assert await handled(sqlite_database) == {"handled": said_before["handled"] + 3}
    told = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert sum("it was brought back from a backup" in each for each in told) == 1, told
