"""Tells the other processes at the same PostgreSQL that something new waits, so that they need not poll.

`LISTEN` and `NOTIFY` on a connection of their own, after the commit: a notification inside a transaction
would make all that bring news wait for each other. What is not heard, because a process died between its
commit and the bell or because the database was restarting, is found by the polling beneath.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from asyncpg import InterfaceError, PostgresError
from sqlalchemy.exc import SQLAlchemyError

from bot.loops import first
from bot.repeats import Repeats
from storage.database import Database

CHANNEL = "onecloak"
NEWS = frozenset({"inbox", "outbox", "jobs", "outside", "keys"})  # queues; and that a key was destroyed
AGAIN_AFTER = 1.0  # seconds
TO_LISTEN = 10.0  # seconds in which the database must have answered

log = logging.getLogger(__name__)


class Bell:
    """Rings in the other processes, and says of what there is news when it is heard here."""

    def __init__(
        self, database: Database, name: str, heard: Callable[[Collection[str]], None],
        now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._database = database
        self._now = now
        self._repeats = Repeats()
        self._name = name
        self._heard = heard
        self._news: set[str] = set()
        self._rung = asyncio.Event()
        self.listening = asyncio.Event()

    def ring(self, news: set[str]) -> None:
        """Say of what there is news; said soon, and once if said often."""
        self._news |= news
        self._rung.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Listen and ring until `stopping` is set, over every loss of the connection."""
        # A connection that is refused is told in the words of the driver's adapter: nothing wraps them here.
        refused: type[Exception] = self._database.engine.dialect.loaded_dbapi.Error
        while not stopping.is_set():
            try:
                await self._listen(stopping)
            except (SQLAlchemyError, PostgresError, InterfaceError, OSError, refused) as error:
                kind = type(error).__name__
                if (more := self._repeats.heard(kind, self._now())) is not None:
                    log.warning("the bell is silent and polling goes on: %s%s", kind, more)
            finally:
                self.listening.clear()
            await first(stopping.wait(), timeout=AGAIN_AFTER)

    async def _listen(self, stopping: asyncio.Event) -> None:
        gone = asyncio.Event()
        async with asyncio.timeout(TO_LISTEN):
            pooled = await self._database.engine.raw_connection()
        link: Any = pooled.driver_connection
        pooled.detach()
        try:
            link.add_termination_listener(lambda _link: gone.set())
            await link.add_listener(CHANNEL, self._hear)
            self.listening.set()
            self._heard(NEWS)  # whatever was rung while nobody listened here
            while not stopping.is_set() and not gone.is_set():
                await first(self._rung.wait(), gone.wait(), stopping.wait())
                self._rung.clear()
                if self._news and not gone.is_set():
                    await link.execute("SELECT pg_notify($1, $2)", CHANNEL, self._said(), timeout=TO_LISTEN)
        finally:
            link.terminate()

    def _said(self) -> str:
        news, self._news = self._news, set()
        return " ".join((self._name, *sorted(news)))

    def _hear(self, _link: object, _pid: int, _channel: str, said: str) -> None:
        name, *news = said.split()
        if name != self._name:
            self._heard(NEWS.intersection(news))
