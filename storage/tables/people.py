"""People, their accounts, and what they agreed with each other."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from storage.tables.base import Base, belongs


class Person(Base):
    """One human being, with any number of accounts."""

    __tablename__ = "people"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    key_id: Mapped[UUID]
    language: Mapped[str]
    sealed_name: Mapped[bytes | None]
    member_since: Mapped[datetime | None]
    coordinator_since: Mapped[datetime | None] = mapped_column(index=True)
    on_duty: Mapped[bool] = mapped_column(default=False)
    banned_at: Mapped[datetime | None]
    welcomed_at: Mapped[datetime | None]
    consented_at: Mapped[datetime | None]
    consent_asked_at: Mapped[datetime | None]
    wrong_codes: Mapped[int] = mapped_column(default=0)
    wrong_code_at: Mapped[datetime | None]
    last_heard_at: Mapped[datetime | None]
    time_zone: Mapped[str | None]  # such as "Europe/Madrid"; the union's where it is not known
    sealed_home: Mapped[bytes | None]
    moves: Mapped[int] = mapped_column(server_default="0", default=0)  # changes of their own place lately
    moves_since: Mapped[datetime | None]
    on_duty_until: Mapped[datetime | None]  # of who went on duty by hand; None: until they go off duty
    off_duty_until: Mapped[datetime | None]  # the roster does not count before this moment
    resting_until: Mapped[datetime | None]  # after a night call: paged only when nobody else is there
    carries: Mapped[int | None]  # alerts that they take charge of at once; None: the union's own limit
    neighbour_since: Mapped[datetime | None]  # a contact in another union, told after all others
    minor_since: Mapped[datetime | None]  # when they said that they are under 18
    hidden_since: Mapped[datetime | None]  # they wrote the quick-hide word: silence until the return word
    created_at: Mapped[datetime]
    __table_args__ = {"postgresql_with": {"fillfactor": 70}}  # each word that they say changes the row


class Account(Base):
    """An address on a platform: a person's private chat."""

    __tablename__ = "accounts"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(belongs("people.id"), index=True)
    platform: Mapped[str]
    address_index: Mapped[bytes] = mapped_column(unique=True)
    sealed_address: Mapped[bytes]
    sealed_contact: Mapped[bytes | None]
    reachable: Mapped[bool] = mapped_column(default=True)
    last_spoke_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    __table_args__ = {"postgresql_with": {"fillfactor": 70}}  # as above


class Room(Base):
    """A group on a platform in which the bot stays: as the coordinators' room, or until one says so."""

    __tablename__ = "rooms"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    platform: Mapped[str]
    address_index: Mapped[bytes] = mapped_column(unique=True)
    key_id: Mapped[UUID]
    sealed_address: Mapped[bytes]
    former_index: Mapped[bytes | None]  # of the address before its platform moved it
    purpose: Mapped[str]  # coordinators, undecided, ended
    opened_by: Mapped[UUID | None] = mapped_column(belongs("people.id", "SET NULL"), index=True)
    created_at: Mapped[datetime]


class Consent(Base):
    """That a person agreed, when, and the very wording that they were shown."""

    __tablename__ = "consents"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(belongs("people.id"), index=True)
    language: Mapped[str]
    wording: Mapped[str]
    agreed_at: Mapped[datetime]


class Block(Base):
    """One person never wants to meet another again; neither is matched with the other."""

    __tablename__ = "blocks"
    blocker_id: Mapped[UUID] = mapped_column(belongs("people.id"), primary_key=True)
    blocked_id: Mapped[UUID] = mapped_column(belongs("people.id"), primary_key=True, index=True)
    created_at: Mapped[datetime]


class Code(Base):
    """A code that lets a person in, or joins another account to theirs; only its fingerprint is kept."""

    __tablename__ = "codes"
    fingerprint: Mapped[bytes] = mapped_column(primary_key=True)
    role: Mapped[str]  # member, coordinator, link
    person_id: Mapped[UUID | None]  # whose other account a link joins
    uses_left: Mapped[int]
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime]


class Forgotten(Base):
    """People who asked to be forgotten: a restored backup replays this list before it starts."""

    __tablename__ = "forgotten"
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    key_id: Mapped[UUID]
    forgotten_at: Mapped[datetime]
