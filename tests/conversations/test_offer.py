"""Offering help: in one's own words, as a member or not yet, resting, taking it back; and codes."""

from __future__ import annotations

import pytest

from tests.conversations.acts import place_of
from tests.world import BARCELONA, Friend, World


async def test_plain_words_begin_an_offer_with_what_was_said(any_world: World) -> None:
    world = any_world
    ben = world.person("ben")
    await ben.says(f"/join {await world.code()}")
    ben.hears("You are a member now", "I can help")
    ben.inbox.clear()

    await ben.says("I have a van on Saturdays")
    ben.hears("A ride", "Where are you usually?", "Send my place", "Skip", "Back", "Cancel")
    await ben.sends_place(*BARCELONA)
    ben.hears("How far", "1 km", "5 km")
    await ben.presses("5 km")
    ben.hears("A ride", "Thank you", "Saturday, all day", "always say no")
    world.nobody_hears_anything_else()

    await world.forward(days=5)  # to a Saturday
    await world.need("ana", "I need a ride to the hospital")
    ben.hears("A ride", "I can", without=["hospital"])
    await ben.presses("I can")
    assert place_of(ben, ben.hears("hospital")) == BARCELONA


async def test_who_is_no_member_is_let_in_by_a_coordinator_and_then_asked(any_world: World) -> None:
    world = any_world
    carla = await world.coordinator("carla")
    ben = world.person("ben")
    await ben.says("/start")
    ben.inbox.clear()
    await ben.says("I can cook for people")
    ben.hears("Food and shopping", "Where are you usually?")
    await ben.sends_place(*BARCELONA)
    ben.hears("How far")
    await ben.presses("20 km")
    ben.hears("Food and shopping", "the union has to know you")
    carla.hears("Ben", "not a member yet", "Food and shopping", "Let in", "Not now", without=["cook"])
    world.nobody_hears_anything_else()

    await world.need("ana", "I need some food")
    ben.hears_nothing()
    world.clear()
    await carla.presses("Let in")
    carla.hears("a member now")
    ben.hears("has let you in")
    await carla.presses("Let in")
    carla.hears("a member already")
    world.nobody_hears_anything_else()

    await world.forward(minutes=30)
    ben.hears("Food and shopping", "I can")


async def test_the_code_may_be_written_after_the_offer(world: World) -> None:
    ben = world.person("ben")
    await ben.says("/start")
    await ben.says("/offer medicine")
    await ben.presses("Skip")
    ben.inbox.clear()
    await ben.says((await world.code()).lower())
    ben.hears("You are a member now")
    await world.need("ana")
    ben.hears("Fetch medicine", "I don't know how far")


async def test_without_a_coordinator_nothing_is_promised(world: World) -> None:
    ben = world.person("ben")
    await ben.says("/offer medicine")
    ben.inbox.clear()
    await ben.presses("Skip")
    ben.hears("", without=["a coordinator will"])


async def test_paused_for_a_week_and_asked_again(any_world: World) -> None:
    world = any_world
    ben = await world.volunteer("ben")
    await ben.says("/my")
    ben.hears("member", "Your offer", "Fetch medicine", "Pause me for a week", "Take my offer back")
    await ben.presses("Pause me for a week")
    ben.hears("Rest well", "Ask me again")
    await world.need("ana")
    ben.hears_nothing()

    await ben.says("/my")
    ben.hears("Ask me again", without=["Pause me"])
    await ben.presses("Ask me again")
    ben.hears("I may ask you again")
    await world.need("zoe", "/need pills")
    ben.hears("Fetch medicine")


async def test_a_pause_ends_by_itself(world: World) -> None:
    ben = await world.volunteer("ben")
    await ben.says("/pause")
    await world.forward(days=7, minutes=1)
    ben.inbox.clear()
    await world.need("ana")
    ben.hears("Fetch medicine")


async def test_a_pause_answers_the_open_question_with_no(world: World) -> None:
    ben, cleo = await world.volunteer("ben"), await world.volunteer("cleo")
    await cleo.says("/pause")
    reference = await world.need("ana")
    cleo.inbox.clear()
    await cleo.says("/resume")
    world.clear()
    await ben.presses("Pause me for a week")
    ben.hears("Rest well")
    cleo.hears("Fetch medicine", reference)
    world.person("ana").hears("I have asked 2 people", "1 said no")


async def test_an_offer_taken_back_is_not_asked(world: World) -> None:
    ben = await world.volunteer("ben")
    await ben.says("/nooffer")
    ben.hears("is withdrawn")
    await world.need("ana")
    ben.hears_nothing()
    for words in ("/pause", "/resume"):
        await ben.says(words)
        ben.hears("no offer")
    world.nobody_hears_anything_else()


async def test_taking_back_answers_the_open_question_with_no(world: World) -> None:
    ben = await world.volunteer("ben")
    carla = await world.coordinator("carla")
    await world.need("ana")
    world.clear()
    await ben.says("/nooffer")
    ben.hears("is withdrawn")
    carla.hears("nobody has taken a need")
    await ben.says("/nooffer")
    ben.hears("no offer")


async def test_a_second_offer_replaces_the_first(world: World) -> None:
    ben = await world.volunteer("ben")
    await ben.says("/offer I can walk dogs")
    await ben.sends_place(*BARCELONA)
    await ben.presses("1 km")
    ben.inbox.clear()
    await world.need("ana")
    ben.hears_nothing()
    await world.need("zoe", "/need someone to walk my dog")
    ben.hears("Look after animals")
    await ben.says("/my")
    ben.hears("Look after animals", without=["Fetch medicine"])


async def test_too_far_is_not_asked(world: World) -> None:
    ben = await world.volunteer("ben", radius="1 km")
    await world.need("ana", place=(41.5, 2.3))
    ben.hears_nothing()


# --- codes ----------------------------------------------------------------------------------------


async def test_a_code_works_once(world: World) -> None:
    code = await world.code()
    ben, cleo = world.person("ben"), world.person("cleo")
    await ben.says(f"/start {code}")
    ben.hears("You are a member now")
    await cleo.says(f"/join {code}")
    cleo.hears("not valid")


async def test_a_code_expires(world: World) -> None:
    code = await world.code()
    await world.forward(days=7, minutes=1)
    ben = world.person("ben")
    await ben.says(f"/join {code}")
    ben.hears("not valid")


async def test_too_many_wrong_codes_rest_for_an_hour(world: World) -> None:
    code = await world.code()
    ben = world.person("ben")
    for number in range(5):
        await ben.says(f"AAAA-BBBB-CC0{number}")
    assert all("not valid" in each.text or "Is that all right" in each.text for each in ben.inbox)
    ben.inbox.clear()
    await ben.says(f"/join {code}")
    ben.hears("too many wrong codes", "hour")
    await world.forward(minutes=61)
    await ben.says(f"/join {code}")
    ben.hears("You are a member now")


async def test_a_code_is_made_by_a_coordinator(world: World) -> None:
    carla = await world.coordinator("carla")
    await carla.says("/code")
    code = carla.hears("one person", "7 days").text.split("\n")[-1]
    ben = world.person("ben")
    for nonsense in ("/join", "/join please", "/join 1234"):
        await ben.says(nonsense)
        ben.hears("Write /join and then the code")
        ben.inbox.clear()
    await ben.says(f"/join {code.replace('-', ' ')}")
    ben.hears("You are a member now")
    await ben.says(f"/join {code}")
    ben.hears("")


async def test_who_is_no_member_yet_reads_what_was_understood_too(world: World) -> None:
    await world.coordinator("carla")
    ben = world.person("ben")
    await ben.says("I have a van Tue & Thu after 17h")
    await ben.sends_place(*BARCELONA)
    world.clear()
    await ben.presses("5 km")
    ben.hears("the union has to know you", "I understood: Tuesday, Thursday, 17:00–24:00")


async def _may_go(world: World, how_far: str) -> Friend:
    ben = world.person("ben")
    await ben.says("/offer I can fetch medicine")
    await ben.sends_place(*BARCELONA)
    await ben.says(how_far)
    world.clear()
    return ben


@pytest.mark.parametrize(
    ("said", "shown"), [("500 m", "0.5 km"), ("2-3 km", "3 km"), ("2,5 km", "2.5 km"), ("1 mile", "1.609 km")]
)
async def test_how_far_is_read_with_its_unit_and_shown_in_my(world: World, said: str, shown: str) -> None:
    ben = await _may_go(world, said)
    await ben.says("/my")
    ben.hears("Your offer: Fetch medicine", f"\n{shown}\n")


async def test_a_length_of_time_is_no_distance(world: World) -> None:
    ben = world.person("ben")
    await ben.says("/offer I can fetch medicine")
    await ben.sends_place(*BARCELONA)
    world.clear()
    await ben.says("30 minutes on foot")
    ben.hears("Please choose how far you can go.")
