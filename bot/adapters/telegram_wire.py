"""The connection to Telegram, and what its errors mean for a message."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    TelegramError,
    TimedOut,
)
from telegram.request import HTTPXRequest, RequestData

from bot.adapters import ChatMoved, GatewayFault, NotSent, Refused, Uncertain
from bot.adapters.reaching import why

# The library raises these where an answer is JSON but not what it should be.
UNREADABLE = (AttributeError, LookupError, TypeError, ValueError)

_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
GONE = (
    "chat not found",
    "user not found",
    "peer_id_invalid",
    "group chat was deactivated",
    # in a group that lets the bot no longer write
    "not enough rights to send",
    "have no rights to send",
    "chat_write_forbidden",
)
# Telegram quotes our words in its descriptions, so only phrases known beforehand get into a reason.
_PHRASES = (
    "can't parse entities",
    "caption is too long",
    "file is too big",
    "message can't be edited",
    "message is too long",
    "message text is empty",
    "message to edit not found",
    "there is no text in the message to edit",
    "voice_messages_forbidden",
    "button_data_invalid",
    "request entity too large",
)
_UNKNOWN_BOT = (
    "Telegram does not know this bot's token: ask @BotFather for a new one and put it in the settings."
)
_TWO_POLLERS = "Another program receives with this bot's token: stop it, or give it a bot of its own."
_WEBHOOK = "A webhook was set for this bot while it was running: restart, which removes the webhook."


_SPEAKS = ("send", "editMessage", "deleteMessage")  # how the names of those methods begin
FOR_A_FILE = 240.0  # seconds, up or down; a courier's claim lasts longer


class Flooded(TelegramError):
    """Telegram asks to wait (the library's own RetryAfter warns of deprecation when it is raised)."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__("Too Many Requests")
        self.wait = wait


class TakenOver(TelegramError):
    """Another process may speak as the bot now."""

    def __init__(self) -> None:
        super().__init__("the account may be another process's now")


class Wire(HTTPXRequest):
    """The library's connection, which logs nothing that Telegram said, and waits for no answer for ever."""

    def __init__(
        self, *, longest: float, may_speak: Callable[[], bool] = lambda: True, **kwargs: Any
    ) -> None:
        """longest: seconds for a whole answer; the library's limits begin anew with each byte that comes.

        may_speak: asked before each request that changes what people see.
        """
        super().__init__(httpx_kwargs={"event_hooks": {"request": [self._look_at]}}, **kwargs)
        self._longest = longest
        self._may_speak = may_speak

    async def _look_at(self, request: httpx.Request) -> None:
        if request.url.path.rpartition("/")[2].startswith(_SPEAKS):
            request.extensions["trace"] = self._ask

    async def _ask(self, event: str, _info: object) -> None:
        """At the last moment: a connection stands, and nothing is written yet."""
        if event.endswith(".send_request_headers.started") and not self._may_speak():
            raise TakenOver

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *args: Any, **kwargs: Any
    ) -> tuple[int, bytes]:
        has_file = method == "GET" or bool(request_data and request_data.multipart_data)
        try:
            async with asyncio.timeout(FOR_A_FILE if has_file else self._longest):
                code, body = await super().do_request(url, method, request_data, *args, **kwargs)
        except TimeoutError as error:
            raise TimedOut from error
        if code == httpx.codes.TOO_MANY_REQUESTS:
            raise Flooded(_wait(body))
        if code == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
            raise BadRequest("Request Entity Too Large")
        return code, body

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        answer = _json(payload)
        if answer is None:
            raise TelegramError("Invalid server response")
        return answer


def hush() -> None:
    """Keep the token, which is in every address, and people's words out of the libraries' logs."""
    for name in ("httpx", "httpcore", "telegram"):
        logging.getLogger(name).setLevel(logging.WARNING)


def said(error: TelegramError, *phrases: str) -> bool:
    """Whether Telegram's description holds one of these phrases."""
    return any(phrase in error.message.casefold() for phrase in phrases)


def outcome(error: TelegramError) -> Exception:
    """What a failed call means for the message: certainly not sent, perhaps sent, or never."""
    match error:
        case Flooded():
            return NotSent("Telegram asks to wait", error.wait)
        case TakenOver():
            return NotSent(error.message)
        case ChatMigrated():
            return ChatMoved(str(error.new_chat_id))
        case Forbidden():
            return Refused("the person has stopped the bot or is gone", unreachable=True)
        case InvalidToken() | Conflict():
            return NotSent("Telegram does not accept the bot's token")
        case BadRequest():  # a NetworkError to the library, and yet a clear answer
            if said(error, *GONE):
                return Refused("Telegram does not know the chat", unreachable=True)
            return Refused(_reason(error))
    if isinstance(error.__cause__, _UNSENT):
        return NotSent(f"Telegram cannot be reached ({_cause(error)})")
    return Uncertain(f"Telegram did not confirm ({_cause(error)})")


def fetch_outcome(error: TelegramError) -> Exception:
    """What a failed download means: try later, or never."""
    match error:
        case Flooded():
            return NotSent("Telegram asks to wait", error.wait)
        case BadRequest() if not said(error, "temporarily unavailable"):
            return Refused(_reason(error))
        case Forbidden():
            return Refused("Telegram does not give the file out")
    return NotSent(f"the file cannot be fetched now ({_cause(error)})")


def gateway_fault(error: TelegramError) -> GatewayFault:
    """What a failure to receive means for the operator."""
    match error:
        case Flooded():
            return GatewayFault("Telegram asks to wait", retry_after=error.wait)
        case InvalidToken():
            return GatewayFault(_UNKNOWN_BOT, fatal=True)
        case Conflict():
            if said(error, "webhook"):
                return GatewayFault(_WEBHOOK, fatal=True)
            return GatewayFault(_TWO_POLLERS, fatal=True, rival=True)
    return GatewayFault(f"Telegram cannot be reached ({_cause(error)})")


def _reason(error: BadRequest) -> str:
    known = next((phrase for phrase in _PHRASES if said(error, phrase)), "")
    return f"Telegram refused it: {known}" if known else "Telegram refused it"


def _cause(error: TelegramError) -> str:
    """The kind of failure; never its text, which may hold addresses and words."""
    status = re.match(r"[A-Za-z -]+ \((\d{3})\)", error.message) if type(error) is NetworkError else None
    return f"HTTP {status[1]}" if status else why(error.__cause__ or error)


def _wait(body: bytes) -> timedelta:
    answer = _json(body) or {}
    parameters = answer.get("parameters")
    seconds = parameters.get("retry_after") if isinstance(parameters, dict) else None
    return timedelta(seconds=min(max(1, seconds), 86_400) if isinstance(seconds, int) else 1)


def _json(body: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None
