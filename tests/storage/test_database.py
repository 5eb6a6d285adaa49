"""Transactions, as they are seen from outside: whole or not at all, whoever stops waiting for them."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import aiosqlite
import pytest
import sqlalchemy as sa

from storage.database import Database, Transaction
from storage.tables import Fact


@pytest.mark.parametrize("steps", range(0, 60, 3))
async def test_a_cancelled_transaction_leaves_the_write_lock_free(
    sqlite_database: Database, steps: int
) -> None:
    """Whoever is next must not wait for what nobody waits for any more, and never find a half of it."""

    def write(tx: Transaction) -> None:
        tx.session.add_all(Fact(name=f"fact {number}", value="") for number in range(3))

    task = asyncio.create_task(sqlite_database.run(write))
    for _step in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait((task,))
    assert sqlite_database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    names = sa.select(sa.func.count()).where(Fact.name.startswith("fact "))
    assert await sqlite_database.run(lambda tx: tx.session.scalar(names)) in (0, 3)


async def test_a_statement_makes_one_trip_to_the_thread_of_sqlite(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips = 0
    make = aiosqlite.Connection._execute

    async def counted(connection: aiosqlite.Connection, *arguments: Any) -> Any:
        nonlocal trips
        trips += 1
        return await make(connection, *arguments)  # type: ignore[no-untyped-call]

    def ask(tx: Transaction, times: int) -> int:
        rows = [tx.session.scalar(sa.text("SELECT 1 UNION SELECT 2")) for _ in range(times)]
        return len(rows)

    monkeypatch.setattr(aiosqlite.Connection, "_execute", counted)
    taken = []
    for times in (10, 30):
        trips = 0
        assert await sqlite_database.run(partial(ask, times=times)) == times
        taken.append(trips)
    assert taken[1] - taken[0] == 20
