"""The composition root: the parts of one process, made once, handed down as arguments, and kept running."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from bot.adapters import Adapter, GatewayFault, Listener, RawEvent
from bot.adapters.core_events import event
from bot.clock import Clock
from bot.holding import RENEW_EVERY, TO_RENEW, LeaseLost
from bot.loops import LONGEST_TURN, Loops, first
from bot.outside import Outside, Way
from bot.station import Station
from bot.worker import Worker
from handlers.context import Core
from handlers.messages import Kind
from storage import inbox
from storage.database import Database

log = logging.getLogger(__name__)

LONG_AWAY = timedelta(minutes=3)  # coordinators hear of a platform that is silent for so long
TEND_EVERY = 5.0  # seconds
AFTER_A_RIVAL = 1.0  # seconds
LONGEST_PAUSE = 60.0  # seconds of deafness, whatever a platform, or what stands before it, asks for
SEND_EVERY = 0.25  # seconds; what became due by its time leaves at most so late
CLOCK_EVERY = 0.5  # seconds; a step of escalation is at most so late


class Role(StrEnum):
    """What a process does: everything, or one of two parts, of which any number may run (PostgreSQL only)."""

    ALL = "all"
    WORKER = "worker"  # handles what came in and what is due
    GATEWAY = "gateway"  # receives and sends, for each account one at a time


def utc_now() -> datetime:
    return datetime.now(UTC)


def no_step(name: str) -> None:
    """The numbered steps of the pipeline pass unnoticed, but for tests that break the process there."""


@dataclass(slots=True)
class App:
    """The running parts of one process, in the order in which a message passes them."""

    database: Database
    core: Core
    now: Callable[[], datetime]
    stations: list[Station]
    worker: Worker
    clock: Clock
    outside: Outside
    loops: Loops
    net: float = 1.0  # seconds after which a queue is looked at though nobody rang
    _heard: dict[str, datetime] = field(default_factory=dict)  # when each platform last answered

    @classmethod
    def compose(
        cls,
        database: Database,
        core: Core,
        adapters: Sequence[Adapter],
        now: Callable[[], datetime] = utc_now,
        step: Callable[[str], None] = no_step,
        ways: Mapping[str, Way] | None = None,
    ) -> App:
        """ways: the second way out, by name, as the union of the core knows them."""
        name = f"{os.getpid()}-{secrets.token_hex(4)}"
        stations = [Station.equip(database, core, adapter, name, now, step) for adapter in adapters]
        worker = Worker(database, core, name, now, step)
        outside = Outside(database, core, ways or {}, now)
        loops = Loops(now, None if database.is_sqlite else LONGEST_TURN)
        return cls(database, core, now, stations, worker, Clock(database, core, now), outside, loops)

    async def start(self, stopping: asyncio.Event | None = None) -> None:
        """Take up what a process that ended has left; raises GatewayFault if the account can't ever work.

        Where several accounts are served, one that can't be reached must not keep the others from starting.
        """
        if self.database.is_sqlite:  # no other process can be running
            await self.database.run(inbox.release)
            await self.outside.recover()
        for station in self.stations:
            if not await station.holding.take():
                continue
            station.take_hold()
            try:
                await self._take_up(station)
            except GatewayFault as fault:
                if stopping is None or (fault.fatal and len(self.stations) == 1):
                    raise
                await self._gateway_failed(f"gateway {station.adapter.platform}", fault)

    async def _take_up(self, station: Station) -> None:
        """Connect, which may take longer than the lease lasts."""
        connected = asyncio.Event()
        leading = asyncio.create_task(self._lead(station, connected))
        try:
            await station.take_up()
        finally:
            connected.set()
            await leading

    async def settle(self) -> int:
        """Handle, fetch, send until nothing is left to do at this moment; returns how much there was."""
        total = 0
        while True:
            done = await self.clock.run_once() + await self.worker.run_once()
            done += await self.outside.run_once()
            for station in self.stations:
                done += await station.fetcher.run_once() + await station.courier.run_once()
            if not done:
                return total
            total += done

    async def run(self, stopping: asyncio.Event, role: Role = Role.ALL) -> None:
        """Run until `stopping` is set; a worker is given no adapters."""
        for station in self.stations:
            station.holding.is_renewed = True
        await self.start(stopping)
        try:
            async with asyncio.TaskGroup() as group:
                for loop in self._all_loops(stopping, role):
                    group.create_task(loop)
        finally:
            release = self.database.run(lambda tx: inbox.release(tx, self.worker.name))
            await self.loops.if_it_can("worker", release)
            for station in self.stations:
                await self.loops.if_it_can(f"station of {station.adapter.platform}", station.stop())

    def _all_loops(self, stopping: asyncio.Event, role: Role) -> Iterator[Coroutine[Any, Any, None]]:
        repeat = self.loops.repeat
        if not self.database.is_sqlite:
            yield self._ring(stopping)
        if role is not Role.GATEWAY:
            yield repeat("worker", self.worker.run_once, self.net, stopping)
            yield repeat("clock", self.clock.run_once, CLOCK_EVERY, stopping)
            yield repeat("second way out", self.outside.run_once, self.net, stopping)
        for station in self.stations:
            adapter, platform = station.adapter, station.adapter.platform
            yield self._lead(station, stopping)
            yield self._receive(station, stopping)
            if isinstance(adapter, Listener) and adapter.listens:
                yield self._listen(station, adapter, stopping)
                yield repeat(f"groups {platform}", adapter.tend, TEND_EVERY, stopping)
            yield repeat(f"courier {platform}", station.send, SEND_EVERY, stopping)
            yield repeat(f"fetcher {platform}", station.fetch, self.net, stopping)

    def heard(self) -> dict[str, datetime]:
        """When each platform that this process serves last answered."""
        began = min(self.loops.turns.values(), default=self.now())
        held = [each.adapter.platform for each in self.stations if each.held.is_set()]
        return {platform: self._heard.get(platform, began) for platform in held}

    async def _lead(self, station: Station, stopping: asyncio.Event) -> None:
        """Keep the account's lease: only its holder receives and sends."""
        while not stopping.is_set():
            try:
                async with asyncio.timeout(TO_RENEW):
                    held = await station.holding.take()
            except Exception as error:  # noqa: BLE001 (a wall, as above)
                self.loops.failed(f"lease of {station.adapter.platform}", error)
                # A database that is away for a moment takes nobody's account: the others miss it too.
                held = station.held.is_set() and not station.holding.may_have_run_out()
            if held:
                station.take_hold()
            elif station.held.is_set():
                station.let_go()
            await first(stopping.wait(), timeout=RENEW_EVERY)

    async def _receive(self, station: Station, stopping: asyncio.Event) -> None:
        """Connect and receive while this process holds the account's lease."""
        name = f"gateway {station.adapter.platform}"
        was_away: datetime | None = None
        met_a_rival = False
        while not stopping.is_set():
            await first(station.held.wait(), stopping.wait())
            pause = 0.0
            try:
                if not station.leading.is_set():
                    await first(station.take_up(), station.lost.wait(), stopping.wait())
                if not station.leading.is_set():
                    continue
                await first(self._take(station), station.lost.wait(), stopping.wait())
                self._heard[station.adapter.platform] = self.now()
                if was_away:
                    await station.courier.hasten()
                was_away, met_a_rival = None, False
            except LeaseLost as lost:
                log.warning("%s: %s", name, lost.reason)
                station.let_go()
            except GatewayFault as fault:
                was_away = was_away or self.now()
                if fault.rival and not met_a_rival:
                    met_a_rival, pause = True, AFTER_A_RIVAL
                    log.warning("%s: someone else received just now", name)
                    continue
                pause = await self._gateway_failed(name, fault, self.now() - was_away)
            except Exception as error:  # noqa: BLE001 (a wall, as above)
                self.loops.failed(name, error)
                pause = 1.0
            finally:
                if pause:
                    await first(stopping.wait(), timeout=pause)

    async def _listen(self, station: Station, adapter: Listener, stopping: asyncio.Event) -> None:
        """Take what the platform brings, also where another process has the account's lease."""

        async def take(events: Sequence[RawEvent]) -> None:
            await station.gateway.accept(events, None)
            self.loops.wake_others()
            await station.adapter.accepted(list(events))

        while not stopping.is_set():
            try:
                await adapter.listen(take, stopping)
            except OSError as error:
                self.loops.failed(f"listening for {station.adapter.platform}", error)
                await first(stopping.wait(), timeout=RENEW_EVERY)

    async def _gateway_failed(self, name: str, fault: GatewayFault, away: timedelta = timedelta(0)) -> float:
        """Tell the operator, and the coordinators if it won't pass; gives the seconds until the next try.

        away: for how long it has failed already.
        """
        if (more := self.loops.counted(name, fault.reason)) is not None:
            log.error("%s: %s%s", name, fault.reason, more)
        pause = 30.0 if fault.fatal else 2.0
        if fault.retry_after is not None:
            pause = min(fault.retry_after.total_seconds(), LONGEST_PAUSE)
        if not fault.fatal and away < LONG_AWAY:
            return pause
        now, keep = self.now(), self.core.union.keep_events
        key = f"{name}:{now:%Y-%m-%dT%H}"
        await self.loops.if_it_can(
            name,
            self.database.run(
                lambda tx: inbox.report(tx, now, b"", key, event(Kind.FAULT), crisis=True, keep=keep)
            ),
        )
        return pause

    async def _take(self, station: Station) -> None:
        if await station.gateway.run_once():
            self.loops.wake_others()

    async def _ring(self, stopping: asyncio.Event) -> None:
        """Wake the loops of other processes where this one brings news, and these where others do."""
        from bot.bell import Bell  # whose driver is loaded only where it is used

        bell = Bell(self.database, self.worker.name, self._hear, self.now)
        self.database.tell = bell.ring
        await bell.run(stopping)

    def _hear(self, news: Collection[str]) -> None:
        if "keys" in news:  # someone was forgotten by a process: none may open what they said
            self.database.vault.forget_all()
        self.loops.wake_for(news)
