"""Someone is in danger: coordinators are told until one of them has taken charge."""

from __future__ import annotations

import pytest

from tests.conversations.acts import place_of
from tests.world import BARCELONA, Friend, World


async def _sos(ana: Friend, words: str = "sos") -> str:
    """Ana writes an SOS; what she and the consent question say is read and forgotten."""
    await ana.says(words)
    first = ana.hears("112")
    assert any(where in first.text for where in ("Where are you?", "¿Dónde estás?")), first.text
    ana.hears_nothing()
    return words


async def test_an_sos_is_taken_talked_over_and_resolved(any_world: World) -> None:
    world = any_world
    carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
    ana = world.person("ana")

    await ana.says("Help, my father fell, he doesn't wake up")
    first = ana.hears("112", "2 coordinators", "None has answered", "Where are you?", "It was a mistake")
    assert first.text.startswith("112"), first.text
    for each in (carla, dora):
        each.hears("🔴 A-", "Illness or injury", "nobody yet", "I take it", without=["father", "Ana"])
    world.nobody_hears_anything_else()

    await ana.sends_place(*BARCELONA)
    ana.hears("written this down", "112")
    await dora.presses("I take it")
    opened = dora.hears("You are in charge", "my father fell", "Resolve", "Hand back")
    assert place_of(dora, opened) == BARCELONA
    ana.hears("Dora has taken charge", "Write here")
    carla.sees_changed("Dora", "A-")
    dora.sees_changed("Dora")
    world.nobody_hears_anything_else()

    await ana.says("We are on the third floor")
    dora.hears("from the one who asked", "third floor")
    await dora.says("I am on my way with two others")
    ana.hears("from a coordinator", "on my way")
    world.nobody_hears_anything_else()

    await dora.presses("Resolve")
    dora.hears("How did it end?", "They were helped", "False alarm")
    world.nobody_hears_anything_else()
    await dora.presses("They were helped")
    dora.hears("resolved")
    ana.hears("is closed", "write SOS", "What they have read I can't take back", "SOS")
    carla.sees_changed("closed")
    seen = "\n".join(dora.sees_changed("A-").text for _change in range(2))
    assert "Closed: the words and the place" in seen
    assert "· closed" in seen
    world.nobody_hears_anything_else()


@pytest.mark.parametrize(
    "words",
    ["/sos", "SOS", "sos please", "🆘", "he is not brething", "my house is on fire", "socorro",
     "mi padre no respira", "quiero morir"],
)  # fmt: skip
async def test_an_sos_is_understood_in_many_words(world: World, words: str) -> None:
    carla = await world.coordinator("carla")
    await _sos(world.person("ana"), words)
    carla.hears("🔴 A-", "I take it", without=["father", "“"])
    world.nobody_hears_anything_else()


async def test_an_sos_in_the_middle_of_a_form_ends_the_form(world: World) -> None:
    carla = await world.coordinator("carla")
    ana = world.person("ana")
    await ana.says("/need")
    ana.inbox.clear()

    await _sos(ana, "sos my husband is choking")
    carla.hears("🔴 A-")
    await ana.says("He ate a nut")
    ana.hears("written this down", without=["What kind"])
    world.nobody_hears_anything_else()


async def test_an_sos_by_an_edit(any_world: World) -> None:
    world = any_world
    carla = await world.coordinator("carla")
    ana = world.person("ana")
    await ana.says("hello")
    ana.inbox.clear()

    await ana.edits("there is a fire in my kitchen")
    ana.hears("112", "1 coordinator")
    carla.hears("🔴 A-")
    world.nobody_hears_anything_else()


async def test_an_sos_of_a_stranger_with_no_coordinator_at_all(world: World) -> None:
    ana = world.person("ana")
    await ana.says("sos")
    first = ana.hears("112", "could not reach any coordinator", "keep trying")
    assert first.text.startswith("112")
    world.nobody_hears_anything_else()

    await world.forward(minutes=5)
    ana.hears("could not reach any coordinator", "112")
    world.nobody_hears_anything_else()

    carla = await world.coordinator("carla")
    await world.forward(minutes=10)
    carla.hears("🔴 A-", "I take it")


async def test_nobody_takes_an_sos_and_it_widens_for_ever(world: World) -> None:
    carla = await world.coordinator("carla")
    dora = await world.coordinator("dora")
    await dora.says("/duty off")
    dora.inbox.clear()
    ana = world.person("ana")

    await _sos(ana)
    carla.hears("🔴 A-")
    world.nobody_hears_anything_else()

    await world.forward(minutes=2)
    carla.hears("🔴 A-")
    dora.hears("🔴 A-", "nobody yet", "I take it")
    ana.hears("2 coordinators", "None has answered", "112")
    world.nobody_hears_anything_else()

    await world.forward(minutes=3)
    for each in (carla, dora):
        each.hears("🔴 A-")
    ana.hears("2 coordinators", "112", "It was a mistake")
    world.nobody_hears_anything_else()

    await world.forward(hours=12)
    assert len(ana.inbox) >= 12 * 60 // 5 - 1
    assert all(message.changed for message in ana.inbox), "nothing has changed, so nothing piles up"
    for each in (carla, dora):
        rings = [message for message in each.inbox if not message.changed]
        assert 11 * 4 <= len(rings) <= 30 + 11 * 4, "a quarter of an hour at most, in the first hour oftener"


async def test_a_second_sos_joins_the_first(world: World) -> None:
    carla = await world.coordinator("carla")
    ana = world.person("ana")
    await _sos(ana)
    carla.hears("🔴 A-")

    await ana.says("sos he is not breathing")
    ana.hears("112", "push hard and fast", "1 coordinator")
    carla.sees_changed("Illness or injury")
    await ana.says("/sos")
    ana.hears("written this down")
    world.nobody_hears_anything_else()

    await carla.presses("I take it")
    carla.hears("You are in charge", "not breathing")
    world.clear()
    await ana.says("sos he is still not breathing")
    carla.hears("still not breathing")
    world.nobody_hears_anything_else()


async def test_it_was_a_mistake(world: World) -> None:
    carla = await world.coordinator("carla")
    ana = world.person("ana")
    await _sos(ana)
    carla.hears("🔴 A-")

    await ana.presses("It was a mistake")
    ana.hears("called it off", "SOS")
    carla.sees_changed("closed")
    world.nobody_hears_anything_else()

    await world.forward(hours=2)
    world.nobody_hears_anything_else()
    await ana.presses("It was a mistake")
    ana.hears("no open alert")


async def test_words_that_may_be_a_crisis_offer_a_coordinator(world: World) -> None:
    carla = await world.coordinator("carla")
    ana = world.person("ana")
    await ana.says("I don't feel safe at home")
    while "Shall I tell a coordinator" not in ana.inbox[0].text:
        ana.inbox.popleft()
    ana.hears("danger", "Yes, tell a coordinator", "No")
    ana.inbox.clear()
    world.nobody_hears_anything_else()

    await ana.presses("Yes, tell a coordinator")
    ana.hears("112", "1 coordinator")
    carla.hears("🔴 A-")
    world.nobody_hears_anything_else()


async def test_a_button_for_an_sos_pressed_twice_opens_one_alert(world: World) -> None:
    carla = await world.coordinator("carla")
    ana = world.person("ana")
    await ana.says("/start")
    ana.inbox.clear()
    await ana.presses("SOS")
    await ana.presses("SOS")
    ana.hears("112", "Where are you?")
    ana.hears("written this down")
    carla.hears("🔴 A-")
    world.nobody_hears_anything_else()


async def test_who_may_be_in_danger_is_asked_that_and_nothing_else(world: World) -> None:
    ana = world.person("ana")
    await ana.says("I'm so scared")
    ana.hears("in danger?", "Yes, tell a coordinator", without=["did not understand"])
    await ana.presses("No")
    ana.hears("All right.", "I need help", "SOS")
