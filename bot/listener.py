"""The small web server for whoever watches the bot: /healthz, /readyz, /metrics; nothing of people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from aiohttp import web

from bot.app import App
from bot.doors import a_door
from bot.health import Asking, Health
from bot.metrics import CONTENT_TYPE, Metrics
from bot.settings import PREFIX, SettingsError, host_and_port

NO_STORE = {"Cache-Control": "no-store"}


@asynccontextmanager
async def watched(listen: str, app: App, folder: Path, now: Callable[[], datetime]) -> AsyncIterator[None]:
    """Serve what this process can tell of itself while the context lasts; nothing where `listen` is empty.

    listen: as the setting has it; folder: where the data stands; raises SettingsError.
    """
    where = host_and_port(listen)
    if where is None:
        yield
        return
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    asking = Asking(app.database)
    try:
        health, metrics = Health(app, asking, now), Metrics(app, asking, folder, now)
        async with listening(*where, health, metrics):
            yield
    finally:
        await asking.close()


@asynccontextmanager
async def listening(host: str, port: int, health: Health, metrics: Metrics) -> AsyncIterator[int]:
    """Serve for as long as the context lasts; gives the port (0 chooses one), raises SettingsError."""
    application = web.Application(client_max_size=1_024)
    application.router.add_get("/healthz", _said(health.not_alive))
    application.router.add_get("/readyz", _asked(health.not_ready))
    application.router.add_get("/metrics", _measured(metrics))
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    is_open = False
    try:
        async with a_door(runner, host, port) as found:
            is_open = True
            yield found
    except OSError as error:
        if is_open:
            raise
        raise SettingsError(
            f"{PREFIX}LISTEN is wrong: nothing can be served there ({type(error).__name__}): is it taken?"
        ) from None
    finally:
        await runner.cleanup()


Handler = Callable[[web.Request], Awaitable[web.Response]]


def _said(look: Callable[[], list[str]]) -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        return _shown(look())

    return answer


def _asked(look: Callable[[], Awaitable[list[str]]]) -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        return _shown(await look())

    return answer


def _measured(metrics: Metrics) -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        headers = {**NO_STORE, "Content-Type": CONTENT_TYPE}
        return web.Response(body=await metrics.exposed(), headers=headers)

    return answer


def _shown(reasons: list[str]) -> web.Response:
    body = {"status": "failing" if reasons else "ok", "reasons": reasons}
    return web.json_response(body, status=503 if reasons else 200, headers=NO_STORE)
