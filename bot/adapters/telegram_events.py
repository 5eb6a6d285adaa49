"""Reads Telegram's updates: pure functions that know neither the library nor the network."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from bot.adapters import RawEvent
from bot.adapters.telegram_fields import (
    GROUPS,
    at,
    identity,
    in_room,
    is_nobody,
    number,
    object_of,
    room_of,
    sender,
    string,
)
from bot.adapters.telegram_group_events import membership, moved, reaction
from bot.adapters.text import storable
from handlers.messages import Attachment, Inbound, Kind, Media, Place

# Stated to Telegram explicitly: the default would leave out some of them and add others.
UPDATES = ("message", "edited_message", "callback_query", "my_chat_member", "message_reaction")

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
    here = at(body, "chat") or at(body, "message", "chat")
    private = at(here, "id") if "new_chat_member" in body and at(here, "type") == "private" else None
    words = None if is_nobody(body) else body.get("text") or body.get("caption")
    return RawEvent(
        key=_key(payload, body, at(here, "id")),
        chat=number(private) or number(at(body, "from", "id")) or number(at(body, "user", "id")),
        payload=payload,
        text=words if isinstance(words, str) else "",
    )


def next_cursor(updates: list[Any], cursor: str | None) -> str | None:
    """Confirm up to the last update of a batch.

    The last, not the greatest: after an idle week the ids may start again lower.
    """
    ids = [number(at(update, "update_id")) for update in updates]
    return next((str(int(one) + 1) for one in reversed(ids) if one), cursor)


def pressed(event: RawEvent) -> str:
    """The id under which a press is answered, "" if the event is none."""
    query = at(event.payload, "callback_query", "id")
    return query if isinstance(query, str) else ""


def parse(payload: dict[str, Any]) -> Inbound:
    """Read an update; raises ValueError, KeyError or TypeError if it is malformed."""
    readers: dict[str, Callable[[dict[str, Any]], Inbound]] = {
        "message": lambda body: _message(body, Kind.MESSAGE),
        "edited_message": lambda body: _message(body, Kind.EDIT),
        "callback_query": _press,
        "my_chat_member": _membership,
        "message_reaction": reaction,
    }
    for name, read in readers.items():
        if name in payload:
            return read(object_of(payload[name]))
    raise ValueError("an update of an unknown kind")


def group(event: RawEvent) -> str:
    """The id of the group or channel in which an event happened, "" if it is a private chat."""
    body: object = next((event.payload[name] for name in UPDATES if name in event.payload), {})
    here = at(body, "chat") or at(body, "message", "chat")
    return number(at(here, "id")) if at(here, "type") in (*GROUPS, "channel") else ""


def _message(message: dict[str, Any], kind: Kind) -> Inbound:
    migration = moved(message)
    if migration is not None:
        return migration
    if in_room(message) and is_nobody(message):
        return Inbound(kind, in_room=True, room=room_of(message))
    reply = message.get("reply_to_message")
    contact = message.get("contact")
    return Inbound(
        kind=kind,
        # "/need@our_bot" is how clients write a command in a room.
        text=_ADDRESSED.sub(r"\1", string(message, "text") or string(message, "caption")),
        message_id=identity(message["message_id"]),
        reply_to="" if reply is None else identity(object_of(reply)["message_id"]),
        place=_place(message),
        contact="" if contact is None else string(object_of(contact), "phone_number"),
        attachment=_attachment(message),
        in_room=in_room(message),
        room=room_of(message),
        **sender(message),
    )


def _press(query: dict[str, Any]) -> Inbound:
    message = object_of(query["message"]) if "message" in query else None
    if not string(query, "data"):
        raise ValueError("a press without a token")
    if message is not None and in_room(message):  # its data is the number of the button
        return Inbound(
            kind=Kind.PRESS,
            text=string(query, "data"),
            reply_to=identity(message["message_id"]),
            in_room=True,
            room=room_of(message),
            **sender(query),
        )
    return Inbound(
        kind=Kind.PRESS,
        token=string(query, "data"),
        message_id="" if message is None else identity(message["message_id"]),
        **sender(query),
    )


def _membership(change: dict[str, Any]) -> Inbound:
    if in_room(change):
        return membership(change)
    kinds = {"kicked": Kind.BLOCKED, "left": Kind.BLOCKED, "member": Kind.UNBLOCKED}
    return Inbound(kind=kinds[string(object_of(change["new_chat_member"]), "status")], **sender(change))


def _place(message: dict[str, Any]) -> Place | None:
    venue = object_of(message["venue"]) if "venue" in message else {}
    location = venue.get("location", message.get("location"))
    if location is None:
        return None
    location = object_of(location)
    words = ", ".join(filter(None, (string(venue, "title"), string(venue, "address"))))
    return Place(_degrees(location["latitude"], 90), _degrees(location["longitude"], 180), words)


def _attachment(message: dict[str, Any]) -> Attachment | None:
    field = next((name for name in ATTACHMENTS if name in message), None)
    if field is None:
        return None
    media, usual = ATTACHMENTS[field]
    found = message[field]
    file = _largest(found) if field == "photo" else object_of(found)
    if not (reference := string(file, "file_id")):
        raise ValueError("an attachment without a reference")
    if media is Media.STICKER:
        usual = _sticker_type(file)
    mime = string(file, "mime_type")
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
    return max(
        map(object_of, sizes), key=lambda size: int(identity(size["width"])) * int(identity(size["height"]))
    )


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


def _key(payload: dict[str, Any], body: dict[str, Any], room: object) -> str:
    update = number(payload.get("update_id"))
    if not update:
        return "hash:" + hashlib.sha256(orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)).hexdigest()
    query = body.get("id")
    if isinstance(query, str):
        return f"{update}:{number(room)}:{query[:64]}"
    return f"{update}:{number(room)}:{number(body.get('message_id')) or number(body.get('date'))}"
