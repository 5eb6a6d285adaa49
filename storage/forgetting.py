"""Forgetting a person: the key that opens their words is destroyed, and their rows go with it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from storage import alerts, needs
from storage.database import Loaded, Transaction
from storage.ledger import FORGOTTEN, Entries, Lasting, fingerprint
from storage.tables import Account, Alert, Attachment, Audit, Forgotten, Inbox, Job, Key, Outbox, Person


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
    tx.lasting.append(Lasting(FORGOTTEN, person.id, now))
    tx.session.delete(person)
    tx.session.flush()
    tx.forget_key(person.key_id)
    tx.loaded = Loaded()  # nothing that was loaded before may still speak of them


def forget_again(tx: Transaction, at: datetime, person: Person) -> None:
    """Forget someone whom an older copy brought back, with what they were in charge of or had accepted in it.

    When they left, that went to others; who that was is not known here, so it is due anew, at once.
    """
    for alert in tx.session.scalars(
        sa.select(Alert).where(Alert.owner_id == person.id, Alert.resolved_at.is_(None))
    ).all():
        set_free(tx, at, alert)
    for commitment in needs.commitments_of(tx, person.id):
        need = needs.get(tx, commitment.need_id)
        needs.end_commitment(tx, at, commitment, "withdrawn")
        tx.session.flush()
        if needs.give_back(tx, need, commitment.part_id):
            need.asked_done, need.next_step_at = 0, at
    tx.session.flush()
    forget(tx, at, person)


def set_free(tx: Transaction, at: datetime, alert: Alert) -> None:
    """Nobody is in charge of an alert: its escalation begins anew, at once."""
    if alerts.release(tx, at, alert):
        tx.session.refresh(alert)
        alert.merged_into_id, alert.offered_to_id = None, None
        alert.widen_at, alert.next_step_at = None, at
        tx.session.flush()


def replay(tx: Transaction, listed: Entries | None = None) -> int:
    """Forget again whoever an older copy of the database brought back; returns how many.

    listed: what stands outside the database, by which also those are known whom this copy does not list.
    """
    people = list(tx.session.scalars(sa.select(Person).join(Forgotten, Forgotten.person_id == Person.id)))
    for person in people:
        known = tx.session.get_one(Forgotten, person.id)
        moment = known.forgotten_at
        tx.session.delete(known)
        tx.session.flush()
        forget_again(tx, moment, person)
    return len(people) + (_replay_listed(tx, listed) if listed is not None else 0)


def _replay_listed(tx: Transaction, listed: Entries) -> int:
    """Those on the list outside who are not on ours; mostly there are none, and nobody is looked at."""

    def name(person_id: UUID) -> str:
        return fingerprint(tx.vault.index, FORGOTTEN, person_id)

    known = {name(person_id) for person_id in tx.session.scalars(sa.select(Forgotten.person_id))}
    missing = {each: at for each, at in listed.forgotten.items() if each not in known}
    if not missing:
        return 0
    found = [
        (person_id, missing[name(person_id)])
        for person_id in tx.session.scalars(sa.select(Person.id))
        if name(person_id) in missing
    ]
    for person_id, moment in found:
        forget_again(tx, moment, tx.session.get_one(Person, person_id))
    return len(found)


def forget_the_unreadable(tx: Transaction, now: datetime) -> int:
    """Forget whoever has no key: they were forgotten, or joined to another, before the keys were written."""
    people = tx.session.scalars(sa.select(Person).where(~sa.exists().where(Key.id == Person.key_id))).all()
    for person in people:
        forget_again(tx, now, person)
    return len(people)
