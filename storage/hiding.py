"""Chats that are hidden: what was shown in them is taken back, what comes meanwhile waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from storage import corrections, outbox
from storage.database import Transaction
from storage.outbox import HELD
from storage.tables import Account, Outbox, Person

DELETABLE = timedelta(hours=48)  # in which Telegram lets a bot delete; Matrix has no such limit


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
    person_key = tx.session.get_one(Person, account.person_id).key_id
    for row in tx.session.scalars(query):
        corrections.take_back(tx, now, row, {"text": "", "retract": "all"})
    body = {"text": "", "retract_ids": [each for each in dict.fromkeys(own_ids) if each]}
    if body["retract_ids"]:
        outbox.add(tx, now, account, person_key, body, 0)


def release(tx: Transaction, now: datetime, person: Person) -> None:
    """What waited for the person to write may leave now."""
    tx.write()
    tx.session.execute(
        sa.update(Outbox)
        .where(Outbox.person_id == person.id, Outbox.state == "waiting", Outbox.due_at >= HELD)
        .values(due_at=now)
    )
