"""Alerts, whom they reached, and what the person said meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from storage.among import among
from storage.database import Transaction
from storage.ledger import FREED, RESOLVED, TAKEN, Lasting
from storage.tables import Account, Alert, AlertNote, AlertPage, AlertStep, Need, Outbox, Person


def add(tx: Transaction, **columns: Any) -> Alert:
    # None is set, or the session would not follow the statement that resolves it in the same turn.
    alert = Alert(id=tx.new_id(), state="open", step=0, resolved_at=None, **columns)
    tx.session.add(alert)
    if alert.person_id in tx.loaded.alerts:
        tx.loaded.alerts[alert.person_id].append(alert)
    return alert


_UNRESOLVED = (
    sa.select(Alert)
    .where(among(Alert.person_id, "people"), Alert.resolved_at.is_(None))
    .order_by(Alert.opened_at)
)


def load(tx: Transaction, person_ids: Sequence[UUID]) -> None:
    """Load the open alerts of many people with one statement."""
    tx.loaded.alerts = {person_id: [] for person_id in person_ids}
    for alert in tx.session.scalars(_UNRESOLVED, {"people": person_ids}):
        assert alert.person_id is not None
        tx.loaded.alerts[alert.person_id].append(alert)


def get(tx: Transaction, alert_id: UUID) -> Alert:
    return tx.session.get_one(Alert, alert_id)


def hold(tx: Transaction, alert_id: UUID) -> Alert:
    """The alert as it is now, and as it stays until the end of the transaction."""
    return tx.session.get_one(Alert, alert_id, with_for_update=True, populate_existing=True)


def by_reference(tx: Transaction, reference: str) -> Alert | None:
    return tx.session.scalars(sa.select(Alert).where(Alert.reference == reference)).first()


def unresolved_of(tx: Transaction, person_id: UUID, kind: str) -> Alert | None:
    """The oldest open alert of a kind that is a person's own."""
    if person_id in tx.loaded.alerts:
        known = tx.loaded.alerts[person_id]
        return next((each for each in known if each.kind == kind and each.resolved_at is None), None)
    return tx.session.scalars(
        sa.select(Alert)
        .where(Alert.person_id == person_id, Alert.kind == kind, Alert.resolved_at.is_(None))
        .order_by(Alert.opened_at)
    ).first()


def unresolved(tx: Transaction, *, kind: str | None = None, need_id: UUID | None = None) -> list[Alert]:
    query = sa.select(Alert).where(Alert.resolved_at.is_(None))
    if kind is not None:
        query = query.where(Alert.kind == kind)
    if need_id is not None:
        query = query.where(Alert.need_id == need_id)
    return list(tx.session.scalars(query.order_by(Alert.opened_at)))


def owned_by(tx: Transaction, person_id: UUID) -> list[Alert]:
    """The open alerts of which someone is in charge."""
    query = sa.select(Alert).where(Alert.owner_id == person_id, Alert.resolved_at.is_(None))
    return list(tx.session.scalars(query.order_by(Alert.opened_at)))


def of_need(tx: Transaction, need: Need) -> list[Alert]:
    """The open alerts about a need; they are its requester's."""
    if need.person_id in tx.loaded.alerts:
        known = tx.loaded.alerts[need.person_id]
        return [each for each in known if each.need_id == need.id and each.resolved_at is None]
    return unresolved(tx, need_id=need.id)


def owners_of(tx: Transaction, need_id: UUID) -> list[UUID]:
    """The coordinators who were in charge of an alert about a need, also of one that is resolved."""
    query = sa.select(Alert.owner_id).where(Alert.need_id == need_id, Alert.owner_id.is_not(None))
    return [owner for owner in tx.session.scalars(query.order_by(Alert.opened_at)) if owner is not None]


def take(tx: Transaction, now: datetime, alert_id: UUID, owner_id: UUID, ask_at: datetime) -> bool:
    """Let one coordinator take charge; False if another was faster."""
    taken = tx.session.execute(
        sa.update(Alert)
        .where(Alert.id == alert_id, Alert.state == "open")
        .values(
            state="taken",
            owner_id=owner_id,
            taken_at=now,
            next_step_at=ask_at,
            owner_asked=False,
            acknowledged_at=sa.func.coalesce(Alert.acknowledged_at, now),
            offered_to_id=None,
            hands_asked_at=None,
        )
        .returning(Alert.id)
    )
    if taken.first() is None:
        return False
    tx.lasting.append(Lasting(TAKEN, alert_id, now, owner_id))
    return True


def release(tx: Transaction, now: datetime, alert: Alert) -> bool:
    """Nobody is in charge any more; False if its owner has changed or it was closed meanwhile."""
    freed = tx.session.execute(
        sa.update(Alert)
        .where(Alert.id == alert.id, Alert.state == "taken", Alert.owner_id == alert.owner_id)
        .values(state="open", owner_id=None, taken_at=None, step=0, owner_asked=False)
        .returning(Alert.id)
    )
    if freed.first() is None:
        return False
    tx.session.execute(sa.update(AlertPage).where(AlertPage.alert_id == alert.id).values(rung_at=None))
    tx.lasting.append(Lasting(FREED, alert.id, now))
    return True


def hurry(tx: Transaction, now: datetime, alert_ids: Sequence[UUID]) -> None:
    """The next tier of these is due at once, of those that nobody has taken meanwhile."""
    tx.session.execute(
        sa.update(Alert)
        .where(Alert.id.in_(alert_ids), Alert.state == "open")
        .values(next_step_at=now, widen_at=now)
    )


def resolve(tx: Transaction, now: datetime, alert_id: UUID, outcome: str) -> bool:
    """Close an alert; False if it was closed already."""
    closed = tx.session.execute(
        sa.update(Alert)
        .where(Alert.id == alert_id, Alert.resolved_at.is_(None))
        .values(state="resolved", outcome=outcome, resolved_at=now, next_step_at=None, widen_at=None)
        .returning(Alert.id)
    )
    if closed.first() is None:
        return False
    tx.lasting.append(Lasting(RESOLVED, alert_id, now))
    return True


def due(tx: Transaction, now: datetime, limit: int) -> list[Alert]:
    return list(
        tx.session.scalars(
            sa.select(Alert)
            .where(Alert.next_step_at <= now, Alert.resolved_at.is_(None))
            .order_by(Alert.next_step_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )


def later(tx: Transaction, now: datetime) -> list[Alert]:
    """The open alerts of which nothing is due yet, held until the end of the transaction."""
    query = sa.select(Alert).where(Alert.next_step_at > now, Alert.resolved_at.is_(None))
    return list(tx.session.scalars(query.with_for_update()))


def page(
    tx: Transaction, now: datetime, alert: Alert, tier: str, people: Iterable[Person],
    ringing: Collection[UUID] | None = None, known: dict[UUID, AlertPage] | None = None,
) -> None:  # fmt: skip
    """Record a step of the escalation and whom it told; `ringing`: by a new message, if not all.

    known: the pages of this alert, where they were loaded; those that are new are added to them.
    """
    known, told = pages(tx, alert.id) if known is None else known, 0
    for person in people:
        told += 1
        if person.id not in known:
            row = AlertPage(alert_id=alert.id, person_id=person.id, paged_at=now, rung_at=now)
            known[person.id] = row
            tx.session.add(row)
        elif ringing is None or person.id in ringing:
            known[person.id].rung_at = now
    tx.session.add(
        AlertStep(id=tx.new_id(), alert_id=alert.id, number=alert.step, tier=tier, told=told, taken_at=now)
    )


def pages(tx: Transaction, alert_id: UUID) -> dict[UUID, AlertPage]:
    """By person: who was told about an alert, and when their phone last rang for it."""
    return pages_of(tx, [alert_id])[alert_id]


def pages_of(tx: Transaction, alert_ids: Collection[UUID]) -> dict[UUID, dict[UUID, AlertPage]]:
    """The same by alert, of many with one statement."""
    found: dict[UUID, dict[UUID, AlertPage]] = {alert_id: {} for alert_id in alert_ids}
    for each in tx.session.scalars(sa.select(AlertPage).where(AlertPage.alert_id.in_(alert_ids))):
        found[each.alert_id][each.person_id] = each
    return found


def paged(tx: Transaction, alert_id: UUID) -> list[UUID]:
    return [person.id for person in paged_people(tx, alert_id)]


def paged_people(tx: Transaction, alert_id: UUID) -> list[Person]:
    """Everyone who was told about an alert, in the order in which they were."""
    query = sa.select(Person).join(AlertPage, AlertPage.person_id == Person.id)
    query = query.where(AlertPage.alert_id == alert_id).order_by(AlertPage.paged_at, Person.id)
    return list(tx.session.scalars(query))


# Who was told since nobody is in charge, and can be reached.
_TOLD = sa.and_(
    AlertPage.rung_at.is_not(None),
    sa.exists().where(Account.person_id == AlertPage.person_id, Account.reachable.is_(True)),
)


def told(tx: Transaction, alert_id: UUID) -> int:
    """How many were told, since nobody is in charge, who can be reached."""
    query = sa.select(sa.func.count()).where(AlertPage.alert_id == alert_id, _TOLD)
    return tx.session.scalar(query) or 0


def reaching_nobody(tx: Transaction, person_id: UUID | None = None) -> list[UUID]:
    """The open alerts of which nobody knows who can be reached; of those of which this person was told."""
    query = sa.select(Alert.id).where(Alert.state == "open", Alert.resolved_at.is_(None))
    query = query.where(~sa.exists().where(AlertPage.alert_id == Alert.id, _TOLD))
    if person_id is not None:
        was_told = sa.exists().where(AlertPage.alert_id == Alert.id, AlertPage.person_id == person_id)
        query = query.where(was_told)
    return list(tx.session.scalars(query))


def carried(tx: Transaction) -> dict[UUID, int]:
    """By coordinator: of how many open alerts they are in charge."""
    query = sa.select(Alert.owner_id, sa.func.count()).where(
        Alert.owner_id.is_not(None), Alert.resolved_at.is_(None)
    )
    return {owner: count for owner, count in tx.session.execute(query.group_by(Alert.owner_id)) if owner}


def is_delivered(tx: Transaction, alert: Alert) -> bool:
    """Whether the platform has taken the card of an alert for any of those who were told."""
    tx.write()
    query = (
        sa.select(Outbox.id)
        .join(Account, Account.id == Outbox.account_id)
        .join(AlertPage, AlertPage.person_id == Account.person_id)
        .where(AlertPage.alert_id == alert.id)
        .where(Outbox.card == f"alert:{alert.id}", Outbox.state == "sent")
    )
    return tx.session.scalar(query.limit(1)) is not None


def note(tx: Transaction, now: datetime, alert: Alert, person: Person, words: str,
         attachment_id: UUID | None = None, source: tuple[UUID, str] | None = None) -> None:  # fmt: skip
    """Keep what the person said for the one who takes charge.

    source: the account and the platform's id of the message in which it was said.
    """
    tx.session.add(
        AlertNote(
            id=tx.new_id(),
            alert_id=alert.id,
            key_id=person.key_id,
            sealed_words=tx.seal(person.key_id, "alert note", words),
            attachment_id=attachment_id,
            account_id=source[0] if source else None,
            message_id=source[1] if source else None,
            said_at=now,
        )
    )


def notes_from(tx: Transaction, account_id: UUID, message_id: str) -> list[AlertNote]:
    """What was kept of one message that a person wrote."""
    query = sa.select(AlertNote).where(AlertNote.account_id == account_id, AlertNote.message_id == message_id)
    return list(tx.session.scalars(query))


def may_use_other_account(tx: Transaction, person_id: UUID) -> bool:
    """Whether what can't reach someone may go to another of their accounts: not while they may be watched."""
    query = sa.select(Alert.id).where(
        Alert.person_id == person_id, Alert.resolved_at.is_(None), Alert.other_account.is_(False)
    )
    return tx.session.scalar(query.limit(1)) is None


def message_ids(tx: Transaction, alert_id: UUID, account_id: UUID) -> list[str]:
    """The platform's ids of what a person wrote in one of their chats while their alert was open."""
    query = sa.select(AlertNote.message_id).where(
        AlertNote.alert_id == alert_id, AlertNote.account_id == account_id, AlertNote.author_id.is_(None)
    )
    return [each for each in tx.session.scalars(query.order_by(AlertNote.said_at)) if each]


def notes(tx: Transaction, alert_id: UUID) -> list[AlertNote]:
    return list(
        tx.session.scalars(
            sa.select(AlertNote).where(AlertNote.alert_id == alert_id).order_by(AlertNote.said_at)
        )
    )
