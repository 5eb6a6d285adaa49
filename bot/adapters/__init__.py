"""What a platform's adapter must offer, and the table of the platforms that exist."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib import import_module
from typing import Any, Protocol, runtime_checkable

from bot.keychain import Keychain
from handlers.messages import Inbound, Place


@dataclass(frozen=True, slots=True)
class RawEvent:
    """One event as the platform gave it, with the little that must be known before it is parsed."""

    key: str  # unique within the platform's account: a repeat of it is the same event
    chat: str  # where an answer goes: the sender's private chat
    payload: dict[str, Any]
    text: str = ""  # for the crisis screen


@dataclass(frozen=True, slots=True)
class File:
    """The bytes of an attachment."""

    media: str
    mime: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Press:
    """A button as the adapter shows it: `token` comes back when it is pressed."""

    label: str
    token: str
    asks_place: bool = False


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message ready to be sent: rendered, in plain text, nothing escaped.

    key: the same for each try of the same message, so that a platform can know a repeat.
    retracts: the platform's ids of messages to be taken back; with neither text nor edits, that is all.
    withdraws: what the edited message showed must not stay readable anywhere.
    """

    chat: str
    text: str
    title: str = ""
    buttons: tuple[Press, ...] = ()
    place: Place | None = None
    file: File | None = None
    edits: str = ""  # the platform's id of the message to change in place
    thread: str = ""  # the platform's id of the message in whose thread it is said
    retracts: tuple[str, ...] = ()
    withdraws: bool = False
    is_room: bool = False
    key: str = ""


class NotSent(Exception):
    """The platform certainly has not got it: try again after `retry_after`, or as the courier sees fit."""

    def __init__(self, reason: str, retry_after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class Uncertain(Exception):
    """The platform may or may not have got it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Refused(Exception):
    """The platform will never take it. `unreachable`: nothing can be delivered to this chat any more."""

    def __init__(self, reason: str, *, unreachable: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.unreachable = unreachable


class ChatMoved(Exception):
    """The chat goes on under another id; the message was not sent."""

    def __init__(self, chat: str) -> None:
        super().__init__("the chat has moved")
        self.chat = chat


class GatewayFault(Exception):
    """Receiving failed. `fatal`: it will fail until the operator acts, so they are told at once.

    `rival`: someone else receives, who may be one of our own gateways that just thawed: only if it lasts.
    """

    def __init__(
        self, reason: str, *, fatal: bool = False, retry_after: timedelta | None = None, rival: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fatal = fatal
        self.retry_after = retry_after
        self.rival = rival


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a platform lets us send: messages a second overall, a chat, and a room a minute."""

    overall_per_second: float
    chat_per_second: float
    room_per_minute: float


@runtime_checkable
class Listener(Protocol):
    """An adapter to which the platform may bring events itself, in any number of processes."""

    @property
    def listens(self) -> bool: ...

    async def listen(
        self, take: Callable[[Sequence[RawEvent]], Awaitable[None]], stopping: asyncio.Event
    ) -> None: ...

    async def tend(self) -> int: ...


@runtime_checkable
class Speaker(Protocol):
    """An adapter that asks, before each request that others can see, if it may still speak as the account.

    One that was frozen between two requests must not say the rest when another process has taken over.
    """

    may_speak: Callable[[], bool]


class Adapter(Protocol):
    """One account on one platform, which receives and sends.

    `parse` is not here: it is a pure function in the table `PARSERS`, because workers parse and only
    the gateway has the connection.
    """

    platform: str
    pace: Pace | None
    repeats_safely: bool  # a message sent again with the same key is not shown twice

    @property
    def keychain(self) -> Keychain | None:
        """What must be written in one transaction with the events; None if there is nothing."""
        ...

    async def start(self) -> None:
        """Connect and announce the commands; raises GatewayFault."""
        ...

    async def receive(self, cursor: str | None) -> tuple[list[RawEvent], str | None]:
        """Wait for the next events. Asking with a cursor confirms all before it; raises GatewayFault."""
        ...

    async def accepted(self, events: list[RawEvent]) -> None:
        """The events are committed: show the person that they arrived, where the platform can."""
        ...

    async def send(self, message: Outgoing) -> tuple[str, ...]:
        """Send, or change in place, and return the platform's ids of its pieces, that of the words first.

        Raises NotSent, Uncertain, Refused or ChatMoved.
        """
        ...

    async def fetch(self, reference: str) -> bytes:
        """Fetch an attachment's bytes; raises NotSent (try later) or Refused (never)."""
        ...

    async def stop(self) -> None: ...


# Where each gateway's events are read: a pure function `parse(payload) -> Inbound`, loaded at first use.
PARSERS = {
    "core": "bot.adapters.core_events",
    "telegram": "bot.adapters.telegram_events",
    "matrix": "bot.adapters.matrix_events",
    "console": "bot.adapters.console_events",
}


def parse(gateway: str, payload: dict[str, Any]) -> Inbound:
    """Read a raw event; raises ValueError, KeyError or TypeError if it is malformed."""
    return _parser(gateway)(payload)


@cache
def _parser(gateway: str) -> Callable[[dict[str, Any]], Inbound]:
    parser: Callable[[dict[str, Any]], Inbound] = import_module(PARSERS[gateway]).parse
    return parser
