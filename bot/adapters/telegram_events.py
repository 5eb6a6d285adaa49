"""Reads Telegram's updates: pure functions that know neither the library nor the network."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from bot.adapters import RawEvent
from bot.adapters.text import clean, storable
from handlers.messages import Attachment, Inbound, Kind, Media, Place

# Stated to Telegram explicitly: the default would leave out some of them and add others.
UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")

# Which field of a message holds what attachment, and its type unless Telegram says one. An animation
# comes with a `document` beside it, so the order matters.
ATTACHMENTS: Mapping[str, tuple[Media, str]] = {
    "photo": (Media.PHOTO, "image/jpeg"),
    "voice": (Media.VOICE, "audio/ogg"),
    "audio": (Media.VOICE, "audio/mpeg"),
    "video": (Media.VIDEO, "video/mp4"),
    "video_note": (Media.VIDEO, "video/mp4"),
    "animation": (Media.VIDEO, "video/mp4"),
    "document": (Media.FILE, "application/octet-stream"),
    "sticker": (Media.STICKER, "image/webp"),
}

_MIME = re.compile(r"[\w.+-]{1,64}/[\w.+-]{1,64}", re.ASCII)
_ADDRESSED = re.compile(r"^(/\w+)@\w+", re.ASCII)


def raw_event(update: object) -> RawEvent:
    """Wrap whatever Telegram gave as an event, however malformed it is; never fails."""
    payload = storable(update)
    body: dict[str, Any] = next(
        (payload[name] for name in UPDATES if isinstance(payload.get(name), dict)), {}
    )
    here = _at(body, "chat") or _at(body, "message", "chat")
    private = _at(here, "id") if "new_chat_member" in body and _at(here, "type") == "private" else None
    words = body.get("text") or body.get("caption")
    return RawEvent(
        key=_key(payload, body, _at(here, "id")),
        chat=_number(private) or _number(_at(body, "from", "id")),
        payload=payload,
        text=words if isinstance(words, str) else "",
    )


def next_cursor(updates: list[Any], cursor: str | None) -> str | None:
    """Confirm up to the last update of a batch.

    The last, not the greatest: after an idle week the ids may start again lower.
    """
    ids = [_number(_at(update, "update_id")) for update in updates]
    return next((str(int(one) + 1) for one in reversed(ids) if one), cursor)


def pressed(event: RawEvent) -> str:
    """The id under which a press is answered, "" if the event is none."""
    query = _at(event.payload, "callback_query", "id")
    return query if isinstance(query, str) else ""


def parse(payload: dict[str, Any]) -> Inbound:
    """Read an update; raises ValueError, KeyError or TypeError if it is malformed."""
    readers: dict[str, Callable[[dict[str, Any]], Inbound]] = {
        "message": lambda body: _message(body, Kind.MESSAGE),
        "edited_message": lambda body: _message(body, Kind.EDIT),
        "callback_query": _press,
        "my_chat_member": _membership,
    }
    for name, read in readers.items():
        if name in payload:
            return read(_object(payload[name]))
    raise ValueError("an update of an unknown kind")


def _message(message: dict[str, Any], kind: Kind) -> Inbound:
    reply = message.get("reply_to_message")
    contact = message.get("contact")
    return Inbound(
        kind=kind,
        # "/need@our_bot" is how clients write a command in a room.
        text=_ADDRESSED.sub(r"\1", _string(message, "text") or _string(message, "caption")),
        message_id=_id(message["message_id"]),
        reply_to="" if reply is None else _id(_object(reply)["message_id"]),
        place=_place(message),
        contact="" if contact is None else _string(_object(contact), "phone_number"),
        attachment=_attachment(message),
        in_room=_in_room(message),
        **_sender(message),
    )


def _press(query: dict[str, Any]) -> Inbound:
    message = _object(query["message"]) if "message" in query else None
    if not _string(query, "data"):
        raise ValueError("a press without a token")
    return Inbound(
        kind=Kind.PRESS,
        token=_string(query, "data"),
        message_id="" if message is None else _id(message["message_id"]),
        in_room=message is not None and _in_room(message),
        **_sender(query),
    )


def _membership(change: dict[str, Any]) -> Inbound:
    if _in_room(change):
        return Inbound(kind=Kind.MESSAGE, in_room=True, **_sender(change))
    kinds = {"kicked": Kind.BLOCKED, "left": Kind.BLOCKED, "member": Kind.UNBLOCKED}
    return Inbound(kind=kinds[_string(_object(change["new_chat_member"]), "status")], **_sender(change))


def _sender(body: dict[str, Any]) -> dict[str, Any]:
    sender = _object(body["from"])
    _id(sender["id"])
    username = _string(sender, "username")
    return {
        "language": _string(sender, "language_code"),
        "name": _string(sender, "first_name"),
        "handle": f"@{username}" if username else "",
    }


def _in_room(body: dict[str, Any]) -> bool:
    return _string(_object(body["chat"]), "type") != "private"


def _place(message: dict[str, Any]) -> Place | None:
    venue = _object(message["venue"]) if "venue" in message else {}
    location = venue.get("location", message.get("location"))
    if location is None:
        return None
    location = _object(location)
    words = ", ".join(filter(None, (_string(venue, "title"), _string(venue, "address"))))
    return Place(_degrees(location["latitude"], 90), _degrees(location["longitude"], 180), words)


def _attachment(message: dict[str, Any]) -> Attachment | None:
    field = next((name for name in ATTACHMENTS if name in message), None)
    if field is None:
        return None
    media, usual = ATTACHMENTS[field]
    found = message[field]
    file = _largest(found) if field == "photo" else _object(found)
    if not (reference := _string(file, "file_id")):
        raise ValueError("an attachment without a reference")
    if media is Media.STICKER:
        usual = _sticker_type(file)
    mime = _string(file, "mime_type")
    size = file.get("file_size")
    return Attachment(
        media=media,
        reference=reference,
        mime=mime if _MIME.fullmatch(mime) else usual,
        size=max(0, size) if isinstance(size, int) else 0,
    )


def _largest(sizes: object) -> dict[str, Any]:
    if not isinstance(sizes, list):
        raise TypeError("a photo that is not a list of sizes")
    return max(map(_object, sizes), key=lambda size: int(_id(size["width"])) * int(_id(size["height"])))


def _sticker_type(sticker: dict[str, Any]) -> str:
    if sticker.get("is_animated"):
        return "application/x-tgsticker"
    return "video/webm" if sticker.get("is_video") else "image/webp"


def _degrees(value: object, most: int) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("a coordinate that is not a number")
    if not -most <= value <= most:  # true of NaN as well
        raise ValueError("a coordinate that is not on the globe")
    return float(value)


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


def _string(body: dict[str, Any], field: str) -> str:
    value = body.get(field, "")
    if not isinstance(value, str):
        raise TypeError("not a text")
    return clean(value)


def _id(value: object) -> str:
    if not (number := _number(value)):
        raise TypeError("not an id")
    return number


def _number(value: object) -> str:
    """An integer of at most 64 bits as a text, "" if it is none: a JSON integer may be of any length."""
    if isinstance(value, bool) or not isinstance(value, int) or value.bit_length() > 64:
        return ""
    return str(value)


def _at(value: object, *path: str) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _key(payload: dict[str, Any], body: dict[str, Any], room: object) -> str:
    number = _number(payload.get("update_id"))
    if not number:
        return "hash:" + hashlib.sha256(orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)).hexdigest()
    query = body.get("id")
    if isinstance(query, str):
        return f"{number}:{_number(room)}:{query[:64]}"
    return f"{number}:{_number(room)}:{_number(body.get('message_id')) or _number(body.get('date'))}"
