"""What happens with the groups in which a Telegram bot is, read from updates."""

from __future__ import annotations

from typing import Any

from bot.adapters.telegram_fields import (
    GROUPS,
    identity,
    in_room,
    is_nobody,
    object_of,
    room_of,
    sender,
    string,
)
from handlers.messages import Inbound, Kind


def reaction(change: dict[str, Any]) -> Inbound:
    """The emoji that was set now; none where one was only taken away."""
    before, now = (
        [string(object_of(each), "emoji") for each in change.get(field, ())]
        for field in ("old_reaction", "new_reaction")
    )
    return Inbound(
        kind=Kind.REACTION,
        text=next((each for each in now if each and each not in before), ""),
        reply_to=identity(change["message_id"]),
        in_room=in_room(change),
        room=room_of(change),
        **sender({"from": change["user"]}),
    )


def moved(message: dict[str, Any]) -> Inbound | None:
    """A group has become a supergroup: told in the old one, and in the new one."""
    here = identity(object_of(message["chat"])["id"])
    if "migrate_to_chat_id" in message:
        return _of_group(Kind.MOVED, here, to=identity(message["migrate_to_chat_id"]))
    if "migrate_from_chat_id" in message:
        return _of_group(Kind.MOVED, identity(message["migrate_from_chat_id"]), to=here)
    return None


def _of_group(kind: Kind, room: str, **detail: str) -> Inbound:
    """What happened with a group, whoever did it."""
    return Inbound(kind, in_room=True, room=room, detail={"platform": "telegram", "room": room, **detail})


def membership(change: dict[str, Any]) -> Inbound:
    """The bot was asked into a group or put out of it; a channel is no group."""
    room, new = room_of(change), object_of(change["new_chat_member"])
    was, there = _is_member(object_of(change["old_chat_member"])), _is_member(new)
    if was and not there:
        return _of_group(Kind.LEFT, room)
    if was or not there or string(object_of(change["chat"]), "type") not in GROUPS or is_nobody(change):
        return Inbound(Kind.MESSAGE, in_room=True, room=room)
    # Telegram shows reactions only to administrators.
    detail = {} if string(new, "status") == "administrator" else {"reactions": "no"}
    return Inbound(Kind.JOINED, in_room=True, room=room, detail=detail, **sender(change))


def _is_member(member: dict[str, Any]) -> bool:
    status = string(member, "status")
    return status in ("member", "administrator") or (status == "restricted" and bool(member.get("is_member")))
