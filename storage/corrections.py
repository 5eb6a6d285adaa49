"""What was said already and is changed or taken back."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from storage import outbox
from storage.database import Transaction
from storage.tables import Account, Outbox, Talk


def disclosing(tx: Transaction, case_id: UUID, helper_id: UUID | None = None) -> list[Outbox]:
    """The messages that show words, place or contact of a case to somebody, or are about to.

    helper_id: only those to this helper, and what the requester was shown of them.
    """
    tx.write()
    query = sa.select(Outbox).where(
        Outbox.discloses_id == case_id, Outbox.state.in_(("waiting", "sending", "sent"))
    )
    if helper_id is not None:
        talks = sa.select(Talk.id).where(Talk.need_id == case_id, Talk.helper_id == helper_id)
        query = query.where(sa.or_(Outbox.person_id == helper_id, Outbox.talk_id.in_(talks)))
    return list(tx.session.scalars(query.order_by(Outbox.id)))


def take_back(tx: Transaction, now: datetime, row: Outbox, body: dict[str, Any]) -> None:
    """Drop a message that has not left yet; else queue what changes it, or with `retract` deletes it."""
    if row.state == "waiting":
        row.state, row.finished_at, row.sealed_body = "dropped", now, None
        return
    account = tx.session.get(Account, row.account_id) if row.account_id else None
    if account is not None and account.reachable:  # who left can be shown nothing any more
        outbox.add(tx, now, account, row.key_id, body, row.lane, edits_id=row.id)
