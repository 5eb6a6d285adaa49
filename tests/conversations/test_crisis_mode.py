"""An emergency in an area: declared by one, confirmed by another, a roll-call, and an end by itself."""

from __future__ import annotations

from datetime import timedelta

from handlers.context import Union
from storage import crises
from storage.database import Database, Transaction
from tests.storage import BOTH_ENGINES
from tests.world import BARCELONA, Friend, World, console_world

UNION = Union(country="ES", time_zone="UTC", centre=BARCELONA)
FAR = (41.70, 2.16)  # 33 kilometres off


async def declared(world: World, by: Friend, hours: str = "6 hours") -> None:
    """One coordinator has declared a flood around Barcelona; what they heard is cleared."""
    await by.says("/crisis flood at the river")
    by.hears("Where is the middle of it?")
    await by.sends_place(*BARCELONA)
    by.hears("How many kilometres")
    await by.presses("20 km")
    by.hears("For how many hours?")
    await by.presses(hours)
    by.hears("I have asked", "lapses in an hour")


async def test_a_second_coordinator_confirms_and_members_there_are_asked_once(
    sqlite_database: Database,
) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
        ben, cleo = await world.volunteer("ben"), await world.volunteer("cleo")
        far = await world.volunteer("far", place=FAR)
        await declared(world, carla)
        dora.hears("Carla declares an emergency:", "flood at the river", "20 km", "6 hours", "Confirm")
        ben.hears_nothing()
        await carla.says("/confirmcrisis")
        carla.hears("A second coordinator has to confirm it.")
        await dora.presses("Confirm")
        await world.forward(minutes=5)
        for each in (ben, cleo):
            each.hears("There is an emergency in your area: flood at the river. How are you?", "I am safe")
            each.hears_nothing()
        far.hears_nothing()
        world.clear()
        await world.forward(hours=2)
        for each in (ben, cleo, far):
            each.hears_nothing()


async def test_what_members_answer_becomes_needs_offers_and_figures(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
        people = [await world.volunteer(name) for name in ("ben", "cleo", "eva", "finn")]
        await declared(world, carla)
        await dora.presses("Confirm")
        await world.forward(minutes=1)
        world.clear()
        ben, cleo, eva, _silent = people
        await ben.presses("I am safe")
        ben.hears("I have noted that you are safe.")
        await cleo.presses("I need help")
        cleo.hears("What do you need?")
        await eva.presses("I can help")
        assert eva.inbox
        await dora.says("/situation")
        dora.hears("Asked how they are: 4", "Safe: 1 · need help: 1 · can help: 1 · no answer: 1")


async def test_it_lapses_without_a_second_and_ends_by_itself(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
        ben = await world.volunteer("ben")
        await declared(world, carla)
        world.clear()
        await world.forward(minutes=61)
        carla.hears("was not confirmed")
        world.clear()
        await declared(world, carla)
        await dora.presses("Confirm")
        await world.forward(minutes=1)
        world.clear()
        await world.forward(hours=6)
        carla.hears("is over", "Asked how they are: 1")
        ben.hears("the emergency in your area is over")
        ben.hears_nothing()
        world.clear()
        await world.forward(hours=24)
        ben.hears_nothing()


async def test_more_are_asked_farther_away_and_sooner_while_it_lasts(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
        near = await world.volunteer("near", radius="5 km")
        away = await world.volunteer("away", place=(41.47, 2.16), radius="5 km")  # eight kilometres off
        await world.need("ana")
        assert near.inbox
        away.hears_nothing()
        await declared(world, carla)
        await dora.presses("Confirm")
        await world.forward(minutes=20)
        world.clear()
        await world.need("eva")
        assert any("Can you help a neighbour" in each.text for each in away.inbox)


async def test_only_coordinators_declare_and_one_can_take_it_back(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
        ana = world.person("ana")
        for command in ("/crisis flood", "/confirmcrisis", "/endcrisis", "/situation"):
            await ana.says(command)
            assert "That is for coordinators" in "".join(each.text for each in ana.inbox)
            world.clear()
        await declared(world, carla)
        world.clear()
        await carla.says("/endcrisis")
        dora.hears("was not confirmed")
        await dora.says("/confirmcrisis")
        assert any("No emergency is declared now." in each.text for each in dora.inbox)


@BOTH_ENGINES
async def test_of_two_who_confirm_at_once_one_begins_it(database: Database) -> None:
    async with console_world(database, UNION) as world:
        carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
        await world.coordinator("elsa")
        await declared(world, carla)

        def confirm(tx: Transaction) -> bool:
            crisis = crises.under_way(tx)[0]
            ends = world.time() + timedelta(hours=1)
            return crises.move(tx, crisis, "declared", "active", ends_at=ends)

        assert [await database.run(confirm) for _ in range(2)] == [True, False]
        await dora.presses("Confirm")
        assert any("until" in each.text for each in dora.inbox)


async def test_a_restart_in_the_roll_call_asks_nobody_twice(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
        ben = await world.volunteer("ben")
        await declared(world, carla)
        await dora.presses("Confirm")
        await world.settle()
        await world.app.start()  # another process takes over the same database
        await world.forward(minutes=10)
        assert sum("How are you?" in each.text for each in ben.inbox) == 1
