"""The clock was set back, or was wrong before: nothing waits for hours that come a second time."""

from __future__ import annotations

from datetime import datetime, timedelta

from handlers import (
    alarms,
    asking,
    commitments,
    completing,
    crisis_mode,
    drills,
    minors,
    readiness,
    still,
    waves,
)
from handlers.context import Moment
from storage import choices, people, retention
from storage import set_back as stored

FETCHED_WITHIN = timedelta(minutes=5)


def clock_went_back(moment: Moment, *, seen: bool) -> None:
    """Whatever is due is due no later than its own wait from now. seen: by this process, not just possible.

    Where the clock is surely wrong, only alerts: else all requesters and volunteers would be asked at once
    when it is set right.
    """
    alarms.clock_went_back(moment)
    if retention.is_surely_wrong(moment.now):
        return
    choices.clock_went_back(moment.tx, moment.now)
    if seen or retention.was_ahead(moment.tx, moment.now):  # to look at all people takes a while
        people.clock_went_back(moment.tx, moment.now)
    stored.open_needs(
        moment.tx, moment.now, unasked=minors.AGAIN, ahead=asking.AHEAD, wait=moment.union.wave_wait,
        urgent_wait=moment.union.urgent_wave_wait, rests=waves.RESTS,
    )  # fmt: skip
    _requesters(moment)
    _volunteers(moment)
    stored.others(
        moment.tx, moment.now, crisis=crisis_mode.REPORT_EVERY, drill=drills.LASTS, job=FETCHED_WITHIN
    )
    if seen:
        stored.look(moment.tx, moment.now + readiness.EVERY)
    for crisis in stored.running_crises(moment.tx):
        crisis.ends_at = _at_most(crisis.ends_at, moment.now + timedelta(hours=crisis.hours))


def _requesters(moment: Moment) -> None:
    """When they are asked if it is done, or still needed."""
    for need in stored.taken_needs(moment.tx, moment.now + completing.ASK_AGAIN):
        wait = commitments.LONGEST_ETA + commitments.AFTER_ARRIVAL
        latest = max(moment.now, need.needed_at or moment.now) + wait
        if need.asked_done:
            latest = moment.now + completing.ASK_AGAIN * need.asked_done
        need.next_step_at = _at_most(need.next_step_at, latest)
    for need in stored.unconfirmed_needs(moment.tx, moment.now + still.ANSWER):
        latest = max(moment.now, need.needed_at or moment.now) + still.AGAIN
        if 0 < need.confirm_asked <= still.QUESTIONS:
            latest = moment.now + still.ANSWER
        need.confirm_at = _at_most(need.confirm_at, latest)


def _volunteers(moment: Moment) -> None:
    """When they are asked how it goes."""
    for each, needed_at in stored.commitments(moment.tx, moment.now + commitments.BETWEEN):
        latest = max(moment.now + commitments.LONGEST_ETA, needed_at or moment.now) + commitments.GRACE
        if each.checks:
            latest = moment.now + commitments.BETWEEN
        elif each.arrives_at is None:
            latest = moment.now + commitments.FIRST_CHECK
        each.check_at = _at_most(each.check_at, latest)


def _at_most(at: datetime | None, latest: datetime) -> datetime:
    return latest if at is None else min(at, latest)
