"""Transactions, as they are seen from outside: whole or not at all, whoever stops waiting for them."""

from __future__ import annotations

import asyncio

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
