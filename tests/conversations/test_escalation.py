"""An alert that nobody takes: tier after tier, wider and wider, and the one in need hears the truth."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from handlers.escalation import POLICIES
from storage.database import Transaction
from storage.tables import Alert
from tests.conversations.crews import (
    FAR,
    change,
    contact,
    coordinator,
    crew,
    raises,
    rings_at,
    rung,
    the_alert,
    weigh,
)
from tests.world import BARCELONA, World

EVERYONE = "carla dora eva nils"
US = "carla dora eva"


async def test_an_sos_that_nobody_takes(world: World) -> None:
    await crew(world)
    ana, carla, dora = (world.person(name) for name in ("ana", "carla", "dora"))
    await ana.says("/sos 41.4000, 2.1600")
    ana.hears("112", "I have told 1 coordinator. No answer yet.")
    carla.hears("🔴 A-", "SOS", "nobody yet", "I take it")
    world.nobody_hears_anything_else()
    await world.forward(seconds=59)
    world.nobody_hears_anything_else()

    await world.forward(seconds=1)
    dora.hears("🔴 A-", "1 minute", "I take it")
    carla.sees_changed("🔴 A-", "1 minute")
    ana.hears("Nobody has taken charge yet", "2 coordinators", "within 5 minutes", "112", "It was a mistake")
    world.nobody_hears_anything_else()

    await world.forward(minutes=2)
    for name in ("carla", "dora", "eva"):
        world.person(name).hears("🔴 A-", "3 minutes", "I take it")
    ana.hears("telling more people", "3 coordinators")
    world.nobody_hears_anything_else()

    await world.forward(minutes=3)
    nils = world.person("nils")
    seen = nils.hears("🔴 A-", "SOS", "6 minutes", "nobody yet", "neighbouring union asks", "I take it")
    assert "41.4" not in seen.text
    for name in ("carla", "dora", "eva"):
        world.person(name).hears("🔴 A-", "6 minutes")
    ana.hears("telling more people", "4 coordinators")
    world.nobody_hears_anything_else()

    await world.forward(minutes=4, seconds=59)
    world.nobody_hears_anything_else()
    await world.forward(seconds=1)  # the second round begins, near is twice as far
    carla.hears("🔴 A-", "11 minutes")
    ana.sees_changed("4 coordinators", "11 minutes")
    world.nobody_hears_anything_else()


TRANSCRIPTS = {
    "sos": [(0, "carla"), (60, "dora"), (180, US), (360, EVERYONE), (660, "carla"), (720, "dora"), (840, US),
            (1020, EVERYONE), (1320, "carla dora"), (1440, US), (1620, EVERYONE), (1920, US),
            (2100, EVERYONE), (2400, US), (2760, EVERYONE), (3360, US)],
    "missed": [(0, "carla"), (120, "dora"), (420, US), (1020, EVERYONE), (2820, "carla"), (2940, "dora"),
               (3240, US)],
    "unanswered": [(0, "carla"), (300, "dora"), (1200, US), (3000, EVERYONE)],
    "report": [(0, "carla dora"), (1800, US)],
    "fault": [(0, "carla dora"), (3600, "eva")],
    "unfinished": [(0, "carla dora"), (3600, "eva")],
}  # fmt: skip
TRANSCRIPTS["minor"] = TRANSCRIPTS["unanswered"]
TRANSCRIPTS["unreachable"], TRANSCRIPTS["unverified"] = TRANSCRIPTS["missed"], TRANSCRIPTS["unanswered"]


@pytest.mark.parametrize("kind", POLICIES)
async def test_the_first_hour_of_each_policy(world: World, kind: str) -> None:
    """At which second whose phones ring; nobody else's does, and no one's at any other moment."""
    await crew(world)
    await raises(world, kind)
    assert [(0, rung(world)), *await rings_at(world, hours=1)] == TRANSCRIPTS[kind]


@pytest.mark.parametrize("kind", POLICIES)
async def test_a_whole_night_in_which_nobody_answers(world: World, kind: str) -> None:
    await crew(world)
    await raises(world, kind)
    ana = world.person("ana")
    ana.inbox.clear()
    longest = timedelta(seconds=POLICIES[kind]["ring"][1])
    nights = [(0, rung(world)), *await rings_at(world, hours=12)]
    for name in US.split():
        own = [second for second, names in nights if name in names]
        assert len(own) <= 30 + 12 * 60 // (longest / timedelta(minutes=1)), f"{name}'s phone rang {own}"
        assert own[-1] >= (timedelta(hours=12) - 3 * longest) / timedelta(seconds=1)
    alert = await the_alert(world)
    assert alert.next_step_at is not None
    assert alert.next_step_at > world.time()


async def test_where_a_life_is_at_stake_every_wait_is_half_as_long(world: World) -> None:
    await crew(world)
    await raises(world, "sos", severity=1)
    assert [(0, rung(world)), *await rings_at(world, minutes=5)] == [
        (0, "carla"), (30, "dora"), (90, US), (180, EVERYONE)
    ]  # fmt: skip


async def test_it_becomes_known_that_a_life_is_at_stake(world: World) -> None:
    await crew(world)
    await raises(world, "sos")
    rung(world)
    await weigh(world, 1)
    assert [name for _second, name in await rings_at(world, seconds=31)] == ["dora"]


async def test_without_a_place_those_on_duty_are_told_at_once(world: World) -> None:
    await crew(world)
    await world.person("ana").says("sos")
    assert rung(world) == "carla dora"


async def test_near_is_also_who_lives_there(world: World) -> None:
    await coordinator(world, "carla", place=FAR)
    await coordinator(world, "dora")
    dora = world.person("dora")
    await dora.says("/home new")
    await dora.sends_place(*BARCELONA)
    world.clear()
    await world.person("ana").says("/sos 41.4000, 2.1600")
    assert rung(world) == "dora"
    assert await rings_at(world, seconds=60) == [(60, "carla")]


async def test_twice_as_far_is_near_in_the_second_round(world: World) -> None:
    await coordinator(world, "carla", place=(41.53, 2.16))  # some 14 km to the north
    await coordinator(world, "dora", place=FAR)
    await world.person("ana").says("/sos 41.4000, 2.1600")
    assert rung(world) == "carla dora", "nobody is within 10 km, so nobody waits for that"
    rings = await rings_at(world, minutes=15)
    assert next(name for second, name in rings if second >= 600) == "carla"


async def test_who_rests_or_carries_enough_is_spared_while_others_are_there(world: World) -> None:
    await coordinator(world, "carla", resting_until=world.time() + timedelta(hours=8))
    await coordinator(world, "dora", carries=1)
    await coordinator(world, "eva")
    await raises(world, "report")
    rung(world)
    await world.person("dora").says("/take")
    world.clear()

    await world.person("ben").says("sos")
    assert rung(world) == "eva"
    rings = await rings_at(world, minutes=16)
    assert rings[-1][1] == US, "when nobody has answered in a whole round, nobody is spared"
    assert {names for second, names in rings if second < 600} == {"eva"}


async def test_who_rests_is_told_at_once_when_nobody_else_is_there(world: World) -> None:
    await coordinator(world, "carla", resting_until=world.time() + timedelta(hours=8))
    await coordinator(world, "dora", on_duty=False, resting_until=world.time() + timedelta(hours=8))
    await world.person("ana").says("sos")
    assert rung(world) == "carla"


async def test_the_reported_the_reporter_and_the_banned_are_never_told(world: World) -> None:
    await crew(world)
    await coordinator(world, "ana")
    await change(world, "eva", banned_at=world.time())
    await raises(world, "report", about="carla")
    assert rung(world) == "dora"
    assert {names for _second, names in await rings_at(world, hours=3)} == {"dora"}


async def test_a_neighbour_takes_charge(world: World) -> None:
    await crew(world)
    ana, nils = world.person("ana"), world.person("nils")
    await ana.says("sos there is smoke in the stairs")
    await nils.says("/take")
    nils.hears("That is for coordinators")
    await world.forward(minutes=10)
    world.clear()

    await nils.presses("I take it")
    assert any("smoke in the stairs" in each.text for each in nils.inbox)
    ana.hears("Nils has taken charge")
    ana.sees_changed("Nils has taken charge")
    for name in ("carla", "dora", "eva"):
        world.person(name).sees_changed("Nils")
    nils.inbox.clear()
    world.nobody_hears_anything_else()
    await ana.says("We are at the window")
    nils.hears("at the window")

    await nils.says("/leave")
    nils.hears("I write to you of no alerts any more")
    ana.hears("telling the others")
    world.clear()
    await nils.says("/take")
    nils.hears("That is for coordinators")


async def test_a_neighbour_who_has_not_been_told_of_it_can_take_nothing(world: World) -> None:
    nils = await contact(world, "nils")
    carla = await coordinator(world, "carla")
    await world.person("ana").says("sos")
    reference = (await the_alert(world)).reference
    await nils.says(f"/take {reference}")
    nils.hears("That is for coordinators")
    await carla.presses("I take it")
    nils.hears_nothing()


# --- who is gone ------------------------------------------------------------------------------------


async def test_all_coordinators_are_offline(world: World) -> None:
    """Their phones are off, nobody answers: it goes on, and Ana hears so."""
    await coordinator(world, "carla")
    await coordinator(world, "dora", on_duty=False)
    ana = world.person("ana")
    await ana.says("sos")
    world.clear()
    await world.forward(hours=3)
    first, *others = ana.inbox
    assert not first.changed
    assert "2 coordinators" in first.text
    assert len(others) >= 3 * 12 - 2
    assert all(each.changed for each in others)
    assert "3 hours" in others[-1].text


async def test_all_coordinators_have_blocked_the_bot(world: World) -> None:
    for name in ("carla", "dora"):
        await coordinator(world, name)
        await world.person(name).blocks_the_bot()
    ana = world.person("ana")
    await ana.says("sos")
    ana.hears("112", "could not reach any coordinator. I keep trying.")
    world.nobody_hears_anything_else()
    await world.forward(minutes=5)
    ana.hears("could not reach any coordinator", "within 5 minutes", "112")
    world.nobody_hears_anything_else()

    carla = world.person("carla")
    await carla.says("hello")  # she is back
    carla.hears("Hello")
    carla.hears("🔴 A-", "5 minutes", "I take it")


async def test_they_block_it_one_after_the_other_and_the_next_is_told_within_5_seconds(world: World) -> None:
    await crew(world)
    ana = world.person("ana")
    await ana.says("/sos 41.4000, 2.1600")
    assert rung(world) == "carla"
    for gone, following in (("carla", "dora"), ("dora", "eva"), ("eva", "nils")):
        await world.person(gone).blocks_the_bot()
        await world.forward(seconds=5)
        assert "1 coordinator." in ana.inbox[-1].text
        assert rung(world) == following
    await world.person("nils").blocks_the_bot()
    await world.forward(seconds=5)
    assert "could not reach any coordinator" in ana.inbox[-1].text


async def test_who_becomes_a_coordinator_hears_at_once_of_what_reached_nobody(world: World) -> None:
    await world.person("ana").says("sos")
    world.clear()
    await world.person("carla").says(f"/join {await world.code('coordinator')}")
    await world.forward(seconds=1)
    assert rung(world) == "carla"


async def test_a_volunteer_for_an_urgent_need_cannot_be_reached_any_more(world: World) -> None:
    carla = await coordinator(world, "carla", place=BARCELONA)
    ben = await world.volunteer("ben")
    reference = await world.need("ana")
    await ben.presses("I can")
    await world.person("ana").says(f"/urgent {reference}")
    world.clear()
    await ben.blocks_the_bot()
    carla.hears("🟠 A-", "can't be reached", reference, "I take it")
    assert any("can't come after all" in each.text for each in world.person("ana").inbox)
    world.clear()
    await carla.presses("I take it")
    assert any("taken charge" in each.text for each in world.person("ana").inbox)


# --- who took charge, and is not there ----------------------------------------------------------------


async def test_who_took_a_life_in_danger_and_fell_asleep_is_asked_after_a_quarter_of_an_hour(
    world: World,
) -> None:
    carla, dora = await coordinator(world, "carla"), await coordinator(world, "dora")
    ana = world.person("ana")
    await ana.says("sos")
    await weigh(world, 1)
    await carla.presses("I take it")
    world.clear()

    await world.forward(minutes=14, seconds=59)
    world.nobody_hears_anything_else()
    await world.forward(seconds=1)
    carla.hears("Are you still on A-", "Yes, I am on it")
    world.nobody_hears_anything_else()

    await world.forward(minutes=5)
    dora.hears("🔴 A-", "nobody yet", "I take it")
    ana.hears("can't go on", "telling the others", "1 coordinator.", "within 5 minutes")
    carla.sees_changed("Closed:")
    carla.sees_changed("🔴 A-", "nobody yet")
    world.nobody_hears_anything_else()

    await ana.says("Is nobody there?")
    ana.hears("written this down", "1 coordinator.")
    await dora.presses("I take it")
    assert any("Is nobody there?" in each.text for each in dora.inbox)


async def test_the_only_coordinator_who_fell_asleep_is_rung_again(world: World) -> None:
    carla = await coordinator(world, "carla")
    await world.person("ana").says("sos")
    await carla.presses("I take it")
    world.clear()
    await world.forward(minutes=75)
    assert rung(world) == "carla"
    assert (await the_alert(world)).step == 2, "from the beginning: nobody is near, she is on duty"


# --- where it is not safe to write ----------------------------------------------------------------------


def _only(tx: Transaction) -> Alert:
    return tx.session.scalars(sa.select(Alert)).one()


@pytest.mark.parametrize("writing", ["unknown", "answers"])
async def test_who_may_be_watched_hears_nothing_unprompted(world: World, writing: str) -> None:
    carla = await coordinator(world, "carla")
    ana = world.person("ana")
    await ana.says("sos")
    await world.database.run(lambda tx: setattr(_only(tx), "writing", writing))
    world.clear()
    await world.forward(hours=2)
    ana.hears_nothing()
    await carla.presses("I take it")
    world.clear()
    await carla.presses("Hand back")
    ana.hears_nothing()


async def test_who_agreed_to_be_written_to_hears_where_things_stand(world: World) -> None:
    await coordinator(world, "carla")
    ana = world.person("ana")
    await ana.says("sos")
    await world.database.run(lambda tx: setattr(_only(tx), "writing", "agreed"))
    world.clear()
    await world.forward(minutes=5)
    ana.hears("1 coordinator.", "within 5 minutes")
