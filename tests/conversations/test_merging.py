"""The same need twice: noticed, offered for merging, never refused."""

from __future__ import annotations

import re

from storage import needs, people
from storage.database import Transaction
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


async def test_the_requester_of_a_merged_need_hears_of_the_helper_without_a_name(world: World) -> None:
    older, newer, carla = await _two_alike(world)
    await carla.presses("They are the same")
    ben, bea = world.person("ben"), world.person("bea")
    world.clear()
    await ben.says(f"/accept {older}")
    bea.hears(newer, "someone has accepted", without=[older, "Ben", "Ana"])
    await ben.presses("I am here")
    bea.hears(newer, "your volunteer is there", without=[older])
    await ben.presses("I can't after all")
    bea.hears(newer, "can't come after all", without=[older])
    bea.hears_nothing()


async def test_a_banned_persons_merged_need_does_not_stand_up_again(world: World) -> None:
    older, newer, carla = await _two_alike(world)
    await carla.presses("They are the same")

    def ban(tx: Transaction) -> None:
        made = needs.by_reference(tx, newer)
        assert made is not None
        people.get(tx, made.person_id).banned_at = world.time()

    await world.database.run(ban)
    world.clear()
    await world.person("ana").says(f"/stop {older}")
    world.person("bea").hears_nothing()


async def test_who_is_merged_into_what_someone_has_accepted_hears_so(world: World) -> None:
    older, newer, carla = await _two_alike(world)
    await world.person("ben").says(f"/accept {older}")
    await carla.presses("They are the same")
    world.person("bea").hears(newer, "You will hear how it ends", "Someone has accepted already")


async def test_when_the_older_is_forgotten_the_newer_stands_on_its_own_and_can_be_met(world: World) -> None:
    _older, newer, carla = await _two_alike(world)
    await carla.presses("They are the same")
    world.clear()
    await world.person("ana").says("/forget yes")
    bea, ben = world.person("bea"), world.person("ben")
    bea.hears(newer, "on its own again")
    await world.forward(minutes=30)
    await ben.says(f"/accept {newer}")
    assert any(newer in each.text and "number four" in each.text for each in ben.inbox)


async def test_who_is_forgotten_after_merging_holds_nothing_up(world: World) -> None:
    older, _newer, carla = await _two_alike(world)
    await carla.presses("They are the same")
    await world.person("bea").says("/forget yes")
    world.clear()
    ben, ana = world.person("ben"), world.person("ana")
    await ben.says(f"/accept {older}")
    ben.hears(older, "open to you")
    world.clear()
    await ana.says(f"/done {older}")
    ana.hears(f"{older} is closed")
    world.person("bea").hears_nothing()


async def test_a_repeating_need_that_was_merged_comes_again_for_both(world: World) -> None:
    carla = await world.coordinator("carla")
    await carla.says("/duty on")
    await world.volunteer("ben")
    words = "/need insulin for number four every Tuesday at 9"
    older = await world.need("ana", words)
    await world.need("bea", words)
    await carla.presses("They are the same")
    world.clear()
    await world.person("ana").says(f"/done {older}")
    bea = world.person("bea")
    bea.hears("what you asked for is done")
    bea.hears("The next time is N-", "for Tue 10 Mar, 09:00")
