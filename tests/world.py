"""A small world of people who talk to the bot; stories read as conversations.

await ana.says("I need insulin")
ana.hears("Fetch medicine", "Is that right?")
await ana.presses("Yes")
await world.forward(minutes=5)
world.nobody_hears_anything_else()
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from bot.adapters import Adapter, File, Outgoing
from bot.adapters.console import Console
from bot.adapters.telegram import Telegram
from bot.app import App
from bot.doorkeeper import Doorkeeper
from bot.outside import Way
from handlers.context import Core, Moment, Union
from handlers.emergency import load_table
from handlers.membership import make_code
from handlers.messages import Place
from storage.database import Database
from tests.bot_api import BotApi
from tests.bot_api import Person as TelegramPerson
from tests.bot_api_groups import Group
from tests.words import catalogs, lexicons

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
BARCELONA = (41.40, 2.16)


@dataclass
class Heard:
    """One message as its reader saw it; `changed` if an older one was changed in place."""

    text: str
    labels: list[str]
    place: Place | None = None
    file: File | None = None
    changed: bool = False


class Platform(Protocol):
    """How a platform lets people act, and what they heard since it was last asked."""

    @property
    def adapter(self) -> Adapter: ...

    async def says(self, name: str, text: str) -> str: ...

    async def edits(self, name: str, message_id: str, text: str) -> None: ...

    async def replies(self, name: str, to: str, text: str) -> None: ...

    async def presses(self, name: str, label: str) -> None: ...

    async def sends_place(self, name: str, latitude: float, longitude: float) -> None: ...

    async def sends_photo(self, name: str, body: bytes, caption: str) -> None: ...

    async def sends_document(self, name: str, filename: str, body: bytes) -> None: ...

    async def blocks(self, name: str) -> None: ...

    def message_id(self, name: str, words: str) -> str:
        """The platform's id of the newest message to this person with these words in it."""
        ...

    async def heard(self) -> list[tuple[str, Heard]]: ...

    def busy(self) -> bool:
        """Whether something was done that the gateway has not taken yet."""
        ...


@dataclass
class Time:
    """A clock that tests move."""

    moment: datetime = NOON

    def __call__(self) -> datetime:
        return self.moment


def make_core(union: Union | None = None) -> Core:
    return Core(union or Union(country="ES"), catalogs(), lexicons(), load_table())


@dataclass
class World:
    """The whole pipeline, in one process, on a clock that stands still until it is moved."""

    database: Database
    platforms: Sequence[Platform]
    core: Core
    time: Time
    app: App
    people: dict[str, Friend] = field(default_factory=dict)

    @property
    def platform(self) -> Platform:
        """The only platform, or the first."""
        return self.platforms[0]

    def person(self, name: str, platform: Platform | None = None) -> Friend:
        """Someone on a platform; the same name on two platforms is two accounts."""
        key = name if platform in (None, self.platform) else f"{name} on {platform.adapter.platform}"
        if key not in self.people:
            self.people[key] = Friend(self, platform or self.platform, name)
        return self.people[key]

    async def settle(self) -> None:
        """Let everything that was said be handled, and everything answered be delivered."""
        while True:
            for station, platform in zip(self.app.stations, self.platforms, strict=True):
                while platform.busy():
                    await station.gateway.run_once()
            await self.app.settle()
            if not any(each.busy() for each in self.platforms):
                break
        for platform in self.platforms:
            for name, message in await platform.heard():
                self.person(name, platform).inbox.append(message)

    async def forward(self, **length: float) -> None:
        """Let time pass, stopping at each moment at which something is due."""
        target = self.time.moment + timedelta(**length)
        while True:
            due = await self.app.clock.next_due()
            if due is None or due > target:
                break
            self.time.moment = max(due, self.time.moment + timedelta(milliseconds=1))
            await self.settle()
        self.time.moment = target
        await self.settle()

    def nobody_hears_anything_else(self) -> None:
        left = {
            name: [each.text for each in friend.inbox] for name, friend in self.people.items() if friend.inbox
        }
        assert not left, f"unexpected: {left}"

    def clear(self) -> None:
        """What was heard until now is not what the story is about."""
        for friend in self.people.values():
            friend.inbox.clear()

    async def code(self, role: str = "member") -> str:
        return await self.database.run(lambda tx: make_code(Moment(self.core, tx, self.time()), role, 1))

    async def coordinator(self, name: str) -> Friend:
        """Someone who has joined as a coordinator; the story begins after that."""
        friend = self.person(name)
        await friend.says(f"/join {await self.code('coordinator')}")
        friend.inbox.clear()
        return friend

    async def volunteer(
        self, name: str, offer: str = "I can fetch medicine", place: tuple[float, float] = BARCELONA,
        radius: str = "5 km",
    ) -> Friend:  # fmt: skip
        """A member with an offer; the story begins after that."""
        friend = self.person(name)
        await friend.says(f"/join {await self.code()}")
        await friend.says(f"/offer {offer}")
        await friend.sends_place(*place)
        await friend.presses(radius)
        assert "Thank you" in friend.inbox[-1].text or "Gracias" in friend.inbox[-1].text, friend.inbox
        friend.inbox.clear()
        return friend

    async def need(
        self, name: str, words: str = "I need insulin", place: tuple[float, float] = BARCELONA
    ) -> str:
        """Someone has asked for help; gives the reference. What they heard is cleared."""
        friend = self.person(name)
        await friend.says(words)
        await friend.presses("Yes")
        await friend.sends_place(*place)
        if friend.inbox[-1].text.startswith(("Is this for you", "¿Es para ti")):
            await friend.presses(friend.inbox[-1].labels[0])
        reference = next(each.text for each in friend.inbox if each.text.startswith("N-")).split(" ")[0]
        friend.inbox.clear()
        return reference


@dataclass
class Friend:
    """A person of the story."""

    world: World
    platform: Platform
    name: str
    inbox: deque[Heard] = field(default_factory=deque)
    last_message: str = ""

    async def says(self, text: str) -> None:
        self.last_message = await self.platform.says(self.name, text)
        await self.world.settle()

    async def edits(self, text: str) -> None:
        """Change the last message."""
        await self.platform.edits(self.name, self.last_message, text)
        await self.world.settle()

    async def replies(self, to_words: str, text: str) -> None:
        """Reply to the newest message that has these words in it."""
        message_id = self.platform.message_id(self.name, to_words)
        await self.platform.replies(self.name, message_id, text)
        await self.world.settle()

    async def presses(self, label: str) -> None:
        await self.platform.presses(self.name, label)
        await self.world.settle()

    async def sends_place(self, latitude: float, longitude: float) -> None:
        await self.platform.sends_place(self.name, latitude, longitude)
        await self.world.settle()

    async def sends_photo(self, body: bytes, caption: str = "") -> None:
        await self.platform.sends_photo(self.name, body, caption)
        await self.world.settle()

    async def sends_document(self, filename: str, body: bytes) -> None:
        await self.platform.sends_document(self.name, filename, body)
        await self.world.settle()

    async def blocks_the_bot(self) -> None:
        await self.platform.blocks(self.name)
        await self.world.settle()

    def hears(self, *words: str, without: Sequence[str] = ()) -> Heard:
        """The next message has all of these words in its text or on its buttons."""
        assert self.inbox, f"{self.name} hears nothing, expected {words}"
        message = self.inbox.popleft()
        whole = "\n".join((message.text, *message.labels))
        missing = [each for each in words if each not in whole]
        assert not missing, f"{self.name} hears {whole!r}, without {missing}"
        assert not any(each in whole for each in without), f"{self.name} hears {whole!r}"
        return message

    def sees_changed(self, *words: str, without: Sequence[str] = ()) -> Heard:
        """The next thing is an older message changed in place."""
        message = self.hears(*words, without=without)
        assert message.changed, f"{self.name} hears a new message: {message.text!r}"
        return message

    def hears_nothing(self) -> None:
        assert not self.inbox, f"{self.name} hears {self.inbox[0].text!r}"


# --- platforms ------------------------------------------------------------------------------------


class ConsolePlatform:
    """People at the terminal."""

    def __init__(self, folder: Path) -> None:
        self.console = Console(self._show)
        self.adapter: Adapter = self.console
        self.folder = folder
        self._new: list[tuple[str, Heard]] = []
        self._buttons: dict[str, list[tuple[str, str]]] = {}

    def _show(self, person: str, message: Outgoing, changed: bool) -> None:
        text = f"{message.title}\n{message.text}" if message.title else message.text
        if message.retracts and not message.edits:
            text = "(taken back)"
        labels = [press.label for press in message.buttons]
        self._new.append((person, Heard(text, labels, message.place, message.file, changed)))
        for press in message.buttons:
            self._buttons.setdefault(person, []).append((press.label, press.token))

    async def says(self, name: str, text: str) -> str:
        self.console.say(name, text)
        return ""

    async def edits(self, name: str, message_id: str, text: str) -> None:
        self.console.edit(name, text)

    async def replies(self, name: str, to: str, text: str) -> None:
        self.console.say(name, text, reply_to=to)

    async def presses(self, name: str, label: str) -> None:
        token = next(token for shown, token in reversed(self._buttons[name]) if shown == label)
        self.console.press(name, token)

    async def sends_place(self, name: str, latitude: float, longitude: float) -> None:
        self.console.send_place(name, latitude, longitude)

    async def sends_photo(self, name: str, body: bytes, caption: str) -> None:
        self._send(name, "photo.jpg", body, caption)

    async def sends_document(self, name: str, filename: str, body: bytes) -> None:
        self._send(name, filename, body, "")

    def _send(self, name: str, filename: str, body: bytes, caption: str) -> None:
        path = self.folder / filename
        path.write_bytes(body)
        self.console.send_file(name, str(path), caption)

    async def blocks(self, name: str) -> None:
        self.console.say(name, "", kind="blocked")

    def message_id(self, name: str, words: str) -> str:
        return self.console.message_with(name, words)

    async def heard(self) -> list[tuple[str, Heard]]:
        new, self._new = self._new, []
        return sorted(new, key=lambda each: each[1].changed)

    def busy(self) -> bool:
        return self.console.waiting()


class TelegramPlatform:
    """People with Telegram, over real HTTP."""

    def __init__(self, api: BotApi, doorkeeper: Doorkeeper | None = None) -> None:
        """doorkeeper: with one the bot leaves groups where it has no business."""
        self.api = api
        self.adapter: Adapter = Telegram(
            api.token, api.base_url, poll_seconds=0, pace=None, doorkeeper=doorkeeper
        )
        self._names: dict[str, TelegramPerson] = {}
        self.groups: dict[str, Group] = {}
        self._seen: dict[tuple[str, int, int], str] = {}

    def group(self, name: str) -> Group:
        """A group by the name that the story gives it."""
        if name not in self.groups:
            self.groups[name] = self.api.group(-500 - len(self.groups))
        return self.groups[name]

    def person(self, name: str) -> TelegramPerson:
        if name not in self._names:
            self._names[name] = self.api.person(
                500 + len(self._names), name.capitalize(), username=f"{name}_tg"
            )
        return self._names[name]

    async def says(self, name: str, text: str) -> str:
        return str(self.person(name).says(text))

    async def edits(self, name: str, message_id: str, text: str) -> None:
        self.person(name).edits(int(message_id), text)

    async def replies(self, name: str, to: str, text: str) -> None:
        self.person(name).replies(int(to), text)

    async def presses(self, name: str, label: str) -> None:
        self.person(name).presses(label)

    async def sends_place(self, name: str, latitude: float, longitude: float) -> None:
        self.person(name).sends_place(latitude, longitude)

    async def sends_photo(self, name: str, body: bytes, caption: str) -> None:
        self.person(name).sends_photo(body, caption)

    async def sends_document(self, name: str, filename: str, body: bytes) -> None:
        self.person(name).sends_document(filename, body)

    async def blocks(self, name: str) -> None:
        self.person(name).blocks()

    def message_id(self, name: str, words: str) -> str:
        return next(str(each.message_id) for each in reversed(self.person(name).heard) if words in each.text)

    async def heard(self) -> list[tuple[str, Heard]]:
        new = []
        readers: dict[str, TelegramPerson | Group] = {**self._names, **self.groups}
        for name, person in readers.items():
            for sent in person.heard:
                before = self._seen.get((name, sent.chat, sent.message_id))
                now = f"{sent.text}{sent.labels}"
                if now != before:
                    self._seen[name, sent.chat, sent.message_id] = now
                    place = Place(*sent.place) if sent.place else None
                    file = File(sent.method, sent.file.mime, sent.file.body) if sent.file else None
                    new.append((name, Heard(sent.text, sent.labels, place, file, before is not None)))
        return sorted(new, key=lambda each: each[1].changed)

    def busy(self) -> bool:
        return bool(len(self.api.updates))


# --- making worlds --------------------------------------------------------------------------------


def compose(
    database: Database, *platforms: Platform, union: Union | None = None, time: Time | None = None,
    ways: Mapping[str, Way] | None = None,
) -> World:  # fmt: skip
    core, time = make_core(union), time or Time()
    adapters = [platform.adapter for platform in platforms]
    app = App.compose(database, core, adapters, now=time, ways=ways)
    return World(database, platforms, core, time, app)


@asynccontextmanager
async def console_world(
    database: Database, union: Union | None = None, ways: Mapping[str, Way] | None = None
) -> AsyncIterator[World]:
    folder = Path(database.url.database or ".").parent
    platform = ConsolePlatform(folder if folder.is_dir() else Path.cwd())
    world = compose(database, platform, union=union, ways=ways)
    await world.app.start()
    yield world


@asynccontextmanager
async def telegram_world(database: Database, union: Union | None = None) -> AsyncIterator[World]:
    async with BotApi() as api:
        time = Time()
        doorkeeper = Doorkeeper(database, Telegram.platform, time)
        world = compose(database, TelegramPlatform(api, doorkeeper), union=union, time=time)
        await world.app.start()
        try:
            yield world
        finally:
            await world.platform.adapter.stop()
