"""People with encrypted chats, a bot on Matrix that keeps dying, and the books about it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import sqlalchemy as sa

from bot.app import utc_now
from bot.keychain import Keychain
from storage.database import Database, Transaction
from storage.tables import Inbox, Outbox
from tests.faults.nursery import SOON, Nursery
from tests.matrix_member import Member
from tests.synapse import Synapse

IN_A_LIFE = 3  # messages of each member while one bot lives
PATIENCE = 40  # seconds until what has not been handled counts as missing
GLANCE = 0.05


class MatrixNursery(Nursery):
    """Raises bots on Matrix; they can also be killed from outside."""

    def __init__(self, synapse: Synapse, user: str, database_url: str, folder: Path) -> None:
        self._pid_file, self._log = folder / "bot.pid", folder / "child.log"
        self._arguments = (synapse.url, user, database_url, str(self._pid_file))
        self._command = ("-m", "tests.faults.matrix_child", *self._arguments)  # type: ignore[assignment]
        self._process = self._reading = None
        self._dead, self._obeyed, self._end = asyncio.Event(), asyncio.Event(), ""

    async def kill(self, after: float) -> None:
        """Kill the running bot after a while."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._dead.wait(), after)
        os.kill(int(self._pid_file.read_text(encoding="ascii")), signal.SIGKILL)
        await asyncio.wait_for(self.killed(), SOON)

    async def dies_of(self, order: str) -> bool:
        """Kill the running bot at a step; False if the step did not come, and it was killed all the same."""
        await self.order(order)
        try:
            await asyncio.wait_for(self.killed(), SOON)
        except TimeoutError:
            await self.kill(after=0)
            return False
        return True


@dataclass
class Someone:
    """A member, their private chat, and the events that they sent."""

    member: Member
    room: str
    said: list[str] = field(default_factory=list)

    async def writes(self, messages: int) -> None:
        """Ask something that is answered once; every second message brings a new room key."""
        for _message in range(messages):
            if len(self.said) % 2 == 0:
                await self.member.rotates(self.room)
            self.said.append(await self.member.says(self.room, "!my"))


@dataclass
class Story:
    """What was said, how the bot died, and what its database tells of both."""

    database: Database
    nursery: MatrixNursery
    people: list[Someone]
    random: Random
    kills: Counter[str] = field(default_factory=Counter)

    async def one_round(self, deaths: Sequence[str]) -> None:
        """Some lives and deaths, "" at a moment that is left to chance, and a rest after them."""
        for death in deaths:
            async with asyncio.TaskGroup() as group:
                for someone in self.people:
                    group.create_task(someone.writes(IN_A_LIFE))
                await self._dies(death)
                await self.nursery.start()
        await self.rest()
        for someone in self.people:  # a homeserver gives only the last hundred events at once
            await someone.member.sync()

    async def _dies(self, death: str) -> None:
        if not death or not await self.nursery.dies_of(death):
            if not death:
                await self.nursery.kill(after=self.random.uniform(0, 1.2))
            death = "a moment"
        self.kills[death.partition(":")[0]] += 1

    async def rest(self) -> None:
        """Let the living bot finish; what it does not finish is for the books to find."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while not await self.database.run(self._is_quiet):  # noqa: ASYNC110 (another process works)
                    await asyncio.sleep(GLANCE)

    def _is_quiet(self, tx: Transaction) -> bool:
        waiting = sa.select(sa.func.count()).where(Outbox.state.in_(("waiting", "sending")))
        return not tx.session.scalar(waiting) and len(self._outcomes(tx)) == len(self._said())

    def _said(self) -> list[str]:
        return [event for someone in self.people for event in someone.said]

    def _outcomes(self, tx: Transaction) -> list[str]:
        """How each message that was said and has come to an end has ended."""
        keys = [tx.vault.index("event", "matrix", event) for event in self._said()]
        ended = sa.select(Inbox.outcome).where(Inbox.event_key.in_(keys), Inbox.outcome.is_not(None))
        return [str(each) for each in tx.session.scalars(ended)]

    async def check(self) -> str:
        """Everything once, nothing lost and nothing locked for ever; returns the counts in a sentence."""
        keychain = Keychain(self.database, "matrix", utc_now)
        await keychain.load()
        locked = len(list(keychain.items("locked/")))
        outcomes = await self.database.run(self._outcomes)
        rows = await self.database.run(lambda tx: list(tx.session.scalars(sa.select(Outbox))))
        answers = [event for row in rows for event in (row.message_id or "", *(row.more_ids or "").split())]
        said, heard = self._said(), await self._heard(set(answers))
        doubled, unheard = heard - Counter(answers), Counter(answers) - heard
        told = (
            f"{self.kills.total()} kills {dict(sorted(self.kills.items()))}: {len(said)} messages, missing "
            f"{len(said) - len(outcomes)}, undecryptable {locked}, handled twice {len(rows) - len(outcomes)}"
            f"; {len(answers)} replies, not arrived {unheard.total()}, delivered twice {doubled.total()}"
        )
        assert Counter(outcomes) == {"handled": len(said)}, told
        assert not locked, told
        assert len(rows) == len(said), told  # each was answered, and none more than once
        assert {row.state for row in rows} == {"sent"}, told
        assert not doubled, told
        assert not unheard, told
        return told

    async def _heard(self, answers: set[str]) -> Counter[str]:
        """Every event of the bot that a member could read; one that nobody can open is not among them."""

        def heard() -> Counter[str]:
            return Counter(each.event_id for someone in self.people for each in someone.member.heard)

        for someone in self.people:
            await someone.member.sync()
        with contextlib.suppress(TimeoutError):
            for someone in self.people:
                member = someone.member
                await member.until(lambda: not member.unreadable or heard().keys() >= answers, 5)  # noqa: B023
        return heard()
