"""The loops of one process: each goes on whatever happens in one of its turns, and wakes the others."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from bot.repeats import Repeats
from storage.outages import remedy, says_outage

log = logging.getLogger(__name__)

WAKES = {"worker": "inbox", "courier": "outbox", "fetcher": "jobs", "second": "outside"}  # loop: its queue
LONGEST_TURN = 120.0  # seconds; what asks a PostgreSQL that never answers asks another connection then
ASKING = ("worker", "clock", "courier")  # the loops whose turns wait for nothing but the database
FETCHING = 5  # times as long may last those of the others, which wait for files and for programs outside too
TO_PART = 10.0  # seconds for what may be left undone


@dataclass(slots=True)
class Loops:
    """What repeats until it is told to stop.

    longest_turn: seconds after which a turn is given up; None where no network stands before the database.
    """

    now: Callable[[], datetime]
    longest_turn: float | None
    walls: Counter[str] = field(default_factory=Counter)  # failures, by what failed and went on
    turns: dict[str, datetime] = field(default_factory=dict)  # when each loop's last turn ended well
    rounds: dict[str, datetime] = field(default_factory=dict)  # or failed by a fault that no restart mends
    _wakes: dict[str, asyncio.Event] = field(default_factory=dict)
    _repeats: Repeats = field(default_factory=Repeats)

    async def repeat(
        self, name: str, run: Callable[[], Awaitable[int]], pause: float, stopping: asyncio.Event
    ) -> None:
        """Take turns until `stopping` is set, each `pause` seconds at the latest after an idle one."""
        wake = self._wakes[name] = asyncio.Event()
        self.turns[name] = self.rounds[name] = self.now()
        while not stopping.is_set():
            wake.clear()
            try:
                async with asyncio.timeout(self._patience(name)):
                    busy = await run()
            except Exception as error:  # noqa: BLE001 (a wall: a loop goes on, whatever happens)
                self.failed(name, error)
                busy = 0
                if says_outage(error):
                    self.rounds[name] = self.now()
            else:
                self.turns[name] = self.rounds[name] = self.now()
            if busy:
                self.wake_others(name)
                continue
            await first(wake.wait(), stopping.wait(), timeout=pause)

    def _patience(self, name: str) -> float | None:
        """Seconds that a turn may last: behind a proxy that has lost its server no connection ever breaks."""
        if self.longest_turn is None:
            return None
        return self.longest_turn * (1 if name.partition(" ")[0] in ASKING else FETCHING)

    def wake_others(self, name: str = "") -> None:
        """Something was done that the other loops may have waited for."""
        for other, wake in self._wakes.items():
            if other != name:
                wake.set()

    def wake_for(self, queues: Collection[str]) -> None:
        """Something new waits in these queues."""
        for loop, wake in self._wakes.items():
            if WAKES.get(loop.partition(" ")[0]) in queues:
                wake.set()

    async def if_it_can(self, name: str, work: Awaitable[object]) -> None:
        """What a database that fails just now must not stop: nothing is lost by leaving it."""
        try:
            async with asyncio.timeout(None if self.longest_turn is None else TO_PART):
                await work
        except (SQLAlchemyError, OSError) as error:
            self.failed(name, error)

    def failed(self, name: str, error: Exception) -> None:
        """Count a failure at a wall, and tell the operator its cause and remedy."""
        kind = type(error).__name__
        if (more := self.counted(name, kind)) is not None:
            found = remedy(error)
            what = f"{kind}, {found}" if found else kind
            log.error("the %s failed and goes on in a second: %s%s", name, what, more, exc_info=error)

    def counted(self, name: str, reason: str) -> str | None:
        """Count a failure; what to say behind it, or None where it was said a moment ago."""
        self.walls[name] += 1
        return self._repeats.heard(f"{name}: {reason}", self.now())


async def first(*waits: Awaitable[object], timeout: float | None = None) -> None:  # noqa: ASYNC109
    """Wait until the first is done, end the others, and raise what the first raised."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    try:
        done, pending = await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()
