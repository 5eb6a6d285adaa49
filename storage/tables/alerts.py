"""Alerts, and whom they reached."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from storage.tables.base import EMPTY, Base, belongs


class Alert(Base):
    """Something that a coordinator must take charge of. Its policy is copied when it opens."""

    __tablename__ = "alerts"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]  # see `handlers.escalation.POLICIES`
    danger: Mapped[str | None]  # of an SOS: medical, fire, … (`handlers.first_words.KINDS`); None: not known
    severity: Mapped[int] = mapped_column(server_default="2", default=2)  # 1: a life, 2, 3: can wait
    # Of its person: asked was for the kind, for a life in danger, or for a good moment to write.
    question: Mapped[str] = mapped_column(server_default=EMPTY, default="")
    person_id: Mapped[UUID | None] = mapped_column(belongs("people.id"), index=True)
    need_id: Mapped[UUID | None] = mapped_column(belongs("needs.id"), index=True)
    about_id: Mapped[UUID | None] = mapped_column(belongs("people.id", "SET NULL"))
    state: Mapped[str]  # open, taken, resolved
    owner_id: Mapped[UUID | None] = mapped_column(belongs("people.id", "SET NULL"), index=True)
    offered_to_id: Mapped[UUID | None]  # a coordinator whom the one in charge asked to take over
    hands_asked_at: Mapped[datetime | None]  # when the one in charge asked for more hands
    sealed_place: Mapped[bytes | None]
    latitude: Mapped[float | None]  # of the middle of the cell
    longitude: Mapped[float | None]
    # How its person may be written to: freely, unknown (it was asked), answers (when they write), agreed.
    writing: Mapped[str] = mapped_column(server_default="freely", default="freely")
    other_account: Mapped[bool] = mapped_column(server_default=sa.true(), default=True)  # may be used too
    policy: Mapped[dict[str, Any]]
    step: Mapped[int] = mapped_column(default=0)
    heard_at: Mapped[datetime | None]  # when its person was last told where things stand
    owner_asked: Mapped[bool] = mapped_column(default=False)
    widen_at: Mapped[datetime | None]  # when the next tier is told; a word to its person may be due before
    next_step_at: Mapped[datetime | None] = mapped_column(index=True)
    opened_at: Mapped[datetime]
    taken_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]  # when it was taken for the first time
    resolved_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    merged_into_id: Mapped[UUID | None]


class AlertStep(Base):
    """One step of an alert's escalation: whom it reached, and when."""

    __tablename__ = "alert_steps"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    alert_id: Mapped[UUID] = mapped_column(belongs("alerts.id"), index=True)
    number: Mapped[int]
    tier: Mapped[str]
    told: Mapped[int]
    taken_at: Mapped[datetime]


class AlertPage(Base):
    """A coordinator who was told about an alert, in an account that may turn out unreachable."""

    __tablename__ = "alert_pages"
    alert_id: Mapped[UUID] = mapped_column(belongs("alerts.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(belongs("people.id"), primary_key=True, index=True)
    paged_at: Mapped[datetime]
    rung_at: Mapped[datetime | None]  # the last new message; None: not since someone gave the alert back


class AlertHand(Base):
    """A coordinator who helps the one in charge."""

    __tablename__ = "alert_hands"
    alert_id: Mapped[UUID] = mapped_column(belongs("alerts.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(belongs("people.id"), primary_key=True, index=True)
    joined_at: Mapped[datetime]


class AlertNote(Base):
    """What the person said while their alert was open, or a coordinator noted: for the one in charge."""

    __tablename__ = "alert_notes"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    alert_id: Mapped[UUID] = mapped_column(belongs("alerts.id"), index=True)
    key_id: Mapped[UUID]
    author_id: Mapped[UUID | None]  # a coordinator; None: the person's own words
    sealed_words: Mapped[bytes]
    attachment_id: Mapped[UUID | None]
    account_id: Mapped[UUID | None]  # where it was said, and the platform's id of that message
    message_id: Mapped[str | None]
    said_at: Mapped[datetime]
