"""Needs for a later date, needs that come again, and needs for several helpers."""

from __future__ import annotations

import pytest

from tests.world import BARCELONA, Friend, World


async def _asks(world: World, words: str) -> Friend:
    """Ana asks for something; what she hears after giving the place is left to read."""
    ana = world.person("ana")
    await ana.says(words)
    ana.hears("Is that right?")
    await ana.presses("Yes")
    ana.hears("Where is help needed?")
    await ana.sends_place(*BARCELONA)
    return ana


async def test_a_later_need_waits_until_two_days_before(world: World) -> None:
    ben = await world.volunteer("ben")
    ana = world.person("ana")
    await ana.says("I need someone to fetch my medicine on Friday at 10")  # it is Monday noon
    ana.hears("Fetch medicine", "For Fri 6 Mar, 10:00", "Is that right?")
    await ana.presses("Yes")
    ana.hears("Where is help needed?")
    await ana.sends_place(*BARCELONA)
    ana.hears("N-", "For Fri 6 Mar, 10:00", "I start asking in", "Nobody is asked before")
    ben.hears_nothing()
    world.clear()
    await world.forward(hours=45)
    ben.hears_nothing()
    await world.forward(hours=1)
    ben.hears("Fetch medicine", "6 Mar, 10:00")
    ana.hears("I have asked 1 person")
    await ben.presses("I can")
    ben.hears("It is for Fri 6 Mar, 10:00", "I will remind you", without=["When will you be there?"])


async def test_who_accepted_for_later_is_reminded_an_hour_before(world: World) -> None:
    ben = await world.volunteer("ben")
    ana = await _asks(world, "I need someone to fetch my medicine tomorrow at 10")
    ben.hears("Fetch medicine", "3 Mar, 10:00")
    await ben.presses("I can")
    world.clear()
    await world.forward(hours=20, minutes=59)
    world.nobody_hears_anything_else()
    await world.forward(minutes=1)
    ben.hears("You said you would help with this at 10:00", "On my way", "I can't after all")
    await world.forward(minutes=74)
    world.nobody_hears_anything_else()
    await world.forward(minutes=1)
    ben.hears("Are you there?")
    await ben.presses("I am here")
    ana.hears("is there")


async def test_in_spanish_and_in_the_zone_of_the_union(world: World) -> None:
    ana = world.person("ana")
    await ana.says("/language es")
    world.clear()
    await ana.says("Necesito que alguien me traiga medicinas cada martes a las 9")
    ana.hears("3 mar", "09:00")


async def test_when_one_is_done_the_next_is_made_until_it_shall_not_repeat(world: World) -> None:
    ben = await world.volunteer("ben")
    ana = await _asks(world, "I need someone to fetch my medicine every Tuesday at 9")
    first = ana.hears("N-", "For Tue 3 Mar, 09:00 UTC, every week").text.split(" ")[0]
    await ben.presses("I can")
    world.clear()
    await world.forward(hours=22)
    world.clear()
    await ana.says(f"/done {first}")
    ana.hears(f"{first} is closed")
    following = ana.hears("The next time is N-", "for Tue 10 Mar, 09:00", "Stop repeating").text
    assert first not in following.split("\n")[0]
    world.clear()
    await ana.presses("Stop repeating")
    ana.hears("does not repeat any more")
    world.clear()
    await ana.says("/my")
    ana.hears("For Tue 10 Mar, 09:00", without=["every week"])


async def test_when_its_time_has_passed_with_nobody_the_next_is_made(world: World) -> None:
    ana = await _asks(world, "I need someone to fetch my medicine every Tuesday at 9")
    world.clear()
    await world.forward(hours=28)
    heard = "\n".join(each.text for each in ana.inbox)
    assert "its time has passed" in heard
    assert "for Tue 10 Mar, 09:00" in heard


async def test_a_stopped_need_does_not_repeat(world: World) -> None:
    ana = await _asks(world, "I need someone to fetch my medicine every Tuesday at 9")
    world.clear()
    await ana.presses("Stop")
    ana.hears("is stopped and does not repeat")
    world.clear()
    await world.forward(days=8)
    world.nobody_hears_anything_else()


@pytest.mark.parametrize("words", ["I need 2 people to carry a sofa", "I need two people to carry a sofa"])
async def test_several_helpers_are_found_one_by_one(world: World, words: str) -> None:
    ben = await world.volunteer("ben", "I can carry heavy things")
    cleo = await world.volunteer("cleo", "I can carry heavy things")
    ana = world.person("ana")
    await ana.says(words)
    ana.hears("Carry or move things", "2 helpers", "Is that right?")
    await ana.presses("Yes")
    await ana.sends_place(*BARCELONA)
    world.clear()
    await ben.presses("I can")
    ben.hears("sofa")
    ana.hears("1 of 2 helpers have accepted", "Stop")
    cleo.hears_nothing()
    await cleo.presses("I can")
    cleo.hears("sofa")
    ana.hears("2 of 2 helpers have accepted", "It is done")
    await ana.presses("Hide my place")
    ana.hears("For which of your volunteers?", "Volunteer 1", "Volunteer 2")
    await ana.presses("Volunteer 2")
    cleo.hears("closed their place")
    ben.hears_nothing()
