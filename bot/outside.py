"""The second way out: makes the calls about alerts that nobody could be told of in the chats.

No transaction is open meanwhile. What a process that ended was just doing is done again: twice is better
than never.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol
from uuid import UUID

import orjson

from handlers import outside
from handlers.context import Core, Moment
from handlers.post import post
from storage import outside as stored
from storage.database import Database, Transaction

log = logging.getLogger(__name__)

AT_ONCE = 8
HOLD = timedelta(minutes=1)


class WayFailed(Exception):
    """Nobody was told; the text says why, without any address."""


class Way(Protocol):
    """How somebody is told outside the chats."""

    async def call(self, body: bytes) -> None:
        """Tell them; raises WayFailed."""
        ...


class Outside:
    """Makes the calls that are due, each at least once."""

    def __init__(
        self, database: Database, core: Core, ways: Mapping[str, Way], now: Callable[[], datetime]
    ) -> None:
        self.database = database
        self.core = core
        self.ways = ways
        self.now = now
        self.outcomes: Counter[str] = Counter()  # of calls: done, failed

    async def recover(self) -> None:
        """Take up again what a process that ended had begun; only where no other can be running."""
        await self.database.run(stored.release)

    async def run_once(self) -> int:
        """Make the calls that are due; returns how many were taken up."""
        now = self.now()
        claimed = await self.database.run(partial(self._claim, now=now))
        await asyncio.gather(*(self._call(*each) for each in claimed if each[2] is not None))
        return len(claimed)

    def _claim(self, tx: Transaction, now: datetime) -> list[tuple[UUID, str, bytes | None]]:
        """The calls to make with what is to be said; those that are not needed any more end here."""
        moment, claimed = Moment(self.core, tx, now), []
        for call in stored.claim(tx, now, AT_ONCE, HOLD):
            said = outside.report(moment, call)
            if said is None:
                stored.finish(now, call, "failed", "it was not needed any more")
            claimed.append((call.id, call.way, None if said is None else orjson.dumps(said)))
        return claimed

    async def _call(self, call_id: UUID, way: str, body: bytes | None) -> None:
        assert body is not None
        try:
            if way not in self.ways:
                raise WayFailed("it is not configured any more")
            await self.ways[way].call(body)
        except WayFailed as fault:
            reason = str(fault)
            self.outcomes["failed"] += 1
            log.error("the second way out failed: %s; it is tried again", reason)
            await self.database.run(lambda tx: outside.failed(self._moment(tx), call_id, reason))
        else:
            self.outcomes["done"] += 1
            await self.database.run(lambda tx: self._succeeded(tx, call_id))

    def _succeeded(self, tx: Transaction, call_id: UUID) -> None:
        moment = self._moment(tx)
        post(moment, outside.succeeded(moment, call_id))

    def _moment(self, tx: Transaction) -> Moment:
        return Moment(self.core, tx, self.now())
