"""The composition root: the parts of one process, made once, handed down as arguments, and kept running."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy.exc import SQLAlchemyError

from bot.adapters import Adapter, GatewayFault, Listener, RawEvent
from bot.adapters.core_events import event
from bot.clock import Clock
from bot.holding import RENEW_EVERY, TO_RENEW, LeaseLost
from bot.outside import Outside, Way
from bot.repeats import Repeats
from bot.station import Station
from bot.worker import Worker
from handlers.context import Core
from handlers.messages import Kind
from storage import inbox
from storage.database import Database
from storage.outages import remedy

log = logging.getLogger(__name__)

LONG_AWAY = timedelta(minutes=3)  # coordinators hear of a platform that is silent for so long
WAKES = {"worker": "inbox", "courier": "outbox", "fetcher": "jobs", "second": "outside"}  # loop: its queue
TEND_EVERY = 5.0  # seconds
AFTER_A_RIVAL = 1.0  # seconds
LONGEST_PAUSE = 60.0  # seconds of deafness, whatever a platform, or what stands before it, asks for
LONGEST_TURN = 120.0  # seconds; what asks a PostgreSQL that never answers asks another connection then
TO_PART = 10.0  # seconds for what may be left undone
ASKING = ("worker", "clock", "courier")  # the loops whose turns wait for nothing but the database
FETCHING = 5  # times as long may last those of the others, which wait for files and for programs outside too
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
    failures: int = 0
    longest_turn: float = LONGEST_TURN
    net: float = 1.0  # seconds after which a queue is looked at though nobody rang
    walls: Counter[str] = field(default_factory=Counter)  # failures, by what failed and went on
    turns: dict[str, datetime] = field(default_factory=dict)  # when each loop last came round
    _heard: dict[str, datetime] = field(default_factory=dict)  # when each platform last answered
    _wake: dict[str, asyncio.Event] = field(default_factory=dict)
    _repeats: Repeats = field(default_factory=Repeats)

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
        return cls(database, core, now, stations, worker, Clock(database, core, now), outside)

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
                if not self.database.is_sqlite:
                    group.create_task(self._ring(stopping))
                if role is not Role.GATEWAY:
                    group.create_task(self._repeat("worker", self.worker.run_once, self.net, stopping))
                    group.create_task(self._repeat("clock", self.clock.run_once, CLOCK_EVERY, stopping))
                    group.create_task(
                        self._repeat("second way out", self.outside.run_once, self.net, stopping)
                    )
                for station in self.stations:
                    platform = station.adapter.platform
                    group.create_task(self._lead(station, stopping))
                    group.create_task(self._receive(station, stopping))
                    if isinstance(station.adapter, Listener) and station.adapter.listens:
                        tend = station.adapter.tend
                        group.create_task(self._listen(station, station.adapter, stopping))
                        group.create_task(self._repeat(f"groups {platform}", tend, TEND_EVERY, stopping))
                    group.create_task(self._repeat(f"courier {platform}", station.send, 0.25, stopping))
                    group.create_task(self._repeat(f"fetcher {platform}", station.fetch, self.net, stopping))
        finally:
            release = self.database.run(lambda tx: inbox.release(tx, self.worker.name))
            await self._if_it_can("worker", release)
            for station in self.stations:
                await self._if_it_can(f"station of {station.adapter.platform}", station.stop())

    async def _repeat(
        self, name: str, run: Callable[[], Awaitable[int]], pause: float, stopping: asyncio.Event
    ) -> None:
        wake = self._wake[name] = asyncio.Event()
        self.turns[name] = self.now()
        while not stopping.is_set():
            wake.clear()
            try:
                async with asyncio.timeout(self._patience(name)):
                    busy = await run()
            except Exception as error:  # noqa: BLE001 (a wall: a loop goes on, whatever happens)
                self._failed(name, error)
                busy = 0
            else:
                self.turns[name] = self.now()
            if busy:
                self._wake_others(name)
                continue
            await _first(wake.wait(), stopping.wait(), timeout=pause)

    def _patience(self, name: str) -> float | None:
        """Seconds that a turn may last: behind a proxy that has lost its server no connection ever breaks."""
        if self.database.is_sqlite:
            return None
        return self.longest_turn * (1 if name.partition(" ")[0] in ASKING else FETCHING)

    def heard(self) -> dict[str, datetime]:
        """When each platform that this process serves last answered."""
        began = min(self.turns.values(), default=self.now())
        held = [each.adapter.platform for each in self.stations if each.held.is_set()]
        return {platform: self._heard.get(platform, began) for platform in held}

    async def _lead(self, station: Station, stopping: asyncio.Event) -> None:
        """Keep the account's lease: only its holder receives and sends."""
        while not stopping.is_set():
            try:
                async with asyncio.timeout(TO_RENEW):
                    held = await station.holding.take()
            except Exception as error:  # noqa: BLE001 (a wall, as above)
                self._failed(f"lease of {station.adapter.platform}", error)
                # A database that is away for a moment takes nobody's account: the others miss it too.
                held = station.held.is_set() and not station.holding.may_have_run_out()
            if held:
                station.take_hold()
            elif station.held.is_set():
                station.let_go()
            await _first(stopping.wait(), timeout=RENEW_EVERY)

    async def _receive(self, station: Station, stopping: asyncio.Event) -> None:
        """Connect and receive while this process holds the account's lease."""
        name = f"gateway {station.adapter.platform}"
        was_away: datetime | None = None
        met_a_rival = False
        while not stopping.is_set():
            await _first(station.held.wait(), stopping.wait())
            pause = 0.0
            try:
                if not station.leading.is_set():
                    await _first(station.take_up(), station.lost.wait(), stopping.wait())
                if not station.leading.is_set():
                    continue
                await _first(self._take(station), station.lost.wait(), stopping.wait())
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
                self._failed(name, error)
                pause = 1.0
            finally:
                if pause:
                    await _first(stopping.wait(), timeout=pause)

    async def _listen(self, station: Station, adapter: Listener, stopping: asyncio.Event) -> None:
        """Take what the platform brings, also where another process has the account's lease."""

        async def take(events: Sequence[RawEvent]) -> None:
            await station.gateway.accept(events, None)
            self._wake_others("")
            await station.adapter.accepted(list(events))

        while not stopping.is_set():
            try:
                await adapter.listen(take, stopping)
            except OSError as error:
                self._failed(f"listening for {station.adapter.platform}", error)
                await _first(stopping.wait(), timeout=RENEW_EVERY)

    async def _gateway_failed(self, name: str, fault: GatewayFault, away: timedelta = timedelta(0)) -> float:
        """Tell the operator, and the coordinators if it won't pass; gives the seconds until the next try.

        away: for how long it has failed already.
        """
        self.failures += 1
        self.walls[name] += 1
        if (more := self._repeats.heard(f"{name}: {fault.reason}", self.now())) is not None:
            log.error("%s: %s%s", name, fault.reason, more)
        pause = 30.0 if fault.fatal else 2.0
        if fault.retry_after is not None:
            pause = min(fault.retry_after.total_seconds(), LONGEST_PAUSE)
        if not fault.fatal and away < LONG_AWAY:
            return pause
        now, keep = self.now(), self.core.union.keep_events
        key = f"{name}:{now:%Y-%m-%dT%H}"
        await self._if_it_can(
            name,
            self.database.run(
                lambda tx: inbox.report(tx, now, b"", key, event(Kind.FAULT), crisis=True, keep=keep)
            ),
        )
        return pause

    async def _if_it_can(self, name: str, work: Awaitable[object]) -> None:
        """What a database that fails just now must not stop: nothing is lost by leaving it."""
        try:
            async with asyncio.timeout(None if self.database.is_sqlite else TO_PART):
                await work
        except (SQLAlchemyError, OSError) as error:
            self._failed(name, error)

    async def _take(self, station: Station) -> None:
        if await station.gateway.run_once():
            self._wake_others("")

    def _wake_others(self, name: str) -> None:
        for other, wake in self._wake.items():
            if other != name:
                wake.set()

    async def _ring(self, stopping: asyncio.Event) -> None:
        """Wake the loops of other processes where this one brings news, and these where others do."""
        from bot.bell import Bell  # whose driver is loaded only where it is used

        bell = Bell(self.database, self.worker.name, self._hear)
        self.database.tell = bell.ring
        await bell.run(stopping)

    def _hear(self, news: Collection[str]) -> None:
        if "keys" in news:  # someone was forgotten by a process: none may open what they said
            self.database.vault.forget_all()
        for loop, wake in self._wake.items():
            if WAKES.get(loop.partition(" ")[0]) in news:
                wake.set()

    def _failed(self, name: str, error: Exception) -> None:
        self.failures += 1
        self.walls[name] += 1
        kind = type(error).__name__
        more = self._repeats.heard(f"{name} {kind}", self.now())
        if more is None:
            return
        found = remedy(error)
        what = f"{kind}, {found}" if found else kind
        log.error("the %s failed and goes on in a second: %s%s", name, what, more, exc_info=error)


async def _first(*waits: Awaitable[object], timeout: float | None = None) -> None:  # noqa: ASYNC109
    """Wait until the first is done, end the others, and raise what the first raised."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    done, pending = await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()
