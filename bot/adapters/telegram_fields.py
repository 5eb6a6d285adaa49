"""The fields of Telegram's updates: each is what it must be, or ValueError or TypeError is raised."""

from __future__ import annotations

from typing import Any

from bot.adapters.text import clean

GROUPS = ("group", "supergroup")


def is_nobody(body: dict[str, Any]) -> bool:
    """Whether something was said by a bot, or in the name of a group or channel: nobody's right is known."""
    return bool(at(body, "from", "is_bot")) or at(body, "sender_chat") is not None


def sender(body: dict[str, Any]) -> dict[str, Any]:
    """Who did something, as far as the core needs to know it."""
    user = object_of(body["from"])
    identity(user["id"])
    username = string(user, "username")
    return {
        "language": string(user, "language_code"),
        "name": string(user, "first_name"),
        "handle": f"@{username}" if username else "",
    }


def in_room(body: dict[str, Any]) -> bool:
    return string(object_of(body["chat"]), "type") != "private"


def room_of(body: dict[str, Any]) -> str:
    """The id of the group, "" in a private chat."""
    return identity(object_of(body["chat"])["id"]) if in_room(body) else ""


def object_of(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


def string(body: dict[str, Any], field: str) -> str:
    value = body.get(field, "")
    if not isinstance(value, str):
        raise TypeError("not a text")
    return clean(value)


def identity(value: object) -> str:
    if not (found := number(value)):
        raise TypeError("not an id")
    return found


def number(value: object) -> str:
    """An integer of at most 64 bits as a text, "" if it is none: a JSON integer may be of any length."""
    if isinstance(value, bool) or not isinstance(value, int) or value.bit_length() > 64:
        return ""
    return str(value)


def at(value: object, *path: str) -> Any:
    """What stands at a path of fields, None where that leads nowhere."""
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value
