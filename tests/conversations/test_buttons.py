"""Buttons, numbers and words that stand for them: each means one thing, or the bot asks."""

from __future__ import annotations

import pytest

from tests.conversations.acts import needs_a_walk, press_token, tokens
from tests.world import Friend, World


async def _talk(world: World, volunteer: str = "ben") -> tuple[Friend, Friend, str]:
    """Ana and a volunteer talk about a need; the story begins after that."""
    helper = await world.volunteer(volunteer)
    reference = await world.need("ana")
    await helper.presses("I can")
    world.clear()
    return world.person("ana"), helper, reference


@pytest.mark.parametrize("answer", ["1", "yes", "YES", " yes ", "ok", "sí", "👍", "that's right"])
async def test_typing_is_the_same_as_pressing(world: World, answer: str) -> None:
    ana = world.person("ana")
    await ana.says("I need insulin")
    ana.hears("Is that right?")
    await ana.says(answer)
    ana.hears("Where is help needed?")
    await world.forward(seconds=1)
    await ana.says("skip" if answer != "1" else "2")
    ana.hears("N-")


@pytest.mark.parametrize("answer", ["²", "①", "0", "00", "99", "-1", "٣"])
async def test_numbers_that_stand_for_nothing_are_asked_again(world: World, answer: str) -> None:
    ana = world.person("ana")
    await ana.says("I need insulin")
    ana.inbox.clear()
    await ana.says(answer)
    ana.hears("", without=["went wrong"])


async def test_an_old_button_of_an_answered_question_says_so(world: World) -> None:
    ana = world.person("ana")
    await ana.says("/need")
    await ana.says("something")
    await ana.presses("A ride")
    ana.inbox.clear()
    await press_token(world, ana, tokens(world, ana, "Fetch medicine")[0])
    ana.hears("answered before", "A ride", "Is that right?")
    await ana.presses("Yes")
    ana.hears("Where is help needed?")
    await press_token(world, ana, tokens(world, ana, "Yes")[0])
    ana.hears("answered before", "Where is help needed?")
    world.nobody_hears_anything_else()


async def test_an_old_yes_does_not_answer_the_question_of_another_form(world: World) -> None:
    ana = world.person("ana")
    await world.need("ana")
    await world.forward(seconds=1)
    await ana.says("/need a ride to the hospital")
    ana.hears("A ride", "Is that right?")
    await press_token(world, ana, tokens(world, ana, "Yes")[0])
    ana.hears("answered before")
    ana.hears_nothing()


async def test_a_number_of_a_question_that_was_left_is_an_answer_to_the_open_one(world: World) -> None:
    ana = world.person("ana")
    await ana.says("/offer")
    left = ana.hears("What can you do")
    await world.forward(seconds=1)
    await ana.says("/need insulin")
    asked = ana.hears("Is that right?")
    assert len(asked.labels) < 9 <= len(left.labels)
    await world.forward(seconds=1)
    await ana.says("9")
    ana.hears("Is that right?", without=["answered before"])


async def test_another_persons_button_and_forged_tokens_are_refused(world: World) -> None:
    ana, eve = world.person("ana"), world.person("eve")
    await ana.says("I need insulin")
    await eve.says("hello")
    world.clear()
    good = tokens(world, ana, "Yes")[0]
    for token in (good, good[:-1] + "9", good[:-1], "", "1", "²" * 17, "x" * 64, "'; --"):
        await press_token(world, eve, token)
        eve.hears("no longer valid")
    await press_token(world, ana, good[:-1] + "9")
    ana.hears("no longer valid")
    world.nobody_hears_anything_else()


@pytest.mark.parametrize("answer", ["1", "yes"])
async def test_an_answer_when_two_questions_came_is_asked_about(world: World, answer: str) -> None:
    """Else they would have promised to do what they had not read."""
    ben = await world.volunteer("ben", "I can fetch medicine and walk dogs")
    await world.forward(minutes=1)
    first = await world.need("ana")
    await needs_a_walk(world.person("zoe"))
    world.clear()
    await ben.says(answer)
    asked = ben.hears("Which one do you mean?", first, "Look after animals · urgent")
    await ben.presses(next(label for label in asked.labels if first in label))
    ben.hears(first, "open to you", "insulin")
    world.person("ana").hears("Someone has accepted")
    world.nobody_hears_anything_else()


async def test_a_yes_means_the_newest_of_what_was_read(world: World) -> None:
    ben = await world.volunteer("ben", "I can fetch medicine and walk dogs")
    await world.forward(minutes=1)
    await world.need("ana")
    await world.forward(minutes=1)
    await ben.says("thank you")
    await world.forward(minutes=1)
    await needs_a_walk(world.person("zoe"))
    world.clear()
    await ben.says("yes")
    ben.hears("Look after animals", "open to you")


async def test_a_number_after_the_receipt_and_the_question_of_consent_is_asked_about(world: World) -> None:
    ana = world.person("ana")
    for words in ("I need insulin", "yes", "Calle Mayor 3"):
        await world.forward(seconds=10)
        await ana.says(words)
    ana.inbox.clear()
    await world.forward(seconds=10)
    await ana.says("1")
    ana.hears("Which one do you mean?")


async def test_another_persons_button_does_not_accept(world: World) -> None:
    ben = await world.volunteer("ben")
    await world.need("ana")
    zoe = world.person("zoe")
    token = tokens(world, ben, "I can")[-1]
    await press_token(world, zoe, token)
    zoe.hears("no longer valid", without=["insulin"])
    world.person("ana").hears_nothing()


async def test_someone_who_was_not_asked_cannot_accept_by_its_reference(world: World) -> None:
    await world.volunteer("ben")
    reference = await world.need("ana")
    zoe = world.person("zoe")
    await zoe.says("hello")
    zoe.inbox.clear()
    for name in ("accept", "done", "withdraw", "stop", "confirm", "notdone", "urgent", "share", "eta 15"):
        command, *time = name.split()
        await zoe.says(" ".join((f"/{command}", reference, *time)))
        zoe.hears("", without=["insulin", "open to you", "is stopped", "is closed"])
        zoe.hears_nothing()
    world.person("ana").hears_nothing()


@pytest.mark.parametrize(("answer", "told"), [("yes", "is closed"), ("No, not yet", "I have asked")])
async def test_is_it_done_is_answered_in_words(world: World, answer: str, told: str) -> None:
    ana, ben, _ = await _talk(world)
    await ben.presses("I am here")
    world.clear()
    await world.forward(hours=1)
    ana.hears("Is N-")
    await ana.says(answer)
    ana.hears(told)


async def test_an_invitation_is_answered_in_words(world: World) -> None:
    ben = await world.volunteer("ben")
    await world.forward(minutes=1)
    await world.need("ana")
    ben.hears("Fetch medicine")
    await ben.says("yes, I'll go")
    ben.hears("open to you")


async def test_a_number_that_may_answer_the_other_is_asked_about(world: World) -> None:
    ana, ben, _ = await _talk(world)
    await world.forward(minutes=1)
    await ben.says("How many boxes do you need?")
    ana.hears("How many boxes")
    await world.forward(minutes=1)
    await ana.says("3")
    asked = ana.hears("Which one do you mean?", "your volunteer")
    world.nobody_hears_anything_else()
    await ana.presses(next(label for label in asked.labels if "your volunteer" in label))
    ben.hears("from the one who asked", "3")
    world.nobody_hears_anything_else()


async def test_a_stale_button_of_a_form_is_not_said_to_the_other(world: World) -> None:
    ana, ben, _ = await _talk(world)
    await ana.presses("Yes")
    ana.hears("")
    ben.hears_nothing()


async def test_a_label_that_may_be_meant_for_the_other_is_asked_about(world: World) -> None:
    ana, ben, _ = await _talk(world)
    await world.forward(minutes=1)
    await ben.says("I ring at the blue door")
    ana.hears("blue door")
    await world.forward(minutes=1)
    await ana.says("Stop")
    ana.hears("Which one do you mean?")
    ben.hears_nothing()
