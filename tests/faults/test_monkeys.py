"""Whatever people write, press and send, in whatever order: nothing fails or sticks, all are answered."""

from __future__ import annotations

from random import Random

import pytest
import sqlalchemy as sa

from handlers.contents import COMMANDS
from handlers.first_words import RETURN_WORD
from storage.database import Database
from storage.tables import Inbox, Outbox
from tests.world import Friend, World, console_world, telegram_world

WORDS = (
    "hello", "yes", "no", "2", "9", "0", "thanks", "sos", "he is not breathing", "I need insulin",
    "tomorrow at 9", "I can drive and cook", "every monday at 10", "2 weeks", "nobody", "I'm 14",
    "I want to die", "my husband hits me", "41.40, 2.16", "999, 999", "Gràcia", "N-XXXX", "A-0000",
    "@everyone", "\x00", "\u202etxet\u202c", "a\u200bb", "<b>bold</b> *x* [a](b)", "{name} %s {0}",
    "ا" * 50, "🆘" * 30, "x" * 10_000, "\n\n\n", "-1", "1e309", "００", "a\ud800b", "/", "//", "/ /",
    "\uffff", "\u200f", "’; DROP TABLE people; --",
)  # fmt: skip
PLACES = ((41.40, 2.16), (41.41, 2.17), (-90.0, 180.0), (0.0, 0.0), (89.9, -179.9))


class Monkey:
    """Someone who does anything at all."""

    def __init__(self, world: World, friend: Friend, random: Random) -> None:
        self.world, self.friend, self.random = world, friend, random

    async def acts(self) -> None:
        choice = self.random.random()
        if choice < 0.35:
            await self.friend.says(self._words())
        elif choice < 0.6:
            await self.friend.says(f"/{self.random.choice(sorted(COMMANDS))} {self._words(0.5)}".strip())
        elif choice < 0.9:
            await self._presses()
        elif choice < 0.97:
            await self.friend.sends_place(*self.random.choice(PLACES))
        else:
            await self.world.forward(minutes=self.random.choice((1, 20, 90)))

    def _words(self, chance: float = 1.0) -> str:
        if self.random.random() > chance:
            return ""
        words = self.random.choices(WORDS, k=self.random.choice((1, 1, 1, 2)))
        return " ".join(words)

    async def _presses(self) -> None:
        """Any button of any message that was ever shown, however old."""
        seen = [label for each in self.friend.inbox for label in each.labels]
        if seen:
            await self.friend.presses(self.random.choice(seen))


async def _live(world: World, random: Random, actions: int) -> None:
    friends = [await world.coordinator("carla"), await world.coordinator("dora")]
    friends += [
        await world.volunteer("ben"),
        await world.volunteer("cleo"),
        world.person("ana"),
        world.person("eva"),
    ]
    monkeys = [Monkey(world, friend, random) for friend in friends]
    for _action in range(actions):
        await random.choice(monkeys).acts()
    await world.forward(hours=2)
    await _nothing_failed(world)
    for friend in friends:
        await friend.says(RETURN_WORD.message)  # who has hidden the chat hears nothing until then
        friend.inbox.clear()
        await friend.says("/cancel")
        await friend.says("/help")
        assert friend.inbox, f"{friend.name} is not answered any more"


async def _nothing_failed(world: World) -> None:
    events = sa.select(Inbox.outcome).distinct()
    assert await world.database.run(lambda tx: set(tx.session.scalars(events))) == {"handled"}
    unsent = sa.select(sa.func.count()).select_from(Outbox).where(Outbox.state == "failed")
    assert await world.database.run(lambda tx: tx.session.scalar(unsent)) == 0
    assert world.app.clock.failures == 0


@pytest.mark.parametrize("seed", range(2))
async def test_six_who_do_anything_at_all_in_the_console(sqlite_database: Database, seed: int) -> None:
    async with console_world(sqlite_database) as world:
        await _live(world, Random(seed), 40)


async def test_six_who_do_anything_at_all_in_telegram(sqlite_database: Database) -> None:
    async with telegram_world(sqlite_database) as world:
        await _live(world, Random(7), 30)


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(100, 120))
async def test_a_long_day_of_six_who_do_anything_at_all(database: Database, seed: int) -> None:
    async with console_world(database) as world:
        await _live(world, Random(seed), 400)
