"""The durable queue on the way out: rendered messages by lane, delivered in order to each reader."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from storage import people, queues
from storage.database import Transaction
from storage.inbox import intake_key
from storage.tables import Account, Outbox, Room

UNSENT = ("waiting", "sending")
HELD = datetime(9000, 1, 1, tzinfo=UTC)  # when due: not before its reader writes again


def add(tx: Transaction, now: datetime, to: Account | Room, key_id: UUID, body: dict[str, Any],
        lane: int, **columns: Any) -> None:  # fmt: skip
    """Queue a rendered message for an account or a room, sealed with its reader's key.

    The rows of a transaction are written together, at its end or before the outbox is next asked.
    """
    if columns.get("due_at") == HELD:
        tx.loaded.held.add(to.address_index)
    reader = (
        {"account_id": to.id, "person_id": to.person_id} if isinstance(to, Account) else {"room_id": to.id}
    )
    tx.pending.outgoing.append(
        {
            **_NEW,
            **reader,
            "gateway": to.platform,
            "recipient": to.address_index,
            "key_id": key_id,
            "sealed_address": to.sealed_address,
            "sealed_body": tx.seal(key_id, "message", body),
            "lane": lane,
            "due_at": now,
            "created_at": now,
            **columns,
        }
    )


_NEW: dict[str, Any] = {"state": "waiting", "attempts": 0}


def add_copy(tx: Transaction, now: datetime, row: Outbox, account: Account, body: dict[str, Any],
             **columns: Any) -> None:  # fmt: skip
    """Queue a message as a new one for another account of the same person; it bears what `row` is about.

    What waits until its reader writes waits for that there too.
    """
    about = ("card", "talk_id", "source_account_id", "source_message_id", "alert_id", "invitation_id",
             "attachment_id", "discloses_id")  # fmt: skip
    same = {name: getattr(row, name) for name in about}
    due_at = HELD if row.due_at >= HELD else now
    add(tx, now, account, row.key_id, body, row.lane, due_at=due_at, **same, **columns)


def say_goodbye(tx: Transaction, now: datetime, account: Account, text: str, keep: timedelta) -> None:
    """Queue the last message to someone whose key and account are about to be destroyed.

    It bears its own address, sealed with the key of the day, and names nobody.
    """
    chat = tx.open(_owner_key(tx, account), "address", account.sealed_address)
    key_id = intake_key(tx, now, keep)
    tx.pending.outgoing.append(
        {
            **_NEW,
            "gateway": account.platform,
            "recipient": tx.vault.index("goodbye", str(chat)),
            "key_id": key_id,
            "sealed_address": tx.seal(key_id, "address", chat),
            "sealed_body": tx.seal(key_id, "message", {"text": text}),
            "lane": 1,
            "due_at": now,
            "created_at": now,
        }
    )


def _owner_key(tx: Transaction, account: Account) -> UUID:
    return people.get(tx, account.person_id).key_id


# Written out, not bound: SQLite uses a partial index only where its condition stands word for word.
_row, _earlier = aliased(Outbox), aliased(Outbox)
NOT_YET_SENT: sa.BindParameter[Any] = sa.bindparam("unsent", UNSENT, expanding=True, literal_execute=True)
_EARLIER = sa.select(_earlier.id).where(
    _earlier.state.in_(NOT_YET_SENT),
    sa.or_(
        # What is on its way to this reader is answered for before the next leaves.
        _earlier.state == "sending",
        # What waits for its reader to write holds up nothing: an answer, or an alert, may come before.
        sa.and_(_earlier.lane == _row.lane, _earlier.id < _row.id, _earlier.due_at < HELD),
    ),
    _earlier.id != _row.id,
)


@cache
def _waiting(is_sqlite: bool) -> sa.Select[Outbox]:
    """The first messages that are due, by lane, and before which none goes to the same reader."""
    return (
        sa.select(_row)
        .where(
            _row.gateway == sa.bindparam("gateway"),
            _row.state.in_(NOT_YET_SENT),
            _row.state == "waiting",
            _row.due_at <= sa.bindparam("now"),
            _row.lane <= sa.bindparam("most_lane"),
            ~_goes_before(is_sqlite),
        )
        .order_by(_row.lane, _row.id)
        .limit(sa.bindparam("most"))
        .with_for_update(skip_locked=True, of=_row)
    )


def _goes_before(is_sqlite: bool) -> sa.ColumnElement[bool]:
    return queues.any_of_the_same(_EARLIER, _earlier.recipient, _row.recipient, is_sqlite=is_sqlite)


def claim(tx: Transaction, now: datetime, gateway: str, courier: str, limit: int, hold: timedelta,
          skip: Collection[bytes], most_lane: int = 9) -> list[Outbox]:  # fmt: skip
    """Take the next messages that are due, by lane, for each reader only the oldest of its lane.

    skip: readers to whom nothing may be sent now. most_lane: leave lanes above this one for later.
    """
    queues.walk(tx)
    query = _waiting(tx.is_sqlite)
    if skip:
        query = query.where(_row.recipient.not_in(skip))
    asked = {"gateway": gateway, "now": now, "most_lane": most_lane, "most": limit}
    chosen: dict[bytes, Outbox] = {}  # one for each reader, also where two lanes wait
    for each in tx.session.scalars(query, asked):
        chosen.setdefault(each.recipient, each)
    rows = list(chosen.values())
    if not rows:
        return []
    tx.session.execute(
        sa.update(Outbox)
        .where(Outbox.id.in_([each.id for each in rows]))
        .values(state="sending", attempts=Outbox.attempts + 1, claimed_by=courier, claimed_until=now + hold)
        .execution_options(synchronize_session="evaluate")
    )
    tx.load_keys(each.key_id for each in rows)
    return rows


# A goodbye has neither account nor room; once its fate is known, nothing needs its address any more.
_ADDRESS = sa.case(
    (sa.and_(Outbox.account_id.is_(None), Outbox.room_id.is_(None)), b""), else_=Outbox.sealed_address
)
_SENT = (
    sa.update(Outbox.__table__)  # type: ignore[arg-type]
    .where(Outbox.id == sa.bindparam("row"))
    .values(message_id=sa.bindparam("own"), more_ids=sa.bindparam("more"), state="sent",
            finished_at=sa.bindparam("at"), sealed_address=_ADDRESS, sealed_body=None, claimed_by=None,
            claimed_until=None)
)  # fmt: skip


def sent(tx: Transaction, now: datetime, message_ids: Mapping[int, Sequence[str]]) -> None:
    """Record messages that the platform has taken, with its ids; their words are no longer needed."""
    if message_ids:
        rows = [
            {"row": row, "own": next(iter(ids), None), "more": " ".join(ids[1:]) or None, "at": now}
            for row, ids in message_ids.items()
        ]
        tx.session.connection().execute(_SENT, rows)


def give_up(tx: Transaction, now: datetime, row_id: int, state: str, reason: str | None) -> None:
    """Record that a message was refused, or that its fate stays uncertain."""
    tx.session.execute(
        sa.update(Outbox)
        .where(Outbox.id == row_id)
        .values(state=state, finished_at=now, reason=reason, sealed_address=_ADDRESS, sealed_body=None,
                claimed_by=None, claimed_until=None)
        .execution_options(synchronize_session="fetch")
    )  # fmt: skip


def postpone(tx: Transaction, row_id: int, until: datetime, reason: str) -> None:
    """Put a message that was certainly not sent back into the queue."""
    tx.session.execute(
        sa.update(Outbox)
        .where(Outbox.id == row_id)
        .values(state="waiting", due_at=until, reason=reason, claimed_by=None, claimed_until=None)
    )


def hasten(tx: Transaction, now: datetime, gateway: str) -> int:
    """What waits for a platform that was away is due at once; returns how many messages."""
    return _make_due(tx, now, now, Outbox.gateway == gateway)


def hasten_late(tx: Transaction, now: datetime, longest: timedelta, longest_in_crisis: timedelta) -> None:
    """A message that is due later than any pause lasts is due at once: the clock was set back."""
    _make_due(tx, now, now + longest_in_crisis, Outbox.lane == 0)
    _make_due(tx, now, now + longest, Outbox.lane > 0)


def _make_due(tx: Transaction, now: datetime, later_than: datetime, which: sa.ColumnElement[bool]) -> int:
    """But for what waits until its reader writes: nothing else sets that free, somebody may read along."""
    late = (Outbox.state.in_(NOT_YET_SENT), Outbox.state == "waiting", which, Outbox.due_at > later_than)
    hastened = sa.update(Outbox).where(*late, Outbox.due_at < HELD).values(due_at=now).returning(Outbox.id)
    return len(tx.session.execute(hastened).all())


def interrupted(tx: Transaction, gateway: str, in_hand: Collection[int]) -> list[Outbox]:
    """Messages that someone, now gone, was just sending: nobody knows if they were delivered."""
    query = sa.select(Outbox).where(
        Outbox.gateway == gateway, Outbox.state.in_(NOT_YET_SENT), Outbox.state == "sending"
    )
    return list(tx.session.scalars(query.where(Outbox.id.not_in(in_hand)).order_by(Outbox.id)))


def unclaim(tx: Transaction, courier: str, in_hand: Collection[int]) -> None:
    """Put back what a courier has claimed without having heard of it; what it has in hand stays claimed."""
    claimed = sa.update(Outbox).where(Outbox.state.in_(NOT_YET_SENT), Outbox.state == "sending")
    tx.session.execute(
        claimed.where(Outbox.claimed_by == courier, Outbox.id.not_in(in_hand))
        .values(state="waiting", attempts=Outbox.attempts - 1, claimed_by=None, claimed_until=None)
        .execution_options(synchronize_session=False)
    )


def readdress(tx: Transaction, account_id: UUID, recipient: bytes, sealed_address: bytes) -> None:
    """An account has another address: what still waits for it goes there."""
    tx.write()
    tx.session.execute(
        sa.update(Outbox)
        .where(Outbox.account_id == account_id, Outbox.state.in_(UNSENT))
        .values(recipient=recipient, sealed_address=sealed_address)
    )


def drop(tx: Transaction, now: datetime, *, alert_id: UUID | None = None,
         invitation_id: UUID | None = None) -> int:  # fmt: skip
    """Take back messages that are no longer true and have not left yet; returns how many."""
    tx.write()
    if alert_id is None and invitation_id is None:  # it would match every message that is about none
        raise ValueError("name an alert or an invitation")
    about = Outbox.alert_id == alert_id if alert_id else Outbox.invitation_id == invitation_id
    dropped = tx.session.execute(
        sa.update(Outbox)
        .where(about, Outbox.state.in_(NOT_YET_SENT), Outbox.state == "waiting")
        .values(state="dropped", finished_at=now, sealed_body=None)
        .returning(Outbox.id)
    )
    return len(dropped.all())


def newest(tx: Transaction, *conditions: sa.ColumnElement[bool]) -> Outbox | None:
    """The newest message of which all this is true."""
    tx.write()
    query = sa.select(Outbox).where(*conditions).order_by(Outbox.id.desc()).limit(1)
    return tx.session.scalars(query).first()


SHOWN = Outbox.state.in_(("waiting", "sending", "sent"))


def card(tx: Transaction, account_id: UUID, card_name: str) -> Outbox | None:
    """The newest message of a card in an account."""
    return newest(tx, Outbox.account_id == account_id, Outbox.card == card_name, SHOWN)


def original(tx: Transaction, row: Outbox) -> tuple[str, ...]:
    """The platform's ids of the message that `row` changes; none if that was never delivered."""
    seen = row.edits_id
    while seen is not None:
        before = tx.session.get(Outbox, seen)
        if before is None:
            return ()
        if before.message_id:
            return (before.message_id, *(before.more_ids or "").split())
        seen = before.edits_id
    return ()


def by_message(tx: Transaction, account_id: UUID, message_id: str) -> Outbox | None:
    """The message of ours that a person replies to or presses."""
    return newest(tx, Outbox.account_id == account_id, Outbox.message_id == message_id)


def unrecorded(tx: Transaction, account_id: UUID) -> Outbox | None:
    """The oldest message with buttons that may have arrived, although its id was not recorded yet."""
    tx.write()
    tried = sa.or_(Outbox.state == "sending", Outbox.reason.is_not(None))
    return tx.session.scalars(
        sa.select(Outbox)
        .where(Outbox.account_id == account_id, Outbox.state.in_(UNSENT), tried)
        .where(Outbox.message_id.is_(None), Outbox.choice_id.is_not(None))
        .order_by(Outbox.id)
        .limit(1)
    ).first()


def last_relay(tx: Transaction, account_id: UUID) -> datetime | None:
    """When words of another person were last passed on to this account."""
    tx.write()
    query = sa.select(Outbox.created_at).where(
        Outbox.account_id == account_id, Outbox.source_message_id.is_not(None)
    )
    return tx.session.scalar(query.order_by(Outbox.id.desc()).limit(1))


def relayed_from(tx: Transaction, account_id: UUID, message_id: str) -> list[Outbox]:
    """The copies that were passed on of a message which a person wrote."""
    tx.write()
    return list(
        tx.session.scalars(
            sa.select(Outbox)
            .where(Outbox.source_account_id == account_id, Outbox.source_message_id == message_id)
            .order_by(Outbox.id)
        )
    )


def next_due(tx: Transaction) -> datetime | None:
    """When the next message may leave; one that waits behind another does not count."""
    waiting = (_row.state.in_(NOT_YET_SENT), _row.state == "waiting", ~_goes_before(tx.is_sqlite))
    return tx.session.scalar(sa.select(sa.func.min(_row.due_at)).where(*waiting))


def purge(tx: Transaction, now: datetime, keep: timedelta) -> None:
    """Forget what was sent long ago, but for what an open case still shows: it must be found to be closed."""
    shown = sa.and_(Outbox.state == "sent", Outbox.discloses_id.is_not(None))
    tx.session.execute(sa.delete(Outbox).where(Outbox.finished_at < now - keep, ~shown))
