"""Rooms change under the bot's feet: what was private stays private, and people are found again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import nio
import pytest

from bot import adapters
from bot.adapters import Outgoing
from bot.adapters.matrix_client import Client
from storage.database import Database
from tests.faults.matrix_tools import look, matrix, member, restarted, state, world_with
from tests.matrix_client import good
from tests.matrix_fixtures import Newcomer
from tests.matrix_member import Member
from tests.synapse import Refused, Synapse
from tests.world import ConsolePlatform, World

SECRET = "I am at your door"


@pytest.fixture
async def greeted(sqlite_database: Database, synapse: Synapse, tmp_path: Path) -> AsyncIterator[World]:
    """Ana, on Matrix, is in danger, and Carla, at the console, has taken charge."""
    console = ConsolePlatform(tmp_path)
    async with asyncio.timeout(60), world_with(sqlite_database, synapse, tmp_path, console) as world:
        await world.app.start()
        carla = world.person("carla", console)
        await carla.says(f"/join {await world.code('coordinator')}")
        await world.person("ana").says("SOS")
        await carla.presses("I take it")
        world.clear()
        yield world


async def carla_writes(world: World, seconds: int = 5) -> None:
    await world.person("carla", world.platforms[1]).says(SECRET)
    for _second in range(seconds):
        world.time.moment += timedelta(seconds=1)
        await look(world, 1)


def messages_with(someone: Member, words: str = SECRET) -> list[Any]:
    return [each for each in someone.heard if words in each.body]


# --- encryption ---------------------------------------------------------------------------------------------


async def test_an_encrypted_room_stays_encrypted_whatever_its_state_says(
    greeted: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, _room = await member(greeted, "ana")
    for content in ({}, {"algorithm": "m.nobody.knows"}, {"algorithm": 5}):
        with contextlib.suppress(Refused):
            await state(greeted, "ana", "m.room.encryption", content)
        await greeted.person("ana").says("it is the blue one")
    await carla_writes(greeted, 1)
    await restarted(greeted)
    await carla_writes(greeted, 1)
    _hide_encryption(monkeypatch)
    await restarted(greeted)
    await carla_writes(greeted, 1)
    heard = messages_with(ana)
    assert len(heard) == 3
    assert all(each.encrypted for each in ana.heard)


def _hide_encryption(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the homeserver acts as if no room had ever been encrypted."""
    call = Client.call

    async def forgetful(self: Client, method: str, path: str, *args: Any, **more: Any) -> Any:
        found = await call(self, method, path, *args, **more)
        for room in found.get("rooms", {}).get("join", {}).values() if path.startswith("/sync") else ():
            for part in (room.get("state", {}), room.get("timeline", {})):
                part["events"] = [
                    each for each in part.get("events", []) if each["type"] != "m.room.encryption"
                ]
        return found

    monkeypatch.setattr(Client, "call", forgetful)


# --- who is there -------------------------------------------------------------------------------------------


async def test_put_out_and_asked_in_again(greeted: World, synapse: Synapse, tmp_path: Path) -> None:
    platform, bot = matrix(greeted), matrix(greeted).bot_id
    fay = await Member.join(synapse, f"fay-{platform.bot}", tmp_path / "fay")
    # In this kind of room the bot has less power than Fay.
    room = await fay._create(is_direct=True, preset=nio.RoomPreset.private_chat, invite=[bot])
    platform.members["fay"], platform.chats["fay"] = fay, room
    await greeted.person("fay").says("hello")
    good(await fay.client.room_kick(room, bot))
    await look(greeted)
    greeted.clear()
    with pytest.raises(adapters.Refused) as refused:
        await platform.matrix.send(Outgoing(fay.user_id, SECRET, key="after the kick"))
    assert refused.value.unreachable, "who has put the bot out is left in peace"
    await fay.invites(room, bot)
    await look(greeted, 3)
    await fay.wait_joined(bot, room)
    await greeted.person("fay").says("/my")
    greeted.person("fay").hears("no open case")
    assert {each.room_id for each in fay.heard} == {room}


async def test_a_third_one_in_a_private_chat_hears_nothing(greeted: World, newcomer: Newcomer) -> None:
    ana, room = await member(greeted, "ana")
    eve = await newcomer("eve")
    eve.welcome.add(ana.user_id)
    await ana.invites(room, eve.user_id)
    await eve.sync()
    await look(greeted)
    await carla_writes(greeted)
    await ana.until(lambda: messages_with(ana))
    (heard,) = messages_with(ana)
    assert heard.room_id != room
    assert heard.encrypted
    await eve.sync()
    assert matrix(greeted).bot_id not in ana.client.rooms[room].users, "the bot has left"
    assert not [each for each in eve.heard if each.sender == matrix(greeted).bot_id]
    matrix(greeted).chats["ana"] = heard.room_id
    await greeted.person("ana").says("it is the blue one")
    carla = greeted.person("carla", greeted.platforms[1])
    assert any("it is the blue one" in each.text for each in carla.inbox)


async def test_a_third_one_comes_while_the_bot_is_away(greeted: World, newcomer: Newcomer) -> None:
    ana, room = await member(greeted, "ana")
    await matrix(greeted).matrix.stop()
    eve = await newcomer("eve")
    eve.welcome.add(ana.user_id)
    await ana.invites(room, eve.user_id)
    await eve.sync()
    await restarted(greeted)
    await carla_writes(greeted)
    await ana.until(lambda: messages_with(ana))
    await eve.sync()
    assert room not in {each.room_id for each in messages_with(ana)}
    assert not [each for each in eve.heard if each.sender == matrix(greeted).bot_id]


async def test_a_new_device_of_a_member_reads_what_is_said_from_then_on(
    greeted: World, synapse: Synapse, tmp_path: Path
) -> None:
    ana, _room = await member(greeted, "ana")
    account = await synapse.login(ana.user_id)
    async with await Member.open(synapse, account, tmp_path / "second") as second:
        await look(greeted)
        await carla_writes(greeted, 1)
        await second.until(lambda: messages_with(second))
        assert messages_with(second)[0].encrypted
