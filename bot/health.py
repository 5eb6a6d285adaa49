"""Whether this process lives, and whether it is of use: what a supervisor or a load balancer asks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

from bot.app import App
from bot.station import Station
from bot.watch import GATEWAY_HOLDS
from storage.database import Database, Transaction
from storage.migrate import NEWEST, current_revision
from storage.standing import served

Result = TypeVar("Result")
log = logging.getLogger(__name__)

SECONDS_TO_ANSWER = 3.0
LOOP_STANDS = timedelta(minutes=3)  # a turn that waits for one lock after the other is given up after two


class Asking:
    """Asks the database with patience: one that hangs is asked no second question until it has answered."""

    def __init__(self, database: Database, patience: float = SECONDS_TO_ANSWER) -> None:
        self.database = database
        self.patience = patience
        self._asked: asyncio.Task[object] | None = None

    async def ask(
        self, question: Callable[[Transaction], Result], *, beside_writers: bool = False
    ) -> Result | None:
        """The answer; None where there is none in time.

        beside_writers: nothing waits for it. Otherwise it waits its turn, as all that is to be written does.
        """
        if self._asked is not None and not self._asked.done():
            await asyncio.wait((self._asked,), timeout=self.patience)
            if not self._asked.done():
                return None
        task = asyncio.ensure_future(
            self._answer(self.database.look if beside_writers else self.database.run, question)
        )
        self._asked = task
        done, _late = await asyncio.wait((task,), timeout=self.patience)
        return task.result() if done else None

    async def _answer(
        self,
        run: Callable[[Callable[[Transaction], Result]], Coroutine[Any, Any, Result]],
        question: Callable[[Transaction], Result],
    ) -> Result | None:
        try:
            return await run(question)
        except Exception as error:  # noqa: BLE001 (a wall: that it fails is the answer)
            log.error("the database did not answer a check of health: %s", type(error).__name__)
            return None

    async def close(self) -> None:
        """Wait for what was asked, so that the database can be closed."""
        if self._asked is not None:
            await asyncio.wait((self._asked,))


class Health:
    """Looks at one process; each finding is a short text without anything of people."""

    def __init__(self, app: App, asking: Asking, now: Callable[[], datetime]) -> None:
        self.app = app
        self.asking = asking
        self.now = now

    def not_alive(self) -> list[str]:
        """Why this process should be ended and started anew; empty while its loops come round.

        A database that fails is no reason: the next process would meet the same.
        """
        now = self.now()
        stuck = sorted(name for name, at in self.app.loops.rounds.items() if now - at > LOOP_STANDS)
        return [f"no turn for three minutes: {name}" for name in stuck]

    async def not_ready(self) -> list[str]:
        """Why this process is of no use now; empty where it is."""
        found = await self.asking.ask(lambda tx: (current_revision(tx.session.connection()), served(tx)))
        if found is None:
            return ["the database does not answer"]
        schema, held = found
        reasons = [] if schema == NEWEST else ["the database has another schema than this version"]
        if not self.app.loops.turns:
            reasons.append("it is starting")
        return reasons + [why for each in self.app.stations if (why := self._missing(each, held))]

    def _missing(self, station: Station, held: frozenset[str]) -> str:
        """An account may be served by another process: this one stands by then, and is well."""
        platform = station.adapter.platform
        if not station.held.is_set():
            return "" if platform in held else f"nobody serves {platform}"
        if not station.leading.is_set():
            return f"not connected to {platform}"
        heard = self.app.heard().get(platform)
        if heard is not None and self.now() - heard > GATEWAY_HOLDS:
            return f"no word from {platform}"
        return ""
