"""What a typed yes, no or label means where several messages have buttons that it could be."""

from __future__ import annotations

from tests.world import World

FLOOD = "sos there is a flood here"


async def test_what_the_coordinator_asks_is_not_taken_for_the_first_question_of_an_sos(world: World) -> None:
    carla, ana = await world.coordinator("carla"), world.person("ana")
    await ana.says(FLOOD)
    await carla.presses("I take it")
    await world.forward(minutes=1)
    await carla.says("Are you hurt?")
    await world.forward(seconds=20)
    world.clear()
    await ana.says("no")
    ana.hears("Which one do you mean?")
    await ana.says("2")
    carla.hears("no")


async def test_what_an_sos_still_asks_comes_before_whatever_came_meanwhile(world: World) -> None:
    ben, carla = await world.volunteer("ben"), await world.coordinator("carla")
    await world.forward(minutes=1)
    await ben.says(FLOOD)
    await world.forward(minutes=1)
    ben.inbox.clear()
    await world.need("ana")
    ben.hears("Fetch medicine")
    world.clear()
    await ben.says("yes")
    assert not any("open to you" in each.text for each in ben.inbox)
    carla.hears("🔴")


async def test_once_it_is_answered_a_yes_is_for_the_newest_question(world: World) -> None:
    await world.coordinator("carla")
    ana = world.person("ana")
    await ana.says(FLOOD)
    await ana.presses("No")
    await world.forward(seconds=10)
    await ana.says("/forget")
    await world.forward(seconds=10)
    world.clear()
    await ana.says("yes")
    ana.hears("deleted")


async def test_a_label_means_its_own_button_whatever_came_after_it(world: World) -> None:
    """Of a cry that was perhaps one, above all."""
    ben, carla = await world.volunteer("ben"), await world.coordinator("carla")
    await world.forward(minutes=1)
    await ben.says("I can't go on any more")
    await world.forward(minutes=1)
    await world.need("ana")
    world.clear()
    await ben.says("Yes, tell a coordinator")
    carla.hears("🔴")
    assert not world.person("ana").inbox


async def test_yes_it_is_done_closes_the_need_and_deletes_nothing(world: World) -> None:
    ben, ana = await world.volunteer("ben"), world.person("ana")
    await world.forward(minutes=1)
    await world.need("ana")
    await ben.presses("I can")
    await ben.says("/done")
    await world.forward(minutes=1)
    await ana.says("/forget")
    await world.forward(minutes=1)
    world.clear()
    await ana.says("Yes, it is done")
    ana.hears("is closed")
