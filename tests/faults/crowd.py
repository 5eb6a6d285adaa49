"""People who write to a bot that keeps dying: they wait for each answer, and go on when it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.bot_api import BotApi, Person, Sent

PATIENCE = 45  # seconds that a person waits for an answer, over all deaths of the bot
GLANCE = 0.02
LATER = "I need someone to fetch my insulin in ten days"  # nobody is asked yet, and no coordinator alarmed


@dataclass
class Someone:
    """A person with Telegram, who reads on from where they stopped."""

    account: Person
    read: int = 0

    async def hears(self, *words: str) -> Sent:
        """Wait for the next message with any of these words; what comes a second time is passed over."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    for index in range(self.read, len(self.account.heard)):
                        if any(each in self.account.heard[index].text for each in words):
                            self.read = index + 1
                            return self.account.heard[index]
                    await asyncio.sleep(GLANCE)
        except TimeoutError:
            heard = [each.text for each in self.account.heard[-5:]]
            raise AssertionError(f"{self.account.first_name} waits for {words}, heard {heard}") from None

    async def says(self, text: str, then: str) -> Sent:
        self.account.says(text)
        return await self.hears(then)

    async def presses(self, label: str, then: str) -> Sent:
        self.account.presses(label)
        return await self.hears(then)


@dataclass
class Crowd:
    """Everyone: a coordinator, two volunteers, a pair that talks, and each time new people with new cares."""

    api: BotApi
    numbers: count[int] = field(default_factory=lambda: count(501))
    askers: list[Someone] = field(default_factory=list)
    victims: list[Someone] = field(default_factory=list)
    greeters: list[Someone] = field(default_factory=list)
    lines: list[tuple[Someone, Someone, str]] = field(default_factory=list)  # writer, reader, words

    def __post_init__(self) -> None:
        self.carla, self.ben, self.cleo, self.ana = map(self.someone, ("Carla", "Ben", "Cleo", "Ana"))

    def someone(self, name: str) -> Someone:
        return Someone(self.api.person(next(self.numbers), name))

    async def gather(self, coordinator: str, members: list[str]) -> None:
        """Before the story: Carla coordinates, Ben and Cleo help, Ben has accepted what Ana asked for."""
        await self.carla.says(f"/join {coordinator}", "You are a coordinator now")
        for helper, code in zip((self.ben, self.cleo), members, strict=True):
            await helper.says(f"/join {code}", "You are a member now")
            helper.account.says("/offer I can fetch medicine")
            await helper.hears("Where")
            helper.account.sends_place(41.40, 2.16)
            await helper.hears("How far")
            await helper.presses("5 km", "Thank you")
        await self.asks(self.ana, "I need someone to fetch my insulin")
        await self.ben.hears("Can you help")
        await self.ben.presses("I can", "open to you")
        await self.ana.hears("Someone has accepted")

    def load(self, round_: int) -> list[Coroutine[Any, Any, None]]:
        """Several people at once: some ask, one is in danger, some greet, two talk through the bot."""
        askers = [self.someone("Asker") for _ in range(3)]
        greeters = [self.someone("Greeter") for _ in range(2)]
        victim = self.someone("Victim")
        self.askers += askers
        self.greeters += greeters
        self.victims.append(victim)
        return [
            self.is_in_danger(victim),
            *(self.asks(each, LATER) for each in askers),
            *(self.greets(each) for each in greeters),
            self.writes(self.ana, self.ben, round_),
            self.writes(self.ben, self.ana, round_),
        ]

    async def asks(self, someone: Someone, words: str) -> None:
        """The whole dialog, to its receipt."""
        await someone.says("/need", "What do you need?")
        await someone.says(words, "Is that right?")
        await someone.presses("Yes", "Where is help needed?")
        someone.account.sends_place(41.40, 2.16)
        await someone.hears("N-")
        await someone.hears("Is that all right?")

    async def greets(self, someone: Someone) -> None:
        await someone.says("hello", "this is One Cloak")

    async def is_in_danger(self, victim: Someone) -> None:
        """An SOS, said twice, with a word of where; Carla takes charge, and it is over."""
        await victim.says("SOS", "Write here what")
        await victim.says("SOS please", "I have written this down")
        await victim.says("third floor, the blue door", "I have written this down")
        await self.carla.hears("🔴")
        await self.carla.presses("I take it", "You are in charge")
        await victim.hears("Carla has taken charge")
        await self.is_over()
        await victim.hears("is closed by the coordinator")

    async def is_over(self) -> None:
        await self.carla.presses("Resolve", "How did it end?")
        await self.carla.presses("They were helped", "is resolved")

    async def writes(self, writer: Someone, reader: Someone, round_: int) -> None:
        """Some lines at once; nothing is said back, they are passed on."""
        for number in range(3):
            words = f"{writer.account.first_name} writes line {round_}.{number}."
            self.lines.append((writer, reader, words))
            writer.account.says(words)
