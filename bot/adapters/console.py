"""The console: every person speaks from one terminal, and all that anyone receives is shown in it."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from bot.adapters import NotSent, Outgoing, Pace, RawEvent, Refused
from bot.adapters.text import storable
from handlers.messages import Media

Show = Callable[[str, Outgoing, bool], None]


class Console:
    """An adapter whose platform is a terminal. `show(person, message, changed)` puts a message on it."""

    platform = "console"
    pace: Pace | None = None
    repeats_safely = False
    keychain = None

    def __init__(self, show: Show) -> None:
        self.show = show
        self._events: asyncio.Queue[RawEvent] = asyncio.Queue()
        self._written: dict[str, str] = {}  # the last message id of each person, for /edit
        self._buttons: dict[str, tuple[str, ...]] = {}  # the tokens of the newest buttons that each one sees
        self._heard: dict[str, list[tuple[str, str]]] = {}  # what each person received, for /reply

    async def start(self) -> None: ...

    async def receive(self, cursor: str | None) -> tuple[list[RawEvent], str | None]:
        events = [await self._events.get()]
        while not self._events.empty():
            events.append(self._events.get_nowait())
        return events, cursor

    async def accepted(self, events: list[RawEvent]) -> None: ...

    async def send(self, message: Outgoing) -> tuple[str, ...]:
        words = bool(message.text or message.title or message.place or message.file)
        if not words and not message.retracts:
            return ()
        self.show(message.chat, message, bool(message.edits or message.retracts))
        if not words:
            kept = [each for each in self._heard.get(message.chat, []) if each[0] not in message.retracts]
            self._heard[message.chat] = kept
            return ()
        message_id = message.edits or uuid4().hex
        if message.buttons and not message.is_room:
            self._buttons[message.chat] = tuple(button.token for button in message.buttons)
        self._heard.setdefault(message.chat, []).append((message_id, f"{message.title}\n{message.text}"))
        return (message_id,)

    async def fetch(self, reference: str) -> bytes:
        try:
            return await asyncio.to_thread(Path(reference).read_bytes)
        except FileNotFoundError:
            raise Refused("there is no such file") from None
        except OSError as error:
            raise NotSent(type(error).__name__) from None

    async def stop(self) -> None: ...

    def waiting(self) -> bool:
        return not self._events.empty()

    # --- what the terminal does in the name of a person --------------------------------------------

    def say(self, person: str, text: str, **more: Any) -> None:
        """Someone says something; `more` may hold a place, a file or the message that is replied to."""
        self._written[person] = self._do(person, text, **more)

    def _do(self, person: str, text: str, **more: Any) -> str:
        message_id: str = more.pop("id", uuid4().hex)
        payload = storable({"id": message_id, "name": person.capitalize(), "text": text, **more})
        said = str(payload["text"])
        self._events.put_nowait(RawEvent(f"{message_id}:{uuid4().hex}", person, payload, said))
        return message_id

    def edit(self, person: str, text: str) -> bool:
        """Change the last message of a person; False if there is none."""
        if person not in self._written:
            return False
        self.say(person, text, id=self._written[person], kind="edit")
        return True

    def redact(self, person: str) -> bool:
        """Take the last message of a person back; False if there is none."""
        if person not in self._written:
            return False
        self._do(person, "", id=self._written[person], kind="redacted")
        return True

    def react(self, person: str, emoji: str, to: str = "", room: str = "") -> None:
        """Set an emoji on a message; without its id on the last one that was received there."""
        where = {"room": room} if room else {}
        to = to or self.message_with(room or person, "")
        self._do(person, emoji, kind="reaction", reply_to=to, **where)

    def invite(self, person: str, room: str) -> None:
        """Someone asks the bot into a group, and it is there."""
        self._do(person, "", kind="joined", room=room)

    def locked(self, person: str, late: bool = False) -> None:
        """Someone writes what cannot be read (yet)."""
        self._written[person] = self._do(person, "", kind="locked", detail={"late": "yes"} if late else {})

    def reply(self, person: str, text: str) -> None:
        """Reply to the last message that a person received."""
        self.say(person, text, reply_to=self.message_with(person, ""))

    def message_with(self, person: str, words: str) -> str:
        """The id of the newest message to a person that has these words in it; "" if there is none."""
        heard = reversed(self._heard.get(person, []))
        return next((message_id for message_id, text in heard if words in text), "")

    def press(self, person: str, token: str) -> None:
        self.say(person, "", kind="press", token=token)

    def press_number(self, person: str, number: int) -> bool:
        """Press a button of the newest message that has some; False if there is none with this number."""
        tokens = self._buttons.get(person, ())
        if not 1 <= number <= len(tokens):
            return False
        self.press(person, tokens[number - 1])
        return True

    def send_place(self, person: str, latitude: float, longitude: float) -> None:
        self.say(person, "", place=[latitude, longitude])

    def move(self, person: str, latitude: float, longitude: float) -> None:
        """A live position goes on: the message with the place is changed."""
        self.say(person, "", id=self._written[person], kind="edit", place=[latitude, longitude])

    def send_file(self, person: str, path: str, caption: str = "") -> None:
        mime = mimetypes.guess_type(path)[0] or "application/octet-stream"
        kind = mime.split("/")[0]
        media = {"image": Media.PHOTO, "audio": Media.VOICE, "video": Media.VIDEO}.get(kind, Media.FILE)
        self.say(person, caption, file={"media": str(media), "path": path, "mime": mime})
