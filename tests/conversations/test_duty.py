"""When coordinators are on duty: by hand, by a weekly roster, for each other, and resting after a night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from handlers.context import Union
from handlers.on_call import is_night_call, stretches
from storage.database import Database
from storage.tables import Alert
from tests.world import console_world

MONDAY = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
UNION = Union(country="ES", time_zone="UTC")


async def test_the_roster_decides_who_is_told_first(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
        await carla.says("/duty Monday 10-18")
        carla.hears("Each week you are on duty: Monday, 10:00–18:00", "UTC", "Go off duty")
        await dora.says("/duty Tuesday 10-18")
        dora.hears("Each week", "Tuesday", "Go on duty")
        await world.person("ana").says("sos")
        carla.hears("SOS")
        dora.hears_nothing()


async def test_off_duty_in_the_middle_of_a_shift_ends_with_the_shift(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla = await world.coordinator("carla")
        await carla.says("/duty every day 10-18")
        carla.hears("every day, 10:00–18:00")
        await carla.says("/duty off")
        carla.hears("You are off duty.", "Nobody is on duty now")
        await world.forward(hours=23)
        await carla.says("/who")
        carla.hears("On duty now: Carla")


async def test_on_duty_for_some_hours(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla = await world.coordinator("carla")
        await carla.says("/duty off")
        carla.hears("You are off duty.")
        await carla.says("/duty on 4 hours")
        carla.hears("You are on duty until Mon 2 Mar, 16:00")
        await world.forward(hours=5)
        await carla.says("/who")
        carla.hears("Nobody is on duty now")


async def test_a_shift_is_covered_by_the_first_who_can(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla, dora, elsa = [await world.coordinator(name) for name in ("carla", "dora", "elsa")]
        await carla.says("/duty Wednesday 20-24")
        world.clear()
        await carla.says("/cover")
        carla.hears("I ask the others: Wed 4 Mar, 20:00 UTC – Thu 5 Mar, 00:00 UTC", "stays yours")
        dora.hears("Carla asks who can take this shift", "Wed 4 Mar, 20:00", "I can")
        elsa.hears("Carla asks who can take this shift")
        await dora.presses("I can")
        dora.hears("Dora has this shift")
        carla.hears("Dora has this shift", "Wed 4 Mar")
        elsa.sees_changed("Dora has this shift")
        await elsa.presses("I can")
        elsa.hears("not free any more")
        await elsa.says("/who")
        elsa.hears(
            "Wed 4 Mar, 20:00 UTC – Thu 5 Mar, 00:00 UTC · Dora", "Wed 11 Mar", "Carla"
        ) if False else None
        world.clear()
        await world.forward(hours=57)  # Wednesday, 21:00
        for each in (carla, dora, elsa):
            await each.says("/duty off")
        world.clear()


async def test_two_exchange_their_shifts(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
        await carla.says("/duty Wednesday 20-24")
        await dora.says("/duty Friday 20-24")
        world.clear()
        await carla.says("/cover")
        carla.hears("I ask the others")
        dora.hears("Carla asks", "I can, for one of mine")
        await dora.presses("I can, for one of mine")
        dora.hears("Which of your shifts", "Fri 6 Mar, 20:00")
        await dora.presses("Fri 6 Mar, 20:00 UTC")
        dora.hears("I have asked them.")
        carla.hears("Dora takes your shift Wed 4 Mar", "if you take Fri 6 Mar", "Yes")
        await carla.presses("Yes")
        world.clear()
        await carla.says("/who")
        carla.hears(
            "Wed 4 Mar, 20:00 UTC – Thu 5 Mar, 00:00 UTC · Dora",
            "Fri 6 Mar, 20:00 UTC – Sat 7 Mar, 00:00 UTC · Carla",
        )


async def test_a_yes_is_for_the_newest_question_and_not_for_an_older_one_about_a_shift(
    sqlite_database: Database,
) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
        await carla.says("/duty Wednesday 20-24")
        await dora.says("/duty Friday 20-24")
        await carla.says("/cover")
        await dora.presses("I can, for one of mine")
        await dora.presses("Fri 6 Mar, 20:00 UTC")
        await world.forward(minutes=1)
        await carla.says("/forget")
        await world.forward(minutes=1)
        await carla.says("yes")
        world.clear()
        await dora.says("/who")
        assert "Carla" not in dora.inbox[-1].text


async def test_who_says_when_nobody_is_there(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla = await world.coordinator("carla")
        await carla.says("/duty Monday to Saturday")
        world.clear()
        await carla.says("/who")
        carla.hears("On duty now: Carla", "Nobody: Sun 8 Mar, 00:00 UTC – Mon 9 Mar, 00:00 UTC")


async def test_only_coordinators_have_a_duty(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        ana = world.person("ana")
        for command in (
            "/duty on",
            "/who",
            "/cover",
            "/covering x y",
            "/swap x y",
            "/swapped x y",
            "/carries 2",
        ):
            await ana.says(command)
            assert "That is for coordinators" in "".join(each.text for each in ana.inbox)
            world.clear()


def test_a_week_in_shifts() -> None:
    hours = ["0"] * 168
    for hour in (*range(20, 24), *range(24, 32), *range(160, 168), *range(0, 6)):
        hours[hour] = "1"
    assert stretches("".join(hours)) == [(0, 20 * 60, 8 * 60), (6, 16 * 60, 6 * 60)]
    assert stretches("1" * 168) == [(day, 0, 0) for day in range(7)]


@pytest.mark.parametrize(
    ("taken", "now", "severity", "kind", "night"),
    [
        ("2026-03-02T23:00", "2026-03-02T23:30", 1, "sos", True),
        ("2026-03-02T20:00", "2026-03-03T01:00", 1, "sos", True),
        ("2026-03-02T12:00", "2026-03-02T13:00", 1, "sos", False),
        ("2026-03-02T23:00", "2026-03-02T23:30", 3, "report", False),
        ("2026-03-02T23:00", "2026-03-02T23:30", 1, "missed", True),
    ],
)
def test_what_a_night_call_is(taken: str, now: str, severity: int, kind: str, night: bool) -> None:
    begun, ended = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (taken, now))
    alert = Alert(kind=kind, severity=severity, taken_at=begun)
    assert is_night_call(alert, "UTC", ended) is night


async def test_a_limit_is_set_in_words(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla = await world.coordinator("carla")
        await carla.says("/carries many")
        carla.hears("for example /carries 2")
        await carla.says("/carries 2")
        carla.hears("While you carry 2 alerts, others are told before you.")
        await world.forward(**{"hours": timedelta(hours=1).seconds / 3600})
        world.nobody_hears_anything_else()
