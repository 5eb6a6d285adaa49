"""Accounts of one human being: joined to one person, or set apart again."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, aliased

from storage import alerts, conversations, fates, needs, offers, open_needs, people
from storage.database import Loaded, Transaction
from storage.tables import (
    Account,
    Alert,
    AlertHand,
    AlertNote,
    AlertPage,
    Attachment,
    Audit,
    Block,
    Choice,
    Code,
    Commitment,
    Consent,
    Conversation,
    Invitation,
    Job,
    Key,
    Need,
    OfferSkill,
    Outbox,
    Person,
    Room,
    Talk,
    Verification,
)


def maker(tx: Transaction, now: datetime, code: str) -> Person | None:
    """Who made this code to join an account to theirs, their row locked; None if it is no such code."""
    found = tx.session.get(Code, tx.vault.index("code", code))
    if found is None or found.person_id is None or found.uses_left < 1 or found.expires_at <= now:
        return None
    tx.write()
    person = tx.session.get(Person, found.person_id, with_for_update=True)
    if person is not None:
        tx.load_keys((person.key_id,))
    return person


def open_cases(tx: Transaction, person_id: UUID) -> list[str]:
    """The references of all that a person is in the middle of: as asker, helper or coordinator."""
    tx.write()
    own = [need.reference for need in open_needs.of(tx, person_id)]
    own += [each.reference for each in alerts.unresolved(tx) if person_id in (each.person_id, each.owner_id)]
    talks = conversations.talks_of(tx, person_id)
    helped = [commitment.need_id for commitment in needs.commitments_of(tx, person_id)]
    helped += [talk.need_id for talk in talks if talk.need_id]
    own += [needs.get(tx, need_id).reference for need_id in helped]
    own += [alerts.get(tx, talk.alert_id).reference for talk in talks if talk.alert_id]
    return list(dict.fromkeys(own))


def join(tx: Transaction, person: Person, other: Person) -> None:
    """Make the accounts of `other`, who has no open case, those of `person`; `other` is no more.

    What is kept is sealed anew; closed cases, old words and the key of `other` are destroyed. They are not
    among the forgotten: a backup from before may bring them back as they were.
    """
    tx.write()
    for account in people.accounts(tx, other.id):
        _move_account(tx, account, person, other)
    _move_standing(tx, person, other)
    _move_offer(tx, person, other)
    _move_meetings(tx, person.id, other.id)
    _move_audit(tx, person, other)
    for sealed in (Job, Attachment):
        tx.session.execute(sa.delete(sealed).where(sealed.key_id == other.key_id))
    tx.session.execute(sa.delete(Code).where(Code.person_id == other.id))
    tx.session.execute(sa.delete(Key).where(Key.id == other.key_id))
    tx.session.flush()
    tx.session.delete(other)
    tx.session.flush()
    tx.session.expire_all()
    tx.forget_key(other.key_id)
    tx.loaded = Loaded()  # nothing that was loaded before may still speak of two


def set_apart(tx: Transaction, now: datetime, account: Account) -> None:
    """Delete an account of a person who has others; what still waits for them here goes to another."""
    tx.write()
    waiting = sa.select(Outbox).where(Outbox.account_id == account.id, Outbox.state == "waiting")
    for row in tx.session.scalars(waiting.order_by(Outbox.id)).all():
        fates.pass_on(tx, now, row)
    tx.write()
    tx.session.delete(account)
    tx.session.flush()
    tx.loaded = Loaded()


# --- what is carried over -------------------------------------------------------------------------


def _resealed(tx: Transaction, person: Person, other: Person, purpose: str, sealed: bytes) -> bytes:
    return tx.seal(person.key_id, purpose, tx.open(other.key_id, purpose, sealed))


def _move_account(tx: Transaction, account: Account, person: Person, other: Person) -> None:
    """The address, the contact, the buttons and what still waits are sealed with the other key."""
    account.person_id = person.id
    account.sealed_address = _resealed(tx, person, other, "address", account.sealed_address)
    if account.sealed_contact is not None:
        account.sealed_contact = _resealed(tx, person, other, "contact", account.sealed_contact)
    for choice in tx.session.scalars(sa.select(Choice).where(Choice.account_id == account.id)):
        choice.sealed_options = _resealed(tx, person, other, "choice", choice.sealed_options)
    tx.session.execute(sa.delete(Conversation).where(Conversation.account_id == account.id))
    of_account = (Outbox.account_id == account.id, Outbox.key_id == other.key_id)
    for row in tx.session.scalars(sa.select(Outbox).where(*of_account, Outbox.sealed_body.is_not(None))):
        assert row.sealed_body is not None
        row.sealed_body = _resealed(tx, person, other, "message", row.sealed_body)
    tx.session.flush()
    moved = {"person_id": person.id, "key_id": person.key_id, "sealed_address": account.sealed_address}
    tx.session.execute(sa.update(Outbox).where(*of_account).values(moved))


def _move_standing(tx: Transaction, person: Person, other: Person) -> None:
    """Membership, duties, consent and a name; of two moments the earlier one counts.

    Nobody becomes a coordinator by it: with a code a stranger could talk one into joining them.
    """
    person.member_since = _earliest(person.member_since, other.member_since)
    if person.coordinator_since is not None:
        person.coordinator_since = _earliest(person.coordinator_since, other.coordinator_since)
        person.on_duty = person.on_duty or other.on_duty
    person.welcomed_at = _earliest(person.welcomed_at, other.welcomed_at)
    person.consent_asked_at = _earliest(person.consent_asked_at, other.consent_asked_at)
    if person.consented_at is None:
        person.consented_at = other.consented_at
        _rename(tx, Consent.person_id, person.id, other.id)
    if person.sealed_name is None and other.sealed_name is not None:
        person.sealed_name = _resealed(tx, person, other, "name", other.sealed_name)
    if person.sealed_home is None and other.sealed_home is not None:
        person.sealed_home = _resealed(tx, person, other, "home", other.sealed_home)
    _rename(tx, Room.opened_by, person.id, other.id)


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((each for each in moments if each is not None), default=None)


def _move_offer(tx: Transaction, person: Person, other: Person) -> None:
    """A person has one offer: their own, else that of the other."""
    offer = offers.of(tx, other.id)
    if offer is None or offers.of(tx, person.id) is not None:
        offers.remove(tx, other.id)
        return
    offer.person_id = person.id
    index = sa.update(OfferSkill).where(OfferSkill.person_id == other.id).values(person_id=person.id)
    tx.session.execute(index)
    offer.sealed_words = _resealed(tx, person, other, "offer words", offer.sealed_words)


def _move_meetings(tx: Transaction, person_id: UUID, other_id: UUID) -> None:
    """Whom they blocked, met, were asked to help or are reported by: joining is no way out of that."""
    _rename(tx, Block.blocker_id, person_id, other_id, once_for=Block.blocked_id)
    _rename(tx, Block.blocked_id, person_id, other_id, once_for=Block.blocker_id)
    tx.session.execute(sa.delete(Block).where(Block.blocker_id == Block.blocked_id))
    _rename(tx, Verification.person_id, person_id, other_id, once_for=Verification.skill)
    _rename(tx, Verification.verified_by, person_id, other_id)
    _rename(tx, Talk.helper_id, person_id, other_id)
    tx.session.execute(sa.delete(Talk).where(Talk.requester_id == person_id, Talk.helper_id == person_id))
    _rename(tx, Invitation.person_id, person_id, other_id, once_for=Invitation.need_id)
    own = sa.select(Need.id).where(Need.person_id == person_id)
    tx.session.execute(
        sa.delete(Invitation).where(Invitation.person_id == person_id, Invitation.need_id.in_(own))
    )
    _rename(tx, Commitment.person_id, person_id, other_id)
    _rename(tx, AlertPage.person_id, person_id, other_id, once_for=AlertPage.alert_id)
    _rename(tx, Alert.about_id, person_id, other_id)
    _rename(tx, Alert.owner_id, person_id, other_id)
    _rename(tx, Alert.offered_to_id, person_id, other_id)
    _rename(tx, AlertHand.person_id, person_id, other_id, once_for=AlertHand.alert_id)
    _rename(tx, AlertNote.author_id, person_id, other_id)


def _move_audit(tx: Transaction, person: Person, other: Person) -> None:
    """Who did what stays; a detail that only the other key could open is emptied."""
    _rename(tx, Audit.actor_id, person.id, other.id)
    tx.session.execute(
        sa.update(Audit)
        .where(Audit.key_id == other.key_id)
        .values(subject_id=person.id, key_id=person.key_id, sealed_detail=None)
    )


def _rename(
    tx: Transaction, column: InstrumentedAttribute[Any], person_id: UUID, other_id: UUID, *,
    once_for: InstrumentedAttribute[Any] | None = None,
) -> None:  # fmt: skip
    """Write one person in place of the other; `once_for`: but where they stand for that one already."""
    table: Any = column.class_
    query = sa.update(table).where(column == other_id)
    if once_for is not None:
        same = aliased(table)
        there = getattr(same, column.key) == person_id, getattr(same, once_for.key) == once_for
        query = query.where(~sa.exists().where(*there))
    tx.session.execute(query.values({column.key: person_id}).execution_options(synchronize_session=False))
