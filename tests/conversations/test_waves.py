"""Asking for a need never ends: near, then farther, with other skills, with a coordinator, and again."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from handlers.context import Union
from storage.database import Database
from tests.conversations.neighbours import answered, asked, asks, neighbour
from tests.world import BARCELONA, Friend, World, console_world

NORTH = (BARCELONA[0] + 0.0265, BARCELONA[1])  # 2.9 km away


async def test_a_wave_is_as_large_as_it_must_be_and_silence_ends_with_its_deadline(world: World) -> None:
    for number in range(12):
        await neighbour(world, f"ben{number:02}", place=(41.40 + number / 500, 2.16))
    await asks(world, "ana")
    assert asked(world) == [f"ben{number:02}" for number in range(7)]

    await world.forward(minutes=14)
    world.nobody_hears_anything_else()
    await world.forward(minutes=1)
    world.person("ana").hears("I have asked 12 people", "5 have not answered yet", "within 15 minutes")
    assert asked(world) == [f"ben{number:02}" for number in range(7, 12)]


async def test_a_no_is_replaced_at_once_by_the_next_best(world: World) -> None:
    for number in range(9):
        await neighbour(world, f"ben{number}", place=(41.40 + number / 500, 2.16))
    ana = world.person("ana")
    await world.need("ana")
    assert asked(world) == [f"ben{number}" for number in range(7)]

    await world.person("ben3").presses("Not now")
    world.person("ben3").hears("Thank you for telling me")
    world.person("ben7").hears("Can you help")
    ana.sees_changed("I have asked 8 people", "1 said no", "7 have not answered yet")
    world.nobody_hears_anything_else()

    await world.person("ben0").presses("Not now")
    await world.person("ben1").presses("Not now")
    assert asked(world) == ["ben8"]
    for number in (2, 4, 5, 6, 7, 8):
        await world.person(f"ben{number}").presses("Not now")
    ana.inbox.clear()
    world.clear()
    await world.forward(minutes=30)
    ana.hears("I have asked 9 people", "9 said no")


async def test_when_all_have_said_no_a_coordinator_hears_at_once(world: World) -> None:
    await neighbour(world, "ben")
    carla = await world.coordinator("carla")
    await asks(world, "ana")
    await world.person("ben").presses("Not now")
    carla.hears("🟠 A-", "nobody has taken a need")


async def test_who_is_asked_late_in_a_wave_has_time_to_answer(world: World) -> None:
    for number in range(8):
        await neighbour(world, f"ben{number}", place=(41.40 + number / 500, 2.16))
    reference = await asks(world, "ana")
    await world.forward(minutes=12)
    await world.person("ben0").presses("Not now")
    assert "ben7" in asked(world)
    await world.forward(minutes=4)
    await world.person("ben7").presses("I can")
    world.person("ben7").hears(reference, "open to you")


async def test_volunteers_who_often_accept_are_asked_in_smaller_waves(world: World) -> None:
    for number in range(12):
        await neighbour(world, f"ben{number:02}")
    await answered(world, yes=80, no=20)
    await asks(world, "ana")
    assert len(asked(world)) == 2
    await answered(world, yes=0, no=500)
    await asks(world, "zoe")
    assert len(asked(world)) == 10


async def test_someone_farther_is_asked_when_those_near_stay_silent(world: World) -> None:
    await neighbour(world, "ben", radius=2_000)
    await neighbour(world, "carla", radius=2_000, place=NORTH)
    await asks(world, "ana")
    assert asked(world) == ["ben"]
    await world.forward(minutes=15)
    assert asked(world) == ["carla"]


async def test_then_those_with_a_skill_that_could_do_are_told_plainly_what_is_needed(world: World) -> None:
    await neighbour(world, "ben")
    driver = await neighbour(world, "driver", "transport")
    await neighbour(world, "lender", "goods")
    await asks(world, "ana")
    assert asked(world) == ["ben"]
    await world.forward(minutes=15)
    driver.hears("Fetch medicine", "not what you offered", "I can", "Not now", without=["A ride"])
    assert asked(world) == []


async def test_a_coordinator_is_told_in_the_end_and_the_search_goes_on(world: World) -> None:
    carla = await world.coordinator("carla")
    await neighbour(world, "ben")
    await asks(world, "ana")
    await world.forward(minutes=15)
    carla.hears("🟠 A-", "nobody has taken a need", "I take it")
    world.person("ana").hears("I have asked 1 person", "I have told 1 coordinator", "within 30 minutes")
    await neighbour(world, "dan")
    world.clear()
    await world.forward(minutes=30)
    assert asked(world) == ["dan"]
    await world.person("dan").presses("I can")
    world.person("ana").hears("Someone has accepted")


async def test_silence_after_silence_reaches_a_coordinator_though_there_are_people_left(world: World) -> None:
    carla = await world.coordinator("carla")
    for number in range(40):
        await neighbour(world, f"ben{number:02}", place=(41.40 + number / 2000, 2.16))
    await asks(world, "ana")
    waves = []
    for _wave in range(5):
        carla.hears_nothing()
        waves.append(asked(world))
        await world.forward(minutes=15)
        if carla.inbox:
            break
    assert len(waves) == 4
    assert not set(waves[0]) & set(waves[1])
    carla.hears("🟠 A-", "nobody has taken a need")


# --- who sleeps, and who must be verified -----------------------------------------------------------


async def test_who_sleeps_is_not_woken_but_asked_in_the_morning(world: World) -> None:
    await world.forward(hours=11)  # it is 23:00
    ben = await neighbour(world, "ben", quiet_from=22, quiet_until=7)
    await asks(world, "ana")
    ben.hears_nothing()
    await world.forward(hours=7, minutes=55)
    ben.hears_nothing()
    await world.forward(minutes=6)
    ben.hears("Fetch medicine", "I can")


async def test_an_urgent_need_wakes_only_those_who_said_so(world: World) -> None:
    await world.forward(hours=11)
    await neighbour(world, "ben", quiet_from=22, quiet_until=8)
    await neighbour(world, "dan", quiet_from=22, quiet_until=8, wakes_for_urgent=True)
    await asks(world, "ana", urgent=True)
    assert asked(world) == ["dan"]


async def test_a_need_for_which_nobody_near_is_verified_goes_straight_to_a_coordinator(world: World) -> None:
    carla = await world.coordinator("carla")
    await neighbour(world, "ben", "childcare")
    await neighbour(world, "tutor", "tutoring")
    await asks(world, "ana", ("childcare", 1))
    carla.hears("🟠 A-", "nobody near is verified for this", "Look after children")
    assert asked(world) == []
    await neighbour(world, "eva", "childcare", verified=True)
    await world.forward(minutes=30)
    assert asked(world) == ["eva"]


async def test_who_is_verified_is_asked_and_nobody_else(world: World) -> None:
    carla = await world.coordinator("carla")
    await neighbour(world, "ben", "childcare")
    await neighbour(world, "eva", "childcare", verified=True)
    await asks(world, "ana", ("childcare", 1))
    assert asked(world) == ["eva"]
    carla.hears_nothing()


# --- several helpers, several skills ------------------------------------------------------------------


async def test_two_kinds_of_help_are_found_part_by_part(world: World) -> None:
    driver, lifter = (
        await neighbour(world, "driver", "transport"),
        await neighbour(world, "lifter", "carrying"),
    )
    spare = await neighbour(world, "spare", "carrying", place=NORTH)
    reference = await asks(world, "ana", ("transport", 1), ("carrying", 1))
    driver.hears("A ride", reference)
    lifter.hears("Carry or move things", reference, without=["A ride"])
    spare.hears("Carry or move things", reference)

    await lifter.presses("I can")
    lifter.hears(reference, "open to you")
    spare.hears(f"{reference} has been taken by someone else")
    driver.hears_nothing()
    await driver.presses("I can")
    driver.hears(reference, "open to you")
    await spare.presses("I can")
    spare.hears(f"{reference} is no longer open")


async def test_three_helpers_of_a_kind_are_found_one_after_the_other(world: World) -> None:
    for number in range(4):
        await neighbour(world, f"ben{number}", "carrying")
    reference = await asks(world, "ana", ("carrying", 3))
    assert len(asked(world)) == 4
    for number in range(3):
        await world.person(f"ben{number}").presses("I can")
        world.person(f"ben{number}").hears(reference, "open to you")
    world.person("ben3").hears(f"{reference} has been taken by someone else")
    for number in range(3):  # each talks with the one who asked, and only with them
        await world.person(f"ben{number}").says(f"Here comes {number}")
    heard = [each.text for each in world.person("ana").inbox if "Here comes" in each.text]
    assert len(heard) == 3


# --- many at once -------------------------------------------------------------------------------------


async def test_fifty_needs_do_not_all_ask_the_same_people_and_an_sos_overtakes_them(world: World) -> None:
    carla = await world.coordinator("carla")
    for number in range(60):
        await neighbour(world, f"ben{number:02}", place=(41.40 + number / 5000, 2.16))
    for number in range(3):
        await asks(world, f"early{number}")
    before = asked(world)
    for number in range(47):
        await asks(world, f"ana{number:02}")
    assert asked(world) == []  # they wait a moment for each other

    await world.person("dora").says("sos")
    carla.hears("🔴 A-", "I take it")
    world.clear()

    await world.forward(seconds=10)
    questions = Counter(
        name
        for name, friend in world.people.items()
        for message in friend.inbox
        if "Can you help" in message.text
    )
    assert set(questions.values()) == {1}
    assert len(questions) + len(before) == 60
    needs_asked = {
        word
        for name in questions
        for message in world.person(name).inbox
        for word in message.text.split()
        if word.startswith("N-")
    }
    assert len(needs_asked) == len(questions) == 60 - len(before)  # each need asks one before any asks two


async def test_a_quiet_union_asks_at_once(sqlite_database: Database) -> None:
    union = Union(country="ES", silence=0.5, most_asked=3, wave_wait=timedelta(minutes=20))
    async with console_world(sqlite_database, union) as world:
        for number in range(4):
            await neighbour(world, f"ben{number}", place=(41.40 + number / 500, 2.16))
        await asks(world, "ana")
        assert asked(world) == ["ben0", "ben1"]


async def test_who_asks_in_a_crowd_has_one_receipt_and_sees_it_change(world: World) -> None:
    for number in range(40):
        await neighbour(world, f"ben{number:02}")
    for number in range(4):
        await asks(world, f"ana{number}")
    world.clear()
    zoe = await _last_of_a_crowd(world)
    zoe.hears("N-", "I start asking in")
    zoe.hears("I agree")
    await world.forward(seconds=10)
    zoe.sees_changed("I have asked")
    zoe.hears_nothing()


async def _last_of_a_crowd(world: World) -> Friend:
    zoe = world.person("zoe")
    for words in ("I need insulin", "yes"):
        await zoe.says(words)
    zoe.inbox.clear()
    await zoe.sends_place(*BARCELONA)
    return zoe
