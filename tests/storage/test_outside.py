"""Calls outside the chats: claimed once at a time, taken up again after a kill, put off longer and longer."""

from __future__ import annotations

import asyncio
from functools import partial
from uuid import UUID

from storage import alerts, due, outside
from storage.database import Database, Transaction
from storage.tables import OutsideCall
from tests.storage import BOTH_ENGINES, HOUR, MINUTE, SECOND
from tests.world import NOON

pytestmark = BOTH_ENGINES


def an_alert(tx: Transaction) -> UUID:
    alert = alerts.add(tx, reference="A-7K3Q", kind="sos", person_id=None, policy={"steps": []},
                       opened_at=NOON)  # fmt: skip
    tx.session.flush()
    return alert.id


async def queued(database: Database, *ways: str) -> UUID:
    def add(tx: Transaction) -> UUID:
        alert_id = an_alert(tx)
        for way in ways:
            outside.add(tx, NOON, way, alert_id=alert_id)
        return alert_id

    return await database.run(add)


def claim(tx: Transaction, after: int = 0) -> list[str]:
    found = outside.claim(tx, NOON + after * SECOND, 9, MINUTE)
    return [f"{each.way} {each.attempts}" for each in found]


async def test_of_many_processes_one_makes_a_call(database: Database) -> None:
    await queued(database, "command", "webhook")
    claims = await asyncio.gather(*(database.run(claim) for _process in range(10)))
    assert sorted(each for one in claims for each in one) == ["command 1", "webhook 1"]
    assert (await database.run(due.earliest))[due.CALLS] == NOON + MINUTE


async def test_what_a_dead_process_had_begun_is_begun_again(database: Database) -> None:
    await queued(database, "command")
    assert await database.run(claim) == ["command 1"]
    assert await database.run(partial(claim, after=59)) == []
    assert await database.run(partial(claim, after=60)) == ["command 2"]
    await database.run(outside.release)
    assert await database.run(partial(claim, after=61)) == ["command 3"]


async def test_pauses_grow_to_an_hour_and_never_end(database: Database) -> None:
    await queued(database, "command")
    pauses, now = [], NOON

    def fail(tx: Transaction) -> OutsideCall:
        [call] = outside.claim(tx, now, 9, MINUTE)
        outside.postpone(now, call, "it is broken")
        return call

    for _attempt in range(20):
        call = await database.run(fail)
        assert call.due_at is not None
        pauses.append((call.due_at - now) / SECOND)
        now = call.due_at
    assert pauses[:9] == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert set(pauses[9:]) == {3600}
    assert (call.state, call.reason, call.attempts) == ("waiting", "it is broken", 20)


async def test_done_is_done(database: Database) -> None:
    alert_id = await queued(database, "command", "webhook")

    def finish(tx: Transaction) -> None:
        command, webhook = sorted(outside.claim(tx, NOON, 9, MINUTE), key=lambda each: each.way)
        outside.finish(NOON, command, "done")
        outside.finish(NOON, webhook, "failed", "it was not needed any more")

    assert not await database.run(lambda tx: outside.has_left(tx, alert_id))
    assert await database.run(lambda tx: outside.unfinished(tx, alert_id)) == {"command", "webhook"}
    await database.run(finish)
    assert await database.run(lambda tx: outside.has_left(tx, alert_id))
    assert await database.run(lambda tx: outside.unfinished(tx, alert_id)) == set()
    assert (await database.run(due.earliest))[due.CALLS] is None
    assert await database.run(partial(claim, after=100_000)) == []


async def test_what_was_put_off_before_the_clock_was_set_back_is_due_at_once(database: Database) -> None:
    await queued(database, "command")
    await database.run(lambda tx: outside.hasten(tx, NOON - 2 * HOUR))
    assert (await database.run(due.earliest))[due.CALLS] == NOON - 2 * HOUR
    await database.run(lambda tx: outside.hasten(tx, NOON - 2 * HOUR - MINUTE))
    assert (await database.run(due.earliest))[due.CALLS] == NOON - 2 * HOUR
