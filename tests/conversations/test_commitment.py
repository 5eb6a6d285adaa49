"""A volunteer has accepted: when they come, when they can't, and how a need ends."""

from __future__ import annotations

import pytest

from storage import needs
from tests.conversations.neighbours import asks, neighbour
from tests.world import Friend, World


async def _taken(world: World, by: Friend) -> str:
    """Ana has asked for insulin and this volunteer has accepted; the story begins after that."""
    reference = await world.need("ana")
    await by.presses("I can")
    world.clear()
    return reference


async def test_a_volunteer_who_cant_after_all_gives_it_back_and_the_next_is_asked(any_world: World) -> None:
    world = any_world
    ben = await world.volunteer("ben")
    reference = await _taken(world, ben)
    ana = world.person("ana")
    cleo = await world.volunteer("cleo", place=(41.41, 2.17))

    await ben.presses("30 minutes")
    ben.hears("I have told them", "I am here", "It is done", "I can't after all")
    ana.hears(reference, "about 30 minutes")
    ana.sees_changed(reference, "expected at 12:30")
    await ben.presses("I can't after all")
    ben.hears("Thank you for telling me")
    ben.sees_changed("Closed:", reference)
    cleo.hears("Fetch medicine", reference, "I can", without=["insulin"])
    ana.hears(reference, "can't come after all", "asking others")
    ana.sees_changed(reference, "I have asked 2 people", "within 15 minutes", "Stop")
    world.nobody_hears_anything_else()

    await ben.says("Sorry about that")
    ana.hears_nothing()
    ben.inbox.clear()
    await cleo.presses("I can")
    cleo.hears("open to you", "“I need insulin”")
    ana.hears(reference, "Someone has accepted")


async def test_those_who_were_told_that_it_is_taken_are_asked_again_when_it_opens_again(world: World) -> None:
    ben, cleo = await world.volunteer("ben"), await world.volunteer("cleo")
    reference = await world.need("ana")
    await ben.presses("I can")
    cleo.hears("Fetch medicine")
    cleo.hears("taken by someone else")
    world.clear()

    await ben.presses("I can't after all")
    cleo.hears("Fetch medicine", reference, "I can")


async def test_who_gave_it_back_and_presses_i_can_again_is_not_told_that_it_is_theirs(world: World) -> None:
    ben = await world.volunteer("ben")
    reference = await _taken(world, ben)
    await ben.presses("I can't after all")
    world.clear()

    await ben.presses("I can")
    ben.hears("", without=[f"{reference} is yours already"])


async def test_on_my_way_here_and_an_hour_later_the_requester_is_asked(any_world: World) -> None:
    world = any_world
    ben = await world.volunteer("ben")
    reference = await _taken(world, ben)
    ana = world.person("ana")

    await ben.presses("On my way")
    ben.hears("I have told them", "I am here", "I can't after all", without=["On my way"])
    ana.hears(reference, "your volunteer is on the way")
    ana.sees_changed(reference, "on the way")
    await world.forward(minutes=10)
    await ben.presses("I am here")
    ben.hears("I have told them", "It is done", "I can't after all", without=["I am here\n"])
    ana.hears(reference, "your volunteer is there")
    ana.sees_changed(reference, "is there")
    await ben.presses("I am here")
    ben.hears("I have told them already")
    world.nobody_hears_anything_else()

    await world.forward(minutes=59)
    world.nobody_hears_anything_else()
    await world.forward(minutes=1)
    ana.hears(f"Is {reference} done?", "Yes, it is done", "No")
    world.nobody_hears_anything_else()


async def test_a_volunteer_withdraws_at_the_door(any_world: World) -> None:
    world = any_world
    ben = await world.volunteer("ben")
    reference = await _taken(world, ben)
    ana = world.person("ana")
    cleo = await world.volunteer("cleo")
    await ben.presses("I am here")
    world.clear()

    await ben.presses("I can't after all")
    ben.hears("Thank you for telling me", "I ask others now")
    ben.sees_changed("Closed:", reference)
    cleo.hears("Fetch medicine", reference)
    ana.hears(reference, "can't come after all", "asking others")
    ana.sees_changed(reference, "I have asked 2 people", "Stop", without=["is there"])
    world.nobody_hears_anything_else()
    await ana.says("Are you still there?")
    ben.hears_nothing()


async def test_nobody_says_if_it_was_done_and_a_coordinator_looks_after_it(world: World) -> None:
    carla = await world.coordinator("carla")
    ben = await world.volunteer("ben")
    reference = await _taken(world, ben)
    ana = world.person("ana")
    await ben.presses("I am here")
    world.clear()

    await world.forward(hours=1)
    for hours in (4, 8, 12):
        ana.hears(f"Is {reference} done?")
        world.nobody_hears_anything_else()
        await world.forward(hours=hours)
    ana.hears(f"Is {reference} done?")
    carla.hears("🟡 A-", "nobody has said if a need was met", reference, "I take it", without=["insulin"])
    world.nobody_hears_anything_else()

    await ana.presses("Yes, it is done")
    ana.hears(f"{reference} is closed")
    ana.sees_changed("Done")
    ben.hears(f"{reference} is done", "Thank you for your help")
    ben.sees_changed("Closed:", reference)
    carla.sees_changed("closed")
    world.nobody_hears_anything_else()
    await world.forward(days=3)
    world.nobody_hears_anything_else()


async def test_a_volunteer_who_never_answers_is_asked_twice_and_the_need_goes_on(world: World) -> None:
    carla = await world.coordinator("carla")
    ben = await world.volunteer("ben")
    reference = await _taken(world, ben)
    ana = world.person("ana")
    cleo = await world.volunteer("cleo")

    await world.forward(minutes=29)
    world.nobody_hears_anything_else()
    await world.forward(minutes=1)
    ben.hears(reference, "When will you be there?", "15 minutes", "I am here", "I can't after all")
    await world.forward(minutes=15)
    ben.hears(reference, "When will you be there?")
    world.nobody_hears_anything_else()
    await world.forward(minutes=15)
    ben.hears(reference, "had no answer", "asking others")
    ben.sees_changed("Closed:", reference)
    cleo.hears("Fetch medicine", reference)
    ana.hears(reference, "your volunteer has not answered me", "asking others")
    ana.sees_changed(reference, "I have asked 2 people")
    carla.hears_nothing()
    world.nobody_hears_anything_else()

    await ana.says("Hello?")
    ben.hears_nothing()
    ana.inbox.clear()
    await ben.presses("I am here")
    ben.hears("I can't find that case among yours")
    ana.hears_nothing()


async def test_a_volunteer_who_is_late_is_asked_and_says_how_long(world: World) -> None:
    ben = await world.volunteer("ben")
    reference = await _taken(world, ben)
    ana = world.person("ana")
    await ben.presses("15 minutes")
    world.clear()

    await world.forward(minutes=30)
    ben.hears(reference, "Are you there?", "I am here", "15 more minutes", "I can't after all")
    await ben.presses("15 more minutes")
    ben.hears("I have told them")
    ana.hears(reference, "about 15 minutes")
    ana.sees_changed("expected at 12:45")
    await world.forward(minutes=30)
    ben.hears("Are you there?")
    await world.forward(minutes=15)
    ben.hears("Are you there?")
    await ben.says("The bus is late, two more stops")  # who writes is there
    ana.hears("two more stops")
    await world.forward(minutes=15)
    ben.hears("Are you there?")
    await ben.presses("I am here")
    ana.hears(reference, "is there")
    world.clear()
    await world.forward(minutes=50)
    world.nobody_hears_anything_else()


async def test_a_missed_urgent_need_goes_to_a_coordinator_at_once(world: World) -> None:
    carla = await world.coordinator("carla")
    ben = await world.volunteer("ben")
    ana = world.person("ana")
    await ana.says("I need insulin")
    await ana.presses("It is urgent")
    await ana.sends_place(41.40, 2.16)
    await ben.presses("I can")
    await ben.presses("15 minutes")
    world.clear()

    await world.forward(minutes=30)
    ben.hears("Are you there?")
    await world.forward(minutes=10)
    ben.hears("Are you there?")
    world.nobody_hears_anything_else()
    await world.forward(minutes=10)
    ben.hears("had no answer")
    ben.sees_changed("Closed:")
    carla.hears("🟠 A-", "does not answer", "I take it", without=["insulin"])
    ana.hears("your volunteer has not answered me")
    ana.sees_changed("I have told 1 coordinator")
    world.nobody_hears_anything_else()

    await carla.presses("I take it")
    carla.hears("“I need insulin”")
    ana.hears("Carla has taken charge")


@pytest.mark.parametrize(
    ("words", "told"),
    [("in 2 hours", "2 hours"), ("at 18:00", "6 hours"), ("45", "45 minutes"), ("in half an hour", "30 min")],
)
async def test_the_time_may_be_said_in_words(world: World, words: str, told: str) -> None:
    ben = await world.volunteer("ben")
    reference = await _taken(world, ben)
    await ben.says(f"/eta {reference} {words}")
    world.person("ana").hears(reference, f"about {told}")


async def test_thanks_go_to_everyone_who_had_accepted_and_to_who_took_charge(world: World) -> None:
    carla = await world.coordinator("carla")
    ben, dan = await world.volunteer("ben"), await world.volunteer("dan")
    reference = await world.need("ana")
    await dan.presses("Not now")
    await ben.presses("I can")
    await ben.presses("I can't after all")
    await carla.presses("I take it")
    cleo = await world.volunteer("cleo")
    await world.forward(minutes=30)
    await cleo.presses("I can")
    world.clear()

    await world.person("ana").says(f"/done {reference}")
    cleo.hears(f"{reference} is done", "Thank you for your help")
    ben.hears(f"{reference} is done", "Thank you for your part in it")
    carla.hears(f"{reference} is done", "Thank you for your part in it")
    dan.hears_nothing()


@pytest.mark.parametrize("answer", ["No", "/notdone"])
async def test_no_it_is_not_done_opens_the_need_again(world: World, answer: str) -> None:
    ben = await world.volunteer("ben")
    reference = await _taken(world, ben)
    ana = world.person("ana")
    cleo = await world.volunteer("cleo")

    await ben.presses("It is done")
    ben.hears("asking them if all is well")
    ana.hears(f"Is {reference} done?")
    world.nobody_hears_anything_else()
    await ana.says(answer)
    ana.hears(reference, "I have asked 2 people")
    ben.hears(reference, "not finished", "Thank you for your time")
    ben.sees_changed("Closed:", reference)
    cleo.hears("Fetch medicine", reference)
    world.nobody_hears_anything_else()


async def test_the_requester_stops_while_a_volunteer_is_coming(world: World) -> None:
    ben = await world.volunteer("ben")
    reference = await _taken(world, ben)
    ana = world.person("ana")

    await ana.presses("Stop")
    ana.hears(reference, "is stopped", "What they have read I can't take back")
    ana.sees_changed("Stopped")
    ben.hears(reference, "not needed any more")
    ben.sees_changed("Closed:", reference)
    world.nobody_hears_anything_else()

    await ben.says("Are you well?")
    ana.hears_nothing()
    ben.inbox.clear()
    await ana.presses("Stop")
    ana.hears(f"{reference} is already closed")
    await world.forward(days=1)
    world.nobody_hears_anything_else()


async def test_the_requester_stops_while_it_is_open(world: World) -> None:
    ben, cleo = await world.volunteer("ben"), await world.volunteer("cleo")
    reference = await world.need("ana")
    await ben.presses("Not now")
    world.clear()
    ana = world.person("ana")

    await ana.says("/stop")
    ana.hears(reference, "is stopped", without=["What they have read"])
    ana.sees_changed("Stopped")
    cleo.hears(reference, "not needed any more")
    world.nobody_hears_anything_else()

    await cleo.presses("I can")
    cleo.hears(f"{reference} is no longer open")
    ana.hears_nothing()
    await world.forward(days=1)
    world.nobody_hears_anything_else()


async def test_two_accept_one_after_the_other_and_one_has_it(any_world: World) -> None:
    world = any_world
    ben, cleo = await world.volunteer("ben"), await world.volunteer("cleo")
    reference = await world.need("ana")
    world.clear()
    for friend in (ben, cleo):
        await world.platform.presses(friend.name, "I can")
    await world.settle()

    owners = [friend for friend in (ben, cleo) if any("open to you" in each.text for each in friend.inbox)]
    assert len(owners) == 1
    other = cleo if owners == [ben] else ben
    told = [each.text for each in other.inbox]
    assert any(f"{reference} has been taken" in text or "no longer open" in text for text in told)
    world.person("ana").hears(reference, "Someone has accepted")
    world.person("ana").hears_nothing()
    assert not any("insulin" in text for text in told)


async def test_pressing_i_can_twice_changes_nothing(world: World) -> None:
    ben = await world.volunteer("ben")
    reference = await _taken(world, ben)
    await ben.presses("I can")
    ben.hears(f"{reference} is yours already")
    world.nobody_hears_anything_else()


async def test_everyone_declines_and_a_coordinator_is_told(world: World) -> None:
    carla = await world.coordinator("carla")
    ben, cleo = await world.volunteer("ben"), await world.volunteer("cleo")
    reference = await world.need("ana")
    ana = world.person("ana")
    world.clear()

    await ben.presses("Not now")
    ben.hears("Thank you for telling me")
    world.nobody_hears_anything_else()
    await cleo.presses("Not now")
    cleo.hears("Thank you for telling me")
    carla.hears("🟠 A-", "nobody has taken a need", reference, "I take it", without=["insulin"])
    ana.hears(reference, "I have asked 2 people", "2 said no", "1 coordinator", "within 30 minutes")
    world.nobody_hears_anything_else()


async def test_a_new_volunteer_is_asked_at_the_next_wave(world: World) -> None:
    carla = await world.coordinator("carla")
    reference = await world.need("ana")
    ana = world.person("ana")
    carla.hears("🟠 A-", reference)
    dan = await world.volunteer("dan")
    world.nobody_hears_anything_else()

    await world.forward(minutes=30)
    dan.hears("Fetch medicine", reference)
    ana.hears(reference, "I have asked 1 person", "has not answered yet")
    carla.inbox.clear()
    await dan.presses("I can")
    dan.hears("open to you")
    ana.hears("Someone has accepted")
    carla.sees_changed("closed")
    world.nobody_hears_anything_else()


async def test_when_a_volunteer_accepts_the_coordinators_talk_about_it_ends(world: World) -> None:
    carla = await world.coordinator("carla")
    await world.person("ana").says("/start")
    await world.need("ana")
    await carla.presses("I take it")
    dan = await world.volunteer("dan")
    await world.forward(minutes=30)
    await dan.presses("I can")
    world.clear()

    ana = world.person("ana")
    await ana.says("The door is green")
    dan.hears("The door is green")
    world.nobody_hears_anything_else()


async def test_made_urgent_others_are_asked_at_once(world: World) -> None:
    for number in range(8):
        await world.volunteer(f"ben{number}", place=(41.40 + number / 1000, 2.16))
    reference = await world.need("ana")
    world.clear()
    ana = world.person("ana")
    await ana.presses("It is urgent")
    ana.hears(reference, "urgent", "I have asked 8 people", "within 5 minutes")
    world.person("ben7").hears("Fetch medicine", "urgent", reference)
    world.nobody_hears_anything_else()


async def test_a_volunteer_who_blocks_the_bot_gives_it_back(world: World) -> None:
    ben = await world.volunteer("ben")
    reference = await _taken(world, ben)
    cleo = await world.volunteer("cleo")
    await ben.blocks_the_bot()
    world.person("ana").hears(reference)
    cleo.hears("Fetch medicine", reference)


@pytest.mark.parametrize("time", ["²", "0", "99999", "soon", "-5", ""])
async def test_a_time_that_is_none_is_refused_kindly(world: World, time: str) -> None:
    ben = await world.volunteer("ben")
    reference = await _taken(world, ben)
    await ben.says(f"/eta {reference} {time}")
    ben.hears("", without=["went wrong"])
    world.clear()


async def test_it_is_done_pressed_twice_asks_once(world: World) -> None:
    ben = await world.volunteer("ben")
    reference = await _taken(world, ben)
    await ben.presses("It is done")
    await ben.presses("It is done")
    world.person("ana").hears(f"Is {reference} done?")
    world.person("ana").hears_nothing()


async def test_no_with_several_helpers_asks_the_next_once_for_all_of_them(world: World) -> None:
    helpers = [await neighbour(world, f"ben{number}", "carrying") for number in range(2)]
    reference = await asks(world, "ana", ("carrying", 2))
    for friend in helpers:
        await friend.presses("I can")
    for number in range(12):
        await neighbour(world, f"cleo{number:02}", "carrying")
    await helpers[0].presses("It is done")
    world.clear()
    ana = world.person("ana")
    await ana.says(f"/notdone {reference}")
    waves = await world.database.run(lambda tx: needs.by_reference(tx, reference).wave)  # type: ignore[union-attr]
    assert waves == 2
    assert len([each for each in ana.inbox if "I have asked" in each.text]) == 1
    for friend in helpers:
        friend.hears(reference, "not finished")
        friend.sees_changed("Closed:", reference)
        friend.hears_nothing()


async def test_who_is_there_and_presses_a_time_is_not_taken_for_missing(world: World) -> None:
    ben = await world.volunteer("ben")
    reference = await _taken(world, ben)
    await ben.presses("I am here")
    world.clear()
    await ben.says(f"/eta {reference} 30")
    ben.hears("I have told them already")
    await world.forward(hours=2)
    assert not any("Are you there?" in each.text for each in ben.inbox)
    assert not any("had no answer" in each.text for each in ben.inbox)


async def test_two_who_miss_an_urgent_need_are_one_alert(world: World) -> None:
    carla = await world.coordinator("carla")
    pair = [await neighbour(world, name, "carrying") for name in ("ben", "cleo")]
    await asks(world, "ana", ("carrying", 2), urgent=True)
    for friend in pair:
        await friend.presses("I can")
    world.clear()
    await world.forward(minutes=50)
    alerts = {each.text.split(" ")[1] for each in carla.inbox if "does not answer" in each.text}
    assert len(alerts) == 1


async def test_one_of_two_has_come_and_the_requester_can_say_that_it_is_done(world: World) -> None:
    ben = await neighbour(world, "ben", "carrying")
    reference = await asks(world, "ana", ("carrying", 2))
    await ben.presses("I can")
    ana = world.person("ana")
    ana.hears("1 of 2 helpers have accepted", "It is done")
    await ben.presses("I am here")
    world.clear()
    await ana.presses("It is done")
    ana.hears(f"{reference} is closed")
    ben.hears(f"{reference} is done", "Thank you")


async def test_the_reminder_names_the_hour_of_its_reader(world: World) -> None:
    ben = await world.volunteer("ben")
    await ben.says("/zone Asia/Tokyo")
    ana = world.person("ana")
    await ana.says("I need someone to fetch my medicine tomorrow at 10")
    await ana.presses("Yes")
    await ana.sends_place(41.40, 2.16)
    await ben.presses("I can")
    world.clear()
    await world.forward(hours=21)
    ben.hears("You said you would help with this at 19:00")


async def test_not_now_after_i_can_does_not_pretend_that_it_was_given_back(world: World) -> None:
    ben = await world.volunteer("ben")
    reference = await _taken(world, ben)
    await ben.says(f"/decline {reference}")
    ben.hears(f"{reference} is yours already", "I can't after all", without=["Thank you for telling me"])
    await ben.presses("I can't after all")
    world.person("ana").hears(reference, "can't come after all")


async def test_made_urgent_when_it_is_taken_is_heard_and_asks_nobody_else(world: World) -> None:
    ben = await world.volunteer("ben")
    reference = await _taken(world, ben)
    await world.volunteer("cleo")
    ana = world.person("ana")
    await ana.says(f"/urgent {reference}")
    ana.hears(reference, "urgent", "Someone has accepted")
    world.nobody_hears_anything_else()
