"""People with Telegram and a bot that waits for an answer only a moment; what its stories share."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import sqlalchemy as sa

from bot.adapters import Pace
from bot.adapters.telegram import Telegram
from handlers.context import Union
from storage.database import Database
from storage.tables import Inbox, Outbox
from tests.bot_api import BotApi
from tests.bot_api import Person as TelegramPerson
from tests.world import TelegramPlatform, World, compose

MOMENT = 0.3  # seconds


@asynccontextmanager
async def hasty_world(
    database: Database, union: Union | None = None, pace: Pace | None = None
) -> AsyncIterator[World]:
    async with BotApi() as api:
        platform = TelegramPlatform(api)
        platform.adapter = Telegram(api.token, api.base_url, poll_seconds=0, pace=pace, answer_seconds=MOMENT)
        world = compose(database, platform, union=union)
        await world.app.start()
        try:
            yield world
        finally:
            await platform.adapter.stop()


def api(world: World) -> BotApi:
    assert isinstance(world.platform, TelegramPlatform)
    return world.platform.api


def account(world: World, name: str) -> TelegramPerson:
    assert isinstance(world.platform, TelegramPlatform)
    return world.platform.person(name)


async def later(world: World, seconds: int, step: int = 1) -> None:
    """Time passes in steps: what waits behind a message that was put off is due, and yet cannot leave."""
    for _step in range(0, seconds, step):
        world.time.moment += timedelta(seconds=step)
        await world.settle()


async def outcomes(database: Database) -> Counter[str | None]:
    """How many events of people ended how."""
    query = sa.select(Inbox.outcome).where(Inbox.gateway != "core")
    return await database.run(lambda tx: Counter(tx.session.scalars(query)))


async def fates(database: Database) -> Counter[str]:
    return await database.run(lambda tx: Counter(tx.session.scalars(sa.select(Outbox.state))))
