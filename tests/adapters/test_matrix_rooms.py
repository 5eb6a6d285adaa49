"""Into which rooms the Matrix account comes, which it leaves, and work in a coordinators' room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.adapters import NotSent, Outgoing
from bot.adapters.matrix_rooms import INVITE, JOINS_PER, MOST_JOINS, UNDECIDED
from bot.adapters.matrix_wire import MatrixError
from handlers.messages import Kind
from storage import rooms
from storage.database import Database
from tests.adapters.matrix_story import Bot, connected
from tests.matrix_client import good
from tests.matrix_fixtures import Newcomer
from tests.matrix_heard import Message
from tests.matrix_member import Member
from tests.matrix_world import MatrixPlatform, matrix_world
from tests.synapse import Synapse
from tests.world import World


@pytest.fixture
async def bot(sqlite_database: Database, synapse: Synapse) -> AsyncIterator[Bot]:
    async with connected(sqlite_database, synapse) as made:
        yield made


@pytest.fixture
async def ana(newcomer: Newcomer) -> Member:
    return await newcomer("ana")


# --- private chats ------------------------------------------------------------------------------------


async def test_invitations_are_taken_as_fast_as_a_homeserver_allows(bot: Bot, ana: Member) -> None:
    chats = [await ana.open_chat(bot.user_id) for _number in range(MOST_JOINS + 1)]
    await bot.until(lambda: len(bot.rooms) == MOST_JOINS)
    bot.time.moment += JOINS_PER - timedelta(seconds=1)
    await bot.look()
    await bot.look()
    assert len(bot.rooms) == MOST_JOINS
    bot.time.moment += timedelta(seconds=1)
    await bot.until(lambda: bot.rooms == set(chats))


async def test_an_invitation_that_was_taken_back_is_forgotten(bot: Bot, ana: Member) -> None:
    bot.matrix._rooms._joins.extend([bot.time()] * MOST_JOINS)  # so it comes later
    told, untold = [await ana.creates_group(name, [bot.user_id]) for name in ("One", "Two")]
    await bot.look()
    good(await ana.client.room_kick(told, bot.user_id))
    await bot.look()
    assert [room for room, _invite in bot.matrix.keychain.items(INVITE)] == [untold]
    good(await ana.client.room_kick(untold, bot.user_id))
    bot.time.moment += JOINS_PER
    await bot.look()
    assert list(bot.matrix.keychain.items(INVITE)) == []
    assert bot.rooms == set()
    assert await bot.chat(ana) in bot.rooms


async def test_a_room_that_cannot_be_entered_keeps_nobody_else_waiting(
    bot: Bot, ana: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its homeserver may be gone; the invitation stands, and is tried again later and later."""
    call, tried = bot.client.call, list[str]()

    async def broken(method: str, path: str, *args: Any, **more: Any) -> dict[str, Any]:
        if path.startswith("/join/") and len(tried) < 3:
            tried.append(path)
            raise MatrixError("the homeserver refused it (HTTP 502)", 502)
        return await call(method, path, *args, **more)

    monkeypatch.setattr(bot.client, "call", broken)
    bot.matrix._poll_seconds = 0
    room = await ana.open_chat(bot.user_id)
    for _look in range(4):
        await bot.look()
    assert len(tried) == 1
    for seconds, tries in ((1, 1), (1, 2), (3, 2), (1, 3), (7, 3)):
        bot.time.moment += timedelta(seconds=seconds)
        await bot.look()
        assert len(tried) == tries
    bot.time.moment += timedelta(seconds=1)
    await bot.until(lambda: room in bot.rooms)
    assert list(bot.matrix.keychain.items(INVITE)) == []


async def test_a_private_chat_that_becomes_a_group_is_left_and_another_is_opened(
    bot: Bot, ana: Member, newcomer: Newcomer
) -> None:
    ben = await newcomer("ben")
    before = await bot.chat(ana)
    await ana.invites(before, ben.user_id)
    await bot.until(lambda: before not in bot.rooms)
    with pytest.raises(NotSent, match="being opened") as not_yet:
        await bot.matrix.send(Outgoing(ana.user_id, "in private", key="1"))
    assert not_yet.value.retry_after is not None
    await bot.look()
    await ana.sync()  # the bot is welcome
    await bot.look()
    assert await bot.matrix.send(Outgoing(ana.user_id, "in private", key="1"))
    await ana.until(lambda: ana.heard)
    [heard] = ana.heard
    assert heard.room_id != before
    assert heard.encrypted
    assert bot.reports(Kind.BLOCKED) == []


async def test_a_group_into_which_a_stranger_asks_is_left(bot: Bot, ana: Member, newcomer: Newcomer) -> None:
    ben = await newcomer("ben")
    room = await ana.creates_group("Neighbours", [bot.user_id, ben.user_id])
    await ben.accepts(room)
    await bot.until(lambda: bot.reports(Kind.JOINED))
    [asked] = bot.reports(Kind.JOINED)
    assert (asked.chat, asked.payload["room"], asked.payload["group"]) == (ana.user_id, room, True)
    bot.time.moment += UNDECIDED
    await bot.look()
    assert room not in bot.rooms
    await ana.until(lambda: bot.user_id not in ana.client.rooms[room].users)
    assert ana.heard == []


# --- the coordinators' room -----------------------------------------------------------------------------


@pytest.fixture
async def world(sqlite_database: Database, synapse: Synapse, tmp_path: Path) -> AsyncIterator[World]:
    async with matrix_world(sqlite_database, synapse, tmp_path) as made:
        yield made


def matrix(world: World) -> MatrixPlatform:
    assert isinstance(world.platform, MatrixPlatform)
    return world.platform


async def look(world: World) -> None:
    """The bot sees what happened that is no message."""
    await world.app.stations[0].gateway.run_once()
    await world.settle()


async def asked_in(world: World, name: str, *others: str) -> str:
    """A coordinator asks the bot and others into an encrypted group."""
    platform = matrix(world)
    host, _chat = await platform.member(name)
    guests = [(await platform.member(each))[0] for each in others]
    room = await host.creates_group("Hall", [platform.bot_id, *(each.user_id for each in guests)])
    for guest in guests:
        await guest.accepts(room)
    platform.expect(f"joined:{room}")
    await world.settle()
    return room


def card_in(world: World, name: str, room: str, words: str) -> Message:
    """The newest message of the bot in a group, as someone sees it now."""
    heard, bot = matrix(world).members[name].heard, matrix(world).bot_id
    shown = (each for each in reversed(heard) if each.room_id == room and each.sender == bot)
    return next(each for each in shown if words in each.body)


async def reacts(world: World, name: str, emoji: str, room: str, words: str) -> None:
    member, card = matrix(world).members[name], card_in(world, name, room, words)
    matrix(world).expect(await member.reacts(room, card.event_id, emoji))
    await world.settle()


async def test_an_sos_is_taken_in_the_coordinators_room(world: World) -> None:
    carla, ana, ben = await world.coordinator("carla"), world.person("ana"), world.person("ben")
    for each in (ana, ben):
        await each.says("hello")
    world.clear()
    hall = await asked_in(world, "carla", "ben")
    ben.hears("Shall this be the coordinators' room?", "No name and no words", "1 Yes")
    await reacts(world, "ben", "👍", hall, "Shall this be")
    ben.hears("That is for coordinators")
    ben.hears_nothing()
    await reacts(world, "carla", "👍", hall, "Shall this be")
    ben.hears("This is the coordinators' room now")
    carla.inbox.clear()

    await ana.says("sos the curtains are burning")
    await ana.sends_place(41.403628, 2.174355)
    ben.hears("🔴 A-", "Fire", "nobody yet", "I take it", without=["curtains", "Ana"])
    assert ben.hears("around 41.40, 2.18", without=["curtains", "Ana", "41.4036"]).changed
    card = card_in(world, "ben", hall, "🔴 A-")
    assert card.encrypted
    assert not any("curtains" in str(each.content) for each in matrix(world).members["ben"].heard)
    world.clear()

    await reacts(world, "ben", "👍", hall, "🔴 A-")
    ben.hears("That is for coordinators")
    world.nobody_hears_anything_else()

    await reacts(world, "carla", "👍", hall, "🔴 A-")
    ben.sees_changed("Carla since 12:00 UTC")
    assert card_in(world, "ben", hall, "Carla").event_id == card.event_id
    ana.hears("Carla has taken charge")
    details = matrix(world).message_id("carla", "You are in charge")
    opened = matrix(world).members["carla"].messages[details]
    assert "the curtains are burning" in opened.body
    assert opened.room_id == matrix(world).chats["carla"]
    ben.hears_nothing()
    await carla.presses("Resolve")
    await carla.presses("They were helped")
    ben.sees_changed("closed", "A-")
    ana.hears("is closed")


async def test_words_take_charge_and_details_come_in_a_chat_that_the_bot_opens(world: World) -> None:
    carla, ana, ben = await world.coordinator("carla"), world.person("ana"), world.person("ben")
    hall = await asked_in(world, "carla", "ben")
    await carla.presses("Yes")
    await ana.says("sos there is smoke")
    member, private = matrix(world).members["carla"], matrix(world).chats["carla"]
    await member.invites(private, matrix(world).members["ben"].user_id)  # so it is private no more
    await look(world)
    world.clear()

    card = card_in(world, "carla", hall, "🔴 A-")
    matrix(world).expect(await member.replies(hall, card.event_id, "1"))
    await world.settle()
    ana.hears("Carla has taken charge")
    await look(world)
    await world.forward(seconds=3)
    [opened] = [each for each in member.heard if "You are in charge" in each.body]
    assert "there is smoke" in opened.body
    assert opened.room_id not in (hall, private)
    assert opened.encrypted
    assert set(member.client.rooms[opened.room_id].users) == {member.user_id, matrix(world).bot_id}

    eva = world.person("eva")
    await eva.says("sos")
    second = card_in(world, "carla", hall, "nobody yet").body.split()[1]
    matrix(world).expect(await member.says(hall, f"!take {second}"))
    await world.settle()
    assert any("Carla has taken charge" in each.text for each in eva.inbox)
    assert "Carla" in card_in(world, "ben", hall, second).body
    assert not any("in charge" in each.text for each in ben.inbox)


async def test_a_room_is_left_when_all_others_have_left_or_nobody_has_decided(world: World) -> None:
    await world.coordinator("carla")
    hall, undecided = await asked_in(world, "carla", "ben"), await asked_in(world, "carla")
    await reacts(world, "carla", "👍", hall, "Shall this be")
    known = matrix(world).matrix
    assert known.client is not None
    assert {hall, undecided} <= known.client.rooms.keys()
    await world.forward(minutes=59)
    await look(world)
    assert {hall, undecided} <= known.client.rooms.keys()
    await world.forward(minutes=1)
    await look(world)
    assert undecided not in known.client.rooms
    carla, ben = (matrix(world).members[name] for name in ("carla", "ben"))
    await carla.until(lambda: matrix(world).bot_id not in carla.client.rooms[undecided].users)

    await carla.leaves(hall)
    await look(world)
    assert hall in known.client.rooms
    await ben.leaves(hall)
    await look(world)
    await look(world)
    assert hall not in known.client.rooms
    assert await world.database.run(lambda tx: len(rooms.of_coordinators(tx))) == 0
