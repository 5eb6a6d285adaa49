"""What this deployment knows of itself, beside its master key: when its last backup was made."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from storage.database import Transaction
from storage.tables import Fact

BACKUP = "backup"


def note_backup(tx: Transaction, made_at: datetime) -> None:
    """A backup of this moment is whole and on the disk."""
    insert = (sqlite if tx.is_sqlite else postgresql).insert(Fact)
    value = made_at.isoformat()
    noted = insert.values(name=BACKUP, value=value)
    tx.session.execute(noted.on_conflict_do_update(index_elements=[Fact.name], set_={"value": value}))


def backed_up_at(tx: Transaction) -> datetime | None:
    """When the last good backup was made; None: there is none.

    A restored database knows the one before its own: what was made later may be lost with the disk.
    """
    found = tx.session.scalar(sa.select(Fact.value).where(Fact.name == BACKUP))
    return datetime.fromisoformat(found) if found is not None else None
