"""All that serves one account in one process: it acts only while the process holds the account's lease."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from bot.adapters import Adapter, Speaker
from bot.courier import Courier
from bot.fetcher import Fetcher
from bot.gateway import Gateway
from bot.holding import Holding, LeaseLost
from handlers.context import Core
from storage.database import Database

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Station:
    """All that serves one account: receiving, sending, fetching.

    It connects only while this process holds the account's lease, and acts (`leading`) once connected.
    """

    adapter: Adapter
    holding: Holding
    gateway: Gateway
    courier: Courier
    fetcher: Fetcher
    held: asyncio.Event = field(default_factory=asyncio.Event)
    leading: asyncio.Event = field(default_factory=asyncio.Event)
    lost: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def equip(
        cls, database: Database, core: Core, adapter: Adapter, name: str, now: Callable[[], datetime],
        step: Callable[[str], None],
    ) -> Station:  # fmt: skip
        holding, keep = Holding(database, adapter.platform, name), core.union.keep_events
        if isinstance(adapter, Speaker):
            adapter.may_speak = lambda: not holding.may_have_run_out()
        return cls(
            adapter,
            holding,
            Gateway(database, adapter, core, holding, now, step),
            Courier(holding, adapter, now, keep, step),
            Fetcher(holding, adapter, core.union, now),
        )

    async def take_up(self) -> None:
        """Connect, and go on where a process that ended stopped in the middle; raises GatewayFault."""
        await self.adapter.start()
        await self.courier.recover()
        await self.fetcher.recover()
        if self.held.is_set():
            self.leading.set()

    def take_hold(self) -> None:
        self.lost.clear()
        self.held.set()

    def let_go(self) -> None:
        """Another process has the account now, or may have it."""
        self.held.clear()
        self.leading.clear()
        self.lost.set()

    async def send(self) -> int:
        if not self.leading.is_set():
            self.courier.abandon()
            return 0
        return await self._holding(self.courier.run_some)

    async def fetch(self) -> int:
        return await self._holding(self.fetcher.run_once) if self.leading.is_set() else 0

    async def stop(self) -> None:
        """In order: what is on its way is waited for a moment, and the next process need not wait."""
        try:
            if self.leading.is_set():
                with suppress(LeaseLost):  # the next one decides about it
                    await self.courier.finish()
        finally:
            self.courier.abandon()
            await self.adapter.stop()
        await self.holding.give_up()

    async def _holding(self, act: Callable[[], Awaitable[int]]) -> int:
        try:
            return await act()
        except LeaseLost as lost:
            log.warning("%s: %s", self.adapter.platform, lost.reason)
            self.let_go()
            return 0
