"""A Bot API server over real HTTP, with Telegram's rules and limits, and faults on order."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from aiohttp import web

from tests.bot_api_groups import Group
from tests.bot_api_methods import Methods, Params, Refusal
from tests.bot_api_people import Key, Person, Sent, Upload

__all__ = ["MADE_UP", "BotApi", "Fault", "Key", "Person", "Sent", "Upload"]

MADE_UP = "1000:made-up"


class Fault(StrEnum):
    """What can go wrong with a call."""

    FLOOD = "429 with retry_after"
    CONFLICT = "409"
    UNAUTHORIZED = "401"
    BLOCKED = "403 blocked"
    NO_CHAT = "400 chat not found"
    MIGRATED = "400 with migrate_to_chat_id"
    PARSE = "400 can't parse entities"
    REFUSED = "400 for a reason that quotes the text"
    TOO_LARGE = "413"
    BAD_GATEWAY = "502 with an HTML page"
    RESET_BEFORE = "the connection breaks, nothing is done"
    RESET_AFTER = "it is done, then the connection breaks"
    HANG_BEFORE = "no answer comes, nothing is done"
    HANG_AFTER = "it is done, no answer comes"
    NO_JSON = "200 with an answer that is not JSON"
    TRICKLE = "it is done, the answer comes a byte at a time and has no end"


@dataclass
class Planned:
    """A fault that waits for its call."""

    method: str
    fault: Fault
    chat: int | None
    times: int
    detail: int

    def refusal(self) -> Refusal | None:
        """The error answer, if the fault is one."""
        match self.fault:
            case Fault.FLOOD:
                wait = self.detail
                return Refusal(429, f"Too Many Requests: retry after {wait}", retry_after=wait)
            case Fault.MIGRATED:
                moved = "Bad Request: group chat was upgraded to a supergroup chat"
                return Refusal(400, moved, migrate_to_chat_id=self.detail)
        plain = {
            Fault.CONFLICT: (409, "Conflict: terminated by other getUpdates request"),
            Fault.UNAUTHORIZED: (401, "Unauthorized"),
            Fault.BLOCKED: (403, "Forbidden: bot was blocked by the user"),
            Fault.NO_CHAT: (400, "Bad Request: chat not found"),
            Fault.PARSE: (400, "Bad Request: can't parse entities: Unsupported start tag"),
            Fault.REFUSED: (400, 'Bad Request: something about "your words"'),
            Fault.TOO_LARGE: (413, "Request Entity Too Large"),
        }
        return Refusal(*plain[self.fault]) if self.fault in plain else None


class BotApi(Methods):
    """The server; use it as an async context manager."""

    def __init__(self, token: str = MADE_UP, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__(now)
        self.token = token
        self.calls: list[str] = []  # the methods called, in order
        self._called: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._planned: list[Planned] = []
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._methods = {
            "".join(name.split("_")): getattr(self, name)
            for name in dir(Methods)
            if name.startswith(("get_", "send_", "edit_", "answer_", "set_", "delete_", "leave_"))
        }

    async def start(self) -> None:
        app = web.Application(client_max_size=60_000_000)
        app.router.add_route("*", "/bot{token}/{method}", self._call)
        app.router.add_get("/file/bot{token}/files/{file_id}", self._download)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()

    async def stop(self) -> None:
        self._closing.set()
        self.updates.end()
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def base_url(self) -> str:
        assert self._runner is not None
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/bot"

    def person(
        self, user_id: int, first_name: str = "Ana", language_code: str = "en", username: str = ""
    ) -> Person:
        """The person with this id, who appears when first asked for."""
        if user_id not in self.people:
            self.people[user_id] = Person(self, user_id, first_name, language_code, username)
        return self.people[user_id]

    def group(self, chat: int, kind: str = "group") -> Group:
        """The group with this id, which appears when first asked for."""
        if chat not in self.groups:
            self.groups[chat] = Group(self, chat, kind)
        return self.groups[chat]

    def fault(
        self, method: str, fault: Fault, chat: int | None = None, times: int = 1, detail: int = 3
    ) -> None:
        """Let the next calls of a method fail; `detail` is the wait of a flood or the new id of a chat."""
        self._planned.append(Planned(method, fault, chat, times, detail))

    def update(self, update: dict[str, Any]) -> int:
        """Queue an update, unless the bot has not asked for its kind."""
        kind = next((name for name in update if name != "update_id"), "")
        number = int(update.get("update_id", self.updates.next_number))
        if self.updates.allows(kind):
            self.updates.push({"update_id": number, **update}, number)
        return number

    def raw(self, update: object) -> None:
        """Queue anything at all as an update."""
        self.updates.push(update, self.updates.next_number)

    def count(self, chat: int, words: str) -> int:
        """How often a chat was sent these words; edits do not count."""
        return sum(one.chat == chat and words in one.text and not one.edited for one in self.sent)

    async def called(self, method: str) -> None:
        """Wait for the first call of a method."""
        await asyncio.wait_for(self._called[method].wait(), 10)

    async def _call(self, request: web.Request) -> web.StreamResponse:
        method, params = request.match_info["method"], await _params(request)
        self.calls.append(method)
        self._called[method].set()
        planned = self._take(method, params)
        fault = planned.fault if planned else None
        result: object = None
        try:
            if request.match_info["token"] != self.token:
                raise Refusal(401, "Unauthorized")
            if planned and (refusal := planned.refusal()):
                raise refusal
            if fault not in (Fault.RESET_BEFORE, Fault.HANG_BEFORE, Fault.BAD_GATEWAY):
                result = await self._handle(method, params)
        except Refusal as refused:
            return web.json_response(refused.body, status=refused.code)
        if fault is not None:
            return await self._broken(request, fault)
        return web.json_response({"ok": True, "result": result})

    async def _handle(self, method: str, params: Params) -> object:
        if method.lower() not in self._methods:
            raise Refusal(404, "Not Found")
        return await self._methods[method.lower()](params)

    async def _broken(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        page = "<html><head><title>502 Bad Gateway</title></head></html>"
        if fault is Fault.BAD_GATEWAY:
            return web.Response(status=502, text=page, content_type="text/html")
        if fault is Fault.NO_JSON:
            return web.Response(text=page, content_type="text/html")
        if fault is Fault.TRICKLE:
            return await self._trickles(request)
        if fault in (Fault.HANG_BEFORE, Fault.HANG_AFTER):
            await self._closing.wait()
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def _trickles(self, request: web.Request) -> web.StreamResponse:
        answer, closing = web.StreamResponse(), asyncio.create_task(self._closing.wait())
        await answer.prepare(request)
        with suppress(ConnectionError):
            while not self._closing.is_set():
                await answer.write(b" ")
                await asyncio.wait([closing], timeout=0.02)
        closing.cancel()
        return answer

    async def _download(self, request: web.Request) -> web.Response:
        file = self.kept(request.match_info["file_id"])
        if file is None or request.match_info["token"] != self.token:
            raise web.HTTPNotFound
        return web.Response(body=file.body)

    def _take(self, method: str, params: Params) -> Planned | None:
        for planned in self._planned:
            here = planned.chat is None or str(planned.chat) == params.get("chat_id")
            if planned.method == method and planned.times and here:
                planned.times -= 1
                return planned
        return None


async def _params(request: web.Request) -> Params:
    """The parameters, from wherever Telegram takes them: the address, a form, a multipart body, JSON."""
    params: Params = dict(request.query)
    if request.content_type == "application/json":
        return {**params, **await request.json()}
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            params[name] = Upload(value.filename, value.content_type, value.file.read())
        else:
            params[name] = value
    return params
