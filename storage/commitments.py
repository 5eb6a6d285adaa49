"""Commitments: accepted invitations, all that a need has had, and when their volunteers are to be asked."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from storage.database import Transaction
from storage.tables import Commitment


def ever(tx: Transaction, need_id: UUID) -> list[Commitment]:
    """Every commitment that a need has had, however it ended, the oldest first."""
    query = sa.select(Commitment).where(Commitment.need_id == need_id)
    return list(tx.session.scalars(query.order_by(Commitment.created_at, Commitment.id)))


def hold(tx: Transaction, commitment: Commitment) -> bool:
    """Read a commitment anew and hold it until this transaction is over; False if it has ended."""
    tx.session.flush()
    tx.session.refresh(commitment, with_for_update=True)
    return commitment.state == "active"


def due(tx: Transaction, now: datetime, limit: int) -> list[Commitment]:
    return list(
        tx.session.scalars(
            sa.select(Commitment)
            .where(Commitment.check_at <= now, Commitment.state == "active")
            .order_by(Commitment.check_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )
