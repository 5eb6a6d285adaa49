"""People with two chats, one at the console and one on Telegram; what their stories share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import sqlalchemy as sa

from bot.adapters.telegram import Telegram
from storage.database import Database
from storage.tables import Alert, Base
from tests.bot_api import BotApi
from tests.world import ConsolePlatform, Friend, TelegramPlatform, World, compose

YES = "Yes, I made it myself"
MOMENT = 0.3  # seconds that the bot waits for Telegram's answer


@asynccontextmanager
async def two_platforms(database: Database, folder: Path) -> AsyncIterator[World]:
    """A world with the console, the first platform, and with Telegram, the other."""
    async with BotApi() as api:
        telegram = TelegramPlatform(api)
        telegram.adapter = Telegram(api.token, api.base_url, poll_seconds=0, pace=None, answer_seconds=MOMENT)
        world = compose(database, ConsolePlatform(folder), telegram)
        await world.app.start()
        try:
            yield world
        finally:
            await telegram.adapter.stop()


def there(world: World, name: str) -> Friend:
    """Someone in their other chat, on Telegram."""
    return world.person(name, world.platforms[1])


async def code_of(friend: Friend) -> str:
    """The code that /link shows to someone."""
    await friend.says("/link")
    found = [each.text.split("\n")[1] for each in friend.inbox if "Share it with nobody" in each.text]
    friend.inbox.clear()
    return found[-1]


async def links(friend: Friend, code: str) -> None:
    """Someone writes the code of their other chat and says that they made it; the question is cleared."""
    await friend.says(code)
    friend.hears("joins this chat to the person who made it", YES, "No")
    friend.inbox.clear()
    await friend.presses(YES)


async def joined(world: World, name: str) -> tuple[Friend, Friend]:
    """Someone at the console joins their Telegram to it; the story begins after that."""
    here, other = world.person(name), there(world, name)
    await here.says("hello")
    await links(other, await code_of(here))
    world.clear()
    return here, other


async def newest_alert(world: World) -> Alert:
    """The alert that was opened last, as it stands now."""
    query = sa.select(Alert).order_by(Alert.opened_at.desc()).limit(1)
    return await world.database.run(lambda tx: tx.session.scalars(query).one())


async def count(world: World, table: type[Base]) -> int:
    query = sa.select(sa.func.count()).select_from(table)
    return await world.database.run(lambda tx: tx.session.scalars(query).one())
