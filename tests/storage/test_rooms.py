"""The groups in which the bot is: when a platform moves one, everything about it moves in one transaction."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from storage import outbox, rooms
from storage.database import Database, Transaction
from storage.tables import Outbox, Room
from tests.storage import BOTH_ENGINES, HOUR, MINUTE, person
from tests.world import NOON

pytestmark = BOTH_ENGINES


async def a_room(database: Database, address: str = "-1", purpose: str = rooms.COORDINATORS) -> UUID:
    carla = await person(database, f"carla {address}")

    def add(tx: Transaction) -> UUID:
        room = rooms.add(tx, NOON, "telegram", address, carla.person.id)
        room.purpose = purpose
        tx.session.flush()
        return room.id

    return await database.run(add)


def say(tx: Transaction, room: Room, **columns: Any) -> int:
    outbox.add(tx, NOON, room, room.key_id, {"text": "card"}, 0, card="alert:1", **columns)
    tx.write()
    row = tx.session.query(Outbox).order_by(Outbox.id.desc()).first()
    assert row is not None
    return row.id


async def test_a_room_moves_with_all_that_waits_for_it_and_its_old_numbers_are_marked(
    database: Database,
) -> None:
    room_id = await a_room(database)

    def before(tx: Transaction) -> tuple[int, int]:
        room = rooms.get(tx, room_id)
        assert room is not None
        first, second = say(tx, room), say(tx, room)
        outbox.sent(tx, NOON, {first: ["12", "13"]})
        return first, second

    sent, waiting = await database.run(before)

    def move(tx: Transaction) -> list[bool]:
        room = rooms.get(tx, room_id)
        assert room is not None
        return [rooms.move(tx, room, "-100"), rooms.move(tx, room, "-100")]

    assert await database.run(move) == [True, False]

    def after(tx: Transaction) -> None:
        room = rooms.at(tx, "telegram", "-100")
        assert room is not None
        assert room.id == room_id
        assert rooms.at(tx, "telegram", "-1") is room
        assert rooms.is_at(tx, room, "-100")
        assert not rooms.is_at(tx, room, "-1")
        assert tx.open(room.key_id, "address", room.sealed_address) == "-100"
        row = tx.session.get_one(Outbox, waiting)
        assert (row.recipient, row.sealed_address) == (room.address_index, room.sealed_address)
        for address, number, found in (("-1", "12", sent), ("-100", "12", None), ("-1", "99", None)):
            message = rooms.by_message(tx, room, address, number)
            assert (message.id if message else None) == found
        edit = tx.session.get_one(Outbox, say(tx, room, edits_id=sent))
        assert not outbox.original(tx, edit)[0].isdecimal()
        claimed = outbox.claim(tx, NOON, "telegram", "courier", 9, HOUR, ())
        assert [each.id for each in claimed] == [waiting]

    await database.run(after)


async def test_what_was_asked_in_the_new_place_before_the_move_was_known_gives_way(
    database: Database,
) -> None:
    theirs, asked = await a_room(database), await a_room(database, "-100", rooms.UNDECIDED)

    def story(tx: Transaction) -> list[UUID]:
        room, other = rooms.get(tx, theirs), rooms.get(tx, asked)
        assert room is not None
        assert other is not None
        say(tx, other)
        assert rooms.move(tx, room, "-100")
        assert tx.session.query(Outbox).count() == 0
        return [each.id for each in tx.session.query(Room)]

    assert await database.run(story) == [theirs]


async def test_a_move_that_fails_changes_nothing(database: Database) -> None:
    room_id = await a_room(database)

    def move(tx: Transaction) -> None:
        room = rooms.get(tx, room_id)
        assert room is not None
        say(tx, room)
        rooms.move(tx, room, "-100")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk"):
        await database.run(move)
    assert await database.run(lambda tx: rooms.at(tx, "telegram", "-100")) is None
    found = await database.run(lambda tx: rooms.at(tx, "telegram", "-1"))
    assert found is not None
    assert found.former_index is None


async def test_a_room_that_has_moved_is_removed_only_under_its_present_name(database: Database) -> None:
    room_id = await a_room(database)

    def story(tx: Transaction) -> list[int]:
        room = rooms.get(tx, room_id)
        assert room is not None
        rooms.move(tx, room, "-100")
        rooms.remove(tx, "telegram", "-1")
        before = tx.session.query(Room).count()
        rooms.remove(tx, "telegram", "-100")
        return [before, tx.session.query(Room).count()]

    assert await database.run(story) == [1, 0]


async def test_which_groups_are_to_be_left(database: Database) -> None:
    await a_room(database, "-1")
    await a_room(database, "-2", rooms.UNDECIDED)
    await a_room(database, "-3", rooms.ENDED)

    def leaving(after: timedelta, platform: str = "telegram") -> Any:
        return database.run(lambda tx: sorted(rooms.to_leave(tx, NOON + after, platform)))

    assert await leaving(59 * MINUTE) == ["-3"]
    assert await leaving(60 * MINUTE) == ["-2", "-3"]
    assert await leaving(60 * MINUTE, "matrix") == []
