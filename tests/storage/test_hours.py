"""Hours of the week: the index says the same as the offer, wherever and whenever clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import hours

MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
UNHURRIED = settings(deadline=None)  # a busy machine is no fault
ZONES = [
    "UTC", "Europe/Madrid", "Europe/Lisbon", "America/New_York", "America/Los_Angeles", "Asia/Kolkata",
    "Asia/Kathmandu", "Australia/Lord_Howe", "Australia/Sydney", "Pacific/Kiritimati", "Pacific/Pago_Pago",
    "Africa/Casablanca", "America/St_Johns", "Pacific/Chatham",
]  # fmt: skip
weeks = st.one_of(
    st.lists(st.booleans(), min_size=168, max_size=168),
    st.sets(st.integers(0, 167), max_size=3).map(lambda free: [hour in free for hour in range(168)]),
).map(lambda free: "".join("01"[each] for each in free))
moments = st.integers(0, 365 * 24 * 60).map(lambda minutes: MONDAY + timedelta(minutes=minutes))


def indexed(free: str | None, zone: str, union_zone: str, at: datetime, saved: datetime = MONDAY) -> bool:
    word, mask = hours.bit(at, union_zone)
    return bool(hours.words(free, zone, union_zone, saved)[word] & mask)


@UNHURRIED
@given(weeks, st.sampled_from(ZONES), moments)
def test_in_the_unions_own_zone_the_index_says_just_what_the_offer_says(
    free: str, zone: str, at: datetime
) -> None:
    assert indexed(free, zone, zone, at) == hours.is_free(free, zone, at)


@UNHURRIED
@given(weeks, st.sampled_from(ZONES), st.sampled_from(ZONES), moments)
def test_from_another_zone_nobody_who_is_free_is_lost(
    free: str, zone: str, union_zone: str, at: datetime
) -> None:
    assert indexed(free, zone, union_zone, at) or not hours.is_free(free, zone, at)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("union_zone", ["Europe/Madrid", "America/New_York", "Asia/Kolkata"])
def test_every_quarter_of_an_hour_in_which_clocks_change_is_covered(zone: str, union_zone: str) -> None:
    """A volunteer who is free in one hour only, looked for in each quarter hour of a year's changes."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    year = [start + timedelta(hours=each) for each in range(366 * 24)]
    ahead = [(each.astimezone(ZoneInfo(zone)).utcoffset(), each.astimezone(ZoneInfo(union_zone)).utcoffset())
             for each in year]  # fmt: skip
    changes = [each for each in range(1, len(year)) if ahead[each] != ahead[each - 1]]
    around = {change + near for change in changes for near in range(-2, 2)}
    for quarter in (start + timedelta(hours=hour, minutes=15 * part) for hour in around for part in range(4)):
        own = hours.hour_of_week(quarter, zone)
        only = "".join("01"[each == own] for each in range(168))
        assert indexed(only, zone, union_zone, quarter, start)


@UNHURRIED
@given(st.integers(0, 167), moments)
def test_zones_that_change_together_are_an_hour_apart_and_no_wider(hour: int, at: datetime) -> None:
    free = "".join("01"[each == hour] for each in range(168))
    found = hours.words(free, "Europe/Lisbon", "Europe/Madrid", at)
    assert sum(word.bit_count() for word in found) == 1
    assert indexed(free, "Europe/Lisbon", "Europe/Madrid", at) == hours.is_free(free, "Europe/Lisbon", at)


def test_half_an_hour_apart_each_hour_touches_two() -> None:
    free = "1" + "0" * 167
    assert hours.words(free, "Asia/Kolkata", "UTC", MONDAY) == (0, 0, 0b11 << 162 - 112)


@UNHURRIED
@given(moments)
def test_who_is_free_at_any_time_is_free(at: datetime) -> None:
    assert indexed(None, "Asia/Kolkata", "Europe/Madrid", at)
    assert hours.is_free(None, "Asia/Kolkata", at)


@UNHURRIED
@given(weeks, st.sampled_from(ZONES), st.sampled_from(ZONES))
def test_the_numbers_fit_the_columns(free: str, zone: str, union_zone: str) -> None:
    assert all(0 <= word < 1 << 56 for word in hours.words(free, zone, union_zone, MONDAY))


def test_the_hour_is_that_of_their_clock() -> None:
    sunday = datetime(2026, 6, 7, 22, 30, tzinfo=UTC)
    assert hours.hour_of_week(sunday, "Europe/Madrid") == 0
    assert hours.hour_of_week(sunday, "America/New_York") == 6 * 24 + 18
    assert hours.hour_of_week(sunday, "Pacific/Kiritimati") == 12


@pytest.mark.parametrize(
    ("start", "end", "quiet"),
    [
        (22, 8, {22, 23, *range(8)}),
        (13, 16, {13, 14, 15}),
        (0, 0, set()),
        (9, 9, set()),
        (0, 24, set(range(24))),
    ],
)
def test_quiet_hours_may_go_over_midnight(start: int, end: int, quiet: set[int]) -> None:
    heard = {hour for hour in range(24) if hours.is_quiet(start, end, "UTC", MONDAY + timedelta(hours=hour))}
    assert heard == quiet
