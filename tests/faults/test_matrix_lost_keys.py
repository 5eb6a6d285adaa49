"""The keys of the bot's device are lost: the device is given up, never used again without them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from bot.adapters import GatewayFault
from bot.adapters.matrix_keys import ACCOUNT
from bot.adapters.matrix_login import KEYS_LOST, LOGIN, NO_PASSWORD, OF_A_DEVICE
from bot.adapters.matrix_reading import PATIENCE
from bot.adapters.matrix_signing import IDENTITY
from storage.database import Database
from tests.faults.matrix_tools import devices, is_signed, kept, look, matrix, member, restarted, world_with
from tests.synapse import Synapse
from tests.world import World

RESEND = "send again what matters"


@pytest.fixture
async def asked(sqlite_database: Database, synapse: Synapse, tmp_path: Path) -> AsyncIterator[World]:
    """Ana has asked for help, Dan has only greeted."""
    async with world_with(sqlite_database, synapse, tmp_path) as world:
        await world.app.start()
        await world.need("ana")
        await world.person("dan").says("hello")
        world.clear()
        yield world


async def lose(world: World, *prefixes: str) -> str:
    """The process ends, and what begins so is gone; gives the device that used it."""
    await matrix(world).matrix.stop()
    keychain = await kept(world)
    device: str = keychain.get(LOGIN)["device"]
    for prefix in prefixes:
        keychain.drop_all(prefix)
    await keychain.save()
    return device


async def the_only_device(world: World) -> str:
    """What others see: one device, which its owner has signed."""
    ana, _room = await member(world, "ana")
    (device,) = await devices(world, ana)
    assert await is_signed(world, ana, device)
    return device


@pytest.mark.parametrize(
    "lost",
    [[ACCOUNT], OF_A_DEVICE, [*OF_A_DEVICE, IDENTITY], [IDENTITY, ACCOUNT]],
    ids=["account", "of the device", "all but the login", "account and identity"],
)
async def test_a_new_device_takes_the_place_of_one_whose_keys_are_lost(
    asked: World, lost: Sequence[str]
) -> None:
    old = await lose(asked, *lost)
    await restarted(asked)
    assert await the_only_device(asked) != old
    await look(asked)
    asked.person("ana").hears("may not have reached me", RESEND)
    asked.nobody_hears_anything_else()
    for name in ("ana", "dan"):
        await asked.person(name).says("/my")
        asked.person(name).hears("")
    assert not dict((await kept(asked)).items("locked/"))


async def test_what_was_said_to_the_lost_device_is_told_and_nothing_after_it_is_lost(asked: World) -> None:
    ana, room = await member(asked, "ana")
    await ana.says(room, "the door is blue")
    await lose(asked, ACCOUNT)
    await restarted(asked)
    await look(asked)
    asked.person("ana").hears("may not have reached me", RESEND)
    asked.nobody_hears_anything_else()
    asked.time.moment += PATIENCE
    await look(asked)
    asked.person("ana").hears("could not read your last message", "send it again")
    await asked.person("ana").says("/my")
    asked.person("ana").hears("N-")


@pytest.mark.parametrize("lost", [[ACCOUNT], [*OF_A_DEVICE, IDENTITY]], ids=["account", "all but the login"])
async def test_without_the_password_it_refuses_in_one_sentence(asked: World, lost: Sequence[str]) -> None:
    old = await lose(asked, *lost)
    for _attempt in range(2):
        with pytest.raises(GatewayFault) as refused:
            await restarted(asked, password="")
        assert (refused.value.fatal, refused.value.reason) == (True, KEYS_LOST)
        assert "ONECLOAK_MATRIX__PASSWORD" in refused.value.reason
    assert (await kept(asked)).get(LOGIN)["device"] == old, "nothing was changed"
    await restarted(asked)
    assert await the_only_device(asked) != old


async def test_everything_is_lost_the_login_too(asked: World) -> None:
    old = await lose(asked, "")
    with pytest.raises(GatewayFault) as refused:
        await restarted(asked, password="")
    assert refused.value.reason == NO_PASSWORD
    await restarted(asked)
    ana, _room = await member(asked, "ana")
    (new,) = set(await devices(asked, ana)) - {old}
    assert await is_signed(asked, ana, new)
    await ana.sync()  # her client learns of the device before it writes again
    await asked.person("ana").says("/my")
    asked.person("ana").hears("N-")


async def test_a_lost_identity_needs_the_password_and_works_with_it(asked: World) -> None:
    device = await lose(asked, IDENTITY)
    with pytest.raises(GatewayFault, match="publish the bot's identity") as refused:
        await restarted(asked, password="")
    assert refused.value.fatal
    await restarted(asked)
    assert await the_only_device(asked) == device
    await asked.person("ana").says("/my")
    asked.person("ana").hears("N-")


async def test_keys_of_another_time_are_not_used(asked: World) -> None:
    """A backup is brought back, and meanwhile the device has got other keys."""
    await lose(asked)
    old = await kept(asked)
    saved = old.get(ACCOUNT)
    await lose(asked, ACCOUNT)
    await restarted(asked)
    await matrix(asked).matrix.stop()
    keychain = await kept(asked)
    keychain.put(ACCOUNT, saved)
    await keychain.save()
    with pytest.raises(GatewayFault, match="keys of the bot's Matrix device are lost"):
        await restarted(asked, password="")
