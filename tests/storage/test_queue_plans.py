"""How PostgreSQL takes from a queue that has just grown: its figures are still of when it was empty."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from storage import inbox, outbox
from storage.database import Database, Transaction
from storage.inbox import Arrival
from storage.tables import Inbox, Outbox
from tests.storage import BOTH_ENGINES, KEEP, meet
from tests.world import NOON

pytestmark = [BOTH_ENGINES, pytest.mark.parametrize("database", ["postgres"], indirect=True)]
HOLD = timedelta(seconds=60)
FEW, FLOOD = 50, 1_000
CLAIMED = 64


async def test_a_sudden_flood_in_the_inbox_is_not_compared_with_itself(database: Database) -> None:
    await _measured_when_empty(database)
    await database.run(lambda tx: _everyone_says(tx, FLOOD))
    looked_at = await database.run(
        lambda tx: _looked_at(tx, lambda: inbox.claim(tx, NOON, "worker", CLAIMED, HOLD))
    )
    assert looked_at < 10 * CLAIMED


async def test_a_sudden_flood_in_the_outbox_is_not_compared_with_itself(database: Database) -> None:
    await _measured_when_empty(database)
    await database.run(lambda tx: _everyone_is_told(tx, FLOOD))
    looked_at = await database.run(
        lambda tx: _looked_at(tx, lambda: outbox.claim(tx, NOON, "console", "courier", CLAIMED, HOLD, ()))
    )
    assert looked_at < 10 * CLAIMED


async def _measured_when_empty(database: Database) -> None:
    """Some were handled and sent, nothing waits, and the database takes its figures."""

    def some_are_done(tx: Transaction) -> None:
        _everyone_says(tx, FEW)
        _everyone_is_told(tx, FEW)
        tx.write()
        tx.session.execute(sa.update(Inbox).values(outcome="handled"))
        tx.session.execute(sa.update(Outbox).values(state="sent"))

    await database.run(some_are_done)
    await database.run(lambda tx: tx.session.execute(sa.text("ANALYZE")))


def _everyone_says(tx: Transaction, number: int) -> None:
    said = [Arrival(f"{number}-{each}", f"{number}-{each}", {}, False) for each in range(number)]
    inbox.accept(tx, NOON, "console", said, None, KEEP)


def _everyone_is_told(tx: Transaction, number: int) -> None:
    for each in range(number):
        reader = meet(tx, f"{number}-{each}")
        outbox.add(tx, NOON, reader.account, reader.person.key_id, {"text": "a roll-call"}, 3)


def _looked_at(tx: Transaction, claim: Callable[[], object]) -> float:
    """Rows that PostgreSQL looks at for one claim, by its own account."""
    asked: list[tuple[str, Any]] = []

    def hear(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if "FOR UPDATE" in statement:
            asked.append((statement, parameters))

    connection = tx.session.connection()
    sa.event.listen(connection, "before_cursor_execute", hear)
    claim()
    sa.event.remove(connection, "before_cursor_execute", hear)
    statement, parameters = asked[0]
    explained = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
    return _rows(connection.exec_driver_sql(explained, parameters).scalar_one()[0]["Plan"])


def _rows(plan: dict[str, Any]) -> float:
    removed = ("Rows Removed by Filter", "Rows Removed by Join Filter")
    own = plan["Actual Loops"] * (plan["Actual Rows"] + sum(plan.get(name, 0) for name in removed))
    return float(own + sum(_rows(each) for each in plan.get("Plans", ())))
