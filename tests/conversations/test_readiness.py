"""What would go wrong in a crisis is told before, once, again each day, and taken back when it is mended."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from handlers.context import Union
from handlers.readiness import Facts, warnings
from storage.database import Database
from tests.conversations.test_drill import plan
from tests.words import catalogs
from tests.world import NOON, console_world

UNION = Union(country="ES", time_zone="UTC")
READY = Facts(3, (), 1, None, (), ("command",), (), "112", True, frozenset({"medical", "people"}))
CATALOGS = catalogs()


def told(facts: Facts) -> list[str]:
    return [CATALOGS.render(each, "en") for each in warnings(facts, "UTC").values()]


def test_a_union_that_is_ready_has_no_warning() -> None:
    assert told(READY) == []


def test_each_lack_is_one_warning() -> None:
    lacks = {
        "I can reach only 1 coordinator.": replace(READY, reachable=1),
        "Nobody is on duty now": replace(READY, on_duty=0),
        "Nobody is on duty from Mon 2 Mar, 12:00": replace(READY, gap=(NOON, NOON + timedelta(hours=2))),
        "I was removed from the coordinators' room in Matrix.": replace(READY, lost_rooms=("matrix",)),
        "no other way to reach you": replace(READY, ways=()),
        "was not tried lately: command": replace(READY, untested=("command",)),
        "I know no emergency number": replace(READY, number="", number_is_sure=False),
        "I am not sure that 999 is": replace(READY, number="999", number_is_sure=False),
        "Nobody is verified": replace(READY, verified=frozenset({"medical"})),
    }
    for words, facts in lacks.items():
        (text,) = told(facts)
        assert words in text


async def test_a_coordinator_who_blocked_the_bot_is_noticed_before(
    sqlite_database: Database,
) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
        await plan(world, "readiness", NOON)
        await world.settle()
        carla.hears("Before a crisis", "no other way")
        world.clear()
        await dora.blocks_the_bot()
        await world.forward(hours=1)
        carla.hears("Before a crisis", "I can't reach Dora in any account", "I can reach only 1 coordinator")
        world.clear()
        await world.forward(hours=3)
        world.nobody_hears_anything_else()
        await dora.says("hello")
        world.clear()
        await world.forward(hours=1)
        carla.sees_changed("Before a crisis", without=("I can't reach Dora",))
        await world.forward(hours=24)
        assert any("Before a crisis" in each.text for each in carla.inbox)


async def test_ready_says_who_is_there_and_what_is_amiss(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla = await world.coordinator("carla")
        await carla.says("/ready")
        carla.hears("1 coordinator can be reached.", "1 of them is on duty.", "There was no drill yet.")
