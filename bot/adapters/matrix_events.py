"""Reading Matrix events: which of them matter, and what the core makes of each. Pure functions.

An event arrives here decrypted where it could be, and is kept in the inbox as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.adapters import RawEvent
from bot.adapters.text import clean, storable
from handlers.messages import Attachment, Inbound, Kind, Media, Place

REACTION, REDACTION, MESSAGE, ENCRYPTED = (
    "m.reaction", "m.room.redaction", "m.room.message", "m.room.encrypted",
)  # fmt: skip
# MSC3488 and MSC3672 are still sent under their unstable names too.
LOCATIONS = ("m.location", "org.matrix.msc3488.location")
BEACONS = ("m.beacon", "org.matrix.msc3672.beacon")
STICKER, CALL, POLLS = "m.sticker", "m.call.invite", ("m.poll.start", "org.matrix.msc3381.poll.start")
READ = (MESSAGE, REACTION, REDACTION, STICKER, CALL, *LOCATIONS, *BEACONS, *POLLS)
UNHEARD = ("m.notice", "m.server_notice", "m.key.verification.request")  # said by bots and by machines

ATTACHMENTS: Mapping[str, tuple[Media, str]] = {
    "m.image": (Media.PHOTO, "image/jpeg"),
    "m.audio": (Media.VOICE, "audio/ogg"),
    "m.video": (Media.VIDEO, "video/mp4"),
    "m.file": (Media.FILE, "application/octet-stream"),
    STICKER: (Media.STICKER, "image/webp"),
}

_QUOTE = re.compile(r"\A(?:> .*\n)+\n?")  # how a reply without rich text repeats what it answers
_BANG = re.compile(r"\A!(?=[A-Za-z])")  # apps keep "/join" for themselves, so commands may begin with "!"
_GEO = re.compile(r"\Ageo:(-?\d{1,3}(?:\.\d+)?),(-?\d{1,3}(?:\.\d+)?)")
_MIME = re.compile(r"[\w.+-]{1,64}/[\w.+-]{1,64}", re.ASCII)
_WORD = re.compile(r"\A[a-z]+\b", re.IGNORECASE)


def raw_event(
    event: Mapping[str, Any], room: str, *, group: bool, names: Sequence[str] = (), called: str = ""
) -> RawEvent | None:
    """An event for the inbox, None for what nobody says to us.

    names: what the bot is called, first its id; called: what the sender is called in this room.
    """
    content = event.get("content")
    if event.get("type") not in READ or not isinstance(content, dict) or "state_key" in event:
        return None
    if content.get("msgtype") in UNHEARD or not (content or event.get("redacts")):
        return None  # an empty one was taken back before we saw it
    payload = storable(
        {"event": dict(event), "room": room, "group": group, "names": list(names), "called": called}
    )
    return RawEvent(str(event["event_id"]), str(event["sender"]), payload, _screened(payload))


def report(
    kind: Kind, key: str, sender: str, room: str, *, group: bool = False, about: str = "", **detail: str
) -> RawEvent:
    """Something that happened with a person, for the core: they left, or the key of `about` has not come."""
    payload = {"report": str(kind), "room": room, "group": group, "about": about, "detail": detail}
    return RawEvent(key, sender, payload)


def parse(payload: dict[str, Any]) -> Inbound:
    """Read a kept event; raises ValueError, KeyError or TypeError if it is malformed."""
    group = bool(payload["group"])
    where: dict[str, Any] = {"in_room": group, "room": payload["room"] if group else ""}
    if "report" in payload:
        kind = Kind(payload["report"])
        return Inbound(kind, message_id=payload["about"], detail=payload["detail"], **where)
    event, content = payload["event"], payload["event"]["content"]
    relation = content.get("m.relates_to") or {}
    where |= {"name": clean(str(payload.get("called") or ""))[:100], "handle": event["sender"]}
    readers: dict[str, Callable[[], Inbound]] = {
        REACTION: lambda: _reaction(relation, where),
        REDACTION: lambda: Inbound(Kind.REDACTED, message_id=redacted_id(event), **where),
        **dict.fromkeys(BEACONS, lambda: Inbound(Kind.EDIT, place=_place(content), message_id="", **where)),
    }
    read = readers.get(event["type"])
    return read() if read else _message(payload, event, content, relation, where)


def redacted_id(event: Mapping[str, Any]) -> str:
    """The event that a redaction takes back; its place has moved with version 11 of rooms."""
    content = event.get("content")
    within = content.get("redacts") if isinstance(content, dict) else None
    return str(event.get("redacts") or within or "")


def _message(
    payload: dict[str, Any],
    event: dict[str, Any],
    content: dict[str, Any],
    relation: dict[str, Any],
    where: dict[str, Any],
) -> Inbound:
    edited = relation.get("rel_type") == "m.replace"
    said = content["m.new_content"] if edited else content
    threaded = relation.get("rel_type") == "m.thread"
    replied = (relation.get("m.in_reply_to") or {}).get("event_id", "")
    if threaded and relation.get("is_falling_back"):
        replied = ""  # only there for apps that know no threads
    return Inbound(
        Kind.EDIT if edited else Kind.MESSAGE,
        text=_text(said, event["type"], payload, replied=bool(replied)),
        message_id=str(relation["event_id"] if edited else event["event_id"]),
        reply_to=str(replied),
        thread=str(relation["event_id"]) if threaded else "",
        place=_place(said),
        attachment=_attachment(said, event["type"]),
        **where,
    )


def _reaction(relation: dict[str, Any], where: dict[str, Any]) -> Inbound:
    return Inbound(
        Kind.REACTION, text=clean(str(relation["key"]))[:40], reply_to=str(relation["event_id"]), **where
    )


def _text(said: dict[str, Any], event_type: str, payload: dict[str, Any], *, replied: bool) -> str:
    kind = said.get("msgtype", event_type)
    body = said.get("body", "")
    if not isinstance(body, str):
        raise TypeError("a body that is no text")
    if kind in ATTACHMENTS:  # the body is a caption only beside a name that differs from it
        return body if said.get("filename") not in (None, body) else ""
    if kind in (*LOCATIONS, CALL, *POLLS):
        return ""  # other kinds that we don't know are read by their words, as the spec asks
    if replied:
        body = _QUOTE.sub("", body)
    text, addressed = _without_mention(body.strip(), payload.get("names") or ())
    mentioned = addressed or payload["names"][:1] == _mentions(said)[:1] != []
    text = _BANG.sub("/", text)
    if payload["group"] and mentioned and _WORD.match(text):
        return f"/{text}"  # "One Cloak, board" in a group is a command
    return text


def _mentions(said: dict[str, Any]) -> list[Any]:
    found = said.get("m.mentions")
    users = found.get("user_ids") if isinstance(found, dict) else None
    return users if isinstance(users, list) else []


def _without_mention(text: str, names: Sequence[str]) -> tuple[str, bool]:
    """The words after "One Cloak: " or the bot's id, and whether they were addressed so."""
    for name in sorted(filter(None, names), key=len, reverse=True):
        for written in (f"@{name}", name):
            rest = text[len(written) :]
            if text.casefold().startswith(written.casefold()) and (not rest or not rest[0].isalnum()):
                return rest.lstrip(" :,"), True
    return text, False


def _place(said: dict[str, Any]) -> Place | None:
    """Where something is, from `m.location`, MSC3488 or a beacon (RFC 5870 `geo:` addresses)."""
    extensible: dict[str, Any] = next((said[n] for n in LOCATIONS if isinstance(said.get(n), dict)), {})
    found = _GEO.match(str(said.get("geo_uri") or extensible.get("uri") or ""))
    if found is None:
        return None
    latitude, longitude = float(found[1]), float(found[2])
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise ValueError("a coordinate that is not on the globe")
    return Place(latitude, longitude)


def _attachment(said: dict[str, Any], event_type: str) -> Attachment | None:
    known = ATTACHMENTS.get(said.get("msgtype", event_type))
    if known is None:
        return None
    media, mime = known
    info: dict[str, Any] = said.get("info") or {}
    sealed: dict[str, Any] = said.get("file") or {}
    url = said.get("url") or sealed["url"]
    reference = {"url": url}
    if sealed:
        reference |= {"key": sealed["key"]["k"], "iv": sealed["iv"], "sha256": sealed["hashes"]["sha256"]}
    told, size = info.get("mimetype"), info.get("size")
    return Attachment(
        media,
        json.dumps(reference),
        told if isinstance(told, str) and _MIME.fullmatch(told) else mime,
        size if isinstance(size, int) and size >= 0 else 0,
    )


def _screened(payload: dict[str, Any]) -> str:
    """The words for the crisis screen, also of an event that can't be read otherwise."""
    try:
        return parse(payload).text
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        body = payload["event"].get("content", {}).get("body")
        return body if isinstance(body, str) else ""
