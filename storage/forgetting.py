"""Forgetting a person: the key that opens their words is destroyed, and their rows go with it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from storage.database import Loaded, Transaction
from storage.tables import Account, Attachment, Audit, Forgotten, Inbox, Job, Key, Outbox, Person


def forget(tx: Transaction, now: datetime, person: Person) -> None:
    """Delete all that is known of a person; what must stay (that an event was handled) stays nameless.

    Foreign keys take the accounts, forms, needs, offers, invitations, talks and notes along.
    """
    tx.write()
    indexes = list(tx.session.scalars(sa.select(Account.address_index).where(Account.person_id == person.id)))
    run = tx.session.execute
    run(
        sa.update(Inbox)
        .where(Inbox.sender.in_(indexes))
        .values(
            sender=b"",
            sealed_payload=None,
            outcome=sa.func.coalesce(Inbox.outcome, "handled"),
            handled_at=sa.func.coalesce(Inbox.handled_at, now),
        )
        .execution_options(synchronize_session=False)
    )
    run(sa.delete(Outbox).where(Outbox.recipient.in_(indexes)))
    run(sa.delete(Job).where(Job.key_id == person.key_id))
    run(sa.delete(Attachment).where(Attachment.key_id == person.key_id))
    run(
        sa.update(Audit)
        .where(Audit.key_id == person.key_id)
        .values(sealed_detail=None, subject_id=None, key_id=None)
    )
    run(sa.update(Audit).where(Audit.actor_id == person.id).values(actor_id=None))
    run(sa.delete(Key).where(Key.id == person.key_id))
    tx.session.add(Forgotten(person_id=person.id, key_id=person.key_id, forgotten_at=now))
    tx.session.delete(person)
    tx.session.flush()
    tx.forget_key(person.key_id)
    tx.loaded = Loaded()  # nothing that was loaded before may still speak of them


def replay(tx: Transaction) -> int:
    """Forget again whoever a restored backup brought back; returns how many."""
    people = list(tx.session.scalars(sa.select(Person).join(Forgotten, Forgotten.person_id == Person.id)))
    for person in people:
        known = tx.session.get_one(Forgotten, person.id)
        moment = known.forgotten_at
        tx.session.delete(known)
        tx.session.flush()
        forget(tx, moment, person)
    return len(people)
