"""In which groups an account may be: a coordinator lets it in, and the room's purpose keeps it there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.adapters.core_events import event
from handlers.messages import Kind
from storage import inbox, people, readiness, rooms
from storage.database import Database, Transaction

KEEP_REPORTS = timedelta(hours=48)


class Doorkeeper:
    """The rules of the house for one platform's account."""

    def __init__(self, database: Database, platform: str, now: Callable[[], datetime]) -> None:
        self._database = database
        self._platform = platform
        self.now = now

    async def is_coordinator(self, chat: str) -> bool:
        """Whether an address is a coordinator's: they may ask the bot into a group."""
        return await self._database.run(lambda tx: people.is_coordinator_at(tx, self._platform, chat))

    async def may_stay(self, room: str) -> bool:
        """Whether a group has a purpose, or may still get one."""
        return await self._database.run(lambda tx: rooms.may_stay(tx, self.now(), self._platform, room))

    async def to_leave(self) -> list[str]:
        """The groups in which the account has no business any more."""
        return await self._database.run(lambda tx: rooms.to_leave(tx, self.now(), self._platform))

    async def strangers(self, chats: set[str]) -> set[str]:
        """Those addresses of which the core knows no account."""
        return await self._database.run(lambda tx: people.strangers(tx, self._platform, chats))

    async def left(self, room: str) -> None:
        """The account is no longer there: nothing more is posted, and who relied on it is told."""
        await self._database.run(lambda tx: self._left(tx, room))

    def _left(self, tx: Transaction, room: str) -> None:
        known = rooms.at(tx, self._platform, room)
        if known is None or known.purpose != rooms.COORDINATORS:
            rooms.remove(tx, self._platform, room)
            return
        readiness.note_lost_room(tx, self.now(), self._platform)
        gone = event(Kind.LEFT, platform=self._platform, room=room)
        inbox.report(tx, self.now(), b"", f"left:{known.id}", gone, crisis=True, keep=KEEP_REPORTS)
