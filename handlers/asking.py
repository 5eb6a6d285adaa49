"""When a need begins to be asked about, and when its requester is asked if it is still needed."""

from __future__ import annotations

from datetime import datetime, timedelta

from handlers import waves
from handlers.context import Moment
from handlers.messages import Outbound
from storage.tables import Need

AHEAD = timedelta(hours=48)  # before the time for which help is wanted, volunteers are asked
DAY_BEFORE = timedelta(hours=24)
FIRST_CONFIRM = timedelta(hours=24)
FIRST_CONFIRM_URGENT = timedelta(hours=6)
PASSED = timedelta(hours=6)  # after the wanted time, what nobody has taken is asked about again


def begin(moment: Moment, need: Need) -> list[Outbound]:
    """Ask the first volunteers now; for a later date wait until two days before."""
    need.confirm_at, need.confirm_asked = first_confirm(need.urgent, need.needed_at, moment.now), 0
    if need.needed_at is not None and need.needed_at - AHEAD > moment.now:
        need.next_step_at = need.needed_at - AHEAD
        return []
    return waves.first_wave(moment, need)


def first_confirm(urgent: bool, needed_at: datetime | None, now: datetime) -> datetime:
    """When to ask for the first time if it is still needed: after a day, or a day before a later date."""
    if needed_at is None:
        return now + (FIRST_CONFIRM_URGENT if urgent else FIRST_CONFIRM)
    day_before = needed_at - DAY_BEFORE
    return day_before if day_before > now else needed_at + PASSED
