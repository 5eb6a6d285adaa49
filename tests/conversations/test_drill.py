"""A drill: every coordinator is asked through every channel, and all hear what came back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from handlers.context import Union
from handlers.drills import Figures, figures, next_by_schedule
from storage import people
from storage.database import Database, Transaction
from storage.tables import DrillPage, Routine
from tests.world import NOON, World, console_world

UNION = Union(country="ES", time_zone="UTC")


async def test_two_answer_and_all_hear_the_result(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
        await carla.says("/drill")
        for each in (carla, dora):
            each.hears("DRILL", "Nobody is in danger", "I am here")
        await world.forward(minutes=2)
        await dora.presses("I am here")
        dora.sees_changed("DRILL", "This channel works", "2 minutes")
        await world.forward(minutes=2)
        await carla.presses("I am here")
        for each in (carla, dora):
            each.hears("result", "2 of 2 channels answered.", "Half of them within 3 minutes.")
        world.clear()
        await world.forward(hours=1)
        world.nobody_hears_anything_else()


async def test_who_does_not_answer_is_named_when_it_ends(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
        await carla.says("/drill")
        await carla.presses("I am here")
        world.clear()
        await world.forward(minutes=31)
        for each in (carla, dora):
            each.hears("result", "1 of 2 channels answered.", "No answer: Dora in Console")
        await dora.presses("I am here")
        dora.hears("That drill is over.")
        world.nobody_hears_anything_else()


async def test_one_drill_at_a_time_and_none_while_someone_is_in_danger(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla = await world.coordinator("carla")
        await carla.says("/drill")
        world.clear()
        await carla.says("/drill")
        carla.hears("A drill is running already.")
        await world.forward(minutes=31)
        await world.person("ana").says("sos")
        world.clear()
        await carla.says("/drill")
        carla.hears("Someone is in danger now")


async def test_only_coordinators_begin_or_answer_a_drill(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        await world.coordinator("carla")
        ana = world.person("ana")
        for command in ("/drill", "/present", "/ready"):
            await ana.says(command)
            assert "That is for coordinators" in "".join(each.text for each in ana.inbox)
            world.clear()


async def test_a_drill_begins_by_schedule_and_waits_while_someone_is_in_danger(
    sqlite_database: Database,
) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla, ana = await world.coordinator("carla"), world.person("ana")
        await ana.says("sos")
        await plan(world, "drill", NOON)
        world.clear()
        await world.forward(minutes=50)
        assert not any("DRILL" in each.text for each in carla.inbox)
        await ana.says("/mistake")
        world.clear()
        await world.forward(minutes=15)
        carla.hears("DRILL", "Nobody is in danger")
        world.clear()
        await world.forward(days=29)
        world.clear()
        await world.forward(days=1, hours=8)
        assert "DRILL" in carla.inbox[0].text


async def test_who_rests_after_a_night_call_is_left_alone(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
        await world.database.run(_the_newest_rests)
        await carla.says("/drill")
        carla.hears("DRILL")
        dora.hears_nothing()


def _the_newest_rests(tx: Transaction) -> None:
    people.coordinators(tx)[-1].resting_until = NOON + timedelta(hours=8)


async def plan(world: World, name: str, at: datetime) -> None:
    """Something that the bot does for itself is due at a moment."""

    def move(tx: Transaction) -> None:
        tx.session.get_one(Routine, name).next_step_at = at

    await world.database.run(move)


def page(minutes: int | None) -> DrillPage:
    answered = None if minutes is None else NOON + timedelta(minutes=minutes)
    return DrillPage(asked_at=NOON, answered_at=answered)


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ((), Figures(0, 0, None)),
        ((None, None), Figures(2, 0, None)),
        ((1, None, 5, 3), Figures(4, 3, timedelta(minutes=3))),
    ],
)
def test_figures_of_a_drill(minutes: tuple[int | None, ...], expected: Figures) -> None:
    assert figures([page(each) for each in minutes]) == expected


def test_the_next_drill_is_in_the_evening_of_the_unions_day() -> None:
    now = datetime(2026, 3, 27, 23, 30, tzinfo=UTC)  # in Madrid it is the 28th
    found = next_by_schedule(now, 1, "Europe/Madrid")
    assert found == datetime(2026, 3, 29, 16, 0, tzinfo=UTC)  # summer time began that night
