"""Every table, in one place to read. Sealed columns are named `sealed_…` and hold AES-GCM text.

Time is stored in UTC; distances are metres; places in clear are only cells of the coarse map.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Dialect, ForeignKey, Index
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcTime(sa.TypeDecorator[datetime]):
    """A moment in UTC: a value without a zone is refused on the way in, and never comes out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    type_annotation_map = {
        datetime: UtcTime(),
        dict[str, Any]: sa.JSON(),
        list[dict[str, str]]: sa.JSON(),
        bytes: sa.LargeBinary(),
        str: sa.String(),
        UUID: sa.Uuid(),
    }
    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def _belongs(column: str, on_delete: str = "CASCADE") -> ForeignKey:
    """A foreign key checked at the commit: the order in which a turn's rows are written is free."""
    return ForeignKey(column, ondelete=on_delete, deferrable=True, initially="DEFERRED")


EMPTY = sa.text("''")

# SQLite counts up only in a plain INTEGER key; PostgreSQL wants the wider one.
Counter = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class Fact(Base):
    """What this deployment knows of itself: the fingerprint of its master key."""

    __tablename__ = "facts"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class Key(Base):
    """A sealing key, wrapped by the master key. `purge_at`: an intake key that is destroyed in time."""

    __tablename__ = "keys"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    wrapped: Mapped[bytes]
    created_at: Mapped[datetime]
    purge_at: Mapped[datetime | None] = mapped_column(index=True)


# --- people ---------------------------------------------------------------------------------------


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
    created_at: Mapped[datetime]


class Account(Base):
    """An address on a platform: a person's private chat."""

    __tablename__ = "accounts"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(_belongs("people.id"), index=True)
    platform: Mapped[str]
    address_index: Mapped[bytes] = mapped_column(unique=True)
    sealed_address: Mapped[bytes]
    sealed_contact: Mapped[bytes | None]
    reachable: Mapped[bool] = mapped_column(default=True)
    last_spoke_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Room(Base):
    """A group on a platform in which the bot stays: as the coordinators' room, or until one says so."""

    __tablename__ = "rooms"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    platform: Mapped[str]
    address_index: Mapped[bytes] = mapped_column(unique=True)
    key_id: Mapped[UUID]
    sealed_address: Mapped[bytes]
    purpose: Mapped[str]  # coordinators, undecided, ended
    opened_by: Mapped[UUID | None] = mapped_column(_belongs("people.id", "SET NULL"), index=True)
    created_at: Mapped[datetime]


class Consent(Base):
    """That a person agreed, when, and the very wording that they were shown."""

    __tablename__ = "consents"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(_belongs("people.id"), index=True)
    language: Mapped[str]
    wording: Mapped[str]
    agreed_at: Mapped[datetime]


class Block(Base):
    """One person never wants to meet another again; neither is matched with the other."""

    __tablename__ = "blocks"
    blocker_id: Mapped[UUID] = mapped_column(_belongs("people.id"), primary_key=True)
    blocked_id: Mapped[UUID] = mapped_column(_belongs("people.id"), primary_key=True, index=True)
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


# --- talking --------------------------------------------------------------------------------------


class Conversation(Base):
    """An open form: the answers so far; the current question follows from them."""

    __tablename__ = "conversations"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(_belongs("people.id"))
    account_id: Mapped[UUID] = mapped_column(_belongs("accounts.id"), unique=True)
    form: Mapped[str]
    sealed_answers: Mapped[bytes]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime] = mapped_column(index=True)


class Choice(Base):
    """The buttons of one message: its first line and their `says` and `label`, found by a token."""

    __tablename__ = "choices"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(unique=True)
    account_id: Mapped[UUID] = mapped_column(_belongs("accounts.id"))
    scope: Mapped[str]
    sealed_options: Mapped[bytes]
    created_at: Mapped[datetime]
    position: Mapped[int]  # among the messages of one turn
    __table_args__ = (Index("ix_choices_account", "account_id", "created_at"),)


class Talk(Base):
    """Two people who talk through the bot about one case, without seeing who the other is."""

    __tablename__ = "talks"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    need_id: Mapped[UUID | None] = mapped_column(_belongs("needs.id"), index=True)
    alert_id: Mapped[UUID | None] = mapped_column(_belongs("alerts.id"), index=True)
    requester_id: Mapped[UUID] = mapped_column(_belongs("people.id"))
    helper_id: Mapped[UUID] = mapped_column(_belongs("people.id"))
    requester_shares: Mapped[bool] = mapped_column(default=False)
    helper_shares: Mapped[bool] = mapped_column(default=False)
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    __table_args__ = (
        Index("ix_talks_requester", "requester_id", sqlite_where=sa.text("closed_at IS NULL"),
              postgresql_where=sa.text("closed_at IS NULL")),
        Index("ix_talks_helper", "helper_id", sqlite_where=sa.text("closed_at IS NULL"),
              postgresql_where=sa.text("closed_at IS NULL")),
    )  # fmt: skip


class Attachment(Base):
    """A photo, a recording or a file, cleaned of hidden data, kept until it has been passed on."""

    __tablename__ = "attachments"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    key_id: Mapped[UUID]
    media: Mapped[str]
    mime: Mapped[str]
    sealed_body: Mapped[bytes]
    created_at: Mapped[datetime]
    purge_at: Mapped[datetime] = mapped_column(index=True)


# --- needs and offers -----------------------------------------------------------------------------


class Need(Base):
    """What someone asks for: a case with a random id and a reference to quote."""

    __tablename__ = "needs"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[UUID] = mapped_column(_belongs("people.id"), index=True)
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
    need_id: Mapped[UUID] = mapped_column(_belongs("needs.id"), index=True)
    position: Mapped[int]
    skill: Mapped[str]
    wanted: Mapped[int]
    taken: Mapped[int] = mapped_column(default=0)


class Offer(Base):
    """What a member is ready to give, and when, how far and how often."""

    __tablename__ = "offers"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(_belongs("people.id"), unique=True)
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
    person_id: Mapped[UUID] = mapped_column(_belongs("people.id"), primary_key=True)
    skill: Mapped[str] = mapped_column(primary_key=True)
    verified_by: Mapped[UUID | None] = mapped_column(_belongs("people.id", "SET NULL"), index=True)
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
    person_id: Mapped[UUID] = mapped_column(_belongs("people.id"), primary_key=True, index=True)
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
    place_id: Mapped[int] = mapped_column(_belongs("places.id"), primary_key=True, index=True)
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
    need_id: Mapped[UUID] = mapped_column(_belongs("needs.id"))
    person_id: Mapped[UUID] = mapped_column(_belongs("people.id"), index=True)
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
    need_id: Mapped[UUID] = mapped_column(_belongs("needs.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(_belongs("people.id"), index=True)
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


# --- alerts ---------------------------------------------------------------------------------------


class Alert(Base):
    """Something that a coordinator must take charge of. Its policy is copied when it opens."""

    __tablename__ = "alerts"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]  # sos, unanswered, unfinished, report, fault
    person_id: Mapped[UUID | None] = mapped_column(_belongs("people.id"), index=True)
    need_id: Mapped[UUID | None] = mapped_column(_belongs("needs.id"), index=True)
    about_id: Mapped[UUID | None] = mapped_column(_belongs("people.id", "SET NULL"))
    state: Mapped[str]  # open, taken, resolved
    owner_id: Mapped[UUID | None] = mapped_column(_belongs("people.id", "SET NULL"), index=True)
    sealed_place: Mapped[bytes | None]
    policy: Mapped[dict[str, Any]]
    step: Mapped[int] = mapped_column(default=0)
    owner_asked: Mapped[bool] = mapped_column(default=False)
    next_step_at: Mapped[datetime | None] = mapped_column(index=True)
    opened_at: Mapped[datetime]
    taken_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    outcome: Mapped[str | None]


class AlertStep(Base):
    """One step of an alert's escalation: whom it reached, and when."""

    __tablename__ = "alert_steps"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    alert_id: Mapped[UUID] = mapped_column(_belongs("alerts.id"), index=True)
    number: Mapped[int]
    tier: Mapped[str]
    told: Mapped[int]
    taken_at: Mapped[datetime]


class AlertPage(Base):
    """A coordinator who was told about an alert, in an account that may turn out unreachable."""

    __tablename__ = "alert_pages"
    alert_id: Mapped[UUID] = mapped_column(_belongs("alerts.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(_belongs("people.id"), primary_key=True, index=True)
    paged_at: Mapped[datetime]


class AlertNote(Base):
    """What the person said while their alert was open, kept for the one who takes charge."""

    __tablename__ = "alert_notes"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    alert_id: Mapped[UUID] = mapped_column(_belongs("alerts.id"), index=True)
    key_id: Mapped[UUID]
    sealed_words: Mapped[bytes]
    attachment_id: Mapped[UUID | None]
    account_id: Mapped[UUID | None]  # where it was said, and the platform's id of that message
    message_id: Mapped[str | None]
    said_at: Mapped[datetime]


# --- the two queues, slow work, leases, audit -----------------------------------------------------

UNFINISHED = sa.text("outcome IS NULL")


class Inbox(Base):
    """An event as the platform gave it, or a report of the process to the core."""

    __tablename__ = "inbox"
    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    gateway: Mapped[str]
    event_key: Mapped[bytes]
    sender: Mapped[bytes]
    lane: Mapped[int]  # 0 crisis, 1 everything else
    key_id: Mapped[UUID]
    sealed_payload: Mapped[bytes | None]
    attempts: Mapped[int] = mapped_column(default=0)
    claimed_by: Mapped[str | None]
    claimed_until: Mapped[datetime | None]
    received_at: Mapped[datetime]
    outcome: Mapped[str | None]  # handled, failed, unreadable
    handled_at: Mapped[datetime | None]
    __table_args__ = (
        sa.UniqueConstraint("gateway", "event_key"),
        Index("ix_inbox_queue", "lane", "id", sqlite_where=UNFINISHED, postgresql_where=UNFINISHED),
        Index(
            "ix_inbox_sender", "sender", "lane", "id", sqlite_where=UNFINISHED, postgresql_where=UNFINISHED
        ),
        Index("ix_inbox_handled", "handled_at"),
        {"sqlite_autoincrement": True},  # a number is never given twice
    )


WAITING = sa.text("state IN ('waiting', 'sending')")


class Outbox(Base):
    """A message to be delivered, rendered for its reader and sealed with the reader's key."""

    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    gateway: Mapped[str]
    account_id: Mapped[UUID | None] = mapped_column(_belongs("accounts.id"))
    person_id: Mapped[UUID | None]
    recipient: Mapped[bytes]  # the index of the address: order is kept for each
    key_id: Mapped[UUID]
    sealed_address: Mapped[bytes]
    sealed_body: Mapped[bytes | None]
    lane: Mapped[int]
    state: Mapped[str]  # waiting, sending, sent, dropped, refused, uncertain
    attempts: Mapped[int] = mapped_column(default=0)
    claimed_by: Mapped[str | None]
    claimed_until: Mapped[datetime | None]
    due_at: Mapped[datetime]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    room_id: Mapped[UUID | None]
    message_id: Mapped[str | None]  # the platform's
    more_ids: Mapped[str | None]  # of its further pieces, separated by spaces
    reason: Mapped[str | None]
    card: Mapped[str | None]
    edits_id: Mapped[int | None] = mapped_column(Counter)
    talk_id: Mapped[UUID | None] = mapped_column(_belongs("talks.id"))
    source_account_id: Mapped[UUID | None]
    source_message_id: Mapped[str | None]
    alert_id: Mapped[UUID | None]
    invitation_id: Mapped[UUID | None]
    attachment_id: Mapped[UUID | None]
    choice_id: Mapped[UUID | None]  # its buttons
    discloses_id: Mapped[UUID | None]  # the need or alert whose words, place or contact it shows
    __table_args__ = (
        Index("ix_outbox_queue", "gateway", "lane", "id", sqlite_where=WAITING, postgresql_where=WAITING),
        Index("ix_outbox_recipient", "recipient", "lane", "id", sqlite_where=WAITING,
              postgresql_where=WAITING),
        Index("ix_outbox_message", "account_id", "message_id"),
        Index("ix_outbox_card", "account_id", "card", sqlite_where=sa.text("card IS NOT NULL"),
              postgresql_where=sa.text("card IS NOT NULL")),
        Index("ix_outbox_source", "source_account_id", "source_message_id",
              sqlite_where=sa.text("source_message_id IS NOT NULL"),
              postgresql_where=sa.text("source_message_id IS NOT NULL")),
        Index("ix_outbox_alert", "alert_id", sqlite_where=WAITING, postgresql_where=WAITING),
        Index("ix_outbox_invitation", "invitation_id", sqlite_where=WAITING, postgresql_where=WAITING),
        Index("ix_outbox_finished", "finished_at"),
        Index("ix_outbox_room", "room_id", "card", sqlite_where=sa.text("room_id IS NOT NULL"),
              postgresql_where=sa.text("room_id IS NOT NULL")),
        Index("ix_outbox_disclosed", "discloses_id", sqlite_where=sa.text("discloses_id IS NOT NULL"),
              postgresql_where=sa.text("discloses_id IS NOT NULL")),
        {"sqlite_autoincrement": True},  # a number is never given twice
    )  # fmt: skip


class Job(Base):
    """Slow work that left the turn; its result comes back as an inbox event."""

    __tablename__ = "jobs"
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    gateway: Mapped[str]
    kind: Mapped[str]
    account_id: Mapped[UUID] = mapped_column(_belongs("accounts.id"), index=True)
    key_id: Mapped[UUID]
    sealed_payload: Mapped[bytes]
    attempts: Mapped[int] = mapped_column(default=0)
    claimed_until: Mapped[datetime | None]
    due_at: Mapped[datetime] = mapped_column(index=True)
    created_at: Mapped[datetime]


class Cursor(Base):
    """How far a gateway has read its platform."""

    __tablename__ = "cursors"
    gateway: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class Keepsake(Base):
    """What an account needs to go on after a restart, its login and keys, sealed under a name of its own."""

    __tablename__ = "keepsakes"
    gateway: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[bytes] = mapped_column(primary_key=True)
    key_id: Mapped[UUID]
    sealed_value: Mapped[bytes]


class Lease(Base):
    """Who may speak as an account now; `fence` grows with every new holder."""

    __tablename__ = "leases"
    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    fence: Mapped[int]
    expires_at: Mapped[datetime]


class Audit(Base):
    """Who opened or did what with whose case; the detail is sealed with the subject's key."""

    __tablename__ = "audit"
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor_id: Mapped[UUID | None]
    subject_id: Mapped[UUID | None] = mapped_column(index=True)
    case_id: Mapped[UUID | None]
    action: Mapped[str]
    key_id: Mapped[UUID | None]
    sealed_detail: Mapped[bytes | None]
