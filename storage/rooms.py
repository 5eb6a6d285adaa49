"""The groups in which the bot is: the coordinators' rooms, and those about which nobody has decided yet."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from storage import outbox
from storage.database import Transaction
from storage.people import address_index
from storage.tables import Key, Outbox, Room

COORDINATORS, UNDECIDED, ENDED = "coordinators", "undecided", "ended"
FORMER = "former "  # before the id of a message that was posted before the platform moved the room
TIME_TO_DECIDE = timedelta(hours=1)


def add(tx: Transaction, now: datetime, platform: str, address: str, opened_by: UUID) -> Room:
    """A room into which the bot was asked; what is said in it is sealed with its own key."""
    key_id = tx.new_key(now)
    room = Room(
        id=tx.new_id(),
        platform=platform,
        address_index=address_index(tx, platform, address),
        key_id=key_id,
        sealed_address=tx.seal(key_id, "address", address),
        purpose=UNDECIDED,
        opened_by=opened_by,
        created_at=now,
    )
    tx.session.add(room)
    return room


def at(tx: Transaction, platform: str, address: str) -> Room | None:
    """The room that the platform calls so, or called so before it moved the room."""
    index = address_index(tx, platform, address)
    known = sa.or_(Room.address_index == index, Room.former_index == index)
    return tx.session.scalars(sa.select(Room).where(known)).first()


def is_at(tx: Transaction, room: Room, address: str) -> bool:
    """Whether a room is called so now."""
    return room.address_index == address_index(tx, room.platform, address)


def get(tx: Transaction, room_id: UUID) -> Room | None:
    return tx.session.get(Room, room_id)


def of_coordinators(tx: Transaction) -> list[Room]:
    """Every room in which alerts are shown."""
    with tx.asking(Room):
        query = sa.select(Room).where(Room.purpose == COORDINATORS).order_by(Room.created_at, Room.id)
        return list(tx.session.scalars(query))


def may_stay(tx: Transaction, now: datetime, platform: str, room: str) -> bool:
    """Whether the bot has anything to do in a group: it is the coordinators', or may still become it."""
    known = at(tx, platform, room)
    if known is None or known.purpose == ENDED:
        return False
    return known.purpose == COORDINATORS or now - known.created_at < TIME_TO_DECIDE


def to_leave(tx: Transaction, now: datetime, platform: str) -> list[str]:
    """The groups of a platform in which the bot has nothing to do any more."""
    late = sa.and_(Room.purpose == UNDECIDED, Room.created_at <= now - TIME_TO_DECIDE)
    query = sa.select(Room).where(Room.platform == platform, sa.or_(Room.purpose == ENDED, late))
    return [str(tx.open(each.key_id, "address", each.sealed_address)) for each in tx.session.scalars(query)]


def move(tx: Transaction, room: Room, address: str) -> bool:
    """The platform goes on with a room under another address: all that waits for it follows.

    Messages from before can't be changed there any more, but still be replied to: their ids are marked as
    those of the former room. False if the room has moved there already.
    """
    index = address_index(tx, room.platform, address)
    if room.address_index == index:
        return False
    other = at(tx, room.platform, address)
    if other is not None:  # asked there anew, by whoever moved it, before we knew
        _delete(tx, other)
    tx.write()
    run = tx.session.execute
    named = (Outbox.room_id == room.id, Outbox.message_id.is_not(None), ~Outbox.message_id.startswith(FORMER))
    run(sa.update(Outbox).where(*named).values(message_id=FORMER + Outbox.message_id, more_ids=None))
    room.former_index, room.address_index = room.address_index, index
    room.sealed_address = tx.seal(room.key_id, "address", address)
    waits = (Outbox.room_id == room.id, Outbox.state.in_(outbox.UNSENT))
    run(sa.update(Outbox).where(*waits).values(recipient=index, sealed_address=room.sealed_address))
    tx.session.flush()
    return True


def remove(tx: Transaction, platform: str, room: str) -> None:
    """The bot is not in a group any more: the row goes, what was to be said there, and its key."""
    known = at(tx, platform, room)
    if known is not None and is_at(tx, known, room):
        _delete(tx, known)


def _delete(tx: Transaction, known: Room) -> None:
    tx.write()
    run = tx.session.execute
    run(sa.delete(Outbox).where(Outbox.room_id == known.id, Outbox.state.in_(outbox.UNSENT)))
    run(sa.delete(Key).where(Key.id == known.key_id))
    tx.session.delete(known)
    tx.session.flush()
    tx.forget_key(known.key_id)


def card(tx: Transaction, room_id: UUID, card_name: str) -> Outbox | None:
    """The newest message of a card in a room."""
    return outbox.newest(tx, Outbox.room_id == room_id, Outbox.card == card_name, outbox.SHOWN)


def posted_at(tx: Transaction, room_id: UUID, card_name: str) -> datetime | None:
    """When a card was last posted anew in a room; None if it is not there yet."""
    is_new = Outbox.edits_id.is_(None)
    row = outbox.newest(tx, Outbox.room_id == room_id, Outbox.card == card_name, outbox.SHOWN, is_new)
    return row.created_at if row is not None else None


def by_message(tx: Transaction, room: Room, address: str, message_id: str) -> Outbox | None:
    """The message of ours that someone replies or reacts to in a room, which they know by this address."""
    named = message_id if is_at(tx, room, address) else FORMER + message_id
    return outbox.newest(tx, Outbox.room_id == room.id, Outbox.message_id == named)
