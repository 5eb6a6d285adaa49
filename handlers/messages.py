"""What goes in and out of the core: neutral messages that know no platform."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from uuid import UUID


class Lane(IntEnum):
    """The order in which queued messages leave; a lower number leaves first."""

    CRISIS = 0
    REPLY = 1
    INVITATION = 2
    BROADCAST = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is: coordinates in degrees (WGS 84), or only words, or both."""

    latitude: float | None = None
    longitude: float | None = None
    words: str = ""

    @property
    def has_coordinates(self) -> bool:
        return self.latitude is not None and self.longitude is not None


class Media(StrEnum):
    """The kinds of attachment that a member can send."""

    PHOTO = "photo"
    VOICE = "voice"
    VIDEO = "video"
    FILE = "file"
    STICKER = "sticker"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A photo, a recording or a file as the platform names it.

    `reference` is what the platform's adapter needs to fetch it; `size` is in bytes, 0 if unknown.
    """

    media: Media
    reference: str
    mime: str = "application/octet-stream"
    size: int = 0


class Kind(StrEnum):
    """What happened: a person did something, or the process has something to tell the core."""

    MESSAGE = "message"
    PRESS = "press"
    EDIT = "edit"
    REACTION = "reaction"  # an emoji, in `text`, set on the message `reply_to`
    REDACTED = "redacted"  # the person took the message `message_id` back
    LOCKED = "locked"  # something was said whose key has not arrived; `detail["late"]`: for a minute now
    JOINED = "joined"  # the bot was asked into a group by this person, and is there
    LEFT = "left"  # the bot is no longer in the group `detail["room"]` of `detail["platform"]`
    MOVED = "moved"  # that group goes on as `detail["to"]`
    BLOCKED = "blocked"  # the person stopped the bot: nothing can be delivered any more
    UNBLOCKED = "unblocked"
    UNDELIVERED = "undelivered"  # an outgoing message was refused for good, or its fate is unknown
    FETCHED = "fetched"  # an attachment has been fetched and cleaned
    UNFETCHED = "unfetched"  # an attachment could not be fetched or cleaned
    FAULT = "fault"  # something of the bot itself failed
    RESEND = "resend"  # the account lost its keys: what was said to it lately can't be read any more


@dataclass(frozen=True, slots=True)
class Inbound:
    """One thing that a person said or did, or that the process reports to the core."""

    kind: Kind
    text: str = ""
    message_id: str = ""  # the platform's id of this message, unique within its chat
    reply_to: str = ""  # the platform's id of the message that is replied to
    token: str = ""  # of the pressed button
    place: Place | None = None
    contact: str = ""  # a phone number shared as a contact card
    attachment: Attachment | None = None
    language: str = ""  # the platform's hint, such as "es"
    name: str = ""  # what the person calls themselves on the platform
    handle: str = ""  # how others can reach the person on the platform, such as "@name"
    in_room: bool = False  # said in a group, not in a private chat
    room: str = ""  # the platform's id of that group
    thread: str = ""  # the platform's id of the message whose thread this belongs to
    detail: dict[str, str] = field(default_factory=dict)  # of what the process reports


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the catalogs with its values, rendered last in the language of its reader.

    A value may be a `Text` itself. `count` chooses between `message` and `plural`.
    """

    message: str
    plural: str = ""
    count: int | None = None
    values: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Named(Text):
    """What the union itself calls something, looked up by `key`; `message` where it has no name for it."""

    key: str = ""


def _(message: str, /, **values: object) -> Text:
    """Mark a text for translation; `{name}` in it stands for the value `name`."""
    return Text(message, values=values)


def _n(message: str, plural: str, count: int, /, **values: object) -> Text:
    """Mark a text that has a plural; `{count}` in it stands for the number."""
    return Text(message, plural, count, {"count": count, **values})


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Words of a person, passed on as they are and in no language of ours."""

    words: str


@dataclass(frozen=True, slots=True)
class Clock:
    """A moment, as a value of a text: the hour in a time zone (such as "Europe/Madrid"), with its day."""

    moment: datetime
    zone: str
    day: bool = True


@dataclass(frozen=True, slots=True)
class Lines:
    """Texts one below the other; empty ones are left out."""

    parts: tuple[Text | Verbatim | None, ...]


Words = Text | Verbatim | Lines


def lines(*parts: Text | Verbatim | None) -> Lines:
    return Lines(parts)


@dataclass(frozen=True, slots=True)
class Button:
    """A shortcut: pressing it is the same as typing `says`.

    With `asks_place` the platform offers to send the person's position instead, where it can.
    means: "yes" or "no", where a plain answer in words is this button too.
    """

    label: Text | Verbatim
    says: str
    asks_place: bool = False
    means: str = ""


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message to one reader: `to` is a person (their last account) unless `account` says which.

    card: names a message that is kept current; with `in_place` the newest one of that name is changed
    silently instead of sending another.
    relay_of: the inbound message (account, platform's message id) whose words are passed on.
    edits_relay: change the relayed copy of `relay_of` instead of sending a new message.
    alert, invitation: the message is dropped unsent once the alert is taken, the invitation answered.
    room: a group that reads it, in place of a person.
    waits: it leaves only when its reader writes again, for they may be watched.
    discloses: the need or alert whose words, place or contact it shows; it is closed with the case.
    """

    to: UUID | None
    text: Words
    title: Text | None = None
    buttons: tuple[Button, ...] = ()
    lane: Lane = Lane.REPLY
    account: UUID | None = None
    card: str = ""
    in_place: bool = False
    place: Place | None = None
    attachment: UUID | None = None  # a row of `attachments`
    talk: UUID | None = None
    relay_of: tuple[UUID, str] | None = None
    edits_relay: bool = False
    alert: UUID | None = None
    invitation: UUID | None = None
    scope: str = ""  # what the buttons belong to; a press after it has passed is stale
    room: UUID | None = None
    thread: str = ""
    discloses: UUID | None = None
    waits: bool = False
