"""What a clock that went ahead had put off: brought back to the longest that it can have to wait from now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from storage.database import Transaction
from storage.tables import Commitment, Crisis, Drill, Job, Need, Routine

Due = InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None]


def _bring_forward(tx: Transaction, column: Due, latest: datetime, *which: sa.ColumnElement[bool]) -> None:
    """Of the rows that fit, none is due later than `latest`."""
    late = sa.update(column.class_).where(column > latest, *which).values({column.key: latest})
    tx.session.execute(late.execution_options(synchronize_session=False))


def open_needs(
    tx: Transaction, now: datetime, *, unasked: timedelta, ahead: timedelta, wait: timedelta,
    urgent_wait: timedelta, rests: Sequence[timedelta],
) -> None:  # fmt: skip
    """Needs for which helpers are sought.

    unasked: the longest while nobody was asked yet; those that are wanted more than `ahead` from now begin at
    a moment of their own. wait, urgent_wait: of a wave. rests: by the number of waves in a row that found
    nobody, the last for all beyond.
    """
    is_open, has_begun = Need.state == "open", Need.wave > 0
    begins = sa.or_(Need.needed_at.is_(None), Need.needed_at <= now + ahead)
    _bring_forward(tx, Need.next_step_at, now + unasked, is_open, Need.wave == 0, begins)
    for urgent, length in ((True, urgent_wait), (False, wait)):
        asking = (is_open, has_begun, Need.idle_waves == 0, Need.urgent.is_(urgent))
        _bring_forward(tx, Need.next_step_at, now + length, *asking)
    for number, rest in enumerate(rests, 1):
        idle = Need.idle_waves >= number if number == len(rests) else Need.idle_waves == number
        _bring_forward(tx, Need.next_step_at, now + rest, is_open, has_begun, idle)


def taken_needs(tx: Transaction, later_than: datetime) -> Sequence[Need]:
    """Needs in somebody's hands, whose requesters are asked later than this if it is done."""
    late = sa.select(Need).where(Need.state == "taken", Need.next_step_at > later_than)
    return tx.session.scalars(late.with_for_update()).all()


def unconfirmed_needs(tx: Transaction, later_than: datetime) -> Sequence[Need]:
    """Open needs whose requesters are asked later than this if they are still needed."""
    late = sa.select(Need).where(Need.state == "open", Need.confirm_at > later_than)
    return tx.session.scalars(late.with_for_update()).all()


def commitments(tx: Transaction, later_than: datetime) -> Sequence[tuple[Commitment, datetime | None]]:
    """Those whose volunteers are asked later than this, and when the help is wanted."""
    late = (
        sa.select(Commitment, Need.needed_at)
        .join(Need, Need.id == Commitment.need_id)
        .where(Commitment.state == "active", Commitment.check_at > later_than)
        .with_for_update(of=Commitment)
    )
    return [(row[0], row[1]) for row in tx.session.execute(late)]


def others(tx: Transaction, now: datetime, *, crisis: timedelta, drill: timedelta, job: timedelta) -> None:
    """Emergencies, drills, and files that are to be fetched."""
    _bring_forward(tx, Crisis.next_step_at, now + crisis)
    _bring_forward(tx, Drill.next_step_at, now + drill)
    _bring_forward(tx, Job.due_at, now + job)
    _bring_forward(tx, Job.claimed_until, now + job)


def look(tx: Transaction, latest: datetime) -> None:
    """The look at how ready the union is."""
    _bring_forward(tx, Routine.next_step_at, latest, Routine.name == "readiness")


def running_crises(tx: Transaction) -> Sequence[Crisis]:
    return tx.session.scalars(sa.select(Crisis).where(Crisis.state == "active")).all()
