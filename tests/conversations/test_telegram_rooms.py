"""A Telegram group as coordinators' room: rights, pace, being put out, and becoming a supergroup."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.adapters.telegram import TELEGRAM_PACE
from bot.pacing import Pacer
from storage import outbox, rooms
from storage.database import Database, Transaction
from storage.tables import Outbox
from tests.bot_api_groups import Group
from tests.conversations.acts import (
    coordinators_room,
    invites,
    posted,
    presses_in,
    reacts_in,
    restart,
    says_in,
)
from tests.world import Friend, TelegramPlatform, World, telegram_world

MOVED = -100700
SECOND = timedelta(seconds=1)


@pytest.fixture
async def world(sqlite_database: Database) -> AsyncIterator[World]:
    async with telegram_world(sqlite_database) as made:
        yield made


def telegram(world: World) -> TelegramPlatform:
    assert isinstance(world.platform, TelegramPlatform)
    return world.platform


def hall(world: World) -> Group:
    return telegram(world).group("hall")


async def look(world: World) -> None:
    """The bot asks Telegram again, though nothing has come."""
    await world.app.stations[0].gateway.run_once()
    await world.settle()


async def upgrade(world: World, by: Friend, silently: bool = False) -> Group:
    """The hall becomes a supergroup; silently: the bot hears of it only when it posts there."""
    new = hall(world).upgrade(telegram(world).person(by.name).user, MOVED)
    if silently:
        await telegram(world).api.updates.poll(telegram(world).api.updates.next_number, 1, 0, None)
    telegram(world).groups["hall"] = new
    await world.settle()
    return new


# --- how it begins, and what works in it ------------------------------------------------------------


async def test_a_button_decides_and_a_button_takes_charge_by_whose_finger_it_is(world: World) -> None:
    carla, ana = await world.coordinator("carla"), world.person("ana")
    ben = world.person("ben")
    await ben.says("/start")
    world.clear()
    room = await invites(world, carla, rights="member")
    room.hears("Shall this be the coordinators' room?", "Make me an administrator if a 👍 shall count")
    await presses_in(world, ben, room, "Yes")
    ben.hears("That is for coordinators")
    await presses_in(world, carla, room, "Yes")
    room.hears("This is the coordinators' room now")
    await ana.says("sos the curtains are burning")
    world.clear()

    await presses_in(world, ben, room, "I take it")
    ben.hears("That is for coordinators")
    await presses_in(world, world.person("stranger"), room, "I take it")
    world.nobody_hears_anything_else()
    await presses_in(world, carla, room, "I take it")
    carla.hears("You are in charge", "the curtains are burning")
    ana.hears("Carla has taken charge")
    assert room.sees_changed("Carla since 12:00 UTC", without=["curtains", "Ana"]).labels == []
    assert not any("curtains" in each.text for each in hall(world).heard)


async def test_an_administrator_is_told_nothing_of_rights_and_being_promoted_asks_nothing(
    world: World,
) -> None:
    carla = await world.coordinator("carla")
    room = await invites(world, carla, rights="member")
    room.hears("administrator")
    hall(world).becomes(telegram(world).person("carla").user, "administrator")
    await world.settle()
    world.nobody_hears_anything_else()
    await reacts_in(world, carla, room, "👍", "Shall this be")
    room.hears("coordinators' room now")
    other = await invites(world, carla, "attic")
    other.hears("Shall this be", without=["administrator"])


async def test_without_rights_to_hear_all_a_reply_and_a_command_take_charge(world: World) -> None:
    carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
    room = await invites(world, carla, rights="member")
    await says_in(world, carla, room, "/coordinators@one_cloak_bot")
    await world.person("ana").says("sos")
    await world.person("eva").says("sos")
    world.clear()
    await reacts_in(world, carla, room, "👍", "🔴")
    await says_in(world, carla, room, "1")
    world.nobody_hears_anything_else()
    await says_in(world, carla, room, "1", "🔴")
    carla.hears("You are in charge")
    open_card = posted(hall(world), "nobody yet")
    world.clear()
    await says_in(world, dora, room, f"/take@one_cloak_bot {open_card.text.split()[1]}")
    dora.hears("You are in charge")


async def test_many_alerts_are_posted_at_the_pace_that_telegram_allows_a_group(world: World) -> None:
    carla = await world.coordinator("carla")
    room = await coordinators_room(world, carla)
    world.app.stations[0].courier.pacer = Pacer(TELEGRAM_PACE)
    seen = []
    for number in range(30):
        await world.person(f"p{number}").says("sos")
    for _second in range(70):
        world.time.moment += SECOND
        await world.settle()
        seen.append(len(room.inbox))
    assert 20 <= seen[58] <= 21
    assert seen[-1] == 30
    assert len({each.text.split()[1] for each in room.inbox}) == 30


# --- leaving, and being put out -----------------------------------------------------------------------


async def test_a_group_into_which_no_coordinator_asked_is_left(world: World) -> None:
    ana = world.person("ana")
    await ana.says("/start")
    room = await invites(world, ana)
    world.clear()
    await world.forward(minutes=1)
    await look(world)
    assert hall(world).has_bot
    await world.forward(minutes=2)
    await look(world)
    assert not hall(world).has_bot
    room.hears_nothing()
    world.nobody_hears_anything_else()


async def test_a_group_about_which_nobody_decides_is_left_after_an_hour(world: World) -> None:
    carla = await world.coordinator("carla")
    await invites(world, carla)
    world.clear()
    await world.forward(minutes=59)
    await look(world)
    assert hall(world).has_bot
    await restart(world)
    await world.forward(minutes=2)
    await look(world)
    assert not hall(world).has_bot
    assert await world.database.run(lambda tx: rooms.at(tx, "telegram", str(hall(world).user_id))) is None
    world.nobody_hears_anything_else()


async def test_a_room_that_is_not_wanted_any_more_hears_so_and_is_left(world: World) -> None:
    carla = await world.coordinator("carla")
    room = await coordinators_room(world, carla)
    await says_in(world, carla, room, "/coordinators off")
    room.hears("I post no alerts here and leave")
    await world.forward(seconds=15)
    await look(world)
    assert not hall(world).has_bot
    world.nobody_hears_anything_else()


async def test_who_puts_the_bot_out_of_the_room_does_not_do_it_unnoticed(world: World) -> None:
    carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
    await dora.says("/duty off")
    room = await coordinators_room(world, carla)
    hall(world).becomes(telegram(world).person("stranger").user, "kicked")
    await world.settle()
    carla.hears("I can no longer post in a coordinators' room", "ask me into it")
    world.nobody_hears_anything_else()
    await world.person("ana").says("sos")
    room.hears_nothing()
    carla.hears("🔴 A-")
    again = await invites(world, carla)
    again.hears("Shall this be")


@pytest.mark.parametrize("how", ["kicked while nothing came", "not allowed to write"])
async def test_a_room_in_which_nothing_can_be_posted_is_noticed_at_the_next_alert(
    world: World, how: str
) -> None:
    carla = await world.coordinator("carla")
    await coordinators_room(world, carla)
    if how.startswith("kicked"):
        hall(world).bot_is = "kicked"
    else:
        hall(world).may_write = False
    await world.person("ana").says("sos")
    told = [each.text for each in carla.inbox]
    assert sum("I can no longer post" in each for each in told) == 1
    assert any("🔴 A-" in each for each in told)


# --- becoming a supergroup ----------------------------------------------------------------------------


@pytest.mark.parametrize("silently", [False, True])
async def test_a_group_that_becomes_a_supergroup_goes_on_with_the_same_case(
    world: World, silently: bool
) -> None:
    carla, ana = await world.coordinator("carla"), world.person("ana")
    room = await coordinators_room(world, carla)
    await ana.says("sos the curtains are burning")
    reference = room.hears("🔴 A-").text.split()[1]
    old = hall(world)
    world.clear()
    new = await upgrade(world, carla, silently)
    if not silently:
        card = [each for each in room.inbox if reference in each.text]
        assert [each.changed for each in card] == [False]
        assert "nobody yet" in card[0].text
    await world.forward(minutes=2)  # the room rings again
    assert any(reference in each.text for each in new.heard)
    assert not any("Shall this be" in each.text for each in new.heard if silently)
    world.clear()

    await presses_in(world, carla, room, "I take it")
    carla.hears("You are in charge", "the curtains are burning")
    ana.hears("Carla has taken charge")
    assert reference in room.sees_changed("Carla since").text
    count = len(old.heard)
    await carla.presses("Hand back")
    assert any("nobody yet" in each.text for each in room.inbox)
    assert len(old.heard) == count
    found = await world.database.run(rooms.of_coordinators)
    assert len(found) == 1
    world.clear()
    await world.person("eva").says("sos")
    room.hears("🔴 A-", "nobody yet")


async def test_all_that_waits_for_a_group_goes_to_the_supergroup_in_one_step(world: World) -> None:
    carla = await world.coordinator("carla")
    room = await coordinators_room(world, carla)
    pacer = Pacer(TELEGRAM_PACE)
    pacer.hold(await _recipient(world), world.time() + 30 * SECOND)
    world.app.stations[0].courier.pacer = pacer
    for name in ("ana", "eva", "fay"):
        await world.person(name).says("sos")
    room.hears_nothing()
    new = await upgrade(world, carla)
    world.clear()
    for _second in range(40):
        world.time.moment += SECOND
        await world.settle()
    shown = [each.text.split()[1] for each in new.heard if "🔴" in each.text]
    assert len(shown) == len(set(shown)) == 3
    left = await world.database.run(_waiting)
    assert left == 0
    await reacts_in(world, carla, room, "👍", "🔴")
    assert any("You are in charge" in each.text for each in carla.inbox)


async def _recipient(world: World) -> bytes:
    found = await world.database.run(rooms.of_coordinators)
    return found[0].address_index


def _waiting(tx: Transaction) -> int:
    return tx.session.query(Outbox).filter(Outbox.state.in_(outbox.UNSENT)).count()


async def test_what_was_said_in_the_group_before_it_moved_still_counts(world: World) -> None:
    carla, ana = await world.coordinator("carla"), world.person("ana")
    await coordinators_room(world, carla)
    await ana.says("sos the curtains are burning")
    world.clear()
    old, card = hall(world), posted(hall(world), "🔴")
    old.says(telegram(world).person("carla").user, "1", card.message_id)  # on its way while it moves
    updates = telegram(world).api.updates
    [said] = updates._waiting
    updates._waiting.clear()
    await upgrade(world, ana)
    number, update = updates.next_number, said[2]  # it comes only now
    assert isinstance(update, dict)
    updates.push({**update, "update_id": number}, number)
    await world.settle()
    carla.hears("You are in charge", "the curtains are burning")


async def test_a_number_that_is_used_again_in_the_supergroup_changes_no_other_message(world: World) -> None:
    """Supergroups number their messages anew: an old card's number may be that of another message."""
    carla, ana = await world.coordinator("carla"), world.person("ana")
    await coordinators_room(world, carla)
    await ana.says("sos")
    await world.person("eva").says("sos")
    new = await upgrade(world, carla)
    world.clear()
    await carla.says("/board")
    references = [each.split()[1] for each in carla.inbox[-1].text.splitlines()[1:]]
    for reference in references:
        await carla.says(f"/take {reference}")
    shown = [each.text.split()[1] for each in new.heard if "Carla since" in each.text]
    assert sorted(shown) == sorted(references)
    assert all("Shall this" in each.text for each in new.heard if each.text.split()[1] not in references)


async def test_the_supergroup_that_is_deleted_is_lost_once(world: World) -> None:
    carla = await world.coordinator("carla")
    await coordinators_room(world, carla)
    old = hall(world)
    new = await upgrade(world, carla)
    world.clear()
    for group in (old, new):  # Telegram tells it of both
        group.becomes(telegram(world).person("carla").user, "left")
    await world.settle()
    told = [each.text for each in carla.inbox]
    assert sum("I can no longer post" in each for each in told) == 1
