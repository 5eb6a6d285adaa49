"""What was said already and is changed or taken back."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from storage import outbox
from storage.database import Transaction
from storage.tables import Account, Outbox


def disclosing(tx: Transaction, case_id: UUID) -> list[Outbox]:
    """The messages that show words, place or contact of a case to somebody, or are about to."""
    tx.write()
    query = sa.select(Outbox).where(
        Outbox.discloses_id == case_id, Outbox.state.in_(("waiting", "sending", "sent"))
    )
    return list(tx.session.scalars(query.order_by(Outbox.id)))


def take_back(tx: Transaction, now: datetime, row: Outbox, body: dict[str, Any]) -> None:
    """Drop a message that has not left yet; else queue what changes it, or with `retract` deletes it."""
    if row.state == "waiting":
        row.state, row.finished_at, row.sealed_body = "dropped", now, None
        return
    account = tx.session.get(Account, row.account_id) if row.account_id else None
    if account is not None and account.reachable:  # who left can be shown nothing any more
        outbox.add(tx, now, account, row.key_id, body, row.lane, edits_id=row.id)
