"""Chats that are hidden: what was shown in them is taken back, what comes meanwhile waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from storage import corrections, outbox, people
from storage.among import among
from storage.database import Transaction
from storage.outbox import HELD, NOT_YET_SENT
from storage.tables import Account, Outbox, Person

DELETABLE = timedelta(hours=48)  # in which Telegram lets a bot delete; Matrix has no such limit


_HELD = sa.and_(Outbox.state.in_(NOT_YET_SENT), Outbox.state == "waiting", Outbox.due_at >= HELD)
_HELD_FOR = sa.select(Outbox.recipient).where(among(Outbox.recipient, "readers"), _HELD).distinct()
_CHATS = sa.select(Account.address_index).where(Account.person_id == sa.bindparam("person"))
_RELEASE = (
    sa.update(Outbox.__table__)  # type: ignore[arg-type]
    .where(Outbox.recipient.in_(_CHATS), _HELD)
    .values(due_at=sa.bindparam("now"))
)


def take_back_shown(tx: Transaction, now: datetime, account: Account, own_ids: Sequence[str]) -> None:
    """Take back what the bot said in a chat in the last two days, and the given messages of its person.

    What has not left yet is dropped. Where a platform can't take a person's own messages back, they stay.
    """
    tx.write()
    query = (
        sa.select(Outbox)
        .where(Outbox.account_id == account.id, Outbox.created_at > now - DELETABLE)
        .where(Outbox.state.in_(("waiting", "sending", "sent")), Outbox.edits_id.is_(None))
        .order_by(Outbox.id)
    )
    person_key = people.get(tx, account.person_id).key_id
    for row in tx.session.scalars(query):
        corrections.take_back(tx, now, row, {"text": "", "retract": "all"})
    body = {"text": "", "retract_ids": [each for each in dict.fromkeys(own_ids) if each]}
    if body["retract_ids"]:
        outbox.add(tx, now, account, person_key, body, 0)


def load(tx: Transaction, readers: Sequence[bytes]) -> None:
    """Load with one statement in which of many chats something waits until its person writes."""
    tx.loaded.held = set(tx.rows(_HELD_FOR, readers=readers).scalars().all())


def has_held(tx: Transaction, account: Account) -> bool:
    """Whether something waits until the person writes in this chat."""
    return account.address_index in tx.loaded.held


def release(tx: Transaction, now: datetime, person: Person) -> None:
    """What waited for the person to write may leave now."""
    tx.write()
    tx.rows(_RELEASE, person=person.id, now=now)
