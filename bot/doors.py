"""A port on which anybody may knock: who says nothing, too little or too late can't keep the others out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

MOST = 256  # connections at once: more than whoever stands before the bot needs, less than it has files
LONGEST = 60.0  # seconds of a connection; what is cut off so is asked again


@asynccontextmanager
async def a_door(
    runner: web.AppRunner, host: str, port: int, most: int = MOST, longest: float = LONGEST
) -> AsyncIterator[int]:
    """Serve for as long as the context lasts; gives the port (0 chooses one), raises OSError.

    When too many are there, the one that came first is sent away: whoever has something to say has said it.
    longest: seconds after which a connection is closed, whatever it was doing.
    """
    server, loop = runner.server, asyncio.get_running_loop()
    assert server is not None

    def someone_knocks() -> asyncio.BaseProtocol:
        handlers = server.connections
        for first in handlers[: len(handlers) - most + 1]:
            first.force_close()
        handler = server()
        loop.call_later(longest, handler.force_close)
        return handler

    listening = await loop.create_server(someone_knocks, host, port)
    try:
        yield int(listening.sockets[0].getsockname()[1])
    finally:
        listening.close()
        await listening.wait_closed()
