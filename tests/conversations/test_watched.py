"""Someone may read along: neutral words, nothing unasked, and one word that makes the chat vanish."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from handlers.context import Union
from storage.database import Database
from tests.conversations.acts import press_token, restart, tokens
from tests.conversations.chats import newest_alert
from tests.world import Friend, TelegramPlatform, World, console_world, telegram_world

UNION = Union(country="ES", time_zone="UTC")
CRY = "my husband is beating me"
REVEALING = ("violence", "beat", "danger", "coordinator", "police", "112", "SOS")


async def test_the_first_word_reveals_nothing_and_asks_if_it_is_safe(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla, ana = await world.coordinator("carla"), world.person("ana")
        await ana.says(CRY)
        ana.hears("Is this a good moment to write?", without=REVEALING)
        ana.hears_nothing()
        carla.hears("🔴", "Violence", "They may be watched")
        await ana.presses("Yes")
        ana.hears(
            "112", "go where other people are", "I write to you only when you write to me.", "Write umbrella"
        )


async def test_nothing_unasked_is_written_however_long_it_lasts(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla, ana = await world.coordinator("carla"), world.person("ana")
        await ana.says(CRY)
        world.clear()
        await world.forward(hours=3)
        ana.hears_nothing()
        assert carla.inbox  # the escalation went on
        world.clear()
        await carla.presses("I take it")
        ana.hears_nothing()


async def test_who_wants_no_more_words_is_not_due_for_one_for_ever(sqlite_database: Database) -> None:
    """They had agreed to be written to. The clock went round and round."""
    async with console_world(sqlite_database, UNION) as world:
        carla, ana = await world.coordinator("carla"), world.person("ana")
        await ana.says(CRY)
        await ana.presses("Yes")
        await ana.says("/maywrite")
        await world.forward(minutes=62)
        await ana.says("/moment yes")
        world.clear()
        async with asyncio.timeout(60):
            await world.forward(hours=1)
        assert carla.inbox  # the escalation went on
        ana.hears_nothing()


async def _words_that_wait(world: World) -> tuple[Friend, Friend]:
    """Carla is in charge of Ana's alert, and has written what waits until Ana writes."""
    carla, ana = await world.coordinator("carla"), world.person("ana")
    await ana.says(CRY)
    await ana.presses("Yes")
    await carla.presses("I take it")
    world.clear()
    await carla.says("are you alone?")
    carla.hears("Your words wait until they write again.")
    ana.hears_nothing()
    return carla, ana


async def test_what_a_coordinator_writes_waits_until_they_write(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla, ana = await _words_that_wait(world)
        await ana.says("he is out now")
        assert any("are you alone?" in each.text for each in ana.inbox)
        assert any("he is out now" in each.text for each in carla.inbox)
        world.clear()
        await ana.presses("You may write to me here")
        ana.hears("All right.")
        await carla.says("I am sending someone")
        ana.hears("I am sending someone")


async def test_a_press_is_answered_although_a_coordinators_words_wait(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        _carla, ana = await _words_that_wait(world)
        await world.forward(minutes=1)
        await press_token(world, ana, tokens(world, ana, "You may write to me here")[-1])
        ana.hears("are you alone?")
        ana.hears("All right.")


@pytest.mark.parametrize("what", ["the bot starts anew", "the platform was away", "the clock is set back"])
async def test_words_that_wait_stay_held_whatever_else_is_hastened(
    sqlite_database: Database, what: str
) -> None:
    """What nobody may read over their shoulder is not put off: no return of anything sets it free."""
    async with console_world(sqlite_database, UNION) as world:
        _carla, ana = await _words_that_wait(world)
        if what == "the bot starts anew":
            await restart(world)
        elif what == "the platform was away":
            await world.app.stations[0].courier.hasten()
        else:
            world.time.moment -= timedelta(days=1)
        await world.settle()
        await world.forward(minutes=10)
        ana.hears_nothing()
        await ana.says("he is out now")
        assert any("are you alone?" in each.text for each in ana.inbox)


async def test_words_that_waited_when_an_alert_ended_hold_up_nothing_later(
    sqlite_database: Database,
) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla, ana = await _words_that_wait(world)
        await carla.says("/resolve")
        await carla.presses("They were helped")
        await world.forward(days=1)
        world.clear()
        await ana.says("help, my father fell and does not wake up")
        assert any("are you alone?" in each.text for each in ana.inbox)
        assert any("I have told 1 coordinator" in each.text for each in ana.inbox), ana.inbox


async def test_not_now_takes_back_what_waits_too(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla, ana = await world.coordinator("carla"), world.person("ana")
        await ana.says(CRY)
        await carla.presses("I take it")
        await carla.says("are you alone?")
        ana.inbox.clear()
        await press_token(world, ana, tokens(world, ana, "Not now")[-1])
        assert not any("are you alone?" in each.text for each in ana.inbox)


async def test_not_a_good_moment_leaves_no_trace(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        await world.coordinator("carla")
        ana = world.person("ana")
        await ana.says(CRY)
        ana.hears("Is this a good moment to write?")
        await ana.presses("Not now")
        assert {each.text for each in ana.inbox} == {"(taken back)"}
        alert = await newest_alert(world)
        assert (alert.state, alert.writing) == ("open", "answers")


async def test_the_hide_word_deletes_both_sides_and_then_there_is_silence(sqlite_database: Database) -> None:
    async with telegram_world(sqlite_database, UNION) as world:
        carla, ana = await world.coordinator("carla"), world.person("ana")
        await ana.says(CRY)
        await ana.presses("Yes")
        world.clear()
        await ana.says("umbrella")
        ana.hears_nothing()
        assert _left_in_chat(world, "ana") == []  # of either side
        assert any("They have hidden this chat" in each.text for each in carla.inbox)
        await carla.presses("I take it")
        await world.forward(hours=1)
        ana.hears_nothing()
        await ana.says("are you there")
        ana.hears_nothing()
        await ana.says("sunshine")
        assert any("I am here again." in each.text for each in ana.inbox)


async def test_the_hide_word_is_only_a_word_for_all_others(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        ana = world.person("ana")
        await ana.says("umbrella")
        assert ana.inbox


async def test_no_second_account_unless_they_agree(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        await world.coordinator("carla")
        ana = world.person("ana")
        await ana.says(CRY)
        assert (await newest_alert(world)).other_account is False
        await ana.presses("Yes")
        await ana.presses("You may also use my other account")
        assert (await newest_alert(world)).other_account is True


def _left_in_chat(world: World, name: str) -> list[str]:
    assert isinstance(world.platform, TelegramPlatform)
    person = world.platform.person(name)
    return [*(each.text for each in person.heard), *person.wrote.values()]
