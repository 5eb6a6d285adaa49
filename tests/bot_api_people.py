"""People who talk to the bot through the fake Bot API, and what they see of its answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.bot_api import BotApi


@dataclass(frozen=True)
class Upload:
    """A file as it went over the wire."""

    name: str
    mime: str
    body: bytes


@dataclass(frozen=True)
class Key:
    """A button: below the message (with a token), or below the text field."""

    label: str
    token: str = ""
    asks_place: bool = False


@dataclass
class Sent:
    """One message of the bot, as its reader sees it."""

    method: str
    chat: int
    message_id: int
    text: str = ""
    bold: list[str] = field(default_factory=list)
    buttons: list[list[Key]] = field(default_factory=list)
    file: Upload | None = None
    place: tuple[float, float] | None = None
    contact: str = ""
    preview: bool = True
    edited: bool = False

    @property
    def keys(self) -> list[Key]:
        return [key for row in self.buttons for key in row]

    @property
    def labels(self) -> list[str]:
        return [key.label for key in self.keys]


@dataclass
class Person:
    """Someone with a Telegram account; what they do becomes updates, what they hear is in `heard`."""

    api: BotApi
    user_id: int
    first_name: str
    language_code: str
    username: str = ""
    blocked: bool = False
    heard: list[Sent] = field(default_factory=list)
    wrote: dict[int, str] = field(default_factory=dict)  # what still stands in the chat of their own words

    def says(self, text: str, room: int | None = None) -> int:
        return self._sends(room=room, text=text)

    def replies(self, message_id: int, text: str) -> int:
        return self._sends(text=text, reply_to_message=self._stub(message_id))

    def edits(self, message_id: int, text: str) -> None:
        body = {**self._stub(message_id), "from": self.user, "edit_date": self.api.seconds, "text": text}
        self.api.update({"edited_message": body})

    def presses(self, which: str | int) -> None:
        """Press a button of the newest message that has it: by its label, or by its number from 1."""
        for message in reversed(self.heard):
            for number, key in enumerate(message.keys, start=1):
                if which in (number, key.label):
                    return self._press(message, key)
        raise LookupError(f"{self.first_name} sees no button {which!r}")

    def sends_place(self, latitude: float, longitude: float) -> int:
        return self._sends(location={"latitude": latitude, "longitude": longitude})

    def moves(self, message_id: int, latitude: float, longitude: float) -> None:
        """A live location goes on."""
        place = {"latitude": latitude, "longitude": longitude, "live_period": 900}
        body = {
            **self._stub(message_id),
            "from": self.user,
            "edit_date": self.api.seconds,
            "location": place,
        }
        self.api.update({"edited_message": body})

    def sends_photo(self, body: bytes, caption: str = "") -> int:
        file = self.api.keep(Upload("photo.jpg", "image/jpeg", body))
        sizes = [{**file, "width": 90 * n, "height": 60 * n} for n in (1, 2)]
        return self._sends(photo=sizes, caption=caption)

    def sends_voice(self, body: bytes) -> int:
        file = self.api.keep(Upload("voice.ogg", "audio/ogg", body))
        return self._sends(voice={**file, "duration": 1, "mime_type": "audio/ogg"})

    def sends_document(self, name: str, body: bytes, mime: str = "application/pdf") -> int:
        file = self.api.keep(Upload(name, mime, body))
        return self._sends(document={**file, "file_name": name, "mime_type": mime})

    def shares_contact(self, number: str) -> int:
        card = {"phone_number": number, "first_name": self.first_name, "user_id": self.user_id}
        return self._sends(contact=card)

    def blocks(self) -> None:
        self.blocked = True
        self._becomes("kicked", "member")

    def unblocks(self) -> None:
        self.blocked = False
        self._becomes("member", "kicked")

    @property
    def chat(self) -> dict[str, Any]:
        return {"id": self.user_id, "type": "private", "first_name": self.first_name}

    @property
    def user(self) -> dict[str, Any]:
        user = {
            "id": self.user_id,
            "is_bot": False,
            "first_name": self.first_name,
            "language_code": self.language_code,
        }
        return {**user, "username": self.username} if self.username else user

    def _stub(self, message_id: int) -> dict[str, Any]:
        return {"message_id": message_id, "date": self.api.seconds, "chat": self.chat}

    def _sends(self, room: int | None = None, **content: object) -> int:
        message_id = self.api.new_message_id()
        chat = self.chat if room is None else {"id": room, "type": "supergroup", "title": "A room"}
        kept = {name: value for name, value in content.items() if value != ""}
        self.wrote[message_id] = str(content.get("text", ""))
        self.api.update({"message": {**self._stub(message_id), "from": self.user, "chat": chat, **kept}})
        return message_id

    def _press(self, message: Sent, key: Key) -> None:
        if key.token:
            query = {"id": self.api.new_query(), "from": self.user, "chat_instance": "1", "data": key.token}
            stub = {**self._stub(message.message_id), "text": message.text}
            self.api.update({"callback_query": {**query, "message": stub}})
        elif key.asks_place:
            raise LookupError(f"{key.label!r} asks for a place: use sends_place")
        else:
            self.says(key.label)

    def _becomes(self, new: str, old: str) -> None:
        bot = self.api.bot
        change = {
            "chat": self.chat,
            "from": self.user,
            "date": self.api.seconds,
            "old_chat_member": {"user": bot, "status": old},
            "new_chat_member": {"user": bot, "status": new},
        }
        self.api.update({"my_chat_member": change})
