"""/forget: everything is deleted, and whoever waited for the person waits no longer."""

from __future__ import annotations

import pytest

from tests.world import Friend, World


async def _met(world: World) -> tuple[Friend, Friend, str]:
    """Ben has accepted a need of Ana's; the story begins after that."""
    ben = await world.volunteer("ben")
    reference = await world.need("ana")
    await ben.presses("I can")
    world.clear()
    return world.person("ana"), ben, reference


async def _forgets(friend: Friend) -> None:
    await friend.says("/forget")
    friend.hears("delete all", "can't be undone", "Yes, delete everything", "No")
    await friend.presses("Yes, delete everything")
    friend.hears("Everything is deleted")


async def test_a_requester_forgets_and_comes_back_as_someone_new(any_world: World) -> None:
    world = any_world
    ana, ben, reference = await _met(world)
    await _forgets(ana)
    ben.hears(reference, "not needed any more")
    ben.sees_changed("Closed:", reference)
    world.nobody_hears_anything_else()

    await ben.says("Are you there?")
    ben.hears("did not understand")
    world.nobody_hears_anything_else()
    await ana.says("/my")
    ana.hears("not a member yet", "no open case")
    ana.hears("Is that all right?")
    await ana.says(f"/stop {reference}")
    ana.hears("can't find that case")
    await world.forward(days=2)
    world.nobody_hears_anything_else()


@pytest.mark.parametrize("answer", ["yes", "Yes", "sí"])
async def test_a_typed_yes_deletes_although_an_older_question_had_a_button_yes(
    world: World, answer: str
) -> None:
    ana = world.person("ana")
    await world.need("ana")  # one of its questions is "Is that right?", with a button "Yes"
    await world.forward(minutes=1)
    world.clear()
    await ana.says("/forget")
    ana.hears("delete all", "can't be undone")
    await world.forward(seconds=10)
    await ana.says(answer)
    ana.hears("Everything is deleted")


async def test_no_keeps_everything(world: World) -> None:
    ana, _ben, reference = await _met(world)
    await ana.says("/forget")
    ana.hears("delete all")
    await ana.presses("No")
    ana.hears("All right")
    await ana.says("/my")
    ana.hears(reference)
    ana.hears("")
    world.nobody_hears_anything_else()


async def test_a_volunteer_forgets_and_the_next_is_asked(world: World) -> None:
    ana, ben, reference = await _met(world)
    cleo = await world.volunteer("cleo")
    await _forgets(ben)
    cleo.hears("Fetch medicine", reference)
    ana.hears(reference, "can't come after all")
    ana.sees_changed(reference, "I have asked 2 people")
    world.nobody_hears_anything_else()
    await ana.says("Who is there?")
    ana.hears("did not understand")
    await cleo.presses("I can")
    ana.hears(reference, "Someone has accepted")


async def test_a_coordinator_in_charge_forgets_and_it_goes_back_to_the_others(world: World) -> None:
    carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
    ana = world.person("ana")
    await ana.says("sos")
    await carla.presses("I take it")
    world.clear()

    await _forgets(carla)
    dora.hears("🔴 A-", "nobody yet", "I take it")
    ana.hears("None has answered" if "None" in ana.inbox[0].text else "No answer yet", "112")
    world.nobody_hears_anything_else()
    await dora.presses("I take it")
    ana.hears("Dora has taken charge")
    await ana.says("Thank you")
    assert any("Thank you" in each.text for each in dora.inbox)


async def test_someone_with_an_open_sos_forgets(world: World) -> None:
    carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
    ana = world.person("ana")
    await ana.says("sos")
    await carla.presses("I take it")
    world.clear()

    await _forgets(ana)
    for each in (carla, dora):
        each.hears("A-", "deleted their data")
    carla.sees_changed("Closed:")
    world.nobody_hears_anything_else()
    await world.forward(hours=3)
    world.nobody_hears_anything_else()
    await carla.says("Who is there?")
    ana.hears_nothing()
    carla.hears("did not understand")


async def test_after_it_the_stale_card_of_a_forgotten_sos_says_so(world: World) -> None:
    carla = await world.coordinator("carla")
    ana = world.person("ana")
    await ana.says("sos")
    world.clear()
    await _forgets(ana)
    world.clear()
    await carla.presses("I take it")
    carla.hears("can't find that alert")
    world.nobody_hears_anything_else()


async def test_a_forgotten_volunteer_is_not_asked(world: World) -> None:
    ben = await world.volunteer("ben")
    await world.need("ana")
    await _forgets_with_invitation(ben)
    await ben.presses("I can")
    ben.hears("no longer valid", without=["insulin"])


async def _forgets_with_invitation(ben: Friend) -> None:
    ben.hears("Fetch medicine")
    await _forgets(ben)
