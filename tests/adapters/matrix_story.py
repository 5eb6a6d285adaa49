"""What the stories of the Matrix adapter begin with: the bot, and people who speak with it, over Synapse."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bot.adapters import RawEvent
from bot.adapters.matrix_client import Client
from bot.adapters.matrix_manners import Profile
from handlers.messages import Kind
from storage.database import Database
from tests.matrix_member import Member
from tests.matrix_world import WatchedMatrix, make_adapter
from tests.synapse import Account, Synapse
from tests.world import Time

_numbers = itertools.count(1)
MOST_LOOKS = 20


@dataclass
class Bot:
    """A started adapter, without the pipeline behind it: what it takes is committed here."""

    account: Account
    matrix: WatchedMatrix
    time: Time
    cursor: str | None = None
    taken: list[RawEvent] = field(default_factory=list)

    @property
    def user_id(self) -> str:
        return self.account.user_id

    @property
    def client(self) -> Client:
        assert self.matrix.client is not None
        return self.matrix.client

    @property
    def rooms(self) -> set[str]:
        return set(self.client.rooms)

    async def look(self) -> list[RawEvent]:
        """Take once what is new, and do what follows from it."""
        events, self.cursor = await self.matrix.receive(self.cursor)
        await self.matrix.keychain.run(lambda tx: None)
        await self.matrix.accepted(events)
        await self.courtesies()
        self.taken += events
        return events

    async def until(self, check: Callable[[], object]) -> None:
        for _look in range(MOST_LOOKS):
            if check():
                return
            await self.look()
        raise AssertionError("it does not happen")

    async def courtesies(self) -> None:
        """Wait for what the adapter does in the background."""
        await asyncio.gather(*self.matrix._manners._tasks)

    async def chat(self, member: Member, *, encrypted: bool = True) -> str:
        """A private chat into which someone has invited the bot; both are in it."""
        room = await member.open_chat(self.user_id, encrypted)
        await self.until(lambda: room in self.rooms)
        await member.wait_joined(self.user_id, room)
        return room

    def reports(self, kind: Kind) -> list[RawEvent]:
        return [each for each in self.taken if each.payload.get("report") == kind]


@asynccontextmanager
async def connected(
    database: Database, synapse: Synapse, profile: Profile | None = None
) -> AsyncIterator[Bot]:
    """A bot that has looked once, so that it hears what is said from now on."""
    name, time = f"bot-{next(_numbers)}", Time()
    matrix = make_adapter(database, synapse, name, time)
    matrix._profile = profile or matrix._profile
    bot = Bot(await synapse.register(name), matrix, time)
    try:
        await matrix.start()
        await bot.look()
        yield bot
    finally:
        await matrix.stop()
