"""Until when is destroyed what is kept only for a time: by a clock that goes on slowly, whatever ours says.

A clock may be wrong by days or years (no battery, a slip of the hand) and be set right again. What it had
destroyed meanwhile would not come back, so the time by which things are destroyed is kept in the database,
and goes at most `AS_FAST` times as fast as the hours that a bot has run. After a long rest it catches up in a
part of that time; after a jump there are hours or days in which the clock can be set right.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from storage import facts
from storage.database import Transaction

AS_FAST = 8  # a bot that runs a day in each week catches up
ROUND = timedelta(hours=1)  # that is taken for run since the last look, at most
OFF = timedelta(days=1)  # so far ahead the clock is surely worth a look
WRITTEN = datetime(2026, 1, 1, tzinfo=UTC)  # this program is younger


def is_surely_wrong(moment: datetime) -> bool:
    """Whether no clock that is right can show, or have shown, this."""
    return moment < WRITTEN


def was_ahead(tx: Transaction, now: datetime) -> bool:
    """Whether the clock stood later than now when what is kept for a time was last looked through."""
    known = facts.retention(tx)
    return known is not None and known[1] > now


def until(tx: Transaction, now: datetime) -> datetime | None:
    """The moment that may be taken for now where something is destroyed; None: nothing may be."""
    if is_surely_wrong(now):
        return None
    known, looked_at = facts.retention(tx) or (now, now)
    ran = min(max(now - looked_at, timedelta()), ROUND)
    reached = max(known, min(now, known + AS_FAST * ran))
    facts.note_retention(tx, reached, now)
    return min(now, reached)
