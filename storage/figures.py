"""What the board and the statistics are made of: rows without a person in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from storage.database import Transaction
from storage.open_needs import STATES
from storage.tables import Alert, Commitment, Need


@dataclass(frozen=True, slots=True)
class AlertFact:
    """When an alert was opened, first taken and ended, and how."""

    kind: str
    opened_at: datetime
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    outcome: str | None


@dataclass(frozen=True, slots=True)
class NeedFact:
    """How many needs there were, and for how many of them somebody has accepted."""

    asked: int
    matched: int


def alerts_since(tx: Transaction, since: datetime) -> list[AlertFact]:
    columns = (Alert.kind, Alert.opened_at, Alert.acknowledged_at, Alert.resolved_at, Alert.outcome)
    rows = tx.session.execute(sa.select(*columns).where(Alert.opened_at >= since))
    return [AlertFact(*row) for row in rows]


def needs_since(tx: Transaction, since: datetime) -> NeedFact:
    """Needs made since a moment, but for those that another one answers too."""
    matched = sa.exists().where(Commitment.need_id == Need.id)
    query = sa.select(sa.func.count(), sa.func.count().filter(matched)).select_from(Need)
    row = tx.session.execute(query.where(Need.created_at >= since, Need.state != "merged")).one()
    return NeedFact(*row)


# --- what is open -------------------------------------------------------------------------------------

# An SOS of which it is not known yet how bad it is counts as the worst.
_UNKNOWN = sa.and_(Alert.kind == "sos", sa.or_(Alert.danger.is_(None), Alert.question != ""))
SEVERITY = sa.case((_UNKNOWN, 1), else_=Alert.severity)
_OPEN_ALERT = (Alert.resolved_at.is_(None), Alert.merged_into_id.is_(None))
_OPEN_NEED = Need.state.in_(STATES)


def open_alerts(tx: Transaction, most: int) -> list[Alert]:
    """The open incidents, the worst and then the oldest first."""
    query = sa.select(Alert).where(*_OPEN_ALERT).order_by(SEVERITY, Alert.opened_at, Alert.id)
    return list(tx.session.scalars(query.limit(most)))


def open_needs(tx: Transaction, most: int) -> list[Need]:
    """The open needs, the urgent ones and then the oldest first."""
    query = sa.select(Need).where(_OPEN_NEED).order_by(Need.urgent.desc(), Need.created_at, Need.id)
    return list(tx.session.scalars(query.limit(most)))


def count_open(tx: Transaction) -> tuple[int, int]:
    """How many incidents and how many needs are open."""
    alerts = sa.select(sa.func.count()).select_from(Alert).where(*_OPEN_ALERT).scalar_subquery()
    needs = sa.select(sa.func.count()).select_from(Need).where(_OPEN_NEED).scalar_subquery()
    row = tx.session.execute(sa.select(alerts, needs)).one()
    return row[0], row[1]
