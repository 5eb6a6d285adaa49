"""Needs and offers, the index that matches them, places by name, and what became of it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from storage.tables.base import EMPTY, Base, belongs


class Need(Base):
    """What someone asks for: a case with a random id and a reference to quote."""

    __tablename__ = "needs"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[UUID] = mapped_column(belongs("people.id"), index=True)
    skill: Mapped[str]
    urgent: Mapped[bool]
    state: Mapped[str]  # open, taken, done, cancelled, expired, merged
    sealed_words: Mapped[bytes]
    sealed_place: Mapped[bytes | None]
    latitude: Mapped[float | None]  # of the middle of the cell
    longitude: Mapped[float | None]
    wave: Mapped[int] = mapped_column(default=0)
    idle_waves: Mapped[int] = mapped_column(default=0)  # waves in a row that found nobody to ask
    asked_done: Mapped[int] = mapped_column(default=0)
    widened: Mapped[int] = mapped_column(server_default="0", default=0)  # times that the search was widened
    next_step_at: Mapped[datetime | None] = mapped_column(index=True)
    for_other: Mapped[bool] = mapped_column(server_default=sa.false(), default=False)
    needed_at: Mapped[datetime | None]  # when the help is wanted; None: as soon as possible
    repeats_every: Mapped[int | None]  # days from one occurrence to the next
    confirm_at: Mapped[datetime | None] = mapped_column(index=True)  # when to ask "still needed?"
    confirm_asked: Mapped[int] = mapped_column(server_default="0", default=0)
    same_as_id: Mapped[UUID | None]  # the need into which this one was merged
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class Part(Base):
    """A part of a need: one kind of help, and how many helpers it wants; each need has at least one."""

    __tablename__ = "parts"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    need_id: Mapped[UUID] = mapped_column(belongs("needs.id"), index=True)
    position: Mapped[int]
    skill: Mapped[str]
    wanted: Mapped[int]
    taken: Mapped[int] = mapped_column(default=0)


class Offer(Base):
    """What a member is ready to give, and when, how far and how often."""

    __tablename__ = "offers"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(belongs("people.id"), unique=True)
    sealed_words: Mapped[bytes]
    skills: Mapped[str]  # separated by spaces
    latitude: Mapped[float | None]  # of the middle of the cell
    longitude: Mapped[float | None]
    radius: Mapped[int]  # metres
    paused_until: Mapped[datetime | None]
    hours: Mapped[str | None]  # 168 characters 0 or 1 from Monday midnight, in their zone; None: any time
    quiet_from: Mapped[int] = mapped_column(server_default="0", default=0)  # hour of their day
    quiet_until: Mapped[int] = mapped_column(server_default="0", default=0)  # equal to quiet_from: never
    wakes_for_urgent: Mapped[bool] = mapped_column(server_default=sa.false(), default=False)
    travel: Mapped[str] = mapped_column(server_default=EMPTY, default="")  # foot, bicycle, car, bus, unknown
    languages: Mapped[str] = mapped_column(server_default=EMPTY, default="")  # codes separated by spaces
    capacity: Mapped[int] = mapped_column(server_default="1", default=1)  # commitments at a time
    weekly_limit: Mapped[int] = mapped_column(server_default="7", default=7)  # invitations in seven days
    not_wanted: Mapped[str] = mapped_column(server_default=EMPTY, default="")  # skills, separated by spaces
    created_at: Mapped[datetime]


class Verification(Base):
    """A coordinator has seen that a person really has a skill."""

    __tablename__ = "verifications"
    person_id: Mapped[UUID] = mapped_column(belongs("people.id"), primary_key=True)
    skill: Mapped[str] = mapped_column(primary_key=True)
    verified_by: Mapped[UUID | None] = mapped_column(belongs("people.id", "SET NULL"), index=True)
    verified_at: Mapped[datetime]


class OfferSkill(Base):
    """The index of matching: who offers a skill within which class of radius and cell of its map.

    The key order is that of the query (range scans over the cells of one skill and radius class);
    measured against eleven other designs, this was the fastest on both engines. The row carries what
    the query filters by, so that only those who fit are looked up elsewhere. The three numbers of hours
    are 56 bits each, from Monday midnight in the union's time zone; the lowest bit is the first hour.
    """

    __tablename__ = "offer_skills"
    skill: Mapped[str] = mapped_column(primary_key=True)
    radius_class: Mapped[int] = mapped_column(primary_key=True)
    cell: Mapped[int] = mapped_column(sa.BigInteger(), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(belongs("people.id"), primary_key=True, index=True)
    latitude: Mapped[float | None]  # of the middle of the coarse cell
    longitude: Mapped[float | None]
    radius: Mapped[int]  # metres
    early_hours: Mapped[int] = mapped_column(sa.BigInteger())
    middle_hours: Mapped[int] = mapped_column(sa.BigInteger())
    late_hours: Mapped[int] = mapped_column(sa.BigInteger())
    languages: Mapped[int] = mapped_column(sa.BigInteger())  # a bit for each of `storage.offers.LANGUAGES`
    __table_args__ = {"sqlite_with_rowid": False}


class NamedPlace(Base):
    """A place that people call by name: of GeoNames, or one of the union's own.

    The id is the one of GeoNames; the union's own have negative ones, made from where they come from.
    """

    __tablename__ = "places"
    id: Mapped[int] = mapped_column(sa.BigInteger(), primary_key=True, autoincrement=False)
    batch: Mapped[str] = mapped_column(index=True)  # what is replaced together: a country, or "union"
    country: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default=EMPTY, default="")
    name: Mapped[str]
    latitude: Mapped[float]
    longitude: Mapped[float]
    cell: Mapped[int] = mapped_column(sa.BigInteger(), index=True)  # of the map of `storage.gazetteer.NEAR`
    population: Mapped[int]
    time_zone: Mapped[str] = mapped_column(server_default=EMPTY, default="")


class PlaceName(Base):
    """One of a place's names, under the spelling by which it is looked up."""

    __tablename__ = "place_names"
    key: Mapped[str] = mapped_column(primary_key=True)  # see `storage.spelling`
    place_id: Mapped[int] = mapped_column(belongs("places.id"), primary_key=True, index=True)
    name: Mapped[str]
    language: Mapped[str] = mapped_column(server_default=EMPTY, default="")  # "" where it is not known
    __table_args__ = {"sqlite_with_rowid": False}


class PlaceTypo(Base):
    """What is left of a key after a typing error, as a number: the way from a misspelt name to its key."""

    __tablename__ = "place_typos"
    hash: Mapped[int] = mapped_column(sa.BigInteger(), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    batch: Mapped[str] = mapped_column(primary_key=True)
    __table_args__ = {"sqlite_with_rowid": False}


class Invitation(Base):
    """One volunteer asked about one need."""

    __tablename__ = "invitations"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    need_id: Mapped[UUID] = mapped_column(belongs("needs.id"))
    person_id: Mapped[UUID] = mapped_column(belongs("people.id"), index=True)
    part_id: Mapped[UUID | None]
    wave: Mapped[int]
    state: Mapped[str]  # pending, accepted, declined, expired, withdrawn, unreachable, returned
    asked_at: Mapped[datetime] = mapped_column(index=True)
    answered_at: Mapped[datetime | None]
    __table_args__ = (sa.UniqueConstraint("need_id", "person_id"),)


class Commitment(Base):
    """An accepted invitation, followed to its end."""

    __tablename__ = "commitments"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    need_id: Mapped[UUID] = mapped_column(belongs("needs.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(belongs("people.id"), index=True)
    part_id: Mapped[UUID | None]
    state: Mapped[str]  # active, done, not_done, withdrawn, missed
    shows: Mapped[str] = mapped_column(server_default="place", default="place")  # of: place door phone
    arrives_at: Mapped[datetime | None]
    on_my_way_at: Mapped[datetime | None]
    here_at: Mapped[datetime | None]
    check_at: Mapped[datetime | None] = mapped_column(index=True)  # when to ask the volunteer
    checks: Mapped[int] = mapped_column(server_default="0", default=0)  # questions without an answer
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
