"""/link: one human being in two chats, on one platform or two."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.database import Database
from storage.tables import Account, Forgotten, Key, Person
from tests.conversations.chats import code_of, count, joined, links, there, two_platforms
from tests.world import World


@pytest.fixture
async def two(sqlite_database: Database, tmp_path: Path) -> AsyncIterator[World]:
    async with two_platforms(sqlite_database, tmp_path) as world:
        yield world


async def test_a_code_of_one_chat_makes_the_other_chat_the_same_person(two: World) -> None:
    ana, other = two.person("ana"), there(two, "ana")
    await ana.says("hello")
    two.clear()
    await ana.says("/link")
    shown = ana.hears("other chat", "once, for 10 minutes", "same person as you", "Share it with nobody")
    await links(other, f"/link {shown.text.splitlines()[1].lower()}")
    other.hears("the same person now", "/unlink", without=["offer"])
    ana.hears("Your account on Telegram was joined", "If that was not you", "/unlink")
    two.nobody_hears_anything_else()
    assert [await count(two, table) for table in (Person, Account, Forgotten)] == [1, 2, 0]

    reference = await two.need("ana")
    await other.says("/my")
    other.hears(reference, "Stop")
    other.hears("not a member yet")
    await other.presses("Stop")
    other.hears(reference, "is stopped")


@pytest.mark.parametrize("before", ["/join ", "/start ", "/link ", ""])
async def test_the_code_is_understood_however_it_is_written(world: World, before: str) -> None:
    ana, phone = world.person("ana"), world.person("ana's phone")
    code = await code_of(ana)
    await links(phone, f"{before}{code}")
    phone.hears("the same person now")
    ana.hears("Your account on Console was joined")


async def test_roles_name_offer_and_buttons_come_along(two: World) -> None:
    """Ben, a member with an offer at the console, makes himself one with his fresh Telegram."""
    ben, other = await two.volunteer("ben"), there(two, "ben")
    await two.need("ana")
    await other.says("hello")
    code = await code_of(other)
    two.clear()
    await links(ben, code)
    ben.hears("the same person now")
    other.hears("Your account on Console was joined")
    await ben.presses("I can")
    ben.hears("open to you")
    two.person("ana").hears("Someone has accepted")
    await other.says("/my")
    other.hears("member", "Your offer", "Fetch medicine")
    await other.says("The door is green")
    two.person("ana").hears("The door is green")


async def test_of_two_offers_the_makers_stays(two: World) -> None:
    ana = await two.volunteer("ana", offer="I can fetch medicine")
    phone = await two.volunteer("phone", offer="I can cook meals")
    await links(phone, await code_of(ana))
    phone.hears("the same person now", "This one stays: Fetch medicine")
    ana.hears("was joined", "This one stays: Fetch medicine")
    await two.person("zoe").says("hello")
    reference = await two.need("zoe")
    assert reference in phone.hears("Fetch medicine").text, "where they wrote last"
    ana.hears_nothing()


async def test_who_wrote_the_code_with_open_cases_is_told_the_way(two: World) -> None:
    ana, other = two.person("ana"), there(two, "ana")
    await ana.says("hello")
    await other.says("I need insulin")
    await other.presses("Yes")
    await other.sends_place(41.4, 2.16)
    reference = next(each.text for each in other.inbox if each.text.startswith("N-")).split(" ")[0]
    two.clear()
    code = await code_of(ana)
    await other.says(code)
    other.hears(reference, "close them first", "the other way round", "/link here")
    ana.hears_nothing()

    await links(ana, await code_of(other))
    ana.hears("the same person now")
    other.hears("Your account on Console was joined")
    await ana.says("/my")
    ana.hears(reference)


async def test_with_open_cases_on_both_sides_one_must_end_and_the_code_stays_valid(world: World) -> None:
    ana, phone = world.person("ana"), world.person("phone")
    await world.need("ana")
    reference = await world.need("phone")
    code = await code_of(ana)
    await phone.says(code)
    phone.hears(reference, "close them first", without=["other way round"])
    await phone.says(f"/stop {reference}")
    phone.inbox.clear()
    await links(phone, code)
    phone.hears("the same person now")


async def test_a_volunteer_on_the_way_and_a_coordinator_in_charge_are_in_the_middle_of_something(
    world: World,
) -> None:
    ben, carla = await world.volunteer("ben"), await world.coordinator("carla")
    zoe = world.person("zoe")
    await world.need("ana")
    await ben.presses("I can")
    await world.person("ana").says("sos")
    await carla.presses("I take it")
    code, dora = await code_of(zoe), await world.coordinator("dora")
    world.clear()
    await ben.says(f"/link {code}")
    ben.hears("open cases: N-", "other way round")
    await carla.says(f"/link {await code_of(dora)}")
    carla.hears("open cases: A-", "other way round")


async def test_a_banned_person_does_not_come_back_through_another_chat(world: World) -> None:
    carla, dora = await world.coordinator("carla"), world.person("dora")
    ben = await world.volunteer("ben")
    await world.need("ana")
    await ben.presses("I can")
    code, other_code = await code_of(ben), await code_of(dora)
    await world.person("ana").says("/report")
    await world.person("ana").says("He asked for money")
    await carla.presses("I take it")
    await carla.presses("Ban the reported person")
    world.clear()
    await dora.says(code)
    dora.hears("can't use this here any more")
    await ben.says(other_code)
    ben.hears("can't use this here any more")
    await ben.says("/unlink")
    ben.hears("can't use this here any more")
    await ben.says("sos")
    ben.inbox.clear()
    await ben.says(other_code)
    assert "same person" not in "".join(each.text for each in (*ben.inbox, *dora.inbox))
    assert await count(world, Person) == 4


async def test_who_was_reported_and_blocked_stays_so_after_joining(world: World) -> None:
    carla, ben = await world.coordinator("carla"), await world.volunteer("ben")
    ana = world.person("ana")
    await world.need("ana")
    await ben.presses("I can")
    await ana.says("/report")
    await ana.says("He asked for money")
    await carla.presses("I take it")
    await ana.says("/block")
    phone = world.person("phone")
    code = await code_of(phone)
    world.clear()
    await links(ben, code)
    ben.hears("the same person now")
    assert await count(world, Person) == 3
    await ana.says("/stop")
    await world.need("ana", "/need pills")
    assert not [each for each in (*ben.inbox, *phone.inbox) if "Fetch medicine" in each.text]
    await carla.presses("Ban the reported person")
    phone.inbox.clear()
    await phone.says("hello")
    phone.hears("can't use this here any more")


async def test_nobody_is_asked_about_their_own_need_after_joining(world: World) -> None:
    ben, cleo = await world.volunteer("ben"), world.person("cleo")
    ana = world.person("ana")
    reference = await world.need("ana")
    ben.hears("Fetch medicine")
    await world.volunteer("cleo")
    world.clear()
    await links(ben, await code_of(ana))
    cleo.hears("Fetch medicine", reference)
    ben.inbox.clear()
    await ben.presses("I can")
    ben.hears("can't find an open question")


async def test_an_open_question_of_the_joined_chat_is_closed_and_old_words_are_gone(world: World) -> None:
    ana, phone = world.person("ana"), world.person("phone")
    code = await code_of(ana)
    reference = await world.need("phone")
    await phone.says(f"/stop {reference}")
    keys = await count(world, Key)
    await phone.says("/offer I can cook meals")
    world.clear()
    await links(phone, f"/link {code}")
    phone.hears("the same person now")
    await phone.says("thanks")
    phone.hears("You are welcome")
    assert await count(world, Key) == keys - 1
    await phone.says(f"/stop {reference}")
    phone.hears("can't find that case")


async def test_another_chat_that_writes_at_the_same_moment_is_the_same_person_too(two: World) -> None:
    """Both messages are in one batch: by the second, its person is another one."""
    ana, other = await joined(two, "ana")
    zoe = two.person("zoe")
    reference = await two.need("zoe")
    code = await code_of(zoe)
    await two.platforms[0].says("ana", f"/link {code} yes")
    await two.platforms[1].says("ana", "/my")
    for station in two.app.stations:
        await station.gateway.run_once()
    await two.settle()
    ana.hears("the same person now")
    other.hears("Your account on Console was joined")
    other.hears(reference)
    zoe.hears("Your account on Console was joined")
    assert await count(two, Person) == 1


async def test_it_is_said_in_spanish_too(world: World) -> None:
    ana, phone = world.person("ana"), world.person("phone")
    await ana.says("/language es")
    ana.inbox.clear()
    await ana.says("/link")
    code = ana.hears("10 minutos", "No lo compartas").text.splitlines()[1]
    await phone.says("/language es")
    phone.inbox.clear()
    await phone.says(code)
    phone.hears("une este chat", "Sí, lo hice yo", "No")
    await phone.presses("Sí, lo hice yo")
    phone.hears("la misma persona")
    ana.hears("Console", "/unlink")
