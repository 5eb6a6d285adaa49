"""The dead-man signal: an outside address hears each minute that all is well, and only then.

Silence is the alarm: whoever listens there tells a human being when the signal stays out. It is an auditor of
its own: it trusts no loop, but looks at what the loops have done.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from bot.loops import first
from storage.database import Database
from storage.lateness import Lateness, lateness

log = logging.getLogger(__name__)

EVERY = 60.0  # seconds
LOOP_HOLDS = timedelta(seconds=60)  # since a loop's last turn
GATEWAY_HOLDS = timedelta(minutes=3)  # since a platform last answered
LEAST_SPACE = 200_000_000  # bytes
SECONDS_TO_ANSWER = 10.0
TO_ASK = 20.0  # seconds in which the database must answer


@dataclass(frozen=True, slots=True)
class Facts:
    """What the self-checks look at; ages are since the last turn, by the name of the loop."""

    loops: Mapping[str, timedelta]
    gateways: Mapping[str, timedelta]  # of the accounts that this process serves
    late: Lateness | None  # None: the database did not answer
    space: int  # bytes that are free where the database stands


Check = Callable[[Facts], str | None]


def _loops(facts: Facts) -> str | None:
    stuck = sorted(name for name, age in facts.loops.items() if age > LOOP_HOLDS)
    return f"no turn for a minute: {', '.join(stuck)}" if stuck else None


def _gateways(facts: Facts) -> str | None:
    silent = sorted(name for name, age in facts.gateways.items() if age > GATEWAY_HOLDS)
    return f"no word from the platform: {', '.join(silent)}" if silent else None


def _steps(facts: Facts) -> str | None:
    late = facts.late is not None and facts.late.step > timedelta(seconds=60)
    return "a step of an alert is overdue" if late else None


def _heard(facts: Facts) -> str | None:
    late = facts.late is not None and facts.late.heard > timedelta(seconds=30)
    return "what was said in a crisis is not handled" if late else None


def _told(facts: Facts) -> str | None:
    late = facts.late is not None and facts.late.told > timedelta(seconds=60)
    return "a message of a crisis does not leave" if late else None


def _database(facts: Facts) -> str | None:
    return "the database does not answer" if facts.late is None else None


def _space(facts: Facts) -> str | None:
    return "less than 200 megabytes are free on the disk" if facts.space < LEAST_SPACE else None


CHECKS: Sequence[Check] = (_database, _steps, _heard, _told, _loops, _gateways, _space)


def amiss(facts: Facts) -> list[str]:
    """Why no sign of life may be given; empty where every check passes."""
    return [reason for check in CHECKS if (reason := check(facts)) is not None]


class Watch:
    """Looks each minute, and gives the sign of life only where nothing is amiss."""

    def __init__(
        self,
        database: Database,
        url: str,
        folder: Path,
        turns: Mapping[str, datetime],
        gateways: Callable[[], Mapping[str, datetime]],
        now: Callable[[], datetime],
    ) -> None:
        """turns: when each loop last came round; gateways: when each platform served here last answered."""
        self.database = database
        self.url = url
        self.folder = folder
        self.turns = turns
        self.gateways = gateways
        self.now = now

    async def run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                await self.run_once()
            except Exception as error:  # noqa: BLE001 (a wall: a look that fails must not end what it looks at)
                log.error("the self-check failed, no sign of life is given: %s", type(error).__name__)
            await first(stopping.wait(), timeout=EVERY)

    async def run_once(self) -> bool:
        """Whether the sign of life was given and heard."""
        reasons = amiss(await self.facts())
        if reasons:
            log.error("the sign of life is withheld: %s", "; ".join(reasons))
            return False
        return await self._tell()

    async def facts(self) -> Facts:
        now = self.now()
        return Facts(
            {name: now - at for name, at in self.turns.items()},
            {name: now - at for name, at in self.gateways().items()},
            await self._late(now),
            shutil.disk_usage(self.folder).free,
        )

    async def _late(self, now: datetime) -> Lateness | None:
        try:
            async with asyncio.timeout(TO_ASK):
                return await self.database.run(lambda tx: lateness(tx, now))
        except Exception as error:  # noqa: BLE001 (a wall: that it fails is the finding)
            log.error("the self-check could not ask the database: %s", type(error).__name__)
            return None

    async def _tell(self) -> bool:
        try:
            async with httpx.AsyncClient(timeout=SECONDS_TO_ANSWER) as client:
                answer = await client.get(self.url)
        except httpx.HTTPError as error:
            log.warning("the sign of life did not arrive: %s", type(error).__name__)
            return False
        if answer.is_error:
            log.warning("the sign of life was answered with %d", answer.status_code)
        return not answer.is_error
