"""What the stories of the Telegram adapter begin with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.adapters import Press
from bot.adapters.telegram import Telegram
from tests.bot_api import BotApi

ANA = 501
YES_NO = (Press("Yes", "t1"), Press("No", "t2"))


@asynccontextmanager
async def connected(api: BotApi, answer_seconds: float = 15) -> AsyncIterator[Telegram]:
    """A started adapter that never waits for updates."""
    adapter = Telegram(api.token, api.base_url, poll_seconds=0, answer_seconds=answer_seconds)
    await adapter.start()
    try:
        yield adapter
    finally:
        await adapter.stop()
