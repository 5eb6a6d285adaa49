"""Who is on duty, and when: by hand, or by a weekly roster with its covers.

A shift is a stretch of the week by the clock of its zone; one occurrence of it is named by the day on which
it begins. On the nights when clocks change it is as much longer or shorter as the night itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from storage import people
from storage.database import Transaction
from storage.tables import Cover, Person, Shift

DAY_MINUTES = 24 * 60
BACK = timedelta(days=2)  # an occurrence that began so long ago may still last


@dataclass(frozen=True, slots=True)
class Watch:
    """One occurrence of a shift: from when until when (UTC), whose it is, and who really has it."""

    shift: Shift
    day: date
    begins: datetime
    ends: datetime
    holder: UUID
    offered: bool  # to whoever covers it

    def lasts_at(self, moment: datetime) -> bool:
        return self.begins <= moment < self.ends


def moments(shift: Shift, day: date) -> tuple[datetime, datetime]:
    """When the occurrence that begins on a day of the shift's zone begins and ends, in UTC.

    A local time that a change of clocks leaves out is the moment of that change and no gap; one that comes
    twice is its first.
    """
    last = day + timedelta(days=1) if shift.ends <= shift.begins else day
    return _moment(day, shift.begins, shift.time_zone), _moment(last, shift.ends, shift.time_zone)


def _moment(day: date, minutes: int, zone: str) -> datetime:
    local = datetime.combine(day, time()) + timedelta(minutes=minutes)
    return local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def occurrences(
    shifts: Iterable[tuple[Shift, Sequence[Cover]]], since: datetime, until: datetime
) -> list[Watch]:
    """All occurrences that last at some moment between two, the earliest first."""
    found = []
    for shift, covers in shifts:
        covered = {each.day: each for each in covers}
        day = (since - BACK).astimezone(ZoneInfo(shift.time_zone)).date()
        day += timedelta(days=(shift.weekday - day.weekday()) % 7)
        while (begins := moments(shift, day)[0]) < until:
            ends, cover = moments(shift, day)[1], covered.get(day)
            if ends > since:
                taken = cover is not None and cover.covered_at is not None and cover.person_id is not None
                holder = cover.person_id if cover is not None and taken and cover.person_id else None
                found.append(
                    Watch(
                        shift, day, begins, ends, holder or shift.person_id, cover is not None and not taken
                    )
                )
            day += timedelta(days=7)
    return sorted(found, key=lambda each: (each.begins, each.ends, each.shift.id))


def gaps(watches: Iterable[Watch], since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    """The stretches between two moments in which no occurrence lasts, given in order of their beginning."""
    found, free_from = [], since
    for watch in watches:
        if watch.begins > free_from:
            found.append((free_from, min(watch.begins, until)))
        free_from = max(free_from, watch.ends)
        if free_from >= until:
            return found
    return [*found, (free_from, until)]


# --- asking -----------------------------------------------------------------------------------------


def on_duty(tx: Transaction, now: datetime) -> list[Person]:
    """The reachable coordinators who are on duty at this moment, the longest-serving first."""
    found = people.coordinators(tx)
    holders = {each.holder for each in watches(tx, now, now + timedelta(microseconds=1))}
    return [person for person in found if is_on_duty(person, now, person.id in holders)]


def on_duty_by_now(tx: Transaction, now: datetime) -> list[Person]:
    """Who was on duty when this transaction first asked: for what is not urgent."""
    if tx.loaded.on_duty is None:
        tx.loaded.on_duty = on_duty(tx, now)
    return tx.loaded.on_duty


def is_on_duty(person: Person, now: datetime, has_watch: bool) -> bool:
    """By hand, or by the roster unless they said that it does not count for now."""
    if person.on_duty and (person.on_duty_until is None or now < person.on_duty_until):
        return True
    return has_watch and (person.off_duty_until is None or now >= person.off_duty_until)


def watches(tx: Transaction, since: datetime, until: datetime) -> list[Watch]:
    """Every occurrence of the roster between two moments, the earliest first."""
    return occurrences(_roster(tx, since, until), since, until)


def watches_of(tx: Transaction, person_id: UUID, since: datetime, until: datetime) -> list[Watch]:
    """The occurrences that one person has, of their own shifts or for others."""
    return [each for each in watches(tx, since, until) if each.holder == person_id]


_WITHIN = sa.and_(
    Cover.shift_id == Shift.id, Cover.day >= sa.bindparam("first"), Cover.day <= sa.bindparam("last")
)
_ROSTER = (
    sa.select(Shift, Cover)
    .join(Person, Person.id == Shift.person_id)
    .outerjoin(Cover, _WITHIN)
    .where(Person.coordinator_since.is_not(None))
    .order_by(Shift.created_at, Shift.id)
)


def _roster(tx: Transaction, since: datetime, until: datetime) -> list[tuple[Shift, list[Cover]]]:
    """The shifts of all coordinators, each with its covers between two moments."""
    days = {"first": (since - BACK).date(), "last": (until + timedelta(days=1)).date()}
    found: dict[UUID, tuple[Shift, list[Cover]]] = {}
    for shift, cover in tx.session.execute(_ROSTER, days):
        covers = found.setdefault(shift.id, (shift, []))[1]
        if cover is not None:
            covers.append(cover)
    return list(found.values())


def shifts_of(tx: Transaction, person_id: UUID) -> list[Shift]:
    query = sa.select(Shift).where(Shift.person_id == person_id).order_by(Shift.weekday, Shift.begins)
    return list(tx.session.scalars(query))


def shift(tx: Transaction, shift_id: UUID) -> Shift | None:
    return tx.session.get(Shift, shift_id)


# --- changing ----------------------------------------------------------------------------------------


def set_shifts(
    tx: Transaction, now: datetime, person: Person, stretches: Iterable[tuple[int, int, int]], zone: str
) -> None:
    """Put a person's hours of the roster in place of the ones before: weekday, begin and end in minutes."""
    tx.session.execute(sa.delete(Shift).where(Shift.person_id == person.id))
    tx.session.add_all(
        Shift(id=tx.new_id(), person_id=person.id, weekday=weekday, begins=begins, ends=ends, time_zone=zone,
              created_at=now)
        for weekday, begins, ends in stretches
    )  # fmt: skip
    tx.session.flush()


def offer(tx: Transaction, now: datetime, watch: Watch, to: UUID | None = None) -> bool:
    """Offer an occurrence to all, or to one in exchange; False if somebody covers it already."""
    cover = tx.session.get(Cover, (watch.shift.id, watch.day))
    if cover is None:
        tx.session.add(Cover(shift_id=watch.shift.id, day=watch.day, person_id=to, offered_at=now))
        tx.session.flush()
        return True
    if cover.covered_at is not None:
        return False
    cover.person_id, cover.offered_at = to, now
    tx.session.flush()
    return True


def take(tx: Transaction, now: datetime, shift_id: UUID, day: date, person_id: UUID,
         proposed_to: UUID | None = None) -> bool:  # fmt: skip
    """Let one person cover an offered occurrence; False if it is not offered or another was faster.

    proposed_to: only if it was offered to just this person, in exchange.
    """
    conditions = [Cover.shift_id == shift_id, Cover.day == day, Cover.covered_at.is_(None)]
    conditions.append(Cover.person_id.is_(None) if proposed_to is None else Cover.person_id == proposed_to)
    taken = tx.session.execute(
        sa.update(Cover).where(*conditions).values(person_id=person_id, covered_at=now).returning(Cover.day)
    )
    return taken.first() is not None


def end_rest(person: Person) -> None:
    person.resting_until = None


def is_resting(person: Person, now: datetime) -> bool:
    """Whether someone rests after a night call: they are told only when nobody else is there."""
    return person.resting_until is not None and now < person.resting_until
