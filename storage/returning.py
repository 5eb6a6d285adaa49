"""An older copy of the database comes back: who was forgotten stays so, what ended stays ended.

What people did meanwhile is not known any more, so nothing that may have been said is said a second time,
but for what the crisis lane holds: there twice is better than never.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from storage import alerts, conversations, forgetting, inbox, keepsakes, needs, open_needs, outbox, work
from storage.database import Transaction
from storage.ledger import ENDS, FORGOTTEN, RESOLVED, Entries, Lasting, fingerprint
from storage.tables import (
    Account,
    Alert,
    Attachment,
    Base,
    Crisis,
    Cursor,
    Forgotten,
    Invitation,
    Keepsake,
    Key,
    Lease,
    Need,
    Outbox,
    Room,
)

KNOWN_FOR = timedelta(days=60)  # an older case is in no backup that anyone would bring back
CRISIS = 0  # the lane, as the core numbers it
ENDED = "ended before a backup was restored"
UNCERTAIN = "a backup was restored: it may have been sent before"


def lasting(tx: Transaction, now: datetime) -> list[Lasting]:
    """What of this database must be known even where it is replaced by an older one."""
    since = now - KNOWN_FOR
    ended_needs = sa.select(Need.id, Need.state, Need.closed_at).where(
        Need.closed_at >= since, Need.state.in_(ENDS)
    )
    ended_alerts = sa.select(Alert.id, Alert.resolved_at).where(Alert.resolved_at >= since)
    gone = sa.select(Forgotten.person_id, Forgotten.forgotten_at)
    return [
        *(Lasting(FORGOTTEN, person_id, at) for person_id, at in tx.session.execute(gone)),
        *(Lasting(state, need_id, at or now) for need_id, state, at in tx.session.execute(ended_needs)),
        *(Lasting(RESOLVED, alert_id, at or now) for alert_id, at in tx.session.execute(ended_alerts)),
    ]


def replay(tx: Transaction, listed: Entries) -> tuple[int, int]:
    """Forget again and end again what is listed outside; returns how many people, and how many cases."""
    return forgetting.replay(tx, listed), _end_again(tx, listed) if listed.ended else 0


def _end_again(tx: Transaction, listed: Entries) -> int:
    def ended(case_id: UUID) -> tuple[str, datetime] | None:
        return listed.ended.get(fingerprint(tx.vault.index, RESOLVED, case_id))

    count = 0
    for alert in tx.session.scalars(sa.select(Alert).where(Alert.resolved_at.is_(None))).all():
        if (end := ended(alert.id)) is not None:
            alerts.resolve(tx, end[1], alert.id, ENDED)
            outbox.drop(tx, end[1], alert_id=alert.id)
            conversations.close_talks(tx, end[1], alert_id=alert.id)
            _no_longer_shown(tx, alert.id)
            count += 1
    for need in tx.session.scalars(sa.select(Need).where(Need.state.in_(open_needs.STATES))).all():
        if (end := ended(need.id)) is not None:
            _end_need(tx, need, *end)
            count += 1
    tx.session.expire_all()
    return count


def _end_need(tx: Transaction, need: Need, state: str, at: datetime) -> None:
    """End a need and all that hung on it, without a word: everyone heard of it when it ended."""
    for commitment in needs.commitments(tx, need.id):
        needs.end_commitment(tx, at, commitment, "done" if state == "done" else "withdrawn")
    for invitation in needs.invitations(tx, need.id, "pending"):
        invitation.state = "withdrawn"
        outbox.drop(tx, at, invitation_id=invitation.id)
    needs.close(tx, at, need, state if state in ENDS else "cancelled")
    conversations.close_talks(tx, at, need_id=need.id)
    _no_longer_shown(tx, need.id)


def _no_longer_shown(tx: Transaction, case_id: UUID) -> None:
    """What was disclosed of it was taken back when it ended."""
    shown = sa.update(Outbox).where(Outbox.discloses_id == case_id)
    tx.session.execute(shown.values(discloses_id=None).execution_options(synchronize_session=False))


def end(tx: Transaction, now: datetime, reference: str) -> bool:
    """End a case of which somebody knows that it had ended; False where none is open by that name."""
    alert, need = alerts.by_reference(tx, reference), needs.by_reference(tx, reference)
    if alert is not None and alert.resolved_at is None:
        about = alert.id
    elif need is not None and need.state in open_needs.STATES:
        about = need.id
    else:
        return False
    name = fingerprint(tx.vault.index, RESOLVED, about)
    return _end_again(tx, Entries(ended={name: ("cancelled", now)})) > 0


# --- what has no key any more -------------------------------------------------------------------------------


def match_keys(tx: Transaction, now: datetime) -> int:
    """Bring rows and keys of two moments together; returns how many people had no key any more.

    Whoever has none was forgotten before the keys were written; a key that seals nothing here is destroyed.
    """
    gone = forgetting.forget_the_unreadable(tx, now)
    tx.write()
    for keyed in (Room, Keepsake, Crisis, Attachment):
        tx.session.execute(sa.delete(keyed).where(~sa.exists().where(Key.id == keyed.key_id)))
    used = [
        sa.exists().where(table.c.key_id == Key.id)
        for table in Base.metadata.sorted_tables
        if "key_id" in table.c and table.name != Forgotten.__tablename__
    ]
    tx.session.execute(sa.delete(Key).where(Key.purge_at.is_(None), ~sa.or_(*used)))
    return gone


# --- what was on its way ------------------------------------------------------------------------------------


def quieten(tx: Transaction, now: datetime) -> int:
    """Decide about each message that waited when the backup was made; returns how many are not sent.

    Pages of what is over go; relayed words, and all that is no crisis, are not sent a second time.
    """
    tx.write()
    over = sa.and_(
        Outbox.alert_id.is_not(None), ~sa.exists().where(Alert.id == Outbox.alert_id, Alert.state == "open")
    )
    answered = sa.and_(
        Outbox.invitation_id.is_not(None),
        ~sa.exists().where(Invitation.id == Outbox.invitation_id, Invitation.state == "pending"),
    )
    untrue = _finish(tx, now, "dropped", sa.or_(over, answered))
    doubtful = _finish(
        tx, now, "uncertain", sa.or_(Outbox.source_account_id.is_not(None), Outbox.lane != CRISIS)
    )
    tx.session.execute(
        sa.update(Outbox)
        .where(Outbox.state == "sending")
        .values(state="waiting", claimed_by=None, claimed_until=None)
        .execution_options(synchronize_session=False)
    )
    return untrue + doubtful


def _finish(tx: Transaction, now: datetime, state: str, which: sa.ColumnElement[bool]) -> int:
    finished = tx.session.execute(
        sa.update(Outbox)
        .where(Outbox.state.in_(outbox.UNSENT), which)
        .values(state=state, finished_at=now, reason=UNCERTAIN, sealed_body=None, claimed_by=None,
                claimed_until=None)
        .returning(Outbox.id)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    return len(finished.all())


def release(tx: Transaction) -> None:
    """Nobody holds anything: the process that did is not the one that begins now."""
    inbox.release(tx)
    free = {"holder": "", "fence": Lease.fence + 1, "expires_at": work.database_now(tx)}
    tx.session.execute(sa.update(Lease).values(free))


def with_keepsakes(tx: Transaction) -> list[str]:
    """The accounts that have kept something."""
    return list(tx.session.scalars(sa.select(Keepsake.gateway).distinct().order_by(Keepsake.gateway)))


def platforms(tx: Transaction) -> list[str]:
    """Where people have accounts."""
    return list(tx.session.scalars(sa.select(Account.platform).distinct().order_by(Account.platform)))


def give_up_device(tx: Transaction, now: datetime, gateway: str, prefixes: Sequence[str]) -> bool:
    """Destroy the keys of an account's device, and its place in the stream; whether there was one.

    Keys that were used after the backup would be used a second time; and what was said since then comes
    again from the old place, though much of it was heard and answered.
    """
    kept: Mapping[str, Any] = keepsakes.load(tx, gateway)
    dropped = [name for name in kept if name.startswith(tuple(prefixes))]
    if not dropped:
        return False
    keepsakes.write(tx, now, gateway, dict.fromkeys(dropped))
    tx.session.execute(sa.delete(Cursor).where(Cursor.gateway == gateway))
    return True


def trace(tx: Transaction) -> str:
    """A mark that differs once the bot has received, sent, or used a key of a device."""
    numbers = [tx.session.scalar(sa.text(f"SELECT max(id) FROM {name}")) for name in ("inbox", "outbox")]
    states = tx.session.execute(sa.select(Outbox.id, Outbox.state).order_by(Outbox.id)).all()
    kept = sorted(tx.session.scalars(sa.select(Keepsake.sealed_value)))
    return hashlib.sha256(repr((numbers, states, kept)).encode()).hexdigest()
