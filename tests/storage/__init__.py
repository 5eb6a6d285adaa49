"""Storage, on both engines. Here is what its stories share."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings

from storage import needs, people
from storage.database import Database, Transaction
from storage.people import Known
from storage.tables import Base, Need, Person
from tests.world import BARCELONA, NOON

# The templates are made with an event loop of their own, so before a test's own begins.
BOTH_ENGINES = pytest.mark.usefixtures("sqlite_template", "postgres_template")
KEEP = timedelta(hours=48)
SECOND, MINUTE, HOUR, DAY = (
    timedelta(seconds=1),
    timedelta(minutes=1),
    timedelta(hours=1),
    timedelta(days=1),
)


def some(examples: int) -> settings:
    """A property that is tried on a real database: each example begins with `empty`."""
    return settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


async def empty(database: Database) -> None:
    """Delete every row, so that the next example of a property begins anew."""

    def delete(tx: Transaction) -> None:
        for table in reversed(Base.metadata.sorted_tables):
            tx.session.execute(sa.delete(table))

    await database.run(delete)


def meet(tx: Transaction, name: str, platform: str = "console", **columns: Any) -> Known:
    """A person with one account; `columns` are of the person."""
    known = people.meet(tx, NOON, platform, name, "en")
    for column, value in columns.items():
        setattr(known.person, column, value)
    tx.session.flush()
    return known


async def person(database: Database, name: str, **columns: Any) -> Known:
    return await database.run(lambda tx: meet(tx, name, **columns))


def a_need(tx: Transaction, requester: Person, reference: str = "N-7K3Q", **columns: Any) -> Need:
    """An open need of a person, as `storage.needs.add` makes it."""
    given: dict[str, Any] = {
        "skill": "medicine",
        "urgent": False,
        "state": "open",
        "sealed_words": tx.seal(requester.key_id, "need words", "insulin"),
        "latitude": BARCELONA[0],
        "longitude": BARCELONA[1],
        "created_at": NOON,
        **columns,
    }
    need = needs.add(tx, reference=reference, person_id=requester.id, **given)
    tx.session.flush()
    return need
