"""Who is in charge of an alert, to whom it is offered, who helps, and which alerts are one incident."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from storage.database import Transaction
from storage.ledger import TAKEN, Lasting
from storage.tables import Alert, AlertHand, AlertNote, AlertPage, Person

NEARBY = 0.02  # degrees of latitude and of longitude around an alert: about two kilometres


def of_owner(tx: Transaction, owner_id: UUID, reference: str | None = None) -> list[Alert]:
    """The open alerts of which someone is in charge, or the quoted one of them, read anew and held.

    Whoever holds it can change its owner: no take-over and no deadline comes between.
    """
    query = sa.select(Alert).where(Alert.owner_id == owner_id, Alert.resolved_at.is_(None))
    if reference is not None:
        query = query.where(Alert.reference == reference)
    held = query.order_by(Alert.opened_at, Alert.id).with_for_update()
    return list(tx.session.scalars(held.execution_options(populate_existing=True)))


def hold(tx: Transaction, alert: Alert) -> None:
    """Read an alert anew and hold it: nothing changes its owner until this transaction is over."""
    tx.session.flush()
    tx.session.refresh(alert, with_for_update=True)


def only_open(tx: Transaction) -> Alert | None:
    """The alert that is not resolved, if there is just one."""
    found = tx.session.scalars(sa.select(Alert).where(Alert.resolved_at.is_(None)).limit(2)).all()
    return found[0] if len(found) == 1 else None


# --- handing over -----------------------------------------------------------------------------------


def take_over(tx: Transaction, now: datetime, alert_id: UUID, person_id: UUID, ask_at: datetime) -> bool:
    """Let the one to whom an alert is offered take it over; False if that offer does not stand any more."""
    offered = (Alert.id == alert_id, Alert.state == "taken", Alert.offered_to_id == person_id)
    taken = tx.session.execute(
        sa.update(Alert)
        .where(*offered)
        .values(owner_id=person_id, taken_at=now, next_step_at=ask_at, owner_asked=False,
                offered_to_id=None, hands_asked_at=None)
        .returning(Alert.id)
    ).first()  # fmt: skip
    if taken is None:
        return False
    tx.lasting.append(Lasting(TAKEN, alert_id, now, person_id))
    return True


def decline(tx: Transaction, alert_id: UUID, person_id: UUID) -> bool:
    """The one to whom an alert is offered says no; False if it is not offered to them any more."""
    declined = tx.session.execute(
        sa.update(Alert)
        .where(Alert.id == alert_id, Alert.offered_to_id == person_id)
        .values(offered_to_id=None)
        .returning(Alert.id)
    )
    return declined.first() is not None


def offered_to(tx: Transaction, person_id: UUID) -> list[Alert]:
    """The open alerts that someone was asked to take over."""
    query = sa.select(Alert).where(Alert.offered_to_id == person_id, Alert.resolved_at.is_(None))
    return list(tx.session.scalars(query.order_by(Alert.opened_at, Alert.id)))


# --- more hands ---------------------------------------------------------------------------------------


def asked(tx: Transaction, now: datetime, alert: Alert, people: Iterable[Person]) -> None:
    """Remember who was told besides the escalation, so that their cards are kept current."""
    for person in people:
        if tx.session.get(AlertPage, (alert.id, person.id)) is None:
            tx.session.add(AlertPage(alert_id=alert.id, person_id=person.id, paged_at=now))
    tx.session.flush()


def join(tx: Transaction, now: datetime, alert: Alert, person_id: UUID) -> bool:
    """Let one more coordinator help; False if they do already."""
    if helps(tx, alert.id, person_id):
        return False
    tx.session.add(AlertHand(alert_id=alert.id, person_id=person_id, joined_at=now))
    tx.session.flush()
    return True


def hands(tx: Transaction, alert_id: UUID) -> list[UUID]:
    """Who helps the one in charge, the longest first."""
    query = sa.select(AlertHand.person_id).where(AlertHand.alert_id == alert_id)
    return list(tx.session.scalars(query.order_by(AlertHand.joined_at, AlertHand.person_id)))


def helps(tx: Transaction, alert_id: UUID, person_id: UUID) -> bool:
    return tx.session.get(AlertHand, (alert_id, person_id)) is not None


def leave(tx: Transaction, person_id: UUID, alert_id: UUID | None = None) -> bool:
    """Someone helps no more with an alert, or with any; whether they did."""
    query = sa.delete(AlertHand).where(AlertHand.person_id == person_id)
    if alert_id is not None:
        query = query.where(AlertHand.alert_id == alert_id)
    return bool(tx.session.execute(query.returning(AlertHand.alert_id)).all())


def dismiss(tx: Transaction, alert_id: UUID) -> None:
    """Nobody helps with an alert any more."""
    tx.session.execute(sa.delete(AlertHand).where(AlertHand.alert_id == alert_id))


# --- notes --------------------------------------------------------------------------------------------


def note(tx: Transaction, now: datetime, alert: Alert, author: Person, words: str) -> None:
    """Keep what a coordinator noted: sealed with the key of the person it is about, and gone with them."""
    subject = tx.session.get(Person, alert.person_id) if alert.person_id is not None else None
    key_id = (subject or author).key_id
    tx.session.add(
        AlertNote(id=tx.new_id(), alert_id=alert.id, key_id=key_id, author_id=author.id, said_at=now,
                  sealed_words=tx.seal(key_id, "alert note", words))
    )  # fmt: skip
    tx.session.flush()


# --- one incident -------------------------------------------------------------------------------------


def merge(tx: Transaction, now: datetime, newer_id: UUID, kept: Alert) -> bool:
    """Let an alert that is open, or of the same owner, follow another; False if someone else has it.

    It stays open until the kept one ends, and has no deadline of its own meanwhile.
    """
    free = sa.or_(Alert.state == "open", Alert.owner_id == kept.owner_id)
    merged = tx.session.execute(
        sa.update(Alert)
        .where(Alert.id == newer_id, Alert.resolved_at.is_(None), Alert.merged_into_id.is_(None), free)
        .values(state="taken", owner_id=kept.owner_id, merged_into_id=kept.id, next_step_at=None,
                taken_at=sa.func.coalesce(Alert.taken_at, now),
                acknowledged_at=sa.func.coalesce(Alert.acknowledged_at, now),
                owner_asked=False, offered_to_id=None, hands_asked_at=None)
        .returning(Alert.id)
    ).first()  # fmt: skip
    if merged is None:
        return False
    tx.lasting.append(Lasting(TAKEN, newer_id, now, kept.owner_id))
    for each in merged_into(tx, newer_id):
        each.merged_into_id = kept.id
    return True


def merged_into(tx: Transaction, alert_id: UUID) -> list[Alert]:
    """The alerts of the same incident that follow this one."""
    query = sa.select(Alert).where(Alert.merged_into_id == alert_id, Alert.resolved_at.is_(None))
    return list(tx.session.scalars(query.order_by(Alert.opened_at, Alert.id)))


def nearby(tx: Transaction, alert: Alert, since: datetime, limit: int) -> list[Alert]:
    """Other open alerts in the same surroundings, opened since a moment: they may be the same incident."""
    if alert.latitude is None or alert.longitude is None:
        return []
    query = sa.select(Alert).where(
        Alert.resolved_at.is_(None),
        Alert.merged_into_id.is_(None),
        Alert.opened_at >= since,
        Alert.id != alert.id,
        Alert.latitude.between(alert.latitude - NEARBY, alert.latitude + NEARBY),
        Alert.longitude.between(alert.longitude - NEARBY, alert.longitude + NEARBY),
    )
    return list(tx.session.scalars(query.order_by(Alert.opened_at.desc(), Alert.id).limit(limit)))


# --- what came before ---------------------------------------------------------------------------------


def last_before(tx: Transaction, alert: Alert) -> Alert | None:
    """The last alert of the same kind and person that has ended."""
    query = sa.select(Alert).where(
        Alert.person_id == alert.person_id, Alert.kind == alert.kind, Alert.resolved_at.is_not(None)
    )
    return tx.session.scalars(query.order_by(Alert.opened_at.desc()).limit(1)).first()
