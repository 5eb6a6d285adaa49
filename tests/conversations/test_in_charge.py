"""A coordinator takes charge of an SOS: taking, talking, handing back, falling quiet."""

from __future__ import annotations

import pytest

from tests.conversations.acts import photo_with_secrets
from tests.world import Friend, World


async def _sos(ana: Friend, words: str = "sos") -> str:
    """Ana writes an SOS; what she and the consent question say is read and forgotten."""
    await ana.says(words)
    ana.hears("112", "Where are you?")
    ana.hears_nothing()
    return words


async def _taken_by_carla(world: World) -> tuple[Friend, Friend, Friend]:
    """Carla is in charge of Ana's SOS, and Dora is another coordinator."""
    carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
    ana = world.person("ana")
    await _sos(ana)
    await carla.presses("I take it")
    return carla, dora, ana


async def test_one_takes_it_and_the_others_who_press_are_told_who_has_it(world: World) -> None:
    carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
    ana = world.person("ana")
    await _sos(ana)
    world.clear()

    await carla.presses("I take it")
    world.clear()
    await dora.presses("I take it")
    dora.hears("Carla", without=["sos", "“"])
    world.nobody_hears_anything_else()

    await ana.says("I am in the cellar")
    carla.hears("in the cellar")
    dora.hears_nothing()
    await world.forward(minutes=59)
    world.nobody_hears_anything_else()


async def test_a_mistake_after_it_was_taken(world: World) -> None:
    carla = await world.coordinator("carla")
    ana = world.person("ana")
    await _sos(ana)
    await carla.presses("I take it")
    world.clear()

    await ana.says("/mistake")
    ana.hears("called it off")
    carla.hears("it was a mistake")
    carla.sees_changed("Closed:", "no longer shown")
    carla.sees_changed("closed")
    world.nobody_hears_anything_else()
    await carla.says("Are you sure?")
    carla.hears("did not understand")
    ana.hears_nothing()


async def test_handed_back_it_goes_to_the_others(world: World) -> None:
    carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
    ana = world.person("ana")
    await _sos(ana, "sos the lift is stuck and smoke is coming")
    await carla.presses("I take it")
    world.clear()

    await carla.presses("Hand back")
    carla.hears("goes back to the others")
    dora.hears("🔴 A-", "nobody yet", "I take it")
    ana.hears("can't go on", "telling the others", "1 coordinator.", "112")
    carla.inbox.clear()
    world.nobody_hears_anything_else()

    await carla.says("Never mind")
    ana.hears_nothing()
    carla.inbox.clear()
    await dora.presses("I take it")
    dora.hears("You are in charge", "smoke is coming")
    ana.hears("Dora has taken charge")
    await ana.says("Thank you")
    assert any("from the one who asked" in each.text for each in dora.inbox)


async def test_a_quiet_owner_is_asked_and_then_it_falls_back(world: World) -> None:
    carla, dora, ana = await _taken_by_carla(world)
    world.clear()

    await world.forward(minutes=60)
    carla.hears("Are you still on A-", "Yes, I am on it")
    world.nobody_hears_anything_else()
    await carla.presses("Yes, I am on it")
    carla.hears("Thank you")
    await world.forward(minutes=59)
    world.nobody_hears_anything_else()

    await world.forward(minutes=1)
    carla.hears("Are you still on")
    await world.forward(minutes=15)
    dora.hears("🔴 A-", "nobody yet")
    ana.hears("can't go on", "telling the others", "1 coordinator.", "112")
    carla.sees_changed("Closed:", "no longer shown")
    carla.hears("🔴 A-", "I take it")


async def test_a_quiet_owner_who_types_yes_keeps_it(world: World) -> None:
    carla, dora, ana = await _taken_by_carla(world)
    world.clear()
    await world.forward(minutes=60)
    carla.hears("Are you still on A-", "Yes, I am on it")
    await carla.says("Sí")
    carla.hears("Thank you")
    await world.forward(minutes=20)
    dora.hears_nothing()
    ana.hears_nothing()


async def test_what_is_said_after_the_quiet_owner_lost_it_is_answered(world: World) -> None:
    carla, dora, ana = await _taken_by_carla(world)
    await world.forward(minutes=75)
    world.clear()

    await ana.says("Is anybody there?")
    ana.hears("written this down", "112")
    carla.hears_nothing()
    await dora.presses("I take it")
    dora.hears("You are in charge", "Is anybody there?")


async def test_a_coordinator_who_blocked_the_bot_is_passed_over_at_once(any_world: World) -> None:
    world = any_world
    carla = await world.coordinator("carla")
    dora = await world.coordinator("dora")
    await dora.says("/duty off")
    dora.inbox.clear()
    ana = world.person("ana")
    await _sos(ana)
    world.clear()

    await carla.blocks_the_bot()
    dora.hears("🔴 A-", "I take it")
    ana.hears("112")
    world.nobody_hears_anything_else()


async def test_a_coordinator_in_charge_who_blocks_the_bot_loses_it(world: World) -> None:
    carla, dora, ana = await _taken_by_carla(world)
    world.clear()

    await carla.blocks_the_bot()
    dora.hears("🔴 A-", "nobody yet", "I take it")
    ana.hears("can't go on", "No answer yet", "112")
    await ana.says("I am in the cellar")
    ana.hears("written this down")


async def test_a_coordinators_own_sos_is_not_paged_to_themselves(world: World) -> None:
    carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
    await carla.says("sos")
    carla.hears("112", "1 coordinator.")
    dora.hears("🔴 A-")
    world.nobody_hears_anything_else()
    await world.forward(minutes=2)
    carla.hears("1 coordinator.", "112")
    dora.hears("🔴 A-")
    world.nobody_hears_anything_else()


async def test_nobody_takes_charge_of_their_own_sos(world: World) -> None:
    carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
    await carla.says("sos")
    world.clear()

    await carla.says("/take")
    carla.hears("", without=["You are in charge", "has taken charge"])
    carla.inbox.clear()
    await world.forward(minutes=2)
    dora.hears("🔴 A-", "nobody yet")


async def test_words_that_may_be_a_crisis_reach_the_coordinator_who_is_then_called(world: World) -> None:
    carla = await world.coordinator("carla")
    ana = world.person("ana")
    await ana.says("smoke in the stairs")
    await ana.presses("Yes, tell a coordinator")
    await carla.presses("I take it")
    carla.hears("🔴 A-")
    carla.hears("You are in charge", "smoke in the stairs")


async def test_a_coordinator_may_speak_of_emergencies_in_the_talk(world: World) -> None:
    carla, dora, ana = await _taken_by_carla(world)
    world.clear()

    await carla.says("Call an ambulance now. Is he unconscious? Is he bleeding a lot?")
    ana.hears("from a coordinator", "Call an ambulance")
    dora.hears_nothing()


async def test_a_photo_in_an_sos_arrives_once(world: World) -> None:
    carla = await world.coordinator("carla")
    ana = world.person("ana")
    await _sos(ana)
    await carla.presses("I take it")
    world.clear()

    await ana.sends_photo(photo_with_secrets(), "this is the stair")
    assert carla.hears("this is the stair").file is not None
    world.nobody_hears_anything_else()


async def test_a_photo_sent_before_it_is_taken_is_shown_to_the_one_who_takes_it(world: World) -> None:
    carla = await world.coordinator("carla")
    ana = world.person("ana")
    await _sos(ana)
    await ana.sends_photo(photo_with_secrets(), "this is the stair")
    ana.hears("written this down")
    world.clear()

    await carla.presses("I take it")
    carla.hears("You are in charge", "this is the stair")
    assert any(message.file for message in carla.inbox)


async def test_the_one_in_charge_may_edit_what_they_said_of_the_emergency(world: World) -> None:
    carla, dora, ana = await _taken_by_carla(world)
    await carla.says("Call somebody")
    world.clear()

    await carla.edits("Call an ambulance")
    ana.sees_changed("Call an ambulance")
    dora.hears_nothing()


@pytest.mark.parametrize("words", ["sos", "I want to die"])
async def test_the_one_in_charge_may_be_in_danger_themselves(world: World, words: str) -> None:
    carla = await world.coordinator("carla")
    await world.coordinator("dora")
    ana = world.person("ana")
    await _sos(ana)
    await carla.presses("I take it")
    world.clear()

    await carla.says(words)
    carla.hears("Yes, tell a coordinator")


async def test_a_number_means_the_alert_that_was_paged_again_and_again(world: World) -> None:
    carla = await world.coordinator("carla")
    ana = world.person("ana")
    await world.forward(minutes=1)
    await _sos(ana)
    await world.forward(minutes=20)
    world.clear()
    await carla.says("1")
    carla.hears("You are in charge")


async def test_who_hands_back_is_not_paged_while_others_are_there(world: World) -> None:
    carla, dora, _ana = await _taken_by_carla(world)
    world.clear()
    await carla.presses("Hand back")
    carla.hears("goes back to the others")
    carla.sees_changed("Closed:", "no longer shown")
    carla.sees_changed("nobody yet")
    dora.hears("nobody yet", "I take it")
