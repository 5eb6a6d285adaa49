"""The same need twice: noticed, offered for merging, never refused."""

from __future__ import annotations

import re

from tests.world import BARCELONA, Friend, World


async def _asks(friend: Friend, words: str) -> None:
    await friend.says(words)
    await friend.presses("Yes")
    await friend.sends_place(*BARCELONA)


async def test_who_asks_twice_is_asked_if_it_is_the_same(any_world: World) -> None:
    world = any_world
    ben = await world.volunteer("ben")
    reference = await world.need("ana")
    await ben.presses("I can")
    world.clear()
    ana = world.person("ana")
    await ana.says("/need I need my insulin, the blue box")
    await ana.presses("Yes")
    await ana.sends_place(*BARCELONA)
    ana.inbox.popleft()
    ana.inbox.popleft()
    ana.hears(f"You already asked for this: {reference}", "The same, add my words", "Another one")
    await ana.presses("The same, add my words")
    ana.hears(f"I have added it to {reference}")
    ben.hears(reference, "adds:", "the blue box")
    world.clear()
    await ana.says(f"/done {reference}")
    assert any("Closed:" in each.text for each in ben.inbox)


async def test_another_one_is_never_refused(world: World) -> None:
    reference = await world.need("ana")
    ana = world.person("ana")
    await _asks(ana, "/need I need my insulin")
    await ana.presses("Another one")
    made = next(each.text for each in reversed(ana.inbox) if each.text.startswith("N-"))
    assert reference not in made


async def _two_alike(world: World) -> tuple[str, str, Friend]:
    """Ana and her neighbour Bea ask for the same; Carla is on duty and is asked."""
    carla = await world.coordinator("carla")
    await carla.says("/duty on")
    await world.volunteer("ben")
    older = await world.need("ana", "/need insulin for number four")
    world.clear()
    newer = await world.need("bea", "/need insulin, number four")
    while "They are the same" not in carla.inbox[0].labels:  # that nobody was left to ask is another story
        carla.inbox.popleft()
    asked = carla.hears(older, newer, "They are the same", "Two needs", without=["number four"])
    assert not re.search("ana|bea", asked.text, re.IGNORECASE)
    world.clear()
    return older, newer, carla


async def test_two_needs_of_two_people_become_one_and_both_hear_the_outcome(world: World) -> None:
    older, newer, carla = await _two_alike(world)
    ana, bea, ben = world.person("ana"), world.person("bea"), world.person("ben")
    await carla.presses("They are the same")
    carla.hears("Merged", older)
    bea.hears(newer, "someone else asked for the same", without=[older, "ana"])
    bea.sees_changed("Someone else asked for the same")
    ana.hears_nothing()

    await ben.says(f"/accept {older}")
    world.clear()
    await ana.says(f"/done {older}")
    bea.hears(f"{newer}: what you asked for is done", "I need help", without=[older])
    world.clear()
    await carla.presses("They are the same")
    carla.hears("can't be merged any more")


async def test_when_the_older_is_stopped_the_newer_stands_on_its_own_again(world: World) -> None:
    older, newer, carla = await _two_alike(world)
    await carla.presses("They are the same")
    world.clear()
    await world.person("ana").says(f"/stop {older}")
    bea = world.person("bea")
    bea.hears(newer, "on its own again")
    bea.hears(newer, "I have asked", "Stop")


async def test_a_merged_need_can_be_stopped_by_its_requester(world: World) -> None:
    older, newer, carla = await _two_alike(world)
    await carla.presses("They are the same")
    world.clear()
    bea = world.person("bea")
    await bea.says(f"/stop {newer}")
    bea.hears(f"{newer} is stopped")
    world.clear()
    await world.person("ana").says(f"/stop {older}")
    bea.hears_nothing()


async def test_two_needs_go_on_and_nobody_but_coordinators_may_merge(world: World) -> None:
    older, newer, carla = await _two_alike(world)
    await carla.presses("Two needs")
    carla.hears("Both go on")
    bea = world.person("bea")
    await bea.says(f"/merge {older} {newer}")
    bea.hears("That is for coordinators")
    world.person("ana").hears_nothing()
