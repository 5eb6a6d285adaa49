"""Requests to a homeserver, and what their failures mean for a message and for the operator."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from aiohttp import ClientError, ClientResponse

from bot.adapters import GatewayFault, NotSent, Refused
from bot.adapters.reaching import why

_LONGEST_WAIT = 86_400_000  # milliseconds that we believe a homeserver that asks us to wait
_TOKEN_GONE = ("M_UNKNOWN_TOKEN", "M_MISSING_TOKEN", "M_USER_DEACTIVATED")
_NOT_A_MEMBER = ("M_FORBIDDEN", "M_NOT_FOUND")
TOKEN_REFUSED = (
    "the homeserver does not accept the bot's login any more: set ONECLOAK_MATRIX__PASSWORD and restart"
)


class MatrixError(Exception):
    """A request that failed. Its text never holds an address, a name or words."""

    def __init__(self, reason: str, status: int = 0, body: dict[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status  # of HTTP, 0 if there was no answer
        self.body = body or {}

    @property
    def code(self) -> str:
        """The standard error code, such as M_FORBIDDEN, "" if there is none."""
        code = self.body.get("errcode")
        return code if isinstance(code, str) else ""

    @property
    def token_is_gone(self) -> bool:
        return self.code in _TOKEN_GONE

    @property
    def wait(self) -> timedelta | None:
        """How long a homeserver that limits the rate asks to wait (spec, "Rate limiting")."""
        if self.status != 429 and self.code != "M_LIMIT_EXCEEDED":
            return None
        asked = self.body.get("retry_after_ms")
        milliseconds = asked if isinstance(asked, int) and asked > 0 else 1000
        return timedelta(milliseconds=min(milliseconds, _LONGEST_WAIT))


def quoted(text: str) -> str:
    """An id as a part of a path; those of older rooms hold slashes."""
    return quote(text, safe="")


def hush() -> None:
    """Keep room and user ids, and the words of malformed events, out of the library's logs."""
    for name in ("nio", "aiohttp.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


NO_ANSWER = (ClientError, asyncio.TimeoutError, OSError)


def unanswered(error: BaseException) -> MatrixError:
    return MatrixError(f"the homeserver cannot be reached ({why(error)})")


async def answer(response: ClientResponse) -> dict[str, Any]:
    """The JSON object that the homeserver answered; raises MatrixError."""
    raw = await response.read()
    try:
        body = json.loads(raw.decode("utf-8", "replace")) if raw else {}
    except (ValueError, RecursionError):
        body = None
    if response.status >= 400:
        known = body if isinstance(body, dict) else {}
        error = MatrixError("", response.status, known)
        error.reason = f"the homeserver refused it ({error.code or f'HTTP {response.status}'})"
        raise error
    if not isinstance(body, dict):
        raise MatrixError("the homeserver's answer cannot be read", response.status)
    return body


def outcome(error: MatrixError) -> NotSent | Refused:
    """What a failed send means. Nothing is uncertain: a repeat with the same key is the same event."""
    if error.wait is not None:
        return NotSent("the homeserver asks to wait", error.wait)
    if error.token_is_gone or not error.status or error.status >= 500 or error.status == 408:
        return NotSent(error.reason)
    return Refused(error.reason, unreachable=error.code in _NOT_A_MEMBER)


def gateway_fault(error: MatrixError) -> GatewayFault:
    """What a failure to receive means for the operator."""
    if error.token_is_gone:
        return GatewayFault(TOKEN_REFUSED, fatal=True)
    return GatewayFault(error.reason, retry_after=error.wait)
