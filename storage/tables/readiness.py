"""Who is on duty, crisis mode with its roll-call, drills, warnings, and the second way out."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from storage.tables.base import EMPTY, Base, belongs


class Shift(Base):
    """Hours of the week in which a coordinator is on duty, by the clock of a time zone."""

    __tablename__ = "shifts"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(belongs("people.id"), index=True)
    weekday: Mapped[int]  # 0 is Monday
    begins: Mapped[int]  # minutes of the day
    ends: Mapped[int]  # minutes of the day; not after `begins`: on the next day
    time_zone: Mapped[str]
    created_at: Mapped[datetime]


class Cover(Base):
    """One occurrence of a shift that someone else takes over; until then it is offered to all."""

    __tablename__ = "covers"
    shift_id: Mapped[UUID] = mapped_column(belongs("shifts.id"), primary_key=True)
    day: Mapped[date] = mapped_column(sa.Date(), primary_key=True)  # on which the shift begins
    person_id: Mapped[UUID | None] = mapped_column(belongs("people.id", "SET NULL"), index=True)  # who covers
    offered_at: Mapped[datetime]
    covered_at: Mapped[datetime | None]


class Crisis(Base):
    """Crisis mode for an area and a time: declared by one coordinator, confirmed by a second."""

    __tablename__ = "crises"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str]  # declared, active, ended, lapsed
    key_id: Mapped[UUID]
    sealed_words: Mapped[bytes]
    latitude: Mapped[float]
    longitude: Mapped[float]
    radius: Mapped[int]  # metres
    hours: Mapped[int]
    measures: Mapped[dict[str, Any]]  # copied when it begins, as a policy is
    declared_by: Mapped[UUID | None] = mapped_column(belongs("people.id", "SET NULL"), index=True)
    declared_at: Mapped[datetime]
    confirmed_by: Mapped[UUID | None] = mapped_column(belongs("people.id", "SET NULL"), index=True)
    confirmed_at: Mapped[datetime | None]
    next_step_at: Mapped[datetime | None] = mapped_column(index=True)
    ends_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[UUID | None] = mapped_column(belongs("people.id", "SET NULL"), index=True)


class RollCall(Base):
    """One member in the area of a crisis: whether they were asked, and what they answered."""

    __tablename__ = "roll_calls"
    crisis_id: Mapped[UUID] = mapped_column(belongs("crises.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(belongs("people.id"), primary_key=True, index=True)
    asked_at: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(server_default=EMPTY, default="")  # safe, need, help
    answered_at: Mapped[datetime | None]
    told_over_at: Mapped[datetime | None]  # when they heard that it has ended
    __table_args__ = (Index("ix_roll_calls_asked", "crisis_id", "asked_at"),)


class Drill(Base):
    """A rehearsal: every coordinator and room is asked through every channel to answer."""

    __tablename__ = "drills"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    # None: the schedule did.
    begun_by: Mapped[UUID | None] = mapped_column(belongs("people.id", "SET NULL"), index=True)
    begun_at: Mapped[datetime]
    next_step_at: Mapped[datetime | None] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]


class DrillPage(Base):
    """One channel that a drill tries: an account of a coordinator, or a room."""

    __tablename__ = "drill_pages"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    drill_id: Mapped[UUID] = mapped_column(belongs("drills.id"), index=True)
    person_id: Mapped[UUID | None] = mapped_column(belongs("people.id"), index=True)
    account_id: Mapped[UUID | None] = mapped_column(belongs("accounts.id"), index=True)
    room_id: Mapped[UUID | None]
    platform: Mapped[str]
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]


class OutsideCall(Base):
    """The second way out: the operator's own command or web address is told about an alert, or tried."""

    __tablename__ = "outside_calls"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    alert_id: Mapped[UUID | None] = mapped_column(belongs("alerts.id"), index=True)
    drill_id: Mapped[UUID | None] = mapped_column(belongs("drills.id"), index=True)
    way: Mapped[str]  # command, webhook
    state: Mapped[str]  # waiting, running, done, failed
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None] = mapped_column(index=True)  # None: nothing is left to do
    claimed_until: Mapped[datetime | None]
    reason: Mapped[str | None]  # of the last failure
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class EarlyWarning(Base):
    """Something that would go wrong in a crisis, noticed before: told once, and again while it lasts."""

    __tablename__ = "early_warnings"
    name: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    told_at: Mapped[datetime | None]


class Routine(Base):
    """Something that the bot does for itself again and again, and when next."""

    __tablename__ = "routines"
    name: Mapped[str] = mapped_column(primary_key=True)
    next_step_at: Mapped[datetime] = mapped_column(index=True)
