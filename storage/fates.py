"""What becomes of a message that its platform has not taken: sent anew, over, or to another account."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from storage import alerts, choices, outbox, people, rooms
from storage.choices import TOKEN_LENGTH
from storage.database import Transaction
from storage.outbox import HELD
from storage.sealing import WrongMasterKey
from storage.tables import WAITING, Account, Alert, Invitation, Outbox, Room

log = logging.getLogger(__name__)

LONGEST_SILENCE = timedelta(seconds=20)  # of a platform, in a crisis
CRISIS = 0  # the lane, as the core numbers it


def is_over(tx: Transaction, row: Outbox) -> bool:
    """Whether the alert was taken or the invitation answered while the message was on its way."""
    if row.alert_id is not None:
        alert = tx.session.get(Alert, row.alert_id)
        return alert is None or alert.state != "open"
    if row.invitation_id is not None:
        invitation = tx.session.get(Invitation, row.invitation_id)
        return invitation is None or invitation.state != "pending"
    return False


def send_anew(row: Outbox, now: datetime) -> None:
    """A message that cannot be changed in place any more is sent as a new one."""
    row.edits_id = None
    row.state, row.due_at = "waiting", now
    row.claimed_by, row.claimed_until = None, None


def move(tx: Transaction, row: Outbox, chat: str) -> bool:
    """The chat goes on under another address: the account or room and all that waits for it follow.

    Whether a room has moved by it, of which the core does not know yet.
    """
    room = tx.session.get(Room, row.room_id) if row.room_id else None
    if room is not None:
        return rooms.move(tx, room, chat)
    account = tx.session.get(Account, row.account_id) if row.account_id else None
    if account is None:
        return False
    person = people.get(tx, account.person_id)
    account.address_index = people.address_index(tx, account.platform, chat)
    account.sealed_address = tx.seal(person.key_id, "address", chat)
    outbox.readdress(tx, account.id, account.address_index, account.sealed_address)
    return False


def pass_on(tx: Transaction, now: datetime, row: Outbox, *, elsewhere: bool = False) -> bool:
    """Queue the same message for another account of its reader; False if there is none that it can go to.

    elsewhere: only to another platform. The message remembers where it went, so it never goes there twice.
    """
    if row.person_id is None or row.account_id is None or row.sealed_body is None:
        return False
    if not alerts.may_use_other_account(tx, row.person_id):
        return False
    body: dict[str, Any] = tx.open(row.key_id, "message", row.sealed_body)
    choice = choices.get(tx, row.choice_id) if row.choice_id else None
    if "retract" in body or (choice is not None and choice.scope):
        return False  # what is taken back, or an open question, belongs to its chat
    tried = {*body.get("tried", ()), str(row.account_id)}
    account = _another(tx, row, tried, elsewhere=elsewhere)
    if account is None or _is_taken_back(tx, row):
        return False
    body["tried"] = sorted(tried | {str(account.id)})
    row.sealed_body = tx.seal(row.key_id, "message", body)
    body.pop("thread", None)  # it is one of the chat that is left
    if choice is not None:
        choice = choices.copy(tx, now, choice, account)
        body["buttons"] = [
            [label, f"{choice.token}{token[TOKEN_LENGTH:]}", *more] for label, token, *more in body["buttons"]
        ]
    card = outbox.card(tx, account.id, row.card) if row.card and row.edits_id else None
    outbox.add_copy(
        tx, now, row, account, body,
        choice_id=choice.id if choice else None, edits_id=card.id if card else None,
    )  # fmt: skip
    return True


# Which crisis messages go to another platform too, whatever holds them up where they wait.
_LOOKED_AT = "looked at"  # in `more_ids`, of which a message has no use until it is sent
_OTHERWISE = sa.exists().where(
    Account.person_id == Outbox.person_id, Account.platform != Outbox.gateway, Account.reachable
)
# Where someone may be watched, their other account is used only if they agreed.
_MAY_GO_ELSEWHERE = ~sa.exists().where(
    Alert.person_id == Outbox.person_id, Alert.resolved_at.is_(None), Alert.other_account.is_(False)
)
_STILL_TRUE = sa.or_(
    Outbox.alert_id.is_(None), sa.exists().where(Alert.id == Outbox.alert_id, Alert.state == "open")
)
_HELD_UP = (
    Outbox.gateway > "",  # any; it leads SQLite to the index
    WAITING,  # word for word the condition of the index
    Outbox.state == "waiting",
    Outbox.lane == CRISIS,
    Outbox.more_ids.is_(None),
    Outbox.due_at < HELD,
    _MAY_GO_ELSEWHERE,
    _OTHERWISE,
    _STILL_TRUE,
)
OLDEST_HELD_UP = sa.select(sa.func.min(Outbox.created_at)).where(*_HELD_UP)


def held_up(now: datetime, limit: int) -> sa.Select[Any]:
    long_enough = Outbox.created_at <= now - LONGEST_SILENCE
    query = sa.select(Outbox).where(*_HELD_UP, long_enough).order_by(Outbox.gateway, Outbox.id).limit(limit)
    return query.with_for_update(skip_locked=True, of=Outbox)


def pass_on_crisis(tx: Transaction, now: datetime, limit: int) -> int:
    """What has waited too long in the crisis lane also goes to another platform of its reader, once.

    It stays queued here too: in a crisis twice is better than never. Returns how many were looked at.
    """
    rows: Sequence[Outbox] = tx.session.scalars(held_up(now, limit)).all()
    tx.load_keys(row.key_id for row in rows)
    for row in rows:
        row.more_ids = _LOOKED_AT
        try:
            pass_on(tx, now, row, elsewhere=True)
        except (KeyError, WrongMasterKey):
            log.warning("message %d cannot be opened any more and is not passed on", row.id)
    return len(rows)


def _is_taken_back(tx: Transaction, row: Outbox) -> bool:
    """Whether it was taken back while it was on its way; that waits behind it, for the same reader."""
    behind = (Outbox.recipient == row.recipient, Outbox.state.in_(outbox.UNSENT))
    later = tx.session.scalars(sa.select(Outbox).where(*behind, Outbox.edits_id == row.id)).all()
    return any("retract" in tx.open(each.key_id, "message", each.sealed_body or b"") for each in later)


def _another(tx: Transaction, row: Outbox, tried: set[str], *, elsewhere: bool) -> Account | None:
    """The reachable account in which the reader last spoke, of those where the message was not yet."""
    assert row.person_id is not None
    left = [
        account
        for account in people.accounts(tx, row.person_id)
        if account.reachable
        and str(account.id) not in tried
        and not (elsewhere and account.platform == row.gateway)
    ]
    return max(left, key=lambda each: each.last_spoke_at or each.created_at, default=None)
