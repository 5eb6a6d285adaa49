"""What a message looks like in Matrix: numbered lines for buttons, HTML beside plain text. Pure functions."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from bot.adapters import File, Outgoing, Press
from bot.adapters.text import clean, file_name, split, units
from handlers.messages import Media, Place

# An event has at most 65,536 bytes (spec, "Size limits"); encrypted, and as JSON, text takes a third more.
MOST_BYTES = 40_000
CAPTION_UNITS = 1024  # words beside a file, in the file's own event (MSC2530, part of the spec since 1.10)
FALLBACK_LETTERS = 200  # of an edit, shown only by apps that know no edits
KEYCAPS = tuple(f"{digit}\ufe0f\u20e3" for digit in range(1, 10))
MOST_REACTIONS = 6
_MSGTYPES = {Media.PHOTO: "m.image", Media.VOICE: "m.audio", Media.VIDEO: "m.video"}


@dataclass(frozen=True, slots=True)
class Piece:
    """One event to send. `main`: its id stands for the whole message."""

    content: dict[str, Any]
    file: File | None = None  # to be uploaded, its address goes into the content
    main: bool = False


def pieces(message: Outgoing, commands: Collection[str] = ()) -> list[Piece]:
    """The events of a message, in order: the file, the words, the place."""
    words = [Piece(content) for content in _texts(message, commands)]
    files = [] if message.file is None else [Piece(_file(message.file), message.file)]
    if files and len(words) == 1 and units(words[0].content["body"]) <= CAPTION_UNITS:
        captioned = {**words[0].content, **files[0].content, "body": words[0].content["body"]}
        files, words = [Piece(captioned, message.file)], []
    places = [Piece(_place(message.place))] if message.place and message.place.has_coordinates else []
    if main := words or files or places:
        main[-1] = Piece(main[-1].content, main[-1].file, main=True)
    return [_related(each, message) for each in (*files, *words, *places)]


def edit(message: Outgoing, commands: Collection[str] = ()) -> dict[str, Any] | None:
    """The event that changes a message in place (spec, "Event replacements"); None if it is too long."""
    texts = _texts(message, commands)
    if len(texts) != 1:
        return None
    return {
        "msgtype": "m.text",
        "body": f"* {texts[0]['body'][:FALLBACK_LETTERS]}",
        "m.new_content": texts[0],
        "m.relates_to": {"rel_type": "m.replace", "event_id": message.edits},
        "m.mentions": {},
    }


def reaction(event_id: str, key: str) -> dict[str, Any]:
    return {"m.relates_to": {"rel_type": "m.annotation", "event_id": event_id, "key": key}}


def keycaps(buttons: Sequence[Press]) -> tuple[str, ...]:
    """The reactions that stand for a message's buttons; a long list is answered by number."""
    return KEYCAPS[: len(buttons)] if len(buttons) <= MOST_REACTIONS else ()


def banged(text: str, commands: Collection[str]) -> str:
    """Our commands as members can type them: apps keep "/join" and others for themselves."""
    if not commands:
        return text
    names = "|".join(sorted(map(re.escape, commands), key=len, reverse=True))
    return re.sub(rf"(?<![^\s(\"'“«¡¿])/(?=(?:{names})(?![\w/-]|\.\w))", "!", text)


def _texts(message: Outgoing, commands: Collection[str]) -> list[dict[str, Any]]:
    title = clean(message.title).strip()
    text = banged(clean(message.text), commands)
    choices = "\n".join(f"{number} {clean(button.label)}" for number, button in enumerate(message.buttons, 1))
    words = "\n".join(filter(None, (title, text.strip("\n"))))
    whole = "\n\n".join(filter(None, (words, choices)))
    parts = split(whole)
    return [_text(part, title if number == 0 else "") for number, part in enumerate(parts)]


def _text(part: str, title: str) -> dict[str, Any]:
    content: dict[str, Any] = {"msgtype": "m.text", "body": part, "m.mentions": {}}
    marked = _marked(part, title)
    if len(json.dumps([part, marked])) <= MOST_BYTES:  # escaped, as it is encrypted
        content |= {"format": "org.matrix.custom.html", "formatted_body": marked}
    return content


def _marked(part: str, title: str) -> str:
    rest, head = part, ""
    if title and part.startswith(title):
        rest, head = part.removeprefix(title), f"<strong>{_escaped(title)}</strong>"
    return head + _escaped(rest)


def _escaped(text: str) -> str:
    return html.escape(text, quote=False).replace("\n", "<br>")


def _place(place: Place) -> dict[str, Any]:
    uri = f"geo:{_degrees(place.latitude)},{_degrees(place.longitude)}"
    words = clean(place.words) or uri
    return {
        "msgtype": "m.location",
        "body": words,
        "geo_uri": uri,
        "org.matrix.msc3488.location": {"uri": uri, "description": words},
        "org.matrix.msc3488.asset": {"type": "m.pin"},
        "m.mentions": {},
    }


def _degrees(value: float | None) -> str:
    """A coordinate as `geo:` addresses have it, never with an exponent (RFC 5870)."""
    return f"{value or 0.0:.6f}".rstrip("0").rstrip(".")


def _file(file: File) -> dict[str, Any]:
    content: dict[str, Any] = {
        "msgtype": _MSGTYPES.get(Media(file.media), "m.file"),
        "body": file_name(file),
        "filename": file_name(file),
        "info": {"mimetype": file.mime, "size": len(file.body)},
        "m.mentions": {},
    }
    if file.media == Media.VOICE:
        content["org.matrix.msc3245.voice"] = {}
    return content


def _related(piece: Piece, message: Outgoing) -> Piece:
    """In a thread, each event says so; apps without threads see a reply."""
    if not message.thread:
        return piece
    relation = {
        "rel_type": "m.thread",
        "event_id": message.thread,
        "is_falling_back": True,
        "m.in_reply_to": {"event_id": message.thread},
    }
    return Piece({**piece.content, "m.relates_to": relation}, piece.file, piece.main)
