"""The two queues, slow work, cursors, leases and the audit."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from storage.tables.base import Base, Counter, belongs

UNFINISHED = sa.text("outcome IS NULL")


class Inbox(Base):
    """An event as the platform gave it, or a report of the process to the core."""

    __tablename__ = "inbox"
    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    gateway: Mapped[str]
    event_key: Mapped[bytes]
    sender: Mapped[bytes]
    lane: Mapped[int]  # 0 crisis, 1 ordinary, 2 slowed
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
        # A number is never given twice. A claim is written beside what it claims, and in no index.
        {"sqlite_autoincrement": True, "postgresql_with": {"fillfactor": 50}},
    )


WAITING = sa.text("state IN ('waiting', 'sending')")


class Outbox(Base):
    """A message to be delivered, rendered for its reader and sealed with the reader's key."""

    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    gateway: Mapped[str]
    account_id: Mapped[UUID | None] = mapped_column(belongs("accounts.id"))
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
    talk_id: Mapped[UUID | None] = mapped_column(belongs("talks.id"))
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
    account_id: Mapped[UUID] = mapped_column(belongs("accounts.id"), index=True)
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
