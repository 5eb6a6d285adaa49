"""Open questions, buttons, and talks that go through the bot."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from storage.tables.base import Base, belongs


class Conversation(Base):
    """An open form: the answers so far; the current question follows from them."""

    __tablename__ = "conversations"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(belongs("people.id"))
    account_id: Mapped[UUID] = mapped_column(belongs("accounts.id"), unique=True)
    form: Mapped[str]
    sealed_answers: Mapped[bytes]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime] = mapped_column(index=True)


class OpenForm(NamedTuple):
    """A row of conversations: each answer makes it anew, so it is no object of the session."""

    id: UUID
    person_id: UUID
    account_id: UUID
    form: str
    sealed_answers: bytes
    created_at: datetime
    updated_at: datetime


class Choice(Base):
    """The buttons of one message: its first line and their `says` and `label`, found by a token."""

    __tablename__ = "choices"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(unique=True)
    account_id: Mapped[UUID] = mapped_column(belongs("accounts.id"))
    scope: Mapped[str]
    sealed_options: Mapped[bytes]
    created_at: Mapped[datetime]
    position: Mapped[int]  # among the messages of one moment
    __table_args__ = (Index("ix_choices_account", "account_id", "created_at"),)


class Shown(NamedTuple):
    """A row of choices, which never changes; most turns make one, so it is no object of the session."""

    id: UUID
    token: str
    account_id: UUID
    scope: str
    sealed_options: bytes
    created_at: datetime
    position: int


class Talk(Base):
    """Two people who talk through the bot about one case, without seeing who the other is."""

    __tablename__ = "talks"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    need_id: Mapped[UUID | None] = mapped_column(belongs("needs.id"), index=True)
    alert_id: Mapped[UUID | None] = mapped_column(belongs("alerts.id"), index=True)
    requester_id: Mapped[UUID] = mapped_column(belongs("people.id"))
    helper_id: Mapped[UUID] = mapped_column(belongs("people.id"))
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
