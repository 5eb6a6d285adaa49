"""Hours of the week: when someone is free, when they want quiet, and both as numbers for the index.

A week has 168 hours from Monday midnight. Moments are UTC; zones are names such as "Europe/Madrid".
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

DAY, WEEK = 24, 168
WORD = 56  # hours in one number: three of them hold a week, and each fits a signed 64-bit column
ALL_DAY = (1 << WORD) - 1
YEARS_AHEAD = 2  # an offer is rarely left unchanged longer, and the pattern of a zone's changes is yearly


def hour_of_week(moment: datetime, zone: str) -> int:
    """The local hour in which a moment lies: 0 is Monday from midnight to one, 167 the last of Sunday."""
    local = moment.astimezone(ZoneInfo(zone))
    return local.weekday() * DAY + local.hour


def is_free(hours: str | None, zone: str, at: datetime) -> bool:
    """Whether someone offers this hour; `hours` are 168 characters 0 or 1, None means any time."""
    return hours is None or hours[hour_of_week(at, zone)] == "1"


def is_quiet(quiet_from: int, quiet_until: int, zone: str, now: datetime) -> bool:
    """Whether now lies in the quiet hours of their day, which may go over midnight; equal ends: never."""
    hour = now.astimezone(ZoneInfo(zone)).hour
    if quiet_from <= quiet_until:
        return quiet_from <= hour < quiet_until
    return hour >= quiet_from or hour < quiet_until


def words(hours: str | None, zone: str, union_zone: str, now: datetime) -> tuple[int, int, int]:
    """The hours as three numbers of 56 bits, counted in the union's zone; the lowest bit is the first hour.

    In another zone than the union's a bit is set where any moment of its hour, in this and the next
    year, is free: wider than the offer where clocks change apart or stand half an hour apart, never
    narrower.
    """
    if hours is None:
        return ALL_DAY, ALL_DAY, ALL_DAY
    free = {hour for hour, letter in enumerate(hours) if letter == "1"}
    if zone != union_zone:
        free = {
            (hour * 60 - ahead - shift) // 60 % WEEK
            for ahead in _ahead(zone, union_zone, now.astimezone(UTC).year)
            for hour in free
            for shift in (0, -59)
        }
    week = sum(1 << hour for hour in free)
    return week & ALL_DAY, week >> WORD & ALL_DAY, week >> 2 * WORD


def bit(at: datetime, union_zone: str) -> tuple[int, int]:
    """Which of the three numbers holds a moment's hour, 0 to 2, and the mask within it."""
    word, position = divmod(hour_of_week(at, union_zone), WORD)
    return word, 1 << position


@lru_cache(maxsize=256)
def _ahead(zone: str, other: str, year: int) -> frozenset[int]:
    """By how many minutes a zone's clocks are ahead of another's, all values from a year on."""
    start = datetime(year, 1, 1, tzinfo=UTC)
    days = (start + timedelta(days=each) for each in range(-1, 366 * YEARS_AHEAD + 1))
    zones = ZoneInfo(zone), ZoneInfo(other)
    found: set[int] = set()
    for day, following in pairwise(days):
        found |= _between(day, following, zones)
    return frozenset(found)


def _between(first: datetime, last: datetime, zones: tuple[ZoneInfo, ZoneInfo]) -> set[int]:
    """The differences that occur between two moments, by halving wherever a clock changes."""
    (here, there), (here_later, there_later) = _clocks(first, zones), _clocks(last, zones)
    if (here, there) == (here_later, there_later) or last - first <= timedelta(minutes=1):
        return {here - there, here_later - there_later}
    middle = first + (last - first) / 2
    return _between(first, middle, zones) | _between(middle, last, zones)


def _clocks(moment: datetime, zones: tuple[ZoneInfo, ZoneInfo]) -> tuple[int, int]:
    """How many minutes the clocks of two zones are ahead of UTC."""
    here, there = (moment.astimezone(zone).utcoffset() or timedelta(0) for zone in zones)
    return here // timedelta(minutes=1), there // timedelta(minutes=1)
