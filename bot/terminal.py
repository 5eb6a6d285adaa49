"""The teaching terminal: reads lines, drives the bot until it is quiet, shows what everyone hears."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import sqlalchemy as sa

from bot.adapters import Outgoing
from bot.adapters.console import Console
from bot.app import App
from handlers.context import Moment
from handlers.membership import COORDINATOR, MEMBER, make_code
from storage.database import Database, Transaction
from storage.tables import Inbox

GUIDE = """\
You are in the console of One Cloak. You speak as one person at a time.
  /as ana            speak as Ana (anyone, made up on the spot)
  I need insulin     say something; press a button by typing its number
  /at 41.38,2.17     send a place
  /file PATH         send a photo, a recording or a file
  /reply TEXT        reply to the last message that you received
  /edit TEXT         change the last message that you wrote
  /unsay             take it back
  /react 👍          set an emoji on the last message that you received
  /invite hall       ask the bot into a group; `/in hall TEXT` speaks there
  /wait 10m          let time pass (s, m, h, d)
  /operator code     print a member's code; `/operator code coordinator` for a coordinator
  /quit              leave
Everything else goes to the bot, as it would from Telegram."""

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LENGTH = re.compile(r"^(\d{1,6})\s*([smhd])$")
PAIR = re.compile(r"^(-?\d{1,3}(?:\.\d+)?)\s*[, ]\s*(-?\d{1,3}(?:\.\d+)?)$")


class MovableTime:
    """The real time plus what `/wait` has added."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self.offset = offset

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.offset

    async def resume(self, database: Database) -> None:
        """Go on from where an earlier console had got to with `/wait`."""

        def latest(tx: Transaction) -> datetime | None:
            return tx.session.scalar(sa.select(sa.func.max(Inbox.received_at)))

        last = await database.run(latest)
        if last is not None and last > self():
            self.offset += last - self() + timedelta(seconds=1)


class Screen(Protocol):
    """Where the terminal shows things: plain for a script, rich for a person."""

    def heard(self, person: str, message: Outgoing, changed: bool) -> None: ...

    def said(self, person: str, line: str) -> None: ...

    def note(self, text: str) -> None: ...


class PlainScreen:
    """Stable lines without colour, for a script to read."""

    def heard(self, person: str, message: Outgoing, changed: bool) -> None:
        self._print(f"{person} {'sees changed' if changed else 'hears'}:")
        for line in body_lines(message):
            self._print(f"  {line}")

    def said(self, person: str, line: str) -> None:
        self._print(f"{person} says: {line}")

    def note(self, text: str) -> None:
        for line in text.splitlines():
            self._print(f"* {line}")

    def _print(self, line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def body_lines(message: Outgoing) -> list[str]:
    """A message as lines of text, its buttons numbered."""
    lines = [message.title] if message.title else []
    lines += message.text.splitlines()
    if message.place is not None and message.place.has_coordinates:
        lines.append(f"(place {message.place.latitude:.5f},{message.place.longitude:.5f})")
    if message.file is not None:
        lines.append(f"({message.file.media}, {message.file.mime}, {len(message.file.body)} bytes)")
    if message.retracts and not message.edits:
        lines.append("(taken back)")
    if message.buttons:
        lines.append(
            "  ".join(f"[{number}] {press.label}" for number, press in enumerate(message.buttons, 1))
        )
    return lines


class Terminal:
    """Turns lines into what people do; each line settles before the next is read."""

    def __init__(self, app: App, console: Console, time: MovableTime, screen: Screen) -> None:
        self.app = app
        self.console = console
        self.time = time
        self.screen = screen
        self.person = "ana"
        self._turn = asyncio.Lock()

    async def do(self, line: str) -> bool:
        """Do what a line says; False when it is time to leave."""
        line = line.strip()
        word, _, rest = line.partition(" ")
        rest = rest.strip()
        if word == "/quit":
            return False
        if not line:
            return True
        own = {"/as": self._as, "/wait": self._wait, "/operator": self._operator}
        if word in own:
            await own[word](rest)
        elif self._speak(word, rest, line):
            await self.settle()
        return True

    def _speak(self, word: str, rest: str, line: str) -> bool:
        """Something that the person says or sends; False if nothing came of it."""
        pair = PAIR.match(rest)
        if word == "/at" and pair is None:
            self.screen.note("Write a place as /at 41.38,2.17")
            return False
        self.screen.said(self.person, line)
        if word == "/at" and pair is not None:
            self.console.send_place(self.person, float(pair[1]), float(pair[2]))
        elif not self._act(word, rest) and not self._press(line):
            self.console.say(self.person, line)
        return True

    def _act(self, word: str, rest: str) -> bool:
        """What a person does with older messages, with files and in groups; False if it is none of these."""
        room, _, words = rest.partition(" ")
        acts: dict[str, Callable[[], bool | None]] = {
            "/file": lambda: self.console.send_file(self.person, rest),
            "/reply": lambda: self.console.reply(self.person, rest),
            "/edit": lambda: self.console.edit(self.person, rest),
            "/unsay": lambda: self.console.redact(self.person),
            "/react": lambda: self.console.react(self.person, rest),
            "/invite": lambda: self.console.invite(self.person, rest),
            "/in": lambda: self.console.say(self.person, words, room=room),
        }
        if word not in acts:
            return False
        if acts[word]() is False:
            self.screen.note(f"{self.person} has written nothing yet")
        return True

    def _press(self, line: str) -> bool:
        return line.isascii() and line.isdigit() and self.console.press_number(self.person, int(line))

    async def _as(self, name: str) -> None:
        if not re.fullmatch(r"\w{1,30}", name):
            self.screen.note("Write a name as /as ana")
            return
        self.person = name.lower()
        self.screen.note(f"You are {self.person} now.")

    async def _wait(self, text: str) -> None:
        found = LENGTH.match(text)
        if found is None:
            self.screen.note("Write a length of time as /wait 10m (s, m, h, d)")
            return
        length = timedelta(seconds=int(found[1]) * UNITS[found[2]])
        if length > timedelta(days=400):
            self.screen.note("That is too long; 400 days at most.")
            return
        self.screen.note(f"{text} pass.")
        await self.forward(length)

    async def _operator(self, text: str) -> None:
        role = COORDINATOR if COORDINATOR in text else MEMBER
        if not text.startswith("code"):
            self.screen.note("Write /operator code or /operator code coordinator")
            return
        now = self.time()
        code = await self.app.database.run(lambda tx: make_code(Moment(self.app.core, tx, now), role, 1))
        self.screen.note(f"code for a {role}: {code}")

    async def forward(self, length: timedelta) -> None:
        """Let time pass, stopping at each moment at which something is due."""
        target = self.time() + length
        while True:
            await self.settle()
            due = await self.app.clock.next_due()
            if due is None or due >= target:
                break
            self.time.offset += max(due - self.time(), timedelta(milliseconds=1))
        self.time.offset += max(target - self.time(), timedelta())
        await self.settle()

    async def settle(self) -> None:
        """Bring what was said into the inbox, then run until nothing is left to do."""
        async with self._turn:
            gateway = self.app.stations[0].gateway
            while self.console.waiting():
                await gateway.run_once()
            await self.app.settle()

    async def run_script(self) -> None:
        """Read standard input to its end, a line at a time."""
        while line := await asyncio.to_thread(sys.stdin.readline):
            if not await self.do(line):
                break
