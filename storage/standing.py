"""How things stand: what waits in each queue and for how long, how many alerts are open; numbers only.

Every question is answered from an index over what is unfinished, so that it may be asked each few seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from storage import duty, facts, people
from storage.database import Transaction
from storage.figures import SEVERITY
from storage.lateness import Lateness, lateness
from storage.outbox import HELD
from storage.outside import UNFINISHED
from storage.tables import WAITING, Alert, Inbox, Job, Lease, Outbox, OutsideCall

NONE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many wait, and since when the oldest of those does that may go on."""

    count: int
    oldest: timedelta


@dataclass(frozen=True, slots=True)
class Standing:
    """The numbers of one moment. Platforms and lanes in which nothing waits are left out."""

    inbox: Mapping[int, Waiting]  # by lane
    outbox: Mapping[tuple[str, int], Waiting]  # by platform and lane
    jobs: Mapping[str, Waiting]  # slow work, by platform
    calls: Waiting  # outside the chats
    late: Lateness
    alerts: Mapping[int, int]  # open, by severity
    unacknowledged: Mapping[int, timedelta]  # age of the oldest that nobody has taken yet, by severity
    coordinators: int  # who can be reached
    on_duty: int
    served: frozenset[str]  # platforms whose lease somebody holds
    size: int  # bytes of the database
    backed_up_at: datetime | None  # when the last good backup was made


def standing(tx: Transaction, now: datetime) -> Standing:
    open_now, unacknowledged = _alerts(tx, now)
    return Standing(
        inbox=_inbox(tx, now),
        outbox=_outbox(tx, now),
        jobs=_jobs(tx, now),
        calls=_calls(tx, now),
        late=lateness(tx, now),
        alerts=open_now,
        unacknowledged=unacknowledged,
        coordinators=len(people.coordinators(tx)),
        on_duty=len(duty.on_duty(tx, now)),
        served=served(tx),
        size=_size(tx),
        backed_up_at=facts.backed_up_at(tx),
    )


def _since(now: datetime, moment: datetime | None) -> timedelta:
    return max(NONE, now - moment) if moment is not None else NONE


INBOX_DEPTH = (
    sa.select(Inbox.lane, sa.func.count(), sa.func.min(Inbox.id))
    .where(Inbox.outcome.is_(None), Inbox.lane >= 0)
    .group_by(Inbox.lane)
)


def _inbox(tx: Transaction, now: datetime) -> dict[int, Waiting]:
    """Numbers grow with time, so the oldest event of a lane is the one with the lowest."""
    rows = tx.session.execute(INBOX_DEPTH).all()
    oldest = sa.select(Inbox.lane, Inbox.received_at).where(Inbox.id.in_([first for *_, first in rows]))
    since = {row.lane: row.received_at for row in tx.session.execute(oldest)}
    return {lane: Waiting(count, _since(now, since.get(lane))) for lane, count, _first in rows}


OUTBOX_DEPTH = (
    sa.select(Outbox.gateway, Outbox.lane, sa.func.count())
    .where(Outbox.gateway > "", WAITING)  # word for word the condition of the index
    .group_by(Outbox.gateway, Outbox.lane)
)


def _outbox(tx: Transaction, now: datetime) -> dict[tuple[str, int], Waiting]:
    return {
        (gateway, lane): Waiting(count, _since(now, _oldest(tx, gateway, lane)))
        for gateway, lane, count in tx.session.execute(OUTBOX_DEPTH)
    }


def _oldest(tx: Transaction, gateway: str, lane: int) -> datetime | None:
    """Of those that may leave: what is kept until its reader writes again is late for nobody."""
    query = sa.select(Outbox.created_at).where(
        Outbox.gateway == gateway, Outbox.lane == lane, WAITING, Outbox.due_at < HELD
    )
    return tx.session.scalar(query.order_by(Outbox.id).limit(1))


def _jobs(tx: Transaction, now: datetime) -> dict[str, Waiting]:
    """Slow work that is not done yet: what is done has no row any more."""
    query = sa.select(Job.gateway, sa.func.count(), sa.func.min(Job.created_at)).group_by(Job.gateway)
    return {name: Waiting(count, _since(now, first)) for name, count, first in tx.session.execute(query)}


def _calls(tx: Transaction, now: datetime) -> Waiting:
    unfinished = (OutsideCall.due_at.is_not(None), OutsideCall.state.in_(UNFINISHED))
    query = sa.select(sa.func.count(), sa.func.min(OutsideCall.created_at)).where(*unfinished)
    count, first = tx.session.execute(query).one()
    return Waiting(count, _since(now, first))


def _alerts(tx: Transaction, now: datetime) -> tuple[dict[int, int], dict[int, timedelta]]:
    """Open alerts have a next step, always; so the index over that finds them all."""
    untaken = sa.func.min(Alert.opened_at).filter(Alert.acknowledged_at.is_(None))
    query = (
        sa.select(SEVERITY, sa.func.count(), untaken)
        .where(Alert.next_step_at.is_not(None), Alert.resolved_at.is_(None), Alert.merged_into_id.is_(None))
        .group_by(sa.text("1"))
    )
    rows = tx.session.execute(query).all()
    counts = {severity: count for severity, count, _first in rows}
    return counts, {severity: _since(now, first) for severity, _count, first in rows if first is not None}


def served(tx: Transaction) -> frozenset[str]:
    """The platforms whose account some process holds now."""
    held = sa.select(Lease.name).where(Lease.holder != "", Lease.expires_at > sa.func.now())
    if tx.is_sqlite:
        held = sa.select(Lease.name).where(Lease.holder != "")
    names = tx.session.scalars(held.where(Lease.name.startswith("gateway ")))
    return frozenset(name.removeprefix("gateway ") for name in names)


def _size(tx: Transaction) -> int:
    if tx.is_sqlite:
        query = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    else:
        query = "SELECT pg_database_size(current_database())"
    return int(tx.session.scalar(sa.text(query)) or 0)
