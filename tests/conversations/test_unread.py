"""What was written and could not be read: nobody is left to believe that it arrived."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.adapters.core_events import event
from handlers.messages import Kind
from storage import inbox
from storage.tables import Person
from tests.conversations.acts import takes_back, writes_unreadably
from tests.world import World


async def test_without_an_alert_it_is_told_only_when_it_stays_unreadable(world: World) -> None:
    ana = world.person("ana")
    await ana.says("/start")
    world.clear()
    await writes_unreadably(world, ana)
    world.nobody_hears_anything_else()
    await writes_unreadably(world, ana, late=True)
    ana.hears("could not read your last message", "send it again", "in danger", "112")
    world.nobody_hears_anything_else()


async def test_someone_new_is_met_only_when_there_is_something_to_tell_them(world: World) -> None:
    ana = world.person("ana")
    await writes_unreadably(world, ana)
    assert await world.database.run(lambda tx: tx.session.query(Person).count()) == 0
    await writes_unreadably(world, ana, late=True)
    ana.hears("could not read your last message", "112")


async def test_in_an_sos_the_one_in_charge_is_told_at_once(world: World) -> None:
    carla = await world.coordinator("carla")
    ana = world.person("ana")
    await ana.says("sos")
    await carla.presses("I take it")
    world.clear()
    await writes_unreadably(world, ana)
    carla.hears("A-", "from the one who asked", "can't read yet")
    world.nobody_hears_anything_else()


async def test_before_anyone_is_in_charge_it_is_written_down_and_can_be_taken_back(world: World) -> None:
    carla = await world.coordinator("carla")
    ana = world.person("ana")
    await ana.says("sos")
    await writes_unreadably(world, ana)
    await carla.presses("I take it")
    assert any("can't read yet" in each.text for each in carla.inbox)
    await carla.presses("Hand back")
    await takes_back(world, ana)
    world.clear()
    await carla.says("/take")
    carla.hears("in charge", without=["can't read yet"])


async def _keys_were_lost(world: World, platform: str = "console") -> None:
    payload = event(Kind.RESEND, platform=platform)
    await world.database.run(
        lambda tx: inbox.report(
            tx, world.time(), b"", f"lost {platform}", payload, crisis=True, keep=timedelta(hours=48)
        )
    )
    await world.settle()


async def test_after_lost_keys_all_with_something_open_are_asked_to_say_it_again(world: World) -> None:
    carla = await world.coordinator("carla")
    dora = await world.coordinator("dora")
    ben, cleo = await world.volunteer("ben"), await world.volunteer("cleo")
    await world.need("ana")
    await ben.presses("I can")
    eva = world.person("eva")
    await eva.says("sos")
    await carla.presses("I take it")
    gone = world.person("finn")
    await gone.says("I need insulin")
    await gone.presses("Yes")
    await gone.presses("Skip")
    await gone.blocks_the_bot()
    world.clear()

    await _keys_were_lost(world, "another platform")
    world.nobody_hears_anything_else()
    await _keys_were_lost(world)
    for friend in (world.person("ana"), ben, eva, carla):
        friend.hears("may not have reached me", "send again what matters")
    assert not dora.inbox
    assert not cleo.inbox
    world.nobody_hears_anything_else()


@pytest.mark.parametrize("end", ["/stop", "/done"])
async def test_who_has_nothing_open_is_left_in_peace(world: World, end: str) -> None:
    ben = await world.volunteer("ben")
    await world.need("ana")
    await ben.presses("I can")
    await world.person("ana").says(end)
    world.clear()
    await _keys_were_lost(world)
    world.nobody_hears_anything_else()
