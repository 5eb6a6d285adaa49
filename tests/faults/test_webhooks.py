"""Telegram brings updates to several gateways: each is kept before it is answered, and counts once."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import SystemRandom
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from bot.adapters.telegram import Telegram
from bot.adapters.telegram_webhook import HEADER, Hook
from bot.app import App, Role
from storage.database import Database
from storage.sealing import Vault
from storage.tables import Inbox
from tests.bot_api import BotApi
from tests.engines import MASTER_KEY, create_postgres
from tests.faults.crowd import Someone
from tests.storage import BOTH_ENGINES
from tests.world import make_core

pytestmark = BOTH_ENGINES
URL = "https://cloak.example.org/telegram"
SECRET = "a-word-that-proves-it"  # made up


@dataclass
class Front:
    """Two gateways and a worker, and what stands before them: it passes requests on to one or the other."""

    api: BotApi
    database: Database
    hooks: list[Hook]
    client: httpx.AsyncClient

    async def bring(self, update: object, to: int, word: str = SECRET) -> int:
        """As Telegram does: the status that it gets."""
        hook = self.hooks[to % len(self.hooks)]
        where = f"http://{hook.host}:{hook.port}{hook.path}"
        return (await self.client.post(where, json=update, headers={HEADER: word})).status_code

    async def bring_all(self, times: int = 1) -> None:
        """What people have written meanwhile, in turns to each gateway."""
        waiting = await self.api.updates.poll(0, 100, 0, None)
        for number, update in enumerate(waiting):
            for time in range(times):
                assert await self.bring(update, number + time) == 200
        await self.api.updates.poll(self.api.updates.next_number, 100, 0, None)

    async def kept(self) -> int:
        mine = sa.select(sa.func.count()).where(Inbox.gateway == "telegram")
        return await self.database.run(lambda tx: tx.session.scalar(mine) or 0)


@asynccontextmanager
async def a_front(url: str) -> AsyncIterator[Front]:
    stopping, core = asyncio.Event(), make_core()
    async with BotApi() as api, httpx.AsyncClient(timeout=20) as client:
        databases = [Database(url, Vault(MASTER_KEY), SystemRandom()) for _ in range(3)]
        hooks = [Hook(URL, "127.0.0.1", free_port(), SECRET) for _ in range(2)]
        running = [asyncio.create_task(App.compose(databases[2], core, []).run(stopping, Role.WORKER))]
        for database, hook in zip(databases, hooks, strict=False):
            adapter = Telegram(api.token, api.base_url, poll_seconds=1, pace=None, hook=hook)
            running.append(
                asyncio.create_task(App.compose(database, core, [adapter]).run(stopping, Role.GATEWAY))
            )
        for hook in hooks:
            await listening(hook.port)
        await api.called("setWebhook")
        try:
            yield Front(api, databases[0], hooks, client)
        finally:
            stopping.set()
            await asyncio.gather(*running)
            for database in databases:
                await database.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def listening(port: int) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            await writer.wait_closed()
            return


@pytest.fixture
async def front(
    postgres: str, postgres_template: str, request: pytest.FixtureRequest
) -> AsyncIterator[Front]:
    url = await create_postgres(postgres, request.node.name[:60], postgres_template)
    async with a_front(url) as made:
        yield made


async def test_a_dialog_over_two_gateways_in_which_telegram_brings_everything_twice(front: Front) -> None:
    assert (front.api.webhook, front.api.secret) == (URL, SECRET)
    ana = Someone(front.api.person(501, "Ana"))
    for said, then in (("hello", "this is One Cloak"), ("/need", "What do you need?"),
                       ("I need someone to fetch my insulin in ten days", "Is that right?")):  # fmt: skip
        ana.account.says(said)
        await front.bring_all(times=2)
        await ana.hears(then)
    ana.account.presses("Yes")
    await front.bring_all(times=2)
    await ana.hears("Where is help needed?")
    assert await front.kept() == 4
    assert front.api.count(501, "What do you need?") == 1


async def test_without_the_word_nothing_is_taken(front: Front) -> None:
    front.api.person(501, "Ana").says("SOS")
    (update,) = await front.api.updates.poll(0, 100, 0, None)
    assert [await front.bring(update, 0, word) for word in ("", "another", SECRET + "x")] == [403] * 3
    assert await front.kept() == 0


async def test_an_update_is_answered_only_when_it_is_committed(front: Front) -> None:
    front.api.person(501, "Ana").says("hello")
    (update,) = await front.api.updates.poll(0, 100, 0, None)
    async with front.database.engine.begin() as other:
        await other.execute(sa.text("LOCK TABLE inbox IN SHARE MODE"))
        brought: asyncio.Task[Any] = asyncio.create_task(front.bring(update, 1))
        done, _ = await asyncio.wait([brought], timeout=0.5)
        assert not done
    assert await brought == 200
    assert await front.kept() == 1


async def test_what_cannot_be_kept_is_asked_for_again(front: Front) -> None:
    front.api.person(501, "Ana").says("hello")
    (update,) = await front.api.updates.poll(0, 100, 0, None)
    async with front.database.engine.begin() as other:
        await other.execute(sa.text("ALTER TABLE inbox RENAME TO away"))
    assert await front.bring(update, 0) == 503
    async with front.database.engine.begin() as other:
        await other.execute(sa.text("ALTER TABLE away RENAME TO inbox"))
    assert await front.bring(update, 1) == 200


async def test_a_malformed_update_is_kept_as_any_dead_letter(front: Front) -> None:
    assert await front.bring({"update_id": 7, "message": {"text": ["no", "text"]}}, 0) == 200
    assert await front.bring("no update at all", 1) == 200
    assert await front.kept() == 2
