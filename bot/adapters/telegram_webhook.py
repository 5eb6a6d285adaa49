"""Telegram's updates as it brings them itself: each is answered once it stands in the inbox."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson
from aiohttp import web

from bot.adapters import RawEvent
from bot.adapters.telegram_events import raw_event
from bot.doors import a_door

LARGEST = 1_000_000  # bytes of an update; Telegram's are far smaller
HEADER = "X-Telegram-Bot-Api-Secret-Token"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hook:
    """Where Telegram brings updates: the public address, what is listened on, and the word that proves it."""

    url: str
    host: str
    port: int
    secret: str

    @property
    def path(self) -> str:
        return urlsplit(self.url).path or "/"


class Doorstep:
    """The server to which Telegram brings them; any number of processes may have one."""

    def __init__(self, hook: Hook, take: Callable[[Sequence[RawEvent]], Awaitable[None]]) -> None:
        """take: returns once the events are committed."""
        self._hook = hook
        self._take = take

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve until `stopping` is set; raises OSError where the address can't be listened on."""
        app = web.Application(client_max_size=LARGEST)
        app.router.add_post(self._hook.path, self._brought)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=5)
        await runner.setup()
        try:
            async with a_door(runner, self._hook.host, self._hook.port):
                await stopping.wait()
        finally:
            await runner.cleanup()

    async def _brought(self, request: web.Request) -> web.Response:
        word = request.headers.get(HEADER, "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(word, self._hook.secret.encode()):
            return web.Response(status=403)
        try:
            update = orjson.loads(await request.read())
        except orjson.JSONDecodeError:
            return web.Response(status=400)
        try:
            await self._take([raw_event(update)])
        except Exception as error:  # noqa: BLE001 (a wall: Telegram brings it again, as to all that is no 200)
            log.error("an update could not be kept and is asked for again: %s", type(error).__name__)
            return web.Response(status=503)
        return web.Response()
