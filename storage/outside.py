"""The second way out: calls to what the operator configured outside the chats, each kept until it is done."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from storage.database import Transaction
from storage.tables import OutsideCall

UNFINISHED = ("waiting", "running")
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)


def add(
    tx: Transaction, now: datetime, way: str, *, alert_id: UUID | None = None, drill_id: UUID | None = None
) -> OutsideCall:
    """Queue a call about an alert or, marked as one, of a drill."""
    call = OutsideCall(id=tx.new_id(), alert_id=alert_id, drill_id=drill_id, way=way, state="waiting",
                       attempts=0, due_at=now, created_at=now)  # fmt: skip
    tx.session.add(call)
    tx.news.add("outside")
    return call


def unfinished(tx: Transaction, alert_id: UUID) -> set[str]:
    """The ways that are still being tried for an alert."""
    query = sa.select(OutsideCall.way).where(
        OutsideCall.alert_id == alert_id, OutsideCall.state.in_(UNFINISHED)
    )
    return set(tx.session.scalars(query))


def has_left(tx: Transaction, alert_id: UUID) -> bool:
    """Whether someone was really told of an alert outside the chats."""
    query = sa.select(OutsideCall.id).where(OutsideCall.alert_id == alert_id, OutsideCall.state == "done")
    return tx.session.scalar(query.limit(1)) is not None


_DUE = (
    sa.select(OutsideCall)
    .where(OutsideCall.due_at <= sa.bindparam("now"))
    .order_by(OutsideCall.due_at)
    .limit(sa.bindparam("most"))
    .with_for_update(skip_locked=True)
)


def claim(tx: Transaction, now: datetime, limit: int, hold: timedelta) -> list[OutsideCall]:
    """Take the calls that are due, and those whose process ended in the middle of one."""
    calls = list(tx.session.scalars(_DUE, {"now": now, "most": limit}))
    for call in calls:
        call.state, call.attempts = "running", call.attempts + 1
        call.claimed_until = call.due_at = now + hold
    return calls


def release(tx: Transaction) -> None:
    """No other process can be running: what a dead one was just doing is due at once."""
    running = sa.update(OutsideCall).where(OutsideCall.state == "running")
    tx.session.execute(running.values(state="waiting", due_at=OutsideCall.created_at, claimed_until=None))


def hasten(tx: Transaction, now: datetime) -> None:
    """What is due later than any pause lasts was put off before the clock was set back: it is due at once."""
    late = sa.update(OutsideCall).where(OutsideCall.due_at > now + LONGEST_PAUSE)
    tx.session.execute(late.values(due_at=now))


def finish(now: datetime, call: OutsideCall, state: str, reason: str | None = None) -> None:
    """Nothing is left to do: done, or failed for the given reason."""
    call.state, call.reason, call.finished_at = state, reason, now
    call.due_at = call.claimed_until = None


def postpone(now: datetime, call: OutsideCall, reason: str) -> None:
    """Try again after a pause that grows to an hour."""
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(call.attempts - 1, 10)))
    call.state, call.reason = "waiting", reason
    call.due_at, call.claimed_until = now + pause, None


def get(tx: Transaction, call_id: UUID) -> OutsideCall | None:
    """The call, unless its alert was forgotten meanwhile."""
    return tx.session.get(OutsideCall, call_id, with_for_update=True)
