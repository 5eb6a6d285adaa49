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
    await world.forward(seconds=1)  # they are numbered in the order in which they accept
    await cleo.presses("I can")
    cleo.hears("sofa")
    ana.hears("2 of 2 helpers have accepted", "It is done")
    await ana.presses("Hide my place")
    ana.hears("For which of your volunteers?", "Volunteer 1", "Volunteer 2")
    await ana.presses("Volunteer 2")
    cleo.hears("closed their place")
    ben.hears_nothing()


async def _one_of_two_has_accepted(world: World) -> tuple[Friend, Friend, str]:
    """Two are wanted every Tuesday at 9; only Ben carries, and has accepted."""
    ben = await world.volunteer("ben", "I can carry heavy things")
    ana = await _asks(world, "I need 2 people to carry boxes every Tuesday at 9")
    reference = ana.hears("N-").text.split(" ")[0]
    await ben.presses("I can")
    world.clear()
    return ana, ben, reference


async def test_an_occurrence_that_one_of_two_helps_with_is_asked_about_and_not_called_untaken(
    world: World,
) -> None:
    ana, ben, reference = await _one_of_two_has_accepted(world)
    await world.forward(hours=21)
    await ben.presses("I am here")
    world.clear()
    await world.forward(hours=6)
    heard = [each.text for each in ana.inbox]
    assert any(f"Is {reference} done?" in each for each in heard)
    assert not any("nobody had accepted" in each for each in heard)
    world.clear()
    await ana.presses("Yes, it is done")
    ben.hears(f"{reference} is done", "Thank you")
    assert any("The next time is N-" in each.text for each in ana.inbox)


async def test_an_occurrence_that_nobody_answers_for_frees_its_helper_and_the_next_is_made(
    world: World,
) -> None:
    ana, ben, reference = await _one_of_two_has_accepted(world)
    await world.forward(hours=21)
    await ben.presses("I am here")
    world.clear()
    await world.forward(days=3)
    assert any("its time has passed, so I have closed it" in each.text for each in ana.inbox)
    assert any("The next time is N-" in each.text for each in ana.inbox)
    assert any(f"{reference}: its time has passed. Thank you" in each.text for each in ben.inbox)
    assert any("Closed:" in each.text for each in ben.inbox)
    await ben.says(f"/done {reference}")
    ben.hears("")
    world.clear()
    await ben.says("/my")
    assert reference not in ben.inbox[0].text


async def test_who_withdraws_late_in_the_day_leaves_time_to_ask_others(world: World) -> None:
    ben = await world.volunteer("ben")
    ana = await _asks(world, "I need someone to fetch my medicine every Tuesday at 9")
    reference = ana.hears("N-").text.split(" ")[0]
    await ben.presses("I can")
    await world.forward(hours=21)
    await ben.presses("I am here")
    cleo = await world.volunteer("cleo")
    await world.forward(hours=7)
    world.clear()
    await ben.presses("I can't after all")
    cleo.hears("Fetch medicine", reference)
    await world.forward(minutes=1)
    cleo.hears_nothing()
    assert not any("its time has passed" in each.text for each in ana.inbox)
    await cleo.presses("I can")
    cleo.hears(reference, "open to you")


async def test_an_old_stop_repeating_does_not_promise_what_it_cannot_do(world: World) -> None:
    ana = await _asks(world, "I need someone to fetch my medicine every Tuesday at 9")
    first = ana.hears("N-").text.split(" ")[0]
    await ana.says(f"/done {first}")
    world.clear()
    await ana.says(f"/norepeat {first}")
    ana.hears(f"{first} is already closed", without=["does not repeat"])


async def test_who_never_says_that_it_was_done_is_helped_the_next_week_all_the_same(world: World) -> None:
    ben = await world.volunteer("ben")
    ana = await _asks(world, "I need someone to fetch my medicine every Tuesday at 9")
    reference = ana.hears("N-").text.split(" ")[0]
    await ben.presses("I can")
    await world.forward(hours=21)
    await ben.presses("I am here")
    world.clear()
    await world.forward(days=2)
    assert len([each for each in ana.inbox if f"Is {reference} done?" in each.text]) == 3
    assert any("The next time is N-" in each.text for each in ana.inbox)
    assert any("its time has passed. Thank you" in each.text for each in ben.inbox)
