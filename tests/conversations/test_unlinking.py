"""/unlink: setting a chat apart; and which of several chats a person is spoken to in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage.database import Database
from storage.tables import Account, Person
from tests.conversations.chats import code_of, count, joined, links, there, two_platforms
from tests.world import World


@pytest.fixture
async def two(sqlite_database: Database, tmp_path: Path) -> AsyncIterator[World]:
    async with two_platforms(sqlite_database, tmp_path) as world:
        yield world


async def test_this_chat_is_set_apart_and_met_afresh(two: World) -> None:
    ana, other = await joined(two, "ana")
    reference = await two.need("ana")
    await other.says("/unlink")
    shown = other.hears("stand on its own", "This chat · Telegram", "Console · used", "Keep them together")
    assert not any("ana" in label.casefold() for label in shown.labels)
    await other.presses("This chat · Telegram")
    other.hears("stands on its own now", "nothing of you here")
    ana.hears("Your account on Telegram stands on its own now")
    two.nobody_hears_anything_else()
    await other.says("/my")
    other.hears("no open case")
    other.hears("Is that all right?")
    await ana.says("/my")
    ana.hears(reference)
    assert await count(two, Person) == 2


async def test_another_chat_is_set_apart(two: World) -> None:
    ana, other = await joined(two, "ana")
    await two.forward(minutes=7)
    await ana.says("/unlink")
    ana.hears("Telegram · used 7 minutes ago")
    await ana.presses("Telegram · used 7 minutes ago")
    ana.hears("Your account on Telegram stands on its own now")
    other.hears("stands on its own now")
    two.nobody_hears_anything_else()
    await ana.says("/unlink")
    ana.hears("only chat", "/forget")


async def test_keeping_them_together_and_a_forged_account(two: World) -> None:
    ana, _other = await joined(two, "ana")
    await ana.says("/unlink")
    ana.inbox.clear()
    await ana.presses("Keep them together")
    ana.hears("All right")
    await two.person("ben").says("hello")
    index = two.database.vault.index("address", "console", "ben")
    bens = sa.select(Account.id).where(Account.address_index == index)
    of_ben = await two.database.run(lambda tx: tx.session.scalars(bens).one())
    two.clear()
    for account in (of_ben, "nonsense"):
        await ana.says(f"/unlink {account}")
        ana.hears("stand on its own", "This chat")
    two.nobody_hears_anything_else()
    assert await count(two, Account) == 3


async def test_what_waits_in_a_chat_that_is_set_apart_goes_to_the_other(two: World) -> None:
    ana, other = await joined(two, "ana")
    ben = await two.volunteer("ben")
    await two.need("ana")
    await ben.presses("I can")
    await other.says("hello")
    two.clear()
    await two.platforms[0].says("ben", "I am at the door")
    await two.app.stations[0].gateway.run_once()
    await two.app.worker.run_once()
    await two.platforms[0].says("ana", "/unlink")
    [telegram] = await two.database.run(
        lambda tx: tx.session.scalars(sa.select(Account.id).where(Account.platform == "telegram")).all()
    )
    await two.platforms[0].says("ana", f"/unlink {telegram}")
    await two.app.stations[0].gateway.run_once()
    while await two.app.worker.run_once():
        pass
    await two.settle()
    assert any("I am at the door" in each.text for each in ana.inbox)
    assert not any("I am at the door" in each.text for each in other.inbox)


async def test_who_is_forgotten_in_one_chat_is_a_stranger_in_the_other_at_once(two: World) -> None:
    """Both messages are in one batch."""
    ana, other = await joined(two, "ana")
    await two.platforms[0].says("ana", "/forget yes")
    await two.platforms[1].says("ana", "/my")
    for station in two.app.stations:
        await station.gateway.run_once()
    await two.settle()
    ana.hears("Everything is deleted")
    other.hears("not a member yet", "no open case")
    assert await count(two, Person) == 1
    assert await count(two, Account) == 1


# --- where a person is spoken to ------------------------------------------------------------------


async def test_answers_go_where_it_was_said_and_news_where_they_last_spoke(two: World) -> None:
    ana, other = await joined(two, "ana")
    ben = await two.volunteer("ben")
    await two.forward(seconds=1)
    await two.need("ana")
    await two.forward(seconds=1)
    await other.says("/help")
    other.hears("Write what you need")
    ana.hears_nothing()
    await ben.presses("I can")
    other.hears("Someone has accepted")
    ana.hears_nothing()
    await two.forward(seconds=1)
    ben.inbox.clear()
    await ana.says("Come to the back door")
    ben.hears("Come to the back door")
    await ben.says("I will")
    ana.hears("I will")
    two.nobody_hears_anything_else()


async def test_an_alert_goes_where_the_coordinator_last_spoke(two: World) -> None:
    carla = await two.coordinator("carla")
    other = there(two, "carla")
    await links(other, await code_of(carla))
    two.clear()
    await two.person("zoe").says("sos")
    other.hears("🔴 A-")
    carla.hears_nothing()
    await two.forward(seconds=1)
    await carla.says("/duty on")
    carla.hears("on duty")
    await two.person("yan").says("sos")
    carla.hears("🔴 A-")
    other.hears_nothing()
