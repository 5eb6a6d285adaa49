"""The roster by the clock of its zone: no gap and no overlap where one shift follows another."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import product
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import duty, people
from storage.database import Database, Transaction
from storage.tables import Cover, Person, Shift
from tests.storage import BOTH_ENGINES

MADRID = "Europe/Madrid"
FORWARD = date(2026, 3, 29)  # in Madrid 2:00 becomes 3:00
BACK = date(2026, 10, 25)  # and 3:00 becomes 2:00
ZONES = (MADRID, "America/Santiago", "Asia/Kolkata", "Australia/Lord_Howe", "UTC", "America/New_York")


def shift(weekday: int, begins: int, ends: int, zone: str = MADRID, number: int = 1) -> Shift:
    """A shift of the person number one."""
    return Shift(id=UUID(int=number), person_id=UUID(int=1), weekday=weekday, begins=begins, ends=ends,
                 time_zone=zone)  # fmt: skip


def some_moment() -> st.SearchStrategy[datetime]:
    minutes = st.integers(0, 6 * 366 * 24 * 60)
    return minutes.map(lambda each: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=each))


@pytest.mark.parametrize(("evening", "hours"), [(FORWARD, 7), (BACK, 9), (date(2026, 6, 7), 8)])
def test_a_night_is_as_long_as_the_clocks_make_it(evening: date, hours: int) -> None:
    eve = evening - timedelta(days=1)
    begins, ends = duty.moments(shift(eve.weekday(), 22 * 60, 6 * 60), eve)
    assert ends - begins == timedelta(hours=hours)


@given(st.sampled_from(ZONES), st.integers(0, 24 * 60 - 1), some_moment())
def test_two_halves_of_each_day_leave_no_gap_and_no_overlap(zone: str, cut: int, moment: datetime) -> None:
    cuts = ((cut, (cut + 720) % 1440), ((cut + 720) % 1440, cut))
    halves: list[tuple[Shift, list[Cover]]] = [
        (shift(day, begins, ends, zone, number), [])
        for number, (day, (begins, ends)) in enumerate(product(range(7), cuts))
    ]
    found = duty.occurrences(halves, moment, moment + timedelta(days=8))
    assert sum(each.lasts_at(moment) for each in found) == 1
    assert duty.gaps(found, moment, moment + timedelta(days=8)) == []
    ends = [each.ends for each in found]
    assert [each.begins for each in found[1:]] == ends[:-1]


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 1439), st.integers(0, 1439)), min_size=1, max_size=8
    ),
    st.sampled_from(ZONES),
    some_moment(),
)
def test_a_moment_is_covered_just_where_no_gap_holds_it(
    week: list[tuple[int, int, int]], zone: str, moment: datetime
) -> None:
    shifts: list[tuple[Shift, list[Cover]]] = [
        (shift(*each, zone, number), []) for number, each in enumerate(week)
    ]
    until = moment + timedelta(days=7)
    found = duty.occurrences(shifts, moment, until)
    free = duty.gaps(found, moment, until)
    for hour in range(0, 7 * 24, 5):
        at = moment + timedelta(hours=hour)
        assert any(each.lasts_at(at) for each in found) is not any(start <= at < end for start, end in free)


def test_the_same_wall_clock_on_every_ordinary_day() -> None:
    begins, _ends = duty.moments(shift(0, 20 * 60, 24 * 60 - 1), date(2026, 1, 5))
    assert begins.astimezone(ZoneInfo(MADRID)).hour == 20


def test_a_cover_holds_one_occurrence_and_an_offer_none() -> None:
    monday = date(2026, 3, 2)
    weekly, since = shift(0, 60, 120), datetime(2026, 3, 1, tzinfo=UTC)
    covered = Cover(shift_id=weekly.id, day=monday, person_id=UUID(int=2), offered_at=since, covered_at=since)
    offered = Cover(shift_id=weekly.id, day=monday + timedelta(days=7), person_id=None, offered_at=since)
    found = duty.occurrences([(weekly, [covered, offered])], since, since + timedelta(days=21))
    assert [(each.holder.int, each.offered) for each in found] == [(2, False), (1, True), (1, False)]


# --- in the database --------------------------------------------------------------------------------


def coordinator(tx: Transaction, name: str) -> Person:
    person = people.meet(tx, NOW, "console", name, "en").person
    person.coordinator_since = NOW
    tx.session.flush()
    return person


NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # a Monday


@BOTH_ENGINES
async def test_on_duty_by_hand_by_the_roster_and_for_another(database: Database) -> None:
    def tell(tx: Transaction) -> None:
        ana, ben = coordinator(tx, "ana"), coordinator(tx, "ben")
        assert duty.on_duty(tx, NOW) == []
        duty.set_shifts(tx, NOW, ana, [(0, 10 * 60, 18 * 60)], "UTC")
        assert duty.on_duty(tx, NOW) == [ana]
        assert duty.on_duty(tx, NOW + timedelta(hours=6)) == []
        ana.off_duty_until = NOW + timedelta(hours=6)
        assert duty.on_duty(tx, NOW) == []
        assert duty.on_duty(tx, NOW + timedelta(days=7)) == [ana]
        ben.on_duty, ben.on_duty_until = True, NOW + timedelta(hours=4)
        assert duty.on_duty(tx, NOW) == [ben]
        assert duty.on_duty(tx, NOW + timedelta(hours=4)) == []
        (watch,) = duty.watches(tx, NOW + timedelta(days=7), NOW + timedelta(days=7, hours=1))
        assert duty.offer(tx, NOW, watch)
        assert duty.take(tx, NOW, watch.shift.id, watch.day, ben.id)
        assert not duty.offer(tx, NOW, watch)
        assert duty.on_duty(tx, NOW + timedelta(days=7)) == [ben]
        assert duty.on_duty(tx, NOW + timedelta(days=14)) == [ana]

    await database.run(tell)


def _take(offered: Shift, who: UUID, tx: Transaction) -> bool:
    return duty.take(tx, NOW, offered.id, date(2026, 3, 4), who)


@BOTH_ENGINES
async def test_of_many_who_take_one_shift_at_once_one_has_it(database: Database) -> None:
    def begin(tx: Transaction) -> tuple[Shift, list[UUID]]:
        owner = coordinator(tx, "owner")
        duty.set_shifts(tx, NOW, owner, [(2, 600, 1200)], "UTC")
        (watch,) = duty.watches(tx, NOW, NOW + timedelta(days=6))
        duty.offer(tx, NOW, watch)
        return watch.shift, [coordinator(tx, f"taker{number}").id for number in range(8)]

    offered, takers = await database.run(begin)
    won = await asyncio.gather(*(database.run(partial(_take, offered, who)) for who in takers))
    assert won.count(True) == 1
    (watch,) = await database.run(lambda tx: duty.watches(tx, NOW, NOW + timedelta(days=6)))
    assert watch.holder == takers[won.index(True)]
