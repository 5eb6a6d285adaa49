"""What a person's Matrix client knows of its rooms: messages as they stand now, after edits and reactions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from handlers.messages import Place

Source = dict[str, Any]


@dataclass(frozen=True)
class Attachment:
    """Where the bytes of a file are, and how they are sealed; without a key they are plain."""

    url: str
    filename: str
    mime: str
    key: str = ""
    iv: str = ""
    sha256: str = ""


@dataclass
class Message:
    """One message as its reader sees it now."""

    event_id: str
    room_id: str
    sender: str
    encrypted: bool
    content: Source  # the newest one: an edit replaces it
    reply_to: str = ""
    thread: str = ""  # the event at the root
    changed: bool = False
    redacted: bool = False
    edits: list[str] = field(default_factory=list)  # the events that changed it
    # The key and the writer of each reaction, by the event that brought it.
    reacted: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def body(self) -> str:
        return str(self.content.get("body", ""))

    @property
    def formatted_body(self) -> str:
        return str(self.content.get("formatted_body", ""))

    @property
    def msgtype(self) -> str:
        return str(self.content.get("msgtype", ""))

    @property
    def reactions(self) -> list[str]:
        """The keys under it, oldest first."""
        return [key for key, _ in self.reacted.values()]

    def reactions_of(self, user_id: str) -> list[str]:
        return [key for key, who in self.reacted.values() if who == user_id]

    @property
    def place(self) -> Place | None:
        uri = str(self.content.get("geo_uri", ""))
        if not uri.startswith("geo:"):
            return None
        latitude, longitude = uri.removeprefix("geo:").split(";")[0].split(",")[:2]
        return Place(float(latitude), float(longitude))

    @property
    def attachment(self) -> Attachment | None:
        sealed = self.content.get("file")
        url = (sealed or self.content).get("url")
        if url is None:
            return None
        filename = self.content.get("filename", self.body)
        mime = self.content.get("info", {}).get("mimetype", "")
        if sealed is None:
            return Attachment(url, filename, mime)
        return Attachment(url, filename, mime, sealed["key"]["k"], sealed["iv"], sealed["hashes"]["sha256"])


class Ledger:
    """Puts events together. They may come in any order: a key can arrive long after what it opens."""

    def __init__(self, reader: str) -> None:
        self.reader = reader
        self.messages: dict[str, Message] = {}  # of everyone, the reader too
        self.heard: list[Message] = []  # of everyone else, in the order in which they became readable
        self.others: list[Source] = []  # every other event: names of rooms, who came and went
        self._taken: set[str] = set()
        self._reactions: dict[str, Message] = {}
        self._waiting: defaultdict[str, list[Callable[[Message], None]]] = defaultdict(list)

    def take(self, room_id: str, source: Source, encrypted: bool) -> None:
        """Note one event, in the clear, with all of its fields; a repeat does nothing."""
        if source["event_id"] in self._taken:
            return
        self._taken.add(source["event_id"])
        match source["type"]:
            case "m.room.redaction":
                self._redact(source.get("redacts") or source["content"].get("redacts", ""))
            case "m.reaction":
                self._react(source)
            case "m.room.message" if "m.new_content" in source["content"]:
                self._edit(source)
            case "m.room.message":
                self._add(room_id, source, encrypted)
            case "m.room.encrypted" if _is_redacted(source):  # before it could be opened
                self._add(room_id, source, encrypted=True)
            case _:
                self.others.append(source)

    def _add(self, room_id: str, source: Source, encrypted: bool) -> None:
        content = source["content"]
        relation = content.get("m.relates_to", {})
        message = Message(source["event_id"], room_id, source["sender"], encrypted, content)
        message.redacted = _is_redacted(source)
        if relation.get("rel_type") == "m.thread":
            message.thread = relation["event_id"]
        if not relation.get("is_falling_back"):
            message.reply_to = relation.get("m.in_reply_to", {}).get("event_id", "")
        self.messages[message.event_id] = message
        if message.sender != self.reader:
            self.heard.append(message)
        for act in self._waiting.pop(message.event_id, ()):
            act(message)

    def _with(self, event_id: str, act: Callable[[Message], None]) -> None:
        """Do something to a message, when it is known."""
        if event_id in self.messages:
            act(self.messages[event_id])
        else:
            self._waiting[event_id].append(act)

    def _edit(self, source: Source) -> None:
        content = source["content"]

        def change(message: Message) -> None:
            if source["sender"] == message.sender and not message.redacted:
                message.content = content["m.new_content"]
                message.changed = True
                message.edits.append(source["event_id"])

        self._with(content["m.relates_to"]["event_id"], change)

    def _react(self, source: Source) -> None:
        relation = source["content"].get("m.relates_to")
        if not relation:  # it was taken back before it was seen
            return

        def react(message: Message) -> None:
            message.reacted[source["event_id"]] = (relation["key"], source["sender"])
            self._reactions[source["event_id"]] = message

        self._with(relation["event_id"], react)

    def _redact(self, event_id: str) -> None:
        if event_id in self._reactions:
            self._reactions.pop(event_id).reacted.pop(event_id)
            return

        def redact(message: Message) -> None:
            message.redacted, message.content = True, {}

        self._with(event_id, redact)


def _is_redacted(source: Source) -> bool:
    return "redacted_because" in source.get("unsigned", {})
