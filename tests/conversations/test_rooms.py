"""The coordinators' room: how it begins and ends, what is shown in it, and how work is done from it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from storage import people, rooms
from storage.database import Database
from storage.tables import Room
from tests.conversations.acts import coordinators_room, invites, reacts_in, says_in
from tests.world import Friend, TelegramPlatform, World, console_world, telegram_world

PLACE = (41.403628, 2.174355)


async def _sos(world: World, words: str = "sos the curtains are burning") -> Friend:
    ana = world.person("ana")
    await ana.says(words)
    ana.inbox.clear()
    return ana


@pytest.fixture(params=["console", "telegram"])
async def world(request: pytest.FixtureRequest, sqlite_database: Database) -> AsyncIterator[World]:
    """What works in a room of one platform works in that of another; Matrix has stories of its own."""
    worlds = {"console": console_world, "telegram": telegram_world}
    async with worlds[request.param](sqlite_database) as made:
        yield made


def _address(world: World, room: str = "hall") -> tuple[str, str]:
    """The platform, and what it calls the room."""
    platform = world.platform
    name = str(platform.group(room).user_id) if isinstance(platform, TelegramPlatform) else room
    return platform.adapter.platform, name


async def _may_stay(world: World, room: str = "hall") -> bool:
    return await world.database.run(lambda tx: rooms.may_stay(tx, world.time(), *_address(world, room)))


# --- what a room is for ---------------------------------------------------------------------------


@pytest.mark.parametrize("yes", ["👍", "✅", "1️⃣", "👍🏽"])
async def test_a_reaction_to_the_question_makes_it_the_coordinators_room(world: World, yes: str) -> None:
    carla = await world.coordinator("carla")
    room = await invites(world, carla)
    asked = room.hears("Shall this be the coordinators' room?", "its kind", "No name and no words")
    assert asked.labels == ["Yes", "No"]
    await reacts_in(world, carla, room, "🎉")
    world.nobody_hears_anything_else()

    await reacts_in(world, carla, room, yes, "Shall this be")
    room.hears("This is the coordinators' room now", "/coordinators off")
    world.nobody_hears_anything_else()
    await world.forward(hours=2)
    assert await _may_stay(world)


@pytest.mark.parametrize("words", ["1", "Yes", "yes please", "/coordinators", "Sí"])
async def test_words_make_it_the_coordinators_room_as_well(world: World, words: str) -> None:
    carla = await world.coordinator("carla")
    room = await invites(world, carla)
    room.inbox.clear()
    await says_in(world, carla, room, "hello everyone, see you on Monday")
    world.nobody_hears_anything_else()
    await says_in(world, carla, room, words)
    room.hears("This is the coordinators' room now")
    world.nobody_hears_anything_else()


@pytest.mark.parametrize("no", ["👎", "2", "No", "/coordinators off"])
async def test_a_no_and_the_bot_may_not_stay(world: World, no: str) -> None:
    carla = await world.coordinator("carla")
    room = await invites(world, carla)
    room.inbox.clear()
    assert await _may_stay(world)
    if no == "👎":
        await reacts_in(world, carla, room, no, "Shall this be")
    else:
        await says_in(world, carla, room, no)
    room.hears("I post no alerts here")
    assert not await _may_stay(world)
    await _sos(world)
    room.hears_nothing()


async def test_an_undecided_room_is_left_after_an_hour_and_shows_no_alert(world: World) -> None:
    carla = await world.coordinator("carla")
    room = await invites(world, carla)
    room.inbox.clear()
    await _sos(world)
    room.hears_nothing()
    await world.forward(minutes=59)
    assert await _may_stay(world)
    await world.forward(minutes=1)
    assert not await _may_stay(world)
    assert not await _may_stay(world, "another hall")


async def test_who_is_no_coordinator_opens_no_room_and_decides_nothing(world: World) -> None:
    carla = await world.coordinator("carla")
    ana = world.person("ana")
    await ana.says("/start")
    world.clear()
    await invites(world, ana)
    world.nobody_hears_anything_else()
    assert not await _may_stay(world)

    room = await invites(world, carla, "another hall")
    room.inbox.clear()
    await reacts_in(world, ana, room, "👍", "Shall this be")
    ana.hears("That is for coordinators")
    await says_in(world, ana, room, "nice weather")
    await reacts_in(world, world.person("stranger"), room, "👍", "Shall this be")
    world.nobody_hears_anything_else()
    assert await world.database.run(lambda tx: _purposes(tx.session.query(Room).all())) == ["undecided"]


def _purposes(found: list[Room]) -> list[str]:
    return [each.purpose for each in found]


async def test_the_command_in_private_says_what_to_do(world: World) -> None:
    carla = await world.coordinator("carla")
    await carla.says("/coordinators")
    carla.hears("Ask me into a room")
    ana = world.person("ana")
    await ana.says("/start")
    ana.inbox.clear()
    await ana.says("/coordinators")
    ana.hears("That is for coordinators")


async def test_a_room_that_begins_late_sees_what_is_open(world: World) -> None:
    carla = await world.coordinator("carla")
    await _sos(world)
    room = await invites(world, carla)
    await says_in(world, carla, room, "/coordinators")
    room.hears("Shall this be")
    room.hears("room now")
    room.hears("🔴 A-", "Fire, smoke or gas", "nobody yet")


async def test_a_room_that_was_left_is_gone_with_what_was_to_be_said_there(world: World) -> None:
    carla = await world.coordinator("carla")
    room = await coordinators_room(world, carla)
    await world.database.run(lambda tx: rooms.remove(tx, *_address(world)))
    await _sos(world)
    room.hears_nothing()
    carla.hears("🔴 A-")
    await says_in(world, carla, room, "/board")
    world.nobody_hears_anything_else()


async def test_who_forgets_leaves_the_room_to_the_others(world: World) -> None:
    carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
    room = await coordinators_room(world, carla)
    await carla.says("/forget yes")
    world.clear()
    await _sos(world)
    room.hears("🔴 A-")
    dora.hears("🔴 A-")
    carla.hears_nothing()


async def test_an_address_is_known_as_a_coordinators(world: World) -> None:
    await world.coordinator("carla")
    await world.person("ana").says("hello")
    if isinstance(world.platform, TelegramPlatform):
        chats = [str(world.platform.person(name).user_id) for name in ("carla", "ana", "nobody")]
    else:
        chats = ["carla", "ana", "nobody"]
    platform = world.platform.adapter.platform
    found = [
        await world.database.run(lambda tx, chat=each: people.is_coordinator_at(tx, platform, chat))  # type: ignore[misc]
        for each in chats
    ]
    assert found == [True, False, False]


# --- what is shown --------------------------------------------------------------------------------


async def test_an_alert_is_shown_with_its_area_and_without_name_words_or_place(world: World) -> None:
    carla = await world.coordinator("carla")
    room = await coordinators_room(world, carla)
    ana = world.person("ana")
    await ana.says("sos the curtains are burning")
    ana.hears("112", "1 coordinator.")
    card = room.hears(
        "🔴 A-", "Fire, smoke or gas", "nobody yet", "I take it", without=["Ana", "curtains", "around"]
    )
    assert card.labels == ["I take it"]
    carla.inbox.clear()

    await ana.sends_place(*PLACE)
    moved = room.hears("🔴 A-", "around 41.40, 2.18", without=["41.4036"])
    assert moved.changed
    assert moved.place is None
    await ana.sends_place(PLACE[0] + 0.0001, PLACE[1])
    room.hears_nothing()
    await ana.sends_place(41.5, 2.2)
    room.sees_changed("around 41.50, 2.20")

    await carla.presses("I take it")
    room.sees_changed("Carla since 12:00 UTC", "around 41.50, 2.20")
    await world.forward(minutes=5)
    await carla.presses("Hand back")
    room.sees_changed("nobody yet", "I take it")
    await carla.presses("I take it")
    room.sees_changed("Carla since 12:05 UTC")
    await carla.presses("Resolve")
    await carla.presses("They were helped")
    closed = room.hears("closed", without=["around", "Carla", "curtains"])
    assert closed.changed
    assert closed.labels == []
    room.hears_nothing()


async def test_a_need_that_nobody_takes_is_shown_with_its_skill(world: World) -> None:
    carla = await world.coordinator("carla")
    room = await coordinators_room(world, carla)
    reference = await world.need("ana", place=PLACE)
    room.hears("🟠 A-", "nobody has taken a need", reference, "Fetch medicine", "around 41.40, 2.18",
               without=["insulin", "Ana"])  # fmt: skip
    await world.person("ana").says("/stop")
    room.hears("closed", without=["around"])


async def test_a_room_rings_again_while_nobody_answers(world: World) -> None:
    carla = await world.coordinator("carla")
    room = await coordinators_room(world, carla)
    ana = await _sos(world)
    room.hears("🔴 A-")
    await world.forward(minutes=1)
    assert not room.hears("🔴 A-", "1 minute", "nobody yet").changed
    ana.hears("1 coordinator.")


async def test_after_the_person_was_forgotten_the_card_is_closed(world: World) -> None:
    carla = await world.coordinator("carla")
    room = await coordinators_room(world, carla)
    ana = await _sos(world)
    room.inbox.clear()
    await ana.says("/forget yes")
    room.sees_changed("closed")
    carla.inbox.clear()
    await reacts_in(world, carla, room, "👍", "")
    carla.hears("can't find that alert")


# --- work from the room -------------------------------------------------------------------------------


@pytest.mark.parametrize("act", ["👍", "✅", "1️⃣", "✋🏿"])
async def test_a_reaction_takes_charge_and_the_details_come_in_private(world: World, act: str) -> None:
    carla = await world.coordinator("carla")
    dora = await world.coordinator("dora")
    room = await coordinators_room(world, carla)
    ana = await _sos(world)
    await dora.says("/duty off")
    world.clear()
    await reacts_in(world, carla, room, "❤️", "")
    await reacts_in(world, carla, room, "🙏", "")
    world.nobody_hears_anything_else()

    await reacts_in(world, carla, room, act, "")
    carla.hears("You are in charge", "curtains are burning")
    ana.hears("Carla has taken charge")
    room.sees_changed("Carla since")
    world.clear()
    await reacts_in(world, dora, room, "👍", "")
    dora.hears("Carla", without=["curtains"])
    world.nobody_hears_anything_else()


@pytest.mark.parametrize("words", ["1", "I take it", "take", "Me encargo", "/take"])
async def test_a_short_reply_takes_charge(world: World, words: str) -> None:
    carla = await world.coordinator("carla")
    await carla.says("/language es")
    room = await coordinators_room(world, carla)
    await _sos(world)
    second = world.person("eva")
    await second.says("sos")
    world.clear()
    await says_in(world, carla, room, "does anyone know them?", "🔴")
    await says_in(world, carla, room, words.replace("/take", "yes we should take it"), "")
    world.nobody_hears_anything_else()
    await says_in(world, carla, room, words, "🔴")
    carla.hears("A-")
    second.hears("Carla has taken charge")


async def test_commands_in_the_room_are_answered_in_private(world: World) -> None:
    carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
    room = await coordinators_room(world, carla)
    ana = await _sos(world)
    card = room.hears("🔴 A-")
    reference = card.text.split()[1]
    world.clear()
    await says_in(world, carla, room, "/board")
    carla.hears(reference, "nobody yet")
    await says_in(world, carla, room, f"/take {reference}")
    carla.hears("You are in charge")
    ana.hears("Carla has taken charge")
    world.clear()
    await says_in(world, carla, room, "/still")
    carla.hears("Thank you")
    await says_in(world, carla, room, "/handback")
    carla.hears("goes back")
    await says_in(world, dora, room, "/take")
    world.clear()
    await says_in(world, dora, room, "/resolve", "🔴")
    dora.hears("How did it end?")
    await dora.presses("Emergency services came")
    dora.hears("is resolved")
    ana.hears("closed by the coordinator", "What they have read I can't take back")
    await says_in(world, dora, room, "/duty off")
    assert any("off duty" in each.text for each in dora.inbox)
    room.sees_changed("closed")
    room.hears_nothing()
    await says_in(world, dora, room, "/my")
    dora.inbox.clear()
    world.clear()


async def test_who_is_no_coordinator_takes_nothing_in_the_room(world: World) -> None:
    carla = await world.coordinator("carla")
    ben = await world.volunteer("ben")
    room = await coordinators_room(world, carla)
    await _sos(world)
    world.clear()
    for number, act in enumerate(("👍", "1")):
        if number:
            await says_in(world, ben, room, act, "🔴")
        else:
            await reacts_in(world, ben, room, act, "🔴")
        ben.hears("That is for coordinators")
    await says_in(world, ben, room, "/take")
    ben.hears("That is for coordinators")
    await reacts_in(world, world.person("stranger"), room, "👍", "🔴")
    world.nobody_hears_anything_else()


async def test_a_coordinator_takes_not_their_own_sos_in_the_room(world: World) -> None:
    carla = await world.coordinator("carla")
    await world.coordinator("dora")
    room = await coordinators_room(world, carla)
    await carla.says("sos")
    world.clear()
    await reacts_in(world, carla, room, "👍", "🔴")
    carla.hears("This one is about you")
    world.nobody_hears_anything_else()


async def test_coordinators_speak_of_emergencies_in_their_room_and_others_are_heard(world: World) -> None:
    carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
    room = await coordinators_room(world, carla)
    await says_in(world, carla, room, "sos, she is unconscious, call an ambulance")
    world.nobody_hears_anything_else()
    await says_in(world, carla, room, "/sos")
    carla.hears("112", "Where are you?")
    room.hears("🔴 A-")
    dora.hears("🔴 A-")

    eva = world.person("eva")
    await says_in(world, eva, room, "sos my house is on fire")
    eva.hears("112", "Where are you?")
    room.hears("🔴 A-", without=["fire"])


async def test_talk_in_the_room_changes_not_what_a_number_means_in_private(world: World) -> None:
    carla = await world.coordinator("carla")
    room = await coordinators_room(world, carla)
    await _sos(world)
    world.clear()
    await says_in(world, carla, room, "1")
    world.nobody_hears_anything_else()
    await carla.says("1")
    carla.hears("You are in charge")


async def test_the_room_reads_the_unions_language_and_the_reader_theirs(world: World) -> None:
    carla = await world.coordinator("carla")
    await carla.says("/language es")
    room = await coordinators_room(world, carla)
    await _sos(world)
    room.hears("nobody yet", "I take it")
    carla.hears("nadie todavía" if "nadie todavía" in carla.inbox[0].text else "A-", without=["nobody yet"])
