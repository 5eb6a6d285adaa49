"""Open forms, the buttons of messages, and talks between two people."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from storage.database import Transaction
from storage.tables import Account, Choice, Conversation, Person, Talk

RECENT = 5  # messages with buttons that a number or a label may mean
TOKEN_BYTES = 12  # 96 bits
TOKEN_LENGTH = 16  # characters, within the 64 bytes that Telegram allows a button


def open_forms(tx: Transaction, account_ids: Sequence[UUID]) -> dict[UUID, Conversation]:
    """The open forms of many chats with one statement."""
    rows = tx.session.scalars(sa.select(Conversation).where(Conversation.account_id.in_(account_ids)))
    return {row.account_id: row for row in rows}


def save_form(tx: Transaction, now: datetime, account: Account, person: Person,
              current: Conversation | None, form: str, answers: dict[str, Any]) -> Conversation:  # fmt: skip
    sealed = tx.seal(person.key_id, "answers", answers)
    if current is not None:
        current.form, current.sealed_answers, current.updated_at = form, sealed, now
        return current
    if any(isinstance(row, Conversation) and row.account_id == account.id for row in tx.session.deleted):
        tx.session.flush()  # or the new one would be written before the one that it follows is gone
    conversation = Conversation(
        id=tx.new_id(), person_id=person.id, account_id=account.id, form=form, sealed_answers=sealed,
        created_at=now, updated_at=now,
    )  # fmt: skip
    tx.session.add(conversation)
    return conversation


def answers(tx: Transaction, person: Person, conversation: Conversation) -> dict[str, Any]:
    return dict(tx.open(person.key_id, "answers", conversation.sealed_answers))


def close_form(tx: Transaction, conversation: Conversation) -> None:
    tx.session.delete(conversation)


def purge(tx: Transaction, now: datetime, forms_after: timedelta, choices_after: timedelta) -> None:
    """Drop forms that nobody finished and buttons that nobody will press any more."""
    tx.session.execute(sa.delete(Conversation).where(Conversation.updated_at < now - forms_after))
    tx.session.execute(sa.delete(Choice).where(Choice.created_at < now - choices_after))


# --- choices --------------------------------------------------------------------------------------


def add_choice(tx: Transaction, now: datetime, account: Account, person: Person, scope: str, summary: str,
               options: list[dict[str, str]]) -> Choice:  # fmt: skip
    """Remember the buttons of a message; `summary` is its first line, for asking which one was meant."""
    tx.choices_made += 1
    choice = Choice(
        id=tx.new_id(),
        token=base64.urlsafe_b64encode(tx.random.randbytes(TOKEN_BYTES)).decode(),
        account_id=account.id,
        scope=scope,
        sealed_options=tx.seal(person.key_id, "choice", {"summary": summary, "options": options}),
        created_at=now,
        position=tx.choices_made,
    )
    tx.session.add(choice)
    if account.id in tx.loaded.choices:
        tx.loaded.choices[account.id].insert(0, choice)
    return choice


def copy_choice(tx: Transaction, now: datetime, choice: Choice, account: Account) -> Choice:
    """The same buttons, valid in another account of the same person too."""
    tx.choices_made += 1
    copy = Choice(
        id=tx.new_id(),
        token=base64.urlsafe_b64encode(tx.random.randbytes(TOKEN_BYTES)).decode(),
        account_id=account.id,
        scope=choice.scope,
        sealed_options=choice.sealed_options,
        created_at=now,
        position=tx.choices_made,
    )
    tx.session.add(copy)
    tx.loaded.choices.pop(account.id, None)
    return copy


@dataclass(frozen=True, slots=True)
class Options:
    """The buttons of a message, opened: each has `says` and `label`."""

    summary: str
    options: list[dict[str, str]]


def options(tx: Transaction, person: Person, choice: Choice) -> Options:
    return Options(**tx.open(person.key_id, "choice", choice.sealed_options))


def choice(tx: Transaction, choice_id: UUID) -> Choice | None:
    """The buttons of a message; None once they are too old."""
    return tx.session.get(Choice, choice_id)


def load_tokens(tx: Transaction, tokens: Sequence[str]) -> None:
    """Load the buttons that were pressed with one statement."""
    rows = tx.session.scalars(sa.select(Choice).where(Choice.token.in_(tokens)))
    tx.loaded.pressed = {row.token: row for row in rows}


def pressed(tx: Transaction, token: str) -> Choice | None:
    if token not in tx.loaded.pressed:
        load_tokens(tx, [token])
    return tx.loaded.pressed.get(token)


def load_choices(tx: Transaction, account_ids: Sequence[UUID]) -> None:
    """Load the newest buttons of many chats with one statement."""
    tx.loaded.choices = {account_id: [] for account_id in account_ids}
    age = sa.func.row_number().over(
        partition_by=Choice.account_id, order_by=(Choice.created_at.desc(), Choice.position.desc())
    )
    ranked = sa.select(Choice.id, age.label("age")).where(Choice.account_id.in_(account_ids)).subquery()
    query = (
        sa.select(Choice)
        .join(ranked, ranked.c.id == Choice.id)
        .where(ranked.c.age <= RECENT)
        .order_by(ranked.c.age)
    )
    for choice in tx.session.scalars(query):
        tx.loaded.choices[choice.account_id].append(choice)


def recent_choices(tx: Transaction, account_id: UUID) -> list[Choice]:
    """The newest messages of a chat that have buttons, the newest first."""
    if account_id not in tx.loaded.choices:
        before = tx.loaded.choices
        load_choices(tx, [account_id])
        tx.loaded.choices |= before
    return tx.loaded.choices[account_id][:RECENT]


# --- talks ----------------------------------------------------------------------------------------


def open_talk(tx: Transaction, now: datetime, requester_id: UUID, helper_id: UUID, *,
              need_id: UUID | None = None, alert_id: UUID | None = None) -> Talk:  # fmt: skip
    talk = Talk(id=tx.new_id(), need_id=need_id, alert_id=alert_id, requester_id=requester_id,
                helper_id=helper_id, opened_at=now, closed_at=None, requester_shares=False,
                helper_shares=False)  # fmt: skip
    tx.session.add(talk)
    for person_id in (requester_id, helper_id):
        if person_id in tx.loaded.talks:
            tx.loaded.talks[person_id].insert(0, talk)
    return talk


def load_talks(tx: Transaction, person_ids: Sequence[UUID]) -> None:
    """Load the open talks of many people with one statement."""
    tx.loaded.talks = {person_id: [] for person_id in person_ids}
    query = (
        sa.select(Talk)
        .where(sa.or_(Talk.requester_id.in_(person_ids), Talk.helper_id.in_(person_ids)))
        .where(Talk.closed_at.is_(None))
        .order_by(Talk.opened_at.desc(), Talk.id)
    )
    for talk in tx.session.scalars(query):
        for person_id in (talk.requester_id, talk.helper_id):
            if person_id in tx.loaded.talks:
                tx.loaded.talks[person_id].append(talk)


def talk(tx: Transaction, talk_id: UUID) -> Talk | None:
    return tx.session.get(Talk, talk_id)


def talks_of(tx: Transaction, person_id: UUID) -> list[Talk]:
    """The open talks of a person, the newest first."""
    if person_id not in tx.loaded.talks:
        before = tx.loaded.talks
        load_talks(tx, [person_id])
        tx.loaded.talks |= before
    return [talk for talk in tx.loaded.talks[person_id] if talk.closed_at is None]


def last_talk_of(tx: Transaction, person_id: UUID, *, opened_after: datetime) -> list[Talk]:
    """The talks of a person, open or lately closed, the newest first."""
    return list(
        tx.session.scalars(
            sa.select(Talk)
            .where(sa.or_(Talk.requester_id == person_id, Talk.helper_id == person_id))
            .where(Talk.opened_at > opened_after)
            .order_by(Talk.opened_at.desc(), Talk.id)
        )
    )


def close_talks(tx: Transaction, now: datetime, *, need_id: UUID | None = None,
                alert_id: UUID | None = None, helper_id: UUID | None = None) -> None:  # fmt: skip
    """Close the talks about a need or an alert: all, or those with one helper."""
    if need_id is None and alert_id is None:  # it would match every talk that is about no alert
        raise ValueError("name a need or an alert")
    about = [Talk.need_id == need_id if need_id else Talk.alert_id == alert_id]
    if helper_id is not None:
        about.append(Talk.helper_id == helper_id)
    tx.session.execute(sa.update(Talk).where(*about, Talk.closed_at.is_(None)).values(closed_at=now))
