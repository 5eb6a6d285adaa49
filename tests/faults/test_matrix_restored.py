"""A backup comes back over a real homeserver: the device whose keys were used since never speaks again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bot.adapters import GatewayFault
from bot.adapters.matrix_login import LOGIN
from bot.backup import backup
from bot.restore import Wish, restore
from bot.settings import Settings
from bot.setup import open_database, open_vault
from storage.database import Database
from tests.faults.matrix_tools import devices, is_signed, kept, look, matrix, member
from tests.matrix_world import MatrixPlatform, make_adapter, matrix_platform
from tests.restoring import lose, settings_in
from tests.storage import HOUR
from tests.synapse import PASSWORD, Refused, Synapse
from tests.world import NOON, Time, World, compose

LATER = NOON + HOUR
WHOAMI = "/_matrix/client/v3/account/whoami"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return settings_in(tmp_path)


@asynccontextmanager
async def process(
    settings: Settings, platform: MatrixPlatform, password: str = PASSWORD, now: datetime = NOON
) -> AsyncIterator[World]:
    """A process of the bot, which knows the database of these settings, and this password."""
    time = Time(now)
    database = await open_database(settings, open_vault(settings)[0], Random(2), time())
    old = platform.matrix
    platform.matrix = make_adapter(database, platform.synapse, platform.bot, time, password)
    platform.matrix.taken, platform.matrix.delivered = old.taken, old.delivered
    world = compose(database, platform, time=time)
    try:
        await world.app.start()
        yield world
    finally:
        await platform.matrix.stop()
        await database.close()


@pytest.fixture
async def platform(
    sqlite_database: Database, synapse: Synapse, tmp_path: Path
) -> AsyncIterator[MatrixPlatform]:
    """The account and the people who write to it; what is kept of it stands in the stories' own databases."""
    async with matrix_platform(sqlite_database, synapse, tmp_path, Time()) as made:
        yield made


async def spoken(world: World, name: str) -> list[dict[str, Any]]:
    """All that the bot has sent into someone's chat and only its device could encrypt, the oldest first."""
    someone, room = await member(world, name)
    path = f"/_matrix/client/v3/rooms/{room}/messages?dir=f&limit=500"
    found = await matrix(world).synapse.call("GET", path, token=someone.account.token)
    return [
        each["content"]
        for each in found["chunk"]
        if each["type"] == "m.room.encrypted" and each["sender"] == matrix(world).bot_id
    ]


def heard(world: World, name: str) -> str:
    return "\n".join(message.text for message in world.person(name).inbox)


def who_spoke(contents: list[dict[str, Any]], *keys: str) -> set[str]:
    return {content[key] for content in contents for key in keys if key in content}


async def test_after_a_restore_a_new_device_speaks_with_keys_that_were_never_used(
    settings: Settings, platform: MatrixPlatform, synapse: Synapse
) -> None:
    async with process(settings, platform) as world:
        await world.need("ana")
        await backup(settings, NOON)
        await world.person("ana").says("The door is blue")  # the bot goes on, and its keys with it
        await world.person("dan").says("hello")
        before = await spoken(world, "ana")
        login = (await kept(world)).get(LOGIN)
        assert await synapse.call("GET", WHOAMI, token=login["token"])
    await lose(settings)

    said = await restore(settings, Wish(), LATER)
    assert any("The old Matrix device must not speak again" in line for line in said), said
    with pytest.raises(GatewayFault, match="set ONECLOAK_MATRIX__PASSWORD once"):
        async with process(settings, platform, password="", now=LATER):
            pass
    async with process(settings, platform, now=LATER) as world:
        ana, _room = await member(world, "ana")
        (device,) = await devices(world, ana)
        assert device != login["device"]
        assert await is_signed(world, ana, device), "people's apps trust it: the identity is the same"
        with pytest.raises(Refused) as refused:
            await synapse.call("GET", WHOAMI, token=login["token"])
        assert refused.value.status == 401, "the homeserver knows the old device no more"

        await look(world)
        assert "send again what matters" in heard(world, "ana")
        world.clear()
        await world.person("ana").says("/my")
        assert "N-" in heard(world, "ana")
        await world.person("dan").says("hello again")
        assert heard(world, "dan"), "who wrote for the first time after the backup is heard as well"
        after = [each for each in await spoken(world, "ana") if each not in before]
        assert after
        for keys in (("session_id",), ("device_id", "sender_key")):
            assert who_spoke(before, *keys)
            assert not who_spoke(before, *keys) & who_spoke(after, *keys), f"{keys} of before speak again"


async def test_where_the_bot_has_not_run_since_the_same_device_goes_on(
    settings: Settings, platform: MatrixPlatform, tmp_path: Path
) -> None:
    """A move to another machine: nothing happened in between, and no password is needed."""
    async with process(settings, platform) as world:
        await world.need("ana")
        login = (await kept(world)).get(LOGIN)
        ana, room = await member(world, "ana")
    await backup(settings, NOON)
    await ana.says(room, "The door is blue")  # while nobody listens

    elsewhere = settings_in(tmp_path / "new", backup_folder=tmp_path / "data" / "backups")
    said = await restore(elsewhere, Wish(nothing_since=True), LATER)
    assert not any("Matrix" in line for line in said)
    async with process(elsewhere, platform, password="", now=LATER) as world:
        assert (await kept(world)).get(LOGIN) == login
        assert list(await devices(world, ana)) == [login["device"]]
        await look(world)
        assert "send again" not in heard(world, "ana")
        world.clear()
        await world.person("ana").says("/my")
        assert "N-" in heard(world, "ana")
        assert not dict((await kept(world)).items("locked/")), "what was said meanwhile was read"
