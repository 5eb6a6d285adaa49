"""How late the most pressing things are: what the self-checks ask before a sign of life is given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from storage.database import Transaction
from storage.inbox import CRISIS
from storage.tables import Alert, Inbox, Outbox

NONE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Lateness:
    """For how long the oldest of each has waited beyond its moment; zero where nothing waits."""

    step: timedelta  # of an open alert
    heard: timedelta  # an event of a crisis, not handled
    told: timedelta  # a message of a crisis, not sent though it may leave


def lateness(tx: Transaction, now: datetime) -> Lateness:
    step = sa.select(sa.func.min(Alert.next_step_at)).where(Alert.resolved_at.is_(None))
    heard = sa.select(sa.func.min(Inbox.received_at)).where(Inbox.outcome.is_(None), Inbox.lane == CRISIS)
    told = sa.select(sa.func.min(Outbox.due_at)).where(
        Outbox.state.in_(("waiting", "sending")), Outbox.lane == 0
    )
    since = [tx.session.scalar(query) for query in (step, heard, told)]
    return Lateness(*(max(NONE, now - each) if each is not None else NONE for each in since))
