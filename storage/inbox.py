"""The durable queue on the way in: raw events, committed before the platform is told that we have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import aliased

from storage import queues
from storage.adding import add_all
from storage.among import among
from storage.database import Transaction
from storage.tables import Account, Alert, Cursor, Inbox, Key, Person

CRISIS, ORDINARY, SLOWED = 0, 1, 2
MOST_WAITING = 30  # of one sender, before what they say is slowed whichever gateway takes it in
SEEN_AT_ONCE = 1_000  # slowed events between which a claim chooses: a flood must not make each claim slow
KEY_LIFE = timedelta(days=1)
APART = timedelta(minutes=5)  # so far may the clocks of two workers be; a claim beyond it is of a wrong one


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event on its way into the inbox."""

    key: str
    chat: str
    payload: dict[str, Any]
    crisis: bool
    slowed: bool = False  # of someone who writes so much that others go before
    often: bool = False  # of someone who writes much, and perhaps through other gateways too


def intake_key(tx: Transaction, now: datetime, keep: timedelta) -> UUID:
    """The key that seals what comes in today; it is destroyed `keep` after its day has passed."""
    if tx.pending.keys:
        tx.write()
    key = tx.session.scalars(
        sa.select(Key)
        .where(Key.purge_at.is_not(None), Key.created_at > now - KEY_LIFE, Key.created_at <= now)
        .order_by(Key.created_at.desc())
        .limit(1)
    ).first()
    if key is None:
        return tx.new_key(now, purge_at=now + KEY_LIFE + keep)
    tx.load_keys((key.id,))
    return key.id


def in_crisis(tx: Transaction, indexes: Sequence[bytes]) -> set[bytes]:
    """Of these senders, those whose every word overtakes: coordinators, and people with an open alert."""
    has_alert = sa.exists().where(Alert.person_id == Person.id, Alert.resolved_at.is_(None))
    rows = tx.session.scalars(
        sa.select(Account.address_index)
        .join(Person, Person.id == Account.person_id)
        .where(Account.address_index.in_(indexes))
        .where(sa.or_(Person.coordinator_since.is_not(None), has_alert))
    )
    return set(rows)


def accept(
    tx: Transaction,
    now: datetime,
    gateway: str,
    arrivals: Sequence[Arrival],
    cursor: str | None,
    keep: timedelta,
) -> None:
    """Keep a batch and the cursor behind it; a repeat of a known event changes nothing."""
    if arrivals:
        _add(tx, now, gateway, arrivals, keep)
    if cursor is not None:
        stored = tx.session.get(Cursor, gateway)
        if stored is None:
            tx.session.add(Cursor(gateway=gateway, value=cursor))
        else:
            stored.value = cursor


def _add(tx: Transaction, now: datetime, gateway: str, arrivals: Sequence[Arrival], keep: timedelta) -> None:
    senders = [tx.vault.index("address", gateway, arrival.chat) for arrival in arrivals]
    _one_after_the_other(tx, senders)
    key_id = intake_key(tx, now, keep)
    urgent = in_crisis(tx, list(set(senders)))
    chatty = [sender for arrival, sender in zip(arrivals, senders, strict=True) if arrival.often]
    room = _room_left(tx, chatty)
    rows = [
        {
            "gateway": gateway,
            "event_key": tx.vault.index("event", gateway, arrival.key),
            "sender": sender,
            "lane": _lane(arrival, in_crisis=sender in urgent, is_full=_is_full(room, sender)),
            "key_id": key_id,
            "sealed_payload": tx.seal(key_id, "event", {"chat": arrival.chat, "event": arrival.payload}),
            "attempts": 0,
            "received_at": now,
        }
        for arrival, sender in zip(arrivals, senders, strict=True)
    ]
    _insert(tx, rows)


def _one_after_the_other(tx: Transaction, senders: Sequence[bytes]) -> None:
    """Where several gateways take in, of each sender what has the lower number is also committed first.

    Else a later message could be claimed while an earlier one, numbered already, is not there to be seen.
    """
    if tx.is_sqlite:
        return
    numbers = sorted({int.from_bytes(sender[:8], "big", signed=True) for sender in senders})
    turns = sa.func.unnest(sa.cast(numbers, postgresql.ARRAY(sa.BigInteger))).column_valued("turn")
    tx.session.execute(sa.select(sa.func.pg_advisory_xact_lock(turns)))


def _lane(arrival: Arrival, *, in_crisis: bool, is_full: bool) -> int:
    if arrival.crisis or in_crisis:
        return CRISIS
    return SLOWED if arrival.slowed or is_full else ORDINARY


# A range and an order, so that it is looked up in the index of the senders (see `queues`).
_WAITING = sa.text(
    """SELECT asked.sender, (
        SELECT count(*) FROM (
            SELECT 1 FROM inbox
            WHERE inbox.sender >= asked.sender AND inbox.sender <= asked.sender
            AND lane = :lane AND outcome IS NULL ORDER BY inbox.sender LIMIT :most
        ) AS waiting
    ) FROM unnest(CAST(:senders AS bytea[])) AS asked(sender)"""
)


def _room_left(tx: Transaction, senders: Sequence[bytes]) -> dict[bytes, int]:
    """Of those who write much: how much more of each may wait in the ordinary lane.

    Each gateway counts for itself what a chat says; what waits is common to all. It is read from the index
    over the unfinished, at most `MOST_WAITING` entries of it for a sender, and nothing is written for it.
    """
    if tx.is_sqlite or not senders:  # one process, whose own count is exact
        return {}
    queues.walk(tx)
    asked = {"senders": list(dict.fromkeys(senders)), "lane": ORDINARY, "most": MOST_WAITING}
    return {sender: MOST_WAITING - waits for sender, waits in tx.session.execute(_WAITING, asked)}


def _is_full(room: dict[bytes, int], sender: bytes) -> bool:
    """Take a place of a sender's, if they write much; whether there was none."""
    if sender not in room:
        return False
    room[sender] -= 1
    return room[sender] < 0


def report(
    tx: Transaction, now: datetime, sender: bytes, key: str, payload: dict[str, Any], *, crisis: bool,
    keep: timedelta,
) -> None:  # fmt: skip
    """Tell the core something as an event of its own, in order with what `sender` says."""
    key_id = intake_key(tx, now, keep)
    row = {
        "gateway": "core",
        "event_key": tx.vault.index("event", "core", key),
        "sender": sender,
        "lane": CRISIS if crisis else ORDINARY,
        "key_id": key_id,
        "sealed_payload": tx.seal(key_id, "event", {"chat": "", "event": payload}),
        "attempts": 0,
        "received_at": now,
    }
    _insert(tx, [row])


def _insert(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Write events; one that is known already, by its gateway and key, is left as it is."""
    add_all(tx.session.connection(), Inbox, rows, unless_known=("gateway", "event_key"))
    tx.news.add("inbox")


def cursor(tx: Transaction, gateway: str) -> str | None:
    stored = tx.session.get(Cursor, gateway)
    return stored.value if stored else None


_row, _earlier = aliased(Inbox), aliased(Inbox)
# An SOS overtakes all; what is ordinary and what was slowed keep one order.
_EARLIER = sa.select(_earlier.id).where(
    _earlier.outcome.is_(None),
    sa.or_(
        sa.and_(_earlier.lane == CRISIS, sa.or_(_row.lane != CRISIS, _earlier.id < _row.id)),
        sa.and_(_earlier.lane.in_((ORDINARY, SLOWED)), _row.lane != CRISIS, _earlier.id < _row.id),
    ),
)


def claim(tx: Transaction, now: datetime, worker: str, limit: int, hold: timedelta) -> list[int]:
    """Take the next events, of each sender only the oldest unfinished one.

    Those of a crisis are taken alone, so that they wait for no others to be handled; what was slowed comes
    where there is room. Attempts are counted here, in a commit of their own. An event that was tried before
    is taken alone, so that one which kills the process is not blamed on its neighbours.
    """
    queues.walk(tx)
    asked = {"now": now, "never_until": now + hold + APART}
    rows = tx.rows(_free(tx.is_sqlite, slowed=False), most=limit, **asked).all()
    if any(each.lane == CRISIS for each in rows):
        rows = [each for each in rows if each.lane == CRISIS]
    elif len(rows) < limit:
        slowed = tx.rows(_free(tx.is_sqlite, slowed=True), most=limit - len(rows), **asked)
        rows = [*rows, *slowed]
    fresh = [each.id for each in rows if each.attempts == 0]
    chosen = [rows[0].id] if rows and rows[0].attempts else fresh
    if chosen:
        tx.rows(_CLAIM, ids=chosen, worker=worker, until=now + hold)
    return chosen


@cache
def _free(is_sqlite: bool, *, slowed: bool) -> sa.Select[int, int, int]:
    """The first events that nobody holds and before which none of their sender's goes."""
    now: sa.BindParameter[Any] = sa.bindparam("now")
    from_the_future = _row.claimed_until > sa.bindparam("never_until")
    free = sa.or_(_row.claimed_until.is_(None), _row.claimed_until < now, from_the_future)
    first = sa.select(Inbox.id).where(Inbox.outcome.is_(None), Inbox.lane == SLOWED).order_by(Inbox.id)
    which = _row.id.in_(first.limit(SEEN_AT_ONCE).scalar_subquery()) if slowed else _row.lane <= ORDINARY
    goes_before = queues.any_of_the_same(_EARLIER, _earlier.sender, _row.sender, is_sqlite=is_sqlite)
    return (
        sa.select(_row.id, _row.attempts, _row.lane)
        .where(_row.outcome.is_(None), free, which, ~goes_before)
        .order_by(_row.lane, _row.id)
        .limit(sa.bindparam("most"))
        .with_for_update(skip_locked=True, of=_row)
    )


_THESE = among(Inbox.id, "ids")
_CLAIM = (
    sa.update(Inbox.__table__)  # type: ignore[arg-type]
    .where(_THESE)
    .values(
        attempts=Inbox.attempts + 1, claimed_by=sa.bindparam("worker"), claimed_until=sa.bindparam("until")
    )
)


class Claimed(NamedTuple):
    """An event that is to be handled; its payload is None once its sender was forgotten."""

    id: int
    gateway: str
    sender: bytes
    lane: int
    key_id: UUID
    sealed_payload: bytes | None
    attempts: int
    received_at: datetime


_LOAD = (
    sa.select(*(getattr(Inbox, name) for name in Claimed._fields))
    .where(_THESE, Inbox.outcome.is_(None), Inbox.claimed_by == sa.bindparam("worker"))
    .order_by(Inbox.lane, Inbox.id)
    .with_for_update()
)
_FINISH = (
    sa.update(Inbox.__table__)  # type: ignore[arg-type]
    .where(_THESE)
    .values(outcome=sa.bindparam("how"), handled_at=sa.bindparam("now"), claimed_by=None, claimed_until=None)
)


def load(tx: Transaction, worker: str, ids: Sequence[int]) -> list[Claimed]:
    """The claimed events that are still this worker's, in the order in which they are to be handled."""
    rows = [Claimed(*row) for row in tx.rows(_LOAD, ids=ids, worker=worker).all()]
    tx.load_keys(row.key_id for row in rows)
    return rows


def finish(tx: Transaction, now: datetime, ids: Sequence[int], outcome: str) -> None:
    tx.rows(_FINISH, ids=ids, how=outcome, now=now)


def release(tx: Transaction, worker: str | None = None, *, uncounted: bool = False) -> None:
    """Give back what a worker (or, where only one process can run, any worker) had claimed.

    uncounted: its last attempt was none of the event's, because the database failed.
    """
    query = sa.update(Inbox).where(Inbox.outcome.is_(None), Inbox.claimed_by.is_not(None))
    if worker is not None:
        query = query.where(Inbox.claimed_by == worker)
    attempts = sa.case((Inbox.attempts > 0, Inbox.attempts - 1), else_=0) if uncounted else Inbox.attempts
    tx.session.execute(
        query.values(claimed_by=None, claimed_until=None, attempts=attempts).execution_options(
            synchronize_session=False
        )
    )


def purge(tx: Transaction, now: datetime, keep: timedelta, remember: timedelta) -> None:
    """Empty what was handled `keep` ago; forget even its key after `remember` (no platform repeats then)."""
    done = Inbox.outcome.is_not(None)
    tx.session.execute(
        sa.update(Inbox)
        .where(done, Inbox.handled_at < now - keep, Inbox.sealed_payload.is_not(None))
        .where(Inbox.outcome == "handled")
        .values(sealed_payload=None)
        .execution_options(synchronize_session=False)
    )
    tx.session.execute(sa.delete(Inbox).where(done, Inbox.handled_at < now - remember))
