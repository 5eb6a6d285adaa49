"""How the union answers, in numbers: a pure function of what happened, without names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from handlers import outcomes
from storage.figures import AlertFact

TOO_LONG = timedelta(minutes=10)  # after which an alert that nobody has taken is counted as such


@dataclass(frozen=True, slots=True)
class Answered:
    """How fast alerts were taken: None where none was."""

    count: int
    half_within: timedelta | None
    most_within: timedelta | None  # nine of ten
    too_late: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Of some alerts: how fast they were taken, how they ended, and how many were false alarms."""

    sos: Answered
    all: Answered
    ended: tuple[tuple[str, int], ...]  # outcome and count, the most frequent first
    false_alarms: int


def of(alerts: Sequence[AlertFact], now: datetime) -> Figures:
    ended = Counter(each.outcome or "" for each in alerts if each.resolved_at is not None)
    by_count = sorted(ended.items(), key=lambda pair: (-pair[1], pair[0]))
    sos = [each for each in alerts if each.kind == "sos"]
    return Figures(_answered(sos, now), _answered(alerts, now), tuple(by_count), ended[outcomes.FALSE_ALARM])


def _answered(alerts: Sequence[AlertFact], now: datetime) -> Answered:
    waits = sorted(
        each.acknowledged_at - each.opened_at for each in alerts if each.acknowledged_at is not None
    )
    too_late = sum(_until_taken(each, now) > TOO_LONG for each in alerts)
    return Answered(len(alerts), rank(waits, 50), rank(waits, 90), too_late)


def _until_taken(alert: AlertFact, now: datetime) -> timedelta:
    """How long it was without anyone: until it was taken, ended by itself, or until now."""
    return (alert.acknowledged_at or alert.resolved_at or now) - alert.opened_at


def rank(ordered: Sequence[timedelta], percent: int) -> timedelta | None:
    """The least value that so many percent of all do not exceed (the nearest rank); None of nothing."""
    if not ordered:
        return None
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
