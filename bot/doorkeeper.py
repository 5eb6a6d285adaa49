"""In which groups an account may be: a coordinator lets it in, and the room's purpose keeps it there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from storage import people, readiness, rooms
from storage.database import Database, Transaction


class Doorkeeper:
    """The rules of the house for one platform's account."""

    def __init__(self, database: Database, platform: str, now: Callable[[], datetime]) -> None:
        self._database = database
        self._platform = platform
        self._now = now

    async def is_coordinator(self, chat: str) -> bool:
        """Whether an address is a coordinator's: they may ask the bot into a group."""
        return await self._database.run(lambda tx: people.is_coordinator_at(tx, self._platform, chat))

    async def may_stay(self, room: str) -> bool:
        """Whether a group has a purpose, or may still get one."""
        return await self._database.run(lambda tx: rooms.may_stay(tx, self._now(), self._platform, room))

    async def strangers(self, chats: set[str]) -> set[str]:
        """Those addresses of which the core knows no account."""
        return await self._database.run(lambda tx: people.strangers(tx, self._platform, chats))

    async def left(self, room: str) -> None:
        """The account is no longer there: nothing more is posted to it."""
        await self._database.run(lambda tx: self._left(tx, room))

    def _left(self, tx: Transaction, room: str) -> None:
        known = rooms.at(tx, self._platform, room)
        if known is not None and known.purpose == rooms.COORDINATORS:
            readiness.note_lost_room(tx, self._now(), self._platform)
        rooms.remove(tx, self._platform, room)
