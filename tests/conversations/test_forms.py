"""Forms: back, skip, cancel, wrong answers, old buttons, and a restart in the middle."""

from __future__ import annotations

import pytest

from handlers.messages import _
from tests.conversations.acts import press_token, rendered, restart, tokens
from tests.world import BARCELONA, World


async def test_a_need_step_by_step_with_back_and_skip(any_world: World) -> None:
    world = any_world
    ana = world.person("ana")
    await ana.says("/need")
    ana.hears("What do you need?", "Cancel", without=["Back", "Skip"])
    await ana.says("something hard to say")
    ana.hears("What kind of help", "Fetch medicine", "Something else", "Back", "Cancel")
    await ana.presses("Back")
    ana.hears("What do you need?")
    await ana.says("something hard to say")
    ana.hears("What kind of help")
    await ana.presses("Fetch medicine")
    ana.hears("Fetch medicine", "Is that right?", "Yes", "It is urgent", "Change", "Back")
    await ana.presses("Back")
    ana.hears("What kind of help")
    await ana.presses("A ride")
    ana.hears("A ride", "Is that right?")
    await ana.presses("Yes")
    ana.hears("Where is help needed?", "Send my place", "Skip", "Back", "Cancel")
    await ana.presses("Back")
    ana.hears("A ride", "Is that right?")
    await ana.presses("Yes")
    ana.hears("Where is help needed?")
    await ana.presses("Skip")
    ana.hears("N-", "A ride", "There is nobody I can ask")
    ana.inbox.clear()
    world.nobody_hears_anything_else()


@pytest.mark.parametrize("words", ["I need insulin", "I urgently need insulin"])
async def test_back_after_it_is_urgent_asks_the_question_before(world: World, words: str) -> None:
    ana = world.person("ana")
    await ana.says(words)
    if "urgently" not in words:
        await ana.presses("It is urgent")
        ana.inbox.clear()
        await ana.presses("Back")
        ana.hears("Is that right?")
        return
    ana.inbox.clear()
    await ana.presses("Back")
    ana.hears("What kind of help")
    await ana.presses("Back")
    ana.hears("What do you need?")


@pytest.mark.parametrize(
    "answers", [(), ("insulin",), ("insulin", "Yes"), ("something",), ("something", "A ride")]
)
async def test_a_need_is_cancelled_at_each_question(world: World, answers: tuple[str, ...]) -> None:
    await world.volunteer("ben")
    ana = world.person("ana")
    await ana.says("/need")
    for answer in answers:
        await ana.says(answer)
    ana.inbox.clear()
    await ana.presses("Cancel")
    ana.hears("Cancelled", "I have kept nothing")
    ana.inbox.clear()
    await ana.says("/my")
    ana.hears("no open case")
    ana.inbox.clear()
    await ana.says("/cancel")
    ana.hears("nothing to cancel")
    world.nobody_hears_anything_else()


@pytest.mark.parametrize("answers", [(), ("medicine",), ("medicine", "41.40, 2.16"), ("something",)])
async def test_an_offer_is_cancelled_at_each_question(world: World, answers: tuple[str, ...]) -> None:
    ben = world.person("ben")
    await ben.says(f"/join {await world.code()}")
    await ben.says("/offer")
    for answer in answers:
        await ben.says(answer)
    ben.inbox.clear()
    await ben.presses("Cancel")
    ben.hears("Cancelled")
    await ben.says("/my")
    ben.hears("no offer")
    world.nobody_hears_anything_else()


async def test_an_offer_step_by_step_with_back(any_world: World) -> None:
    world = any_world
    ben = world.person("ben")
    await ben.says(f"/join {await world.code()}")
    ben.inbox.clear()
    await ben.says("/offer")
    ben.hears("What can you do", "Fetch medicine", "Cancel", without=["Back"])
    await ben.says("I am good at nothing")
    ben.hears("What kind of help", "Back")
    await ben.presses("Fetch medicine")
    ben.hears("Fetch medicine", "Is that all?", "Not: Fetch medicine", "Add another")
    await ben.presses("That is all")
    ben.hears("Fetch medicine", "Where are you usually?", "Skip", "Back")
    await ben.sends_place(*BARCELONA)
    ben.hears("How far", "1 km", "5 km", "20 km", "50 km", "Back", without=["Skip"])
    await ben.presses("Back")
    ben.hears("Where are you usually?")
    await ben.says("41.40, 2.16")
    ben.hears("How far")
    await ben.says("/skip")
    ben.hears("I need an answer", "How far")
    await ben.says("as far as my legs go")
    ben.hears("choose how far", "How far")
    await ben.says("7 km")
    ben.hears("Fetch medicine", "Thank you", "always say no")
    world.nobody_hears_anything_else()


async def test_wrong_answers_are_asked_again(world: World) -> None:
    ana = world.person("ana")
    await ana.says("/need")
    ana.inbox.clear()
    await ana.sends_place(*BARCELONA)
    ana.hears("write it in a few words", "What do you need?")
    await ana.says("xyzzy")
    ana.hears("What kind of help")
    await ana.says("plugh")
    ana.hears("did not find that", "What kind of help")
    await ana.says("/skip")
    ana.hears("I need an answer", "What kind of help")
    await ana.says("medicine")
    ana.hears("Is that right?")
    await ana.says("perhaps")
    ana.hears('"Yes" or "Change"', "Is that right?")
    await ana.says("no")
    ana.hears("What do you need?")
    await ana.says("insulin")
    ana.hears("Fetch medicine", "Is that right?")
    await ana.says("yep")
    ana.hears("Where is help needed?")
    for nowhere, why in (
        ("0, 0", "can't be right"),
        ("95.5, 200.1", "can't be right"),
        ("x", "could not read"),
    ):
        await ana.says(nowhere)
        ana.hears(why, "Where is help needed?")
    await ana.says("Calle Mayor 3")
    ana.hears("N-", "Fetch medicine")


async def test_an_open_form_survives_a_restart(world: World) -> None:
    ana = world.person("ana")
    await ana.says("I need insulin")
    await ana.presses("Yes")
    ana.inbox.clear()
    await restart(world)
    world.nobody_hears_anything_else()
    await ana.says("Calle Mayor 3")
    ana.hears("N-", "Fetch medicine")


async def test_an_old_form_is_left_after_a_while(world: World) -> None:
    ana = world.person("ana")
    await ana.says("I need insulin")
    ana.inbox.clear()
    await world.forward(days=40)
    await ana.says("Calle Mayor 3")
    ana.hears("", without=["N-"])


async def test_an_offer_begun_in_the_middle_of_a_need_replaces_it(world: World) -> None:
    ana = world.person("ana")
    await ana.says("I need insulin")
    await ana.says("/offer")
    ana.inbox.popleft()
    ana.hears("What can you do")
    await press_token(world, ana, tokens(world, ana, "Yes")[0])
    ana.hears("answered before", "What can you do")
    await ana.says("/cancel")
    ana.hears("Cancelled")
    ana.inbox.clear()
    await ana.says("Where were we")
    ana.hears("did not understand")


async def test_changing_the_language_asks_the_open_question_in_it(world: World) -> None:
    ana = world.person("ana")
    await ana.says("I need insulin")
    ana.inbox.clear()
    await ana.says("/language es")
    asked = [ana.inbox.popleft().text for _each in range(len(ana.inbox))]
    assert any(rendered(world, _("Is that right?")) in each for each in asked)


async def test_after_a_change_of_language_the_form_goes_on_in_it(world: World) -> None:
    ana = world.person("ana")
    await ana.says("I need insulin")
    await ana.says("/language español")
    ana.inbox.clear()
    await ana.says("sí")
    ana.hears(rendered(world, _("Volunteers see it only when they accept.")))
    await ana.says("/language english")
    ana.inbox.clear()
    await ana.says("Calle Mayor 3")
    ana.hears("N-", "Fetch medicine")


STRANGE = (
    "insulin \x00 zero", "\u202einsulin\u202c", "insulin {name} {0} {count}", "<b>insulin</b> & <script>",
    "insulin " + "x" * 10_000, "insulin %s %(name)s", "insulin\n\n\n\ttab", "i̷n̷s̷u̷l̷i̷n̷ insulin 👩🏽‍⚕️",
)  # fmt: skip


@pytest.mark.parametrize("words", STRANGE, ids=range(len(STRANGE)))
async def test_strange_words_are_kept_as_they_are(any_world: World, words: str) -> None:
    world = any_world
    ben = await world.volunteer("ben")
    ana = world.person("ana")
    await ana.says(f"/need {words}")
    ana.hears("Is that right?")
    await ana.presses("Yes")
    await ana.sends_place(*BARCELONA)
    await ana.presses("For me")
    await ben.presses("I can")
    whole = "\n".join(message.text for message in ben.inbox)
    assert words.replace("\x00", "")[:1_900] in whole.replace("\x00", "")
    world.clear()
    await ana.says(words)
    relayed = "".join(message.text for message in ben.inbox)
    assert words.replace("\x00", "")[-100:] in relayed.replace("\x00", "")


@pytest.mark.parametrize("answer", ["Send my place", "no", "I don't know", "what?"])
async def test_what_is_no_address_is_not_kept_as_one(world: World, answer: str) -> None:
    ben = await world.volunteer("ben")
    ana = world.person("ana")
    for words in ("/need insulin", "yes", answer, "/skip"):
        await ana.says(words)
    await ben.presses("I can")
    ben.hears("Fetch medicine")
    ben.hears("open to you", without=["📍"])


async def test_a_greeting_is_not_what_is_needed(world: World) -> None:
    ben = await world.volunteer("ben")
    ana = world.person("ana")
    for words in ("/need", "hello", "insulin from the green pharmacy", "yes", "/skip"):
        await ana.says(words)
    await ben.presses("I can")
    ben.hears("Fetch medicine")
    ben.hears("green pharmacy", without=["hello"])
