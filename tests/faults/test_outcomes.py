"""What becomes of a message that Telegram does not simply take."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from handlers.context import Union
from storage import outbox
from storage.database import Database, Transaction
from storage.tables import Outbox
from tests.bot_api import Fault
from tests.faults.hasty import account, api, fates, hasty_world, later
from tests.world import BARCELONA, World

ONE_AT_A_TIME = Union(country="ES", most_asked=1)
UNANSWERED = [Fault.HANG_AFTER, Fault.RESET_AFTER, Fault.NO_JSON]  # it is done, and we do not hear of it
DONT_KNOW = "I don't know if your last message arrived"


@pytest.fixture
async def hasty(sqlite_database: Database) -> AsyncIterator[World]:
    async with hasty_world(sqlite_database, ONE_AT_A_TIME) as world:
        yield world


def fails(world: World, name: str, fault: Fault, times: int = 1, detail: int = 3) -> None:
    """The next messages to this person end so."""
    api(world).fault("sendMessage", fault, account(world, name).user_id, times, detail)


def all_heard(world: World, name: str) -> list[str]:
    return [sent.text for sent in api(world).sent if sent.chat == account(world, name).user_id]


async def talking(world: World) -> None:
    """Ben has accepted what Ana asked for; what they write now is passed on."""
    ben = await world.volunteer("ben")
    await world.need("ana")
    await ben.presses("I can")
    world.clear()


async def test_a_wait_for_one_chat_holds_that_chat_only(hasty: World) -> None:
    ana, ben = hasty.person("ana"), hasty.person("ben")
    account(hasty, "ana")
    fails(hasty, "ana", Fault.FLOOD, detail=30)
    await hasty.platform.says("ana", "hello")
    await hasty.platform.says("ana", "/help")
    await ben.says("hello")
    ben.hears("this is One Cloak")
    calls = len(api(hasty).calls)
    await later(hasty, 29)
    ana.hears_nothing()
    assert "sendMessage" not in api(hasty).calls[calls:]
    await later(hasty, 2)
    ana.hears("this is One Cloak")
    ana.hears("Write what you need")


@pytest.mark.parametrize("fault", UNANSWERED)
async def test_a_page_of_unknown_fate_is_repeated_with_the_same_reference(hasty: World, fault: Fault) -> None:
    await hasty.coordinator("carla")
    fails(hasty, "carla", fault)
    await hasty.person("ana").says("SOS")
    await hasty.forward(seconds=3)
    first, second = [text for text in all_heard(hasty, "carla") if "🔴" in text]
    assert first.split()[1] == second.split()[1]
    await hasty.forward(seconds=60)
    assert len([text for text in all_heard(hasty, "carla") if "🔴" in text]) == 2


@pytest.mark.parametrize("fault", UNANSWERED)
async def test_a_relayed_message_of_unknown_fate_is_not_repeated_and_its_writer_told(
    hasty: World, fault: Fault
) -> None:
    await talking(hasty)
    fails(hasty, "ben", fault)
    await hasty.person("ana").says("The door is green")
    hasty.person("ana").hears(DONT_KNOW)
    await hasty.forward(minutes=10)
    assert sum("The door is green" in text for text in all_heard(hasty, "ben")) == 1
    await hasty.person("ana").says("Third floor")
    hasty.person("ben").hears("The door is green")
    hasty.person("ben").hears("Third floor")


async def test_a_relayed_message_that_is_refused_is_told_to_its_writer(hasty: World) -> None:
    await talking(hasty)
    fails(hasty, "ben", Fault.REFUSED)
    await hasty.person("ana").says("The door is green")
    hasty.person("ana").hears("could not be delivered")
    assert not any("green" in text for text in all_heard(hasty, "ben"))


async def test_through_minutes_of_bad_gateways_an_answer_arrives(hasty: World) -> None:
    account(hasty, "ana")
    fails(hasty, "ana", Fault.BAD_GATEWAY, times=6)
    await hasty.person("ana").says("hello")
    await hasty.forward(minutes=5)
    hasty.person("ana").hears("this is One Cloak")


async def test_what_certainly_was_not_sent_uses_up_no_repeat(hasty: World) -> None:
    account(hasty, "ana")
    fails(hasty, "ana", Fault.FLOOD, times=12)
    fails(hasty, "ana", Fault.RESET_BEFORE)
    await hasty.person("ana").says("hello")
    await hasty.forward(minutes=5)
    hasty.person("ana").hears("this is One Cloak")


async def test_a_crisis_is_there_seconds_after_an_outage_of_ten_minutes(hasty: World) -> None:
    account(hasty, "ana")
    fails(hasty, "ana", Fault.UNAUTHORIZED, times=1_000)
    await hasty.person("ana").says("SOS")
    await later(hasty, 600, step=5)
    hasty.person("ana").hears_nothing()
    api(hasty)._planned.clear()
    await later(hasty, 5)
    hasty.person("ana").hears("emergency number")


@pytest.mark.parametrize("fault", [Fault.BLOCKED, Fault.NO_CHAT])
async def test_a_coordinator_who_cannot_be_reached_is_passed_over_at_once(hasty: World, fault: Fault) -> None:
    await hasty.coordinator("carla")
    dora = await hasty.coordinator("dora")
    await dora.says("/duty off")
    dora.hears("off duty")
    fails(hasty, "carla", fault)
    await hasty.person("ana").says("SOS")
    dora.hears("🔴", "I take it")
    await hasty.forward(minutes=30)
    hasty.person("carla").hears_nothing()
    dora.hears("🔴")  # the escalation goes on, without her


@pytest.mark.parametrize("fault", [Fault.BLOCKED, Fault.REFUSED])
async def test_a_volunteer_who_cannot_be_reached_is_replaced(hasty: World, fault: Fault) -> None:
    await hasty.volunteer("ben")
    cleo = await hasty.volunteer("cleo", place=(BARCELONA[0] + 0.01, BARCELONA[1]))
    fails(hasty, "ben", fault)
    await hasty.need("ana")
    cleo.hears("Can you help")
    hasty.person("ben").hears_nothing()


async def test_a_chat_that_moves_takes_its_waiting_messages_and_its_person_along(hasty: World) -> None:
    await hasty.person("ana").says("hello")
    before, moved = account(hasty, "ana"), api(hasty).person(777, "Ana")
    fails(hasty, "ana", Fault.MIGRATED, detail=moved.user_id)
    await hasty.platform.says("ana", "/need")
    await hasty.platform.says("ana", "I need insulin")
    await hasty.app.stations[0].gateway.run_once()
    while await hasty.app.worker.run_once():
        pass  # both answers wait before the first is sent
    await later(hasty, 5)
    assert [sent.text.splitlines()[-1] for sent in moved.heard] == [
        "What do you need? Write it in your own words.",
        "Is that right?",
    ]
    assert len(before.heard) == 1
    moved.presses("Yes")
    await hasty.settle()
    assert "Where is help needed?" in moved.heard[-1].text


async def test_a_message_is_given_up_in_the_end_and_does_not_come_back_empty(hasty: World) -> None:
    await talking(hasty)
    fails(hasty, "ben", Fault.UNAUTHORIZED, times=2)
    await hasty.person("ana").says("The door is green")

    def age(tx: Transaction) -> None:
        old = hasty.time() - timedelta(days=3)
        tx.session.execute(sa.update(Outbox).where(Outbox.state == "waiting").values(created_at=old))

    await hasty.database.run(age)
    await hasty.forward(minutes=10)
    hasty.person("ana").hears("could not be delivered")
    assert (await fates(hasty.database)).keys() == {"sent", "refused"}
    assert "" not in [sent.text for sent in account(hasty, "ben").heard if sent.method == "sendMessage"]


async def test_what_was_sent_is_recorded_though_the_database_failed_at_first(
    hasty: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, failures = outbox.sent, ["disk full"]

    def sent(tx: Transaction, now: datetime, message_ids: Mapping[int, str]) -> None:
        if failures:
            raise OSError(failures.pop())
        record(tx, now, message_ids)

    monkeypatch.setattr(outbox, "sent", sent)
    await hasty.platform.says("ana", "hello")
    with pytest.raises(OSError, match="disk full"):
        await hasty.settle()
    await hasty.person("ana").says("/help")
    hasty.person("ana").hears("this is One Cloak")
    hasty.person("ana").hears("Write what you need")
    hasty.nobody_hears_anything_else()
    assert await fates(hasty.database) == {"sent": 2}


async def test_a_message_that_cannot_be_opened_holds_up_nobody(hasty: World) -> None:
    gateway, worker = hasty.app.stations[0].gateway, hasty.app.worker
    await hasty.platform.says("ana", "hello")
    await gateway.run_once()
    await worker.run_once()
    await hasty.database.run(lambda tx: tx.session.execute(sa.update(Outbox).values(sealed_body=b"x" * 40)))
    await hasty.person("ben").says("hello")
    hasty.person("ben").hears("this is One Cloak")
    hasty.nobody_hears_anything_else()
    assert await fates(hasty.database) == {"sent": 1, "refused": 1}
