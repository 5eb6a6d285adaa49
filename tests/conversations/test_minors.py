"""Who says that they are under 18 is matched with nobody alone; a trained coordinator looks after them."""

from __future__ import annotations

from handlers.context import Union
from storage import people, verifications
from storage.database import Database, Transaction
from tests.conversations.chats import newest_alert
from tests.world import BARCELONA, NOON, console_world

UNION = Union(country="ES", time_zone="UTC")


async def test_a_need_of_a_minor_goes_to_a_coordinator_and_to_nobody_else(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla, ben = await world.coordinator("carla"), await world.volunteer("ben")
        ana = world.person("ana")
        await ana.says("I'm 14 and I need someone to fetch my medicine")
        await ana.presses("Yes")
        await ana.sends_place(*BARCELONA)
        if ana.inbox[-1].text.startswith("Is this for you"):
            await ana.presses(ana.inbox[-1].labels[0])
        assert any("For people under 18 I ask a trained coordinator" in each.text for each in ana.inbox)
        ben.hears_nothing()
        carla.hears("a minor needs help")
        await world.forward(hours=30)
        ben.hears_nothing()


async def test_those_who_are_trained_are_told_first(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
        await world.database.run(_the_newest_is_trained)
        await world.person("ana").says("sos i am 12 years old")
        dora.hears("SOS")
        carla.hears_nothing()
        assert (await newest_alert(world)).kind == "sos"
        await world.forward(minutes=10)
        carla.hears("SOS")  # nobody runs out


def _the_newest_is_trained(tx: Transaction) -> None:
    carla, dora = people.coordinators(tx)
    verifications.verify(tx, NOON, dora.id, "childcare", carla.id)
