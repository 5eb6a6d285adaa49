"""People with Matrix in the stories of `tests/world.py`: encrypted, over a real Synapse."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.adapters import Adapter, File, Outgoing, RawEvent
from bot.adapters.matrix import Matrix
from bot.adapters.matrix_login import Credentials
from bot.adapters.matrix_manners import Profile
from bot.adapters.matrix_text import KEYCAPS
from bot.doorkeeper import Doorkeeper
from bot.keychain import Keychain
from handlers.contents import COMMANDS
from handlers.context import Union
from storage.database import Database
from tests.matrix_member import Member, Message
from tests.synapse import PASSWORD, Synapse
from tests.world import Heard, Time, World, compose

_numbers = itertools.count(1)
WAIT = 0.3  # seconds that one look at the homeserver waits for news


class WatchedMatrix(Matrix):
    """The adapter, with a note of what it took and what it delivered."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.taken: set[str] = set()
        self.delivered: list[tuple[str, str]] = []  # chat and event, an edit under the id of its message

    async def accepted(self, events: list[RawEvent]) -> None:
        await super().accepted(events)
        self.taken |= {event.key for event in events}

    async def send(self, message: Outgoing) -> tuple[str, ...]:
        sent = await super().send(message)
        self.delivered += [(message.chat, event) for event in sent]
        return sent


def make_adapter(
    database: Database, synapse: Synapse, name: str, now: Any, password: str = PASSWORD
) -> WatchedMatrix:
    return WatchedMatrix(
        synapse.url,
        Credentials(synapse.user_id(name), password),
        Keychain(database, "matrix", now),
        Doorkeeper(database, "matrix", now),
        now,
        Profile("One Cloak"),
        commands=tuple(COMMANDS),
        poll_seconds=WAIT,
    )


@dataclass
class MatrixPlatform:
    """People who write to the bot from Matrix; each has a private, encrypted chat with it."""

    synapse: Synapse
    folder: Path
    bot: str  # the account's name
    matrix: WatchedMatrix
    members: dict[str, Member] = field(default_factory=dict)
    chats: dict[str, str] = field(default_factory=dict)  # the room of each one's private chat
    _expected: set[str] = field(default_factory=set)
    _seen: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def adapter(self) -> Adapter:
        return self.matrix

    @property
    def bot_id(self) -> str:
        return self.synapse.user_id(self.bot)

    async def member(self, name: str) -> tuple[Member, str]:
        """Someone and the room of their private chat, made at first use."""
        if name not in self.members:
            account = f"{name}-{self.bot}"
            member = await Member.join(self.synapse, account, self.folder / account)
            await member.client.set_displayname(name.capitalize())
            self.members[name] = member
            self.chats[name] = await self.members[name].open_chat(self.bot_id)
        return self.members[name], self.chats[name]

    def expect(self, event_id: str) -> str:
        """The bot has something to take."""
        self._expected.add(event_id)
        return event_id

    async def says(self, name: str, text: str) -> str:
        member, room = await self.member(name)
        if text.startswith("/"):  # apps keep such words for themselves
            text = f"!{text[1:]}"
        return self.expect(await member.says(room, text))

    async def edits(self, name: str, message_id: str, text: str) -> None:
        member, room = await self.member(name)
        self.expect(await member.edits(room, message_id, text))

    async def replies(self, name: str, to: str, text: str) -> None:
        member, room = await self.member(name)
        self.expect(await member.replies(room, to, text))

    async def presses(self, name: str, label: str) -> None:
        """A reaction on the newest message that has this button, or its label where that can't be done."""
        member, room = await self.member(name)
        message = next(each for each in reversed(member.heard) if label in labels(each))
        number = labels(message).index(label)
        if number < len(KEYCAPS) and KEYCAPS[number] not in message.reactions_of(member.user_id):
            self.expect(await member.reacts(message.room_id, message.event_id, KEYCAPS[number]))
        else:
            self.expect(await member.says(room, label))

    async def redacts(self, name: str, message_id: str) -> None:
        member, room = await self.member(name)
        await member.redacts(room, message_id)

    async def sends_place(self, name: str, latitude: float, longitude: float) -> None:
        member, room = await self.member(name)
        self.expect(await member.sends_place(room, latitude, longitude))

    async def sends_photo(self, name: str, body: bytes, caption: str) -> None:
        member, room = await self.member(name)
        self.expect(await member.sends_photo(room, body, caption))

    async def sends_voice(self, name: str, body: bytes) -> None:
        member, room = await self.member(name)
        self.expect(await member.sends_voice(room, body))

    async def sends_document(self, name: str, filename: str, body: bytes) -> None:
        member, room = await self.member(name)
        self.expect(await member.sends_document(room, filename, body))

    async def blocks(self, name: str) -> None:
        member, room = await self.member(name)
        await member.leaves(room)
        # The room is gone for them; the bot reads of it under the id of that event.
        self._expected.add(f"gone:{room}")

    def message_id(self, name: str, words: str) -> str:
        return next(each.event_id for each in reversed(self.members[name].heard) if words in each.body)

    async def heard(self) -> list[tuple[str, Heard]]:
        new = []
        for name, member in self.members.items():
            mine = {event for chat, event in self.matrix.delivered if chat == member.user_id}
            await member.until(lambda: mine <= member.messages.keys(), 10)  # noqa: B023
            for message in member.heard:
                before = self._seen.get((name, message.event_id))
                if message.body != before and not message.redacted:  # what was taken back just disappears
                    self._seen[name, message.event_id] = message.body
                    # A notice does not ring: it stands in place of a message that was taken back.
                    silent = before is not None or message.msgtype == "m.notice"
                    new.append((name, await self._as_heard(member, message, changed=silent)))
        return sorted(new, key=lambda each: each[1].changed)

    async def _as_heard(self, member: Member, message: Message, *, changed: bool) -> Heard:
        file = None
        if message.attachment and not message.redacted:
            body = await member.downloads(message)
            file = File(message.msgtype.removeprefix("m."), message.attachment.mime, body)
        text = "" if message.attachment and message.body == message.attachment.filename else message.body
        return Heard(text, labels(message), message.place, file, changed)

    def busy(self) -> bool:
        if any(key.startswith("gone:") for key in self.matrix.taken):
            self._expected = {each for each in self._expected if not each.startswith("gone:")}
        self._expected = {
            each
            for each in self._expected - self.matrix.taken
            if not any(key.startswith(f"{each}:") for key in self.matrix.taken)
        }
        return bool(self._expected)

    async def close(self) -> None:
        await self.matrix.stop()
        for member in self.members.values():
            await member.close()


def labels(message: Message) -> list[str]:
    """The numbered lines at the end of a message."""
    lines = message.body.rpartition("\n\n")[2].splitlines()
    return [
        line.removeprefix(f"{number} ")
        for number, line in enumerate(lines, 1)
        if line.startswith(f"{number} ")
    ]


@asynccontextmanager
async def matrix_platform(
    database: Database, synapse: Synapse, folder: Path, time: Time
) -> AsyncIterator[MatrixPlatform]:
    bot = f"onecloak-{next(_numbers)}"
    await synapse.register(bot)
    platform = MatrixPlatform(synapse, folder, bot, make_adapter(database, synapse, bot, time))
    try:
        yield platform
    finally:
        await platform.close()


@asynccontextmanager
async def matrix_world(
    database: Database, synapse: Synapse, folder: Path, union: Union | None = None
) -> AsyncIterator[World]:
    time = Time()
    async with matrix_platform(database, synapse, folder, time) as platform:
        world = compose(database, platform, union=union, time=time)
        await world.app.start()
        yield world
