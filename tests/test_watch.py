"""The sign of life is given while every check passes, and stays out when anything is stuck."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from bot.watch import CHECKS, Facts, Watch, amiss
from handlers import alarms
from handlers.context import Moment
from storage.database import Database, Transaction
from storage.lateness import Lateness
from tests.world import NOON, console_world

MINUTE = timedelta(minutes=1)
WELL = Facts({"clock": MINUTE / 2}, {"telegram": MINUTE}, Lateness(*[timedelta(0)] * 3), 10**9)


def test_all_is_well() -> None:
    assert amiss(WELL) == []


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (replace(WELL, late=None), "the database does not answer"),
        (
            replace(WELL, late=Lateness(2 * MINUTE, timedelta(0), timedelta(0))),
            "a step of an alert is overdue",
        ),
        (replace(WELL, late=Lateness(timedelta(0), MINUTE, timedelta(0))), "said in a crisis is not handled"),
        (replace(WELL, late=Lateness(timedelta(0), timedelta(0), 2 * MINUTE)), "of a crisis does not leave"),
        (replace(WELL, loops={"clock": 2 * MINUTE}), "no turn for a minute: clock"),
        (replace(WELL, gateways={"matrix": 4 * MINUTE}), "no word from the platform: matrix"),
        (replace(WELL, space=10**6), "less than 200 megabytes"),
    ],
)
def test_each_check_withholds_it(facts: Facts, reason: str) -> None:
    (found,) = amiss(facts)
    assert reason in found
    assert len(CHECKS) == 7


class Listener:
    """Whoever listens outside, over real HTTP."""

    def __init__(self) -> None:
        self.heard = 0
        self.url = ""

    async def hear(self, request: web.Request) -> web.Response:
        self.heard += 1
        return web.Response()


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    found, app = Listener(), web.Application()
    app.router.add_get("/alive", found.hear)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    found.url = f"http://127.0.0.1:{port}/alive"
    yield found
    await runner.cleanup()


async def until(holds: Callable[[], bool]) -> None:
    """Let the loops run until something is so."""
    while not holds():  # noqa: ASYNC110 (nobody tells that a loop came round; it is looked at)
        await asyncio.sleep(0.01)


async def test_a_clock_that_stops_silently_is_noticed_outside(
    sqlite_database: Database, listener: Listener, tmp_path: Path
) -> None:
    async with console_world(sqlite_database) as world:
        app, time = world.app, world.time
        watch = Watch(sqlite_database, listener.url, tmp_path, app.loops.turns, app.heard, time)
        stopping, stuck, hangs, released = (asyncio.Event() for _ in range(4))
        run_once = app.clock.run_once

        async def stops() -> int:
            if stuck.is_set():
                hangs.set()
                await released.wait()
            return await run_once()

        app.clock.run_once = stops  # type: ignore[method-assign]
        running = asyncio.create_task(app.run(stopping))
        async with asyncio.timeout(30):
            await until(lambda: app.loops.turns.keys() >= {"worker", "clock"})
            assert await watch.run_once()
            assert listener.heard == 1
            stuck.set()
            await hangs.wait()
            time.moment += 2 * MINUTE
            await until(lambda: app.loops.turns["worker"] >= time.moment)  # the others go on
            assert not await watch.run_once()
            assert "clock" in "".join(amiss(await watch.facts()))
        assert listener.heard == 1
        stopping.set()
        released.set()
        await running


async def test_an_overdue_step_withholds_it(
    sqlite_database: Database, listener: Listener, tmp_path: Path
) -> None:
    async with console_world(sqlite_database) as world:

        def open_one(tx: Transaction) -> None:
            alert = alarms.open_alert(Moment(world.core, tx, NOON), "fault")
            alert.next_step_at = NOON - 2 * MINUTE

        await sqlite_database.run(open_one)
        watch = Watch(sqlite_database, listener.url, tmp_path, {}, dict, world.time)
        assert not await watch.run_once()
        assert listener.heard == 0


async def test_an_address_that_is_away_harms_nothing(sqlite_database: Database, tmp_path: Path) -> None:
    watch = Watch(sqlite_database, "http://127.0.0.1:9/alive", tmp_path, {}, dict, lambda: datetime.now(UTC))
    assert not await watch.run_once()


async def test_a_look_that_fails_ends_nothing_and_gives_no_sign(
    sqlite_database: Database, listener: Listener, tmp_path: Path
) -> None:
    """The folder of the data is gone, say: the bot that is looked at must go on."""
    watch = Watch(sqlite_database, listener.url, tmp_path / "gone", {}, dict, lambda: datetime.now(UTC))
    stopping = asyncio.Event()
    looking = asyncio.create_task(watch.run(stopping))
    done, _pending = await asyncio.wait({looking}, timeout=0.3)
    assert not done
    assert listener.heard == 0
    stopping.set()
    await asyncio.wait_for(looking, 10)
