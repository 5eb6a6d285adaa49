"""A crowd knocks at a port of the bot and says nothing, half a word, or far too much."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest
from aiohttp import web

from bot.adapters import RawEvent
from bot.adapters.telegram_webhook import HEADER, LARGEST, Doorstep, Hook
from bot.doors import MOST, a_door
from tests.faults.test_webhooks import SECRET, URL, free_port, listening

UPDATE = {"update_id": 7, "message": {"message_id": 1, "text": "hello"}}


class House:
    """A doorstep by itself, and what was taken there."""

    def __init__(self) -> None:
        self.hook = Hook(URL, "127.0.0.1", free_port(), SECRET)
        self.taken: list[RawEvent] = []

    async def take(self, events: Sequence[RawEvent]) -> None:
        self.taken += events

    async def bring(self, body: bytes | None = None, **headers: str) -> int:
        where = f"http://127.0.0.1:{self.hook.port}{self.hook.path}"
        async with httpx.AsyncClient(timeout=20) as client:
            if body is None:
                return (await client.post(where, json=UPDATE, headers={HEADER: SECRET})).status_code
            said = {HEADER: SECRET, **headers}
            return (await client.post(where, content=body, headers=said)).status_code

    async def knock(self, words: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.hook.port)
        writer.write(words)
        return reader, writer


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made, stopping = House(), asyncio.Event()
    serving = asyncio.create_task(Doorstep(made.hook, made.take).run(stopping))
    await listening(made.hook.port)
    yield made
    stopping.set()
    await serving


@pytest.mark.parametrize("words", [b"", b"POST /telegram HTTP/1.1\r\nHost: x\r\nX-A: "])
async def test_a_thousand_who_knock_and_say_nothing_keep_nobody_out(house: House, words: bytes) -> None:
    """Of a bot that may open a thousand files they would leave none, for the database neither."""
    knocking = [await house.knock(words) for _ in range(MOST + 200)]
    assert await house.bring() == 200
    assert len(house.taken) == 1
    async with asyncio.timeout(20):
        for reader, _writer in knocking[:100]:  # those who came first are sent away
            assert await _ends(reader)
    for _reader, writer in knocking:
        writer.transport.abort()


async def test_what_is_far_too_large_is_refused_also_where_it_was_packed_small(house: House) -> None:
    packed = gzip.compress(b" " * 50_000_000)
    assert len(packed) < LARGEST
    assert await house.bring(packed, **{"Content-Encoding": "gzip"}) in (400, 413)
    with_refusal = await _sent(house, b" " * (LARGEST * 3))
    assert with_refusal in (0, 413)
    assert await house.bring() == 200
    assert len(house.taken) == 1


async def _sent(house: House, body: bytes) -> int:
    """The status, 0 where the connection was closed before all was said."""
    try:
        return await house.bring(body)
    except httpx.TransportError:
        return 0


@asynccontextmanager
async def a_small_door(most: int, longest: float) -> AsyncIterator[int]:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=(await request.read()).decode())

    application = web.Application()
    application.router.add_post("/", answer)
    runner = web.AppRunner(application)
    async with AsyncExitStack() as stack:
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        yield await stack.enter_async_context(a_door(runner, "127.0.0.1", 0, most, longest))


async def test_who_says_a_letter_now_and_then_is_sent_away_in_the_end() -> None:
    async with a_small_door(10, 0.5) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\na")
        async with asyncio.timeout(20):
            assert await _ends(reader)
        writer.transport.abort()


async def _ends(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read() is not None
    except ConnectionError:
        return True
