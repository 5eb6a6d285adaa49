"""The updates that wait for a bot, with Telegram's rules for confirming, expiring and polling them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

KEPT = timedelta(hours=24)
BATCH = 100


class Superseded(Exception):
    """Another poll has begun: Telegram ends the older one."""


class Updates:
    """A queue of updates; each has a number of its own, even where the update tells none."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.next_number = 1
        self._now = now
        self._waiting: list[tuple[int, datetime, object]] = []
        self._allowed: list[str] | None = None
        self._poll = 0
        self._news = asyncio.Event()

    def __len__(self) -> int:
        oldest = self._now() - KEPT
        self._waiting = [one for one in self._waiting if one[1] > oldest]
        return len(self._waiting)

    def allows(self, kind: str) -> bool:
        """Whether the bot has asked for this kind; that counts from its last poll on."""
        return self._allowed is None or kind in self._allowed

    def push(self, update: object, number: int) -> None:
        self.next_number = number + 1
        self._waiting.append((number, self._now(), update))
        self.wake()

    def wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def end(self) -> None:
        """End the poll that waits, as the server is closing."""
        self._poll += 1
        self.wake()

    async def poll(self, offset: int, limit: int, seconds: int, allowed: list[str] | None) -> list[object]:
        """Confirm what is before the offset, then wait for updates; raises Superseded."""
        self._poll += 1
        mine = self._poll
        self.wake()
        self._allowed = self._allowed if allowed is None else allowed
        self._confirm(offset)
        try:
            async with asyncio.timeout(seconds):
                while not len(self) and mine == self._poll and seconds:
                    await self._news.wait()
        except TimeoutError:
            pass
        if mine != self._poll:
            raise Superseded
        return [update for _, _, update in self._waiting[: min(max(limit, 1), BATCH)]]

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            self._waiting = self._waiting[offset:]
        # From tdlib's TQueue: an offset too far ahead is answered from the head, and confirms nothing.
        elif offset <= self.next_number + 10:
            self._waiting = [one for one in self._waiting if one[0] >= offset]
