"""Promise 5: someone takes charge in the very moment in which others are told; no page leaves after it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from random import Random
from uuid import UUID

import pytest
import sqlalchemy as sa

from handlers import alarms
from handlers.context import Moment
from handlers.post import post
from storage import alerts
from storage.database import Database, Transaction
from storage.tables import Alert, AlertStep, Outbox
from tests.storage import BOTH_ENGINES
from tests.storage import person as known
from tests.world import NOON, make_core

pytestmark = BOTH_ENGINES
CORE = make_core()
LATER = NOON + timedelta(minutes=2)
TOGETHER = 50
SOON = 240  # seconds, at the very most


def begin(tx: Transaction) -> list[UUID]:
    """As many alerts, each told to all who are on duty, each with its next step due two minutes later."""
    moment, opened = Moment(CORE, tx, NOON), []
    for _number in range(TOGETHER):
        alert = alarms.open_alert(moment, "sos")
        post(moment, alarms.page(moment, alert))
        opened.append(alert.id)
    return opened


def take(tx: Transaction, alert_id: UUID, owner: UUID) -> bool:
    """As the command does."""
    if not alerts.take(tx, LATER, alert_id, owner, LATER + timedelta(hours=1)):
        return False
    moment = Moment(CORE, tx, LATER)
    post(moment, alarms.keep_current(moment, alerts.hold(tx, alert_id)))
    return True


def widen(tx: Transaction) -> int:
    """As the clock does."""
    moment = Moment(CORE, tx, LATER)
    found = alerts.due(tx, LATER, 5)
    post(moment, alarms.all_due(moment, found))
    return len(found)


def pages_left(tx: Transaction) -> int:
    """Cards that still ask someone to take charge."""
    waiting = sa.select(sa.func.count()).where(Outbox.state == "waiting", Outbox.alert_id.is_not(None))
    return tx.session.scalar(waiting) or 0


@pytest.fixture
async def rivals(database: Database) -> list[UUID]:
    on_duty = {"coordinator_since": NOON, "on_duty": True}
    there = [await known(database, name, **on_duty) for name in ("carla", "dora", "eva")]
    await known(database, "finn", coordinator_since=NOON)
    return [each.person.id for each in there]


async def race(database: Database, rivals: list[UUID], races: int) -> None:
    random = Random(20260302)
    steps = Counter[bool]()
    for _batch in range(races // TOGETHER):
        opened = await database.run(begin)
        turns = [partial(take, alert_id=each, owner=random.choice(rivals)) for each in opened]
        turns += [partial(take, alert_id=each, owner=random.choice(rivals)) for each in opened]
        both: list[Callable[[Transaction], object]] = [*turns, *[widen] * (TOGETHER // 5 + 2)]
        random.shuffle(both)
        async with asyncio.timeout(SOON):
            await asyncio.gather(*(database.run(each) for each in both))
        assert await database.run(pages_left) == 0
        steps.update(await database.run(partial(_was_widened, opened=opened)))
    query = sa.select(Alert.state, Alert.owner_id.is_not(None))
    states = await database.run(lambda tx: Counter((row[0], row[1]) for row in tx.session.execute(query)))
    assert states == {("taken", True): races}
    assert steps[True], "some were widened in that very moment"
    assert steps[False], "and some were taken just before"


def _was_widened(tx: Transaction, opened: list[UUID]) -> list[bool]:
    query = sa.select(AlertStep.alert_id).where(AlertStep.taken_at == LATER)
    widened = set(tx.session.scalars(query))
    return [each in widened for each in opened]


async def test_a_hundred_are_taken_while_others_are_told(database: Database, rivals: list[UUID]) -> None:
    await race(database, rivals, 100)


@pytest.mark.faults
async def test_a_thousand_are_taken_while_others_are_told(database: Database, rivals: list[UUID]) -> None:
    await race(database, rivals, 1_000)


async def test_of_those_who_give_back_and_take_back_at_once_one_is_right(
    database: Database, rivals: list[UUID]
) -> None:
    """The clock and a quiet owner's own hand end the same charge: it goes back once."""
    opened = await database.run(begin)
    for alert_id in opened[:10]:
        await database.run(partial(take, alert_id=alert_id, owner=rivals[0]))

        def give_back(tx: Transaction, alert_id: UUID = alert_id) -> int:
            moment = Moment(CORE, tx, LATER)
            return len(alarms.back_to_queue(moment, alerts.get(tx, alert_id)))

        told = await asyncio.gather(*(database.run(give_back) for _turn in range(3)))
        assert sorted(bool(each) for each in told) == [False, False, True]
