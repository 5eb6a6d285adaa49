"""One union on two platforms: the case of a person in Telegram, helped and guarded by people in Matrix."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.database import Database
from tests.bot_api import BotApi
from tests.conversations.acts import coordinators_room, photo_with_secrets, place_of, presses_in
from tests.matrix_heard import Message
from tests.matrix_world import MatrixPlatform, matrix_platform
from tests.synapse import Synapse
from tests.world import BARCELONA, Friend, TelegramPlatform, Time, World, compose

EXACT = (41.403628, 2.174355)


@pytest.fixture
async def world(sqlite_database: Database, synapse: Synapse, tmp_path: Path) -> AsyncIterator[World]:
    """Telegram first, Matrix second."""
    time = Time()
    async with BotApi() as api, matrix_platform(sqlite_database, synapse, tmp_path, time) as matrix:
        telegram = TelegramPlatform(api)
        made = compose(sqlite_database, telegram, matrix, time=time)
        await made.app.start()
        try:
            yield made
        finally:
            await telegram.adapter.stop()


def matrix(world: World) -> MatrixPlatform:
    platform = world.platforms[1]
    assert isinstance(platform, MatrixPlatform)
    return platform


def in_matrix(world: World, name: str) -> Friend:
    return world.person(name, matrix(world))


async def volunteer(world: World, name: str) -> Friend:
    friend = in_matrix(world, name)
    await friend.says(f"/join {await world.code()}")
    await friend.says("/offer I can fetch medicine")
    await friend.sends_place(*BARCELONA)
    await friend.presses("5 km")
    assert "Thank you" in friend.inbox[-1].text
    friend.inbox.clear()
    return friend


async def test_a_need_of_telegram_is_met_from_matrix(world: World) -> None:
    ben, ana = await volunteer(world, "ben"), world.person("ana")
    reference = await world.need("ana", place=EXACT)
    asked = ben.hears(reference, "I can", without=["insulin", "Ana", "41.4036"])
    assert asked.place is None
    await ben.presses("I can")
    opened = ben.hears("insulin")
    assert place_of(ben, opened) == pytest.approx(EXACT)
    ana.hears(reference)
    world.clear()

    await ana.says("The <blue> door & the bell")
    ben.hears("from the one who asked", "The <blue> door & the bell")
    await ana.edits("The green door")
    ben.sees_changed("The green door")
    await ben.replies("The green door", "I see it")
    ana.hears("I see it")
    await ben.says("I come on foot")
    ana.hears("I come on foot")
    await ben.edits("I come by bike")
    ana.sees_changed("I come by bike")
    await ana.sends_place(41.41, 2.15)
    assert [place_of(ben, each) for each in ben.inbox if each.place] == [pytest.approx((41.41, 2.15))]
    ben.inbox.clear()
    await ben.sends_place(41.42, 2.16)
    assert [each.place.latitude for each in ana.inbox if each.place] == [pytest.approx(41.42)]
    ana.inbox.clear()
    for sender, reader in ((ana, ben), (ben, ana)):
        await sender.sends_photo(photo_with_secrets(), "the door")
        shown = reader.hears("the door")
        assert shown.file is not None
        assert b"SecretCamera" not in shown.file.body
        assert shown.file.body.startswith(b"\xff\xd8")
    world.nobody_hears_anything_else()

    await ben.says("/done")
    await ana.says("/confirm")
    member = matrix(world).members["ben"]
    assert all(each.encrypted for each in member.heard)
    seen = "\n".join(str(each.content) for each in member.heard)
    for secret in ("insulin", "41.403628", "41.41"):  # what was said in the talk stays, as any talk
        assert secret not in seen, secret
    assert f"Closed: the words and the place of {reference}" in seen


# --- an SOS ---------------------------------------------------------------------------------------------


async def hall_of(world: World) -> tuple[Friend, Friend, str]:
    """Carla's coordinators' room, in which Ben only reads; the story begins after that."""
    carla, ben = in_matrix(world, "carla"), in_matrix(world, "ben")
    await carla.says(f"/join {await world.code('coordinator')}")
    await ben.says("hello")
    platform = matrix(world)
    host, guest = platform.members["carla"], platform.members["ben"]
    room = await host.creates_group("Hall", [platform.bot_id, guest.user_id])
    await guest.accepts(room)
    platform.expect(f"joined:{room}")
    await world.settle()
    await carla.presses("Yes")
    assert "I post alerts here" in ben.inbox[-1].text
    world.clear()
    return carla, ben, room


def newest(world: World, name: str, words: str) -> Message:
    return next(each for each in reversed(matrix(world).members[name].heard) if words in each.body)


async def test_an_sos_of_telegram_is_taken_in_a_room_of_matrix(world: World) -> None:
    carla, ben, hall = await hall_of(world)
    ana = world.person("ana")
    await ana.says("sos the curtains are burning")
    ana.hears("112", "1 coordinator.")
    await ana.sends_place(*EXACT)
    ana.hears("written this down")
    ben.hears("🔴 A-", "nobody yet", without=["curtains", "Ana"])
    assert ben.hears("around 41.40, 2.18", without=["curtains", "41.4036"]).changed
    card = newest(world, "ben", "🔴 A-")
    assert card.room_id == hall
    world.clear()

    matrix(world).expect(await matrix(world).members["carla"].reacts(hall, card.event_id, "👍"))
    await world.settle()
    ana.hears("Carla has taken charge")
    ben.sees_changed("Carla since 12:00 UTC")
    details = newest(world, "carla", "You are in charge")
    assert "the curtains are burning" in details.body
    assert details.room_id == matrix(world).chats["carla"]
    places = [each.place for each in carla.inbox if each.place]
    assert [(each.latitude, each.longitude) for each in places] == [pytest.approx(EXACT)]
    carla.inbox.clear()

    await ana.says("third floor")
    carla.hears("from the one who asked", "third floor")
    await carla.says("They are on their way")
    ana.hears("from a coordinator", "on their way")
    world.nobody_hears_anything_else()

    await carla.presses("Resolve")
    await carla.presses("They were helped")
    ana.hears("is closed", "What they have read I can't take back")
    ben.sees_changed("closed", "A-")
    ben.hears_nothing()
    left = "\n".join(str(each.content) for each in matrix(world).members["carla"].heard)
    assert "Closed: the words and the place" in left
    for secret in ("curtains", "41.4036"):
        assert secret not in left, secret


async def test_an_sos_of_matrix_is_taken_in_a_group_of_telegram(world: World) -> None:
    carla, ana = await world.coordinator("carla"), in_matrix(world, "ana")
    hall = await coordinators_room(world, carla)
    await ana.says("sos the curtains are burning")
    ana.hears("112", "1 coordinator.")
    assert hall.hears("🔴 A-", "nobody yet", without=["curtains", "Ana"]).labels == ["I take it"]
    world.clear()
    await presses_in(world, carla, hall, "I take it")
    carla.hears("You are in charge", "the curtains are burning")
    ana.hears("Carla has taken charge")
    hall.sees_changed("Carla since 12:00 UTC", without=["curtains"])
    world.clear()
    await ana.says("third floor")
    carla.hears("from the one who asked", "third floor")
    await carla.says("They are on their way")
    ana.hears("from a coordinator", "on their way")
    await carla.says("/resolve services")
    ana.hears("closed by the coordinator")
    hall.sees_changed("closed")
    hall.hears_nothing()
