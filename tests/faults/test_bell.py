"""Processes at one PostgreSQL wake each other, also after it has crashed and come back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import SystemRandom

import pytest

from bot.app import App, Role
from storage import forgetting
from storage.database import Database
from storage.sealing import Vault
from storage.tables import Person
from tests.bot_api import BotApi
from tests.engines import MASTER_KEY, create_postgres, open_database, postgres_that_restarts
from tests.faults.crowd import Someone
from tests.storage import BOTH_ENGINES, person
from tests.world import NOON, make_core

pytestmark = BOTH_ENGINES
NEVER = 600.0  # seconds after which a queue would be looked at by itself: later than any test waits


@asynccontextmanager
async def a_gateway_and_a_worker(url: str, api: BotApi) -> AsyncIterator[None]:
    """Two processes' parts, each which know of each other through PostgreSQL only."""
    from bot.adapters.telegram import Telegram

    stopping = asyncio.Event()
    core = make_core()
    databases = [Database(url, Vault(MASTER_KEY), SystemRandom()) for _ in range(2)]
    adapter = Telegram(api.token, api.base_url, poll_seconds=2, pace=None)
    gateway, worker = App.compose(databases[0], core, [adapter]), App.compose(databases[1], core, [])
    gateway.net = worker.net = NEVER
    running = [
        asyncio.create_task(gateway.run(stopping, Role.GATEWAY)),
        asyncio.create_task(worker.run(stopping, Role.WORKER)),
    ]
    try:
        yield
    finally:
        stopping.set()
        await asyncio.gather(*running)
        for database in databases:
            await database.close()


async def test_what_one_process_takes_in_another_handles_at_once(
    postgres: str, postgres_template: str
) -> None:
    url = await create_postgres(postgres, "bell", postgres_template)
    async with BotApi() as api, a_gateway_and_a_worker(url, api):
        ana = Someone(api.person(501, "Ana"))
        for number in range(5):
            await ana.says(
                "hello" if not number else "/my", "this is One Cloak" if not number else "open case"
            )


async def test_who_is_forgotten_by_one_process_is_forgotten_by_all(
    postgres: str, postgres_template: str
) -> None:
    """A destroyed key must not live on in the memory of another process."""
    url = await create_postgres(postgres, "forgotten_by_all", postgres_template)
    one, other = (Database(url, Vault(MASTER_KEY), SystemRandom()) for _ in range(2))
    apps = [App.compose(each, make_core(), []) for each in (one, other)]
    ana = await person(one, "ana")
    stopping, heard = asyncio.Event(), asyncio.Event()
    forget_all = other.vault.forget_all

    def forget() -> None:
        forget_all()
        heard.set()

    other.vault.forget_all = forget  # type: ignore[method-assign]
    running = [asyncio.create_task(each.run(stopping, Role.WORKER)) for each in apps]
    async with asyncio.timeout(60):
        await heard.wait()  # as it begins to listen
        heard.clear()
        await other.run(lambda tx: tx.load_keys((ana.person.key_id,)))
        assert other.vault.knows(ana.person.key_id)
        await one.run(lambda tx: forgetting.forget(tx, NOON, tx.session.get_one(Person, ana.person.id)))
        await heard.wait()
    assert not other.vault.knows(ana.person.key_id)
    stopping.set()
    await asyncio.gather(*running)
    await one.close()
    await other.close()


@pytest.mark.faults
async def test_a_database_that_crashes_under_load_costs_nobody_an_answer() -> None:
    """Twelve people write on while PostgreSQL is ended without a word and started again, twice."""
    with postgres_that_restarts() as (server, restart):
        url = await create_postgres(server, "crashing")
        await (await open_database(url)).close()
        async with BotApi() as api, a_gateway_and_a_worker(url, api):
            people = [Someone(api.person(600 + each, f"Person{each}")) for each in range(12)]
            crashes = [asyncio.Event(), asyncio.Event()]
            talks = [asyncio.create_task(_talks(each, crashes)) for each in people]
            for crashed in crashes:
                await asyncio.sleep(1)
                begun = time.monotonic()
                await asyncio.to_thread(restart)
                crashed.set()
                print(f"PostgreSQL was away for {time.monotonic() - begun:.1f} s")  # noqa: T201
            await asyncio.gather(*talks)
            for each in people:
                assert api.count(each.account.user_id, "this is One Cloak") == 1


async def _talks(someone: Someone, crashes: list[asyncio.Event]) -> None:
    """On and on, until some time after the last crash; each line is answered before the next is written."""
    await someone.says("hello", "this is One Cloak")
    while not all(each.is_set() for each in crashes):
        await someone.says("/my", "open case")
    await someone.says("/my", "open case")
