"""Choices: the buttons of messages, found by a token that is pressed or by what a short text may mean."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from storage.among import among
from storage.database import Transaction
from storage.tables import Account, Choice, Person, Shown

RECENT = 5  # messages with buttons that a number or a label may mean
TOKEN_BYTES = 12  # 96 bits
MOST_POSITIONS = 2**31  # the column has 32 bits
TOKEN_LENGTH = 16  # characters, within the 64 bytes that Telegram allows a button


_SHOWN = sa.select(*(getattr(Choice, name) for name in Shown._fields))
_BY_ID = _SHOWN.where(Choice.id == sa.bindparam("id"))
_BY_TOKEN = _SHOWN.where(among(Choice.token, "tokens"))
_AGE = sa.func.row_number().over(
    partition_by=Choice.account_id, order_by=(Choice.created_at.desc(), Choice.position.desc())
)
_RANKED = sa.select(Choice.id, _AGE.label("age")).where(among(Choice.account_id, "accounts")).subquery()
_NEWEST = (
    _SHOWN.join(_RANKED, _RANKED.c.id == Choice.id).where(_RANKED.c.age <= RECENT).order_by(_RANKED.c.age)
)
_JUST_BEFORE, _BEFORE = (
    sa.bindparam(name, type_=Choice.created_at.type) for name in ("just_before", "before")
)
# What its reader had answered goes a microsecond before what they had not.
_OF_LATER = (
    sa.select(
        Choice.id,
        sa.case((Choice.created_at < Person.last_heard_at, _BEFORE), else_=_JUST_BEFORE).label("created_at"),
        (
            sa.func.row_number().over(order_by=(Choice.created_at, Choice.position)) - sa.func.count().over()
        ).label("position"),
    )
    .join(Account, Account.id == Choice.account_id)
    .join(Person, Person.id == Account.person_id)
    .where(Choice.created_at > sa.bindparam("now"))
    .subquery()
)
_BROUGHT_BACK = (
    sa.update(Choice.__table__)  # type: ignore[arg-type]
    .where(Choice.id == _OF_LATER.c.id)
    .values(created_at=_OF_LATER.c.created_at, position=_OF_LATER.c.position)
)


def add(tx: Transaction, now: datetime, account: Account, person: Person, scope: str, summary: str,
        options: list[dict[str, str]]) -> Shown:  # fmt: skip
    """Remember the buttons of a message; `summary` is its first line, for asking which one was meant."""
    sealed = tx.seal(person.key_id, "choice", {"summary": summary, "options": options})
    made = _keep(tx, now, account, scope, sealed)
    if account.id in tx.loaded.choices:
        tx.loaded.choices[account.id].insert(0, made)
    return made


def copy(tx: Transaction, now: datetime, choice: Shown, account: Account) -> Shown:
    """The same buttons, valid in another account of the same person too."""
    tx.loaded.choices.pop(account.id, None)
    return _keep(tx, now, account, choice.scope, choice.sealed_options)


def _keep(tx: Transaction, now: datetime, account: Account, scope: str, sealed: bytes) -> Shown:
    token = base64.urlsafe_b64encode(tx.random.randbytes(TOKEN_BYTES)).decode()
    made = Shown(tx.new_id(), token, account.id, scope, sealed, now, next(tx.positions) % MOST_POSITIONS)
    tx.pending.choices.append(made._asdict())
    return made


class Options(NamedTuple):
    """The buttons of a message, opened: each has `says` and `label`."""

    summary: str
    options: list[dict[str, str]]


def options(tx: Transaction, person: Person, choice: Shown) -> Options:
    return Options(**tx.open(person.key_id, "choice", choice.sealed_options))


def get(tx: Transaction, choice_id: UUID) -> Shown | None:
    """The buttons of a message; None once they are too old."""
    return next(iter(_find(tx, _BY_ID, id=choice_id)), None)


def load_pressed(tx: Transaction, tokens: Sequence[str]) -> None:
    """Load the buttons that were pressed with one statement."""
    found = _find(tx, _BY_TOKEN, tokens=tokens)
    tx.loaded.pressed = {choice.token: choice for choice in found}


def pressed(tx: Transaction, token: str) -> Shown | None:
    if token not in tx.loaded.pressed:
        load_pressed(tx, [token])
    return tx.loaded.pressed.get(token)


def load_recent(tx: Transaction, account_ids: Sequence[UUID]) -> None:
    """Load the newest buttons of many chats with one statement."""
    tx.loaded.choices = {account_id: [] for account_id in account_ids}
    for choice in _find(tx, _NEWEST, accounts=account_ids):
        tx.loaded.choices[choice.account_id].append(choice)


def recent(tx: Transaction, account_id: UUID) -> list[Shown]:
    """The newest messages of a chat that have buttons, the newest first."""
    if account_id not in tx.loaded.choices:
        before = tx.loaded.choices
        load_recent(tx, [account_id])
        tx.loaded.choices |= before
    return tx.loaded.choices[account_id][:RECENT]


def clock_went_back(tx: Transaction, now: datetime) -> None:
    """Have what was shown by a clock ahead go before all that is shown from now on, in the order it had.

    Else a number or a label would mean one of those for as long as the clock was ahead. To be done before the
    people are brought back, so that what they had not answered counts as unread by them (`people`).
    """
    just_before = now - timedelta.resolution
    tx.rows(_BROUGHT_BACK, now=now, just_before=just_before, before=just_before - timedelta.resolution)


def purge(tx: Transaction, now: datetime, keep: timedelta) -> None:
    """Drop buttons that nobody will press any more."""
    tx.session.execute(sa.delete(Choice).where(Choice.created_at < now - keep))


def _find(tx: Transaction, query: sa.Select[Any], **asked: Any) -> list[Shown]:
    if tx.pending.choices:
        tx.write()
    return [Shown(*row) for row in tx.rows(query, **asked).all()]
