"""What this deployment knows of itself, beside its master key: its last backup, the time of its retention."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from storage.adding import add_all
from storage.database import Transaction
from storage.tables import Fact

BACKUP = "backup"
RETENTION = "retention"


def _note(tx: Transaction, name: str, value: str) -> None:
    add_all(tx.session.connection(), Fact, [{"name": name, "value": value}], in_place_of="name")


def _known(tx: Transaction, name: str) -> str | None:
    return tx.session.scalar(sa.select(Fact.value).where(Fact.name == name))


def note_backup(tx: Transaction, made_at: datetime) -> None:
    """A backup of this moment is whole and on the disk."""
    _note(tx, BACKUP, made_at.isoformat())


def backed_up_at(tx: Transaction) -> datetime | None:
    """When the last good backup was made; None: there is none.

    A restored database knows the one before its own: what was made later may be lost with the disk.
    """
    found = _known(tx, BACKUP)
    return datetime.fromisoformat(found) if found is not None else None


def note_retention(tx: Transaction, reached: datetime, looked_at: datetime) -> None:
    """The time by which things are destroyed, and what the clock showed then."""
    _note(tx, RETENTION, f"{reached.isoformat()} {looked_at.isoformat()}")


def retention(tx: Transaction) -> tuple[datetime, datetime] | None:
    """The same; None before the first time."""
    found = _known(tx, RETENTION)
    if found is None:
        return None
    reached, looked_at = (datetime.fromisoformat(each) for each in found.split())
    return reached, looked_at
