"""Commitments: accepted invitations, when their volunteer is to be asked, and what each may see."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from storage.database import Transaction
from storage.tables import Commitment


def active(tx: Transaction, need_id: UUID) -> list[Commitment]:
    """The commitments by which a need is being met now, the oldest first."""
    return [each for each in ever(tx, need_id) if each.state == "active"]


def ever(tx: Transaction, need_id: UUID) -> list[Commitment]:
    """Every commitment that a need has had, however it ended, the oldest first."""
    query = sa.select(Commitment).where(Commitment.need_id == need_id)
    return list(tx.session.scalars(query.order_by(Commitment.created_at, Commitment.id)))


def of(tx: Transaction, need_id: UUID, person_id: UUID) -> Commitment | None:
    """By which one person is meeting a need now."""
    return next((each for each in active(tx, need_id) if each.person_id == person_id), None)


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


def next_due(tx: Transaction) -> datetime | None:
    return tx.session.scalar(sa.select(sa.func.min(Commitment.check_at)).where(Commitment.state == "active"))
