"""Events of the console, read: what was typed in the name of a person."""

from __future__ import annotations

from typing import Any

from handlers.messages import Attachment, Inbound, Kind, Media, Place


def parse(payload: dict[str, Any]) -> Inbound:
    attachment = payload.get("file")
    place = payload.get("place")
    return Inbound(
        Kind(payload.get("kind", "message")),
        text=payload.get("text", ""),
        message_id=payload["id"],
        reply_to=payload.get("reply_to", ""),
        token=payload.get("token", ""),
        place=Place(*place) if place else None,
        attachment=Attachment(Media(attachment["media"]), attachment["path"], attachment["mime"])
        if attachment
        else None,
        in_room="room" in payload,
        room=payload.get("room", ""),
        detail=payload.get("detail", {}),
        name=payload["name"],
        handle=f"{payload['name']} (console)",
    )
