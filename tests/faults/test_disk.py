"""The disk is full or read-only, or the database locked: the bot goes on by itself, and nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from bot.adapters.telegram import Telegram
from bot.running import _beat
from handlers import alarms
from handlers.contents import DUTIES
from handlers.context import Moment
from storage import alerts
from storage.database import Database
from storage.outages import is_full_or_locked, is_outage
from storage.tables import Alert
from tests.bot_api import BotApi
from tests.faults.hasty import account, api, outcomes
from tests.faults.matrix_tools import RunningClock, until
from tests.world import TelegramPlatform, World, compose

GREETING = "this is One Cloak"
SORRY = "went wrong on my side"
PEOPLE = [f"person {number}" for number in range(12)]


class Disk:
    """The disk under a database, told when to fail: SQLite itself then says so, with its own error."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.failing = ""
        self._lock: sqlite3.Connection | None = None
        engine = database.engine.sync_engine
        sa.event.listen(engine, "connect", self._be_impatient)
        sa.event.listen(engine, "begin", self._begin)

    @staticmethod
    def _be_impatient(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout = 100").close()  # in place of half a minute

    def _begin(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {1 if self.failing == 'full' else 1 << 30}")
        connection.exec_driver_sql(f"PRAGMA query_only = {int(self.failing == 'read-only')}")

    async def fail(self, how: str) -> None:
        """locked: another process holds the write lock, as soon as it gets it."""
        self.fail_with(how)
        if how == "locked":
            path = str(self.database.url.database)
            self._lock = sqlite3.connect(path, isolation_level=None, timeout=0)
            await until(self._locked)

    def fail_with(self, how: str) -> None:
        self.failing = how

    def _locked(self) -> bool:
        assert self._lock is not None
        with contextlib.suppress(sqlite3.OperationalError):
            self._lock.execute("BEGIN IMMEDIATE")
        return self._lock.in_transaction

    def mend(self) -> None:
        self.failing = ""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def let_go(self) -> None:
        """The engine serves other tests after this one."""
        engine = self.database.engine.sync_engine
        sa.event.remove(engine, "connect", self._be_impatient)
        sa.event.remove(engine, "begin", self._begin)


@pytest.fixture
async def disk(sqlite_database: Database) -> AsyncIterator[Disk]:
    await sqlite_database.engine.dispose()  # the first connection, too, shall be one of this disk
    disk = Disk(sqlite_database)
    yield disk
    disk.let_go()


@asynccontextmanager
async def running_bot(database: Database) -> AsyncIterator[World]:
    """A bot that runs by itself on a Telegram with which it speaks over real HTTP."""
    async with BotApi() as server:
        platform = TelegramPlatform(server)
        platform.adapter = Telegram(
            server.token, server.base_url, poll_seconds=0, pace=None, answer_seconds=2
        )
        world = compose(database, platform, time=RunningClock())
        stopping = asyncio.Event()
        task = asyncio.create_task(world.app.run(stopping))
        try:
            yield world
            assert not task.done(), "it has ended by itself"
        finally:
            stopping.set()
            await asyncio.wait_for(task, 30)


def heard(world: World, name: str) -> list[str]:
    return [each.text for each in account(world, name).heard]


@pytest.mark.parametrize("how", ["full", "read-only", "locked"])
async def test_the_bot_recovers_without_a_hand_and_nothing_is_lost_or_doubled(disk: Disk, how: str) -> None:
    async with running_bot(disk.database) as world:
        await world.platform.says("carla", "hello")
        await until(lambda: heard(world, "carla"))
        await disk.fail(how)
        failures = world.app.loops.walls.total()
        for name in PEOPLE:
            for words in ("hello", "/my", "thank you " * 200):
                await world.platform.says(name, words)
        await until(lambda: world.app.loops.walls.total() > failures + 2)
        waiting = len(api(world).updates)
        if how != "full":  # what fits into the pages that there are is taken even then
            assert waiting == 3 * len(PEOPLE), "nothing is confirmed that is not kept"
        disk.mend()
        await until(
            lambda: not len(api(world).updates) and all(len(heard(world, each)) == 3 for each in PEOPLE)
        )
        await until(lambda: _all_handled(disk.database))
    for name in PEOPLE:
        assert heard(world, name)[0].count(GREETING) == 1
        assert not any(SORRY in each for each in heard(world, name))
    assert await outcomes(disk.database) == {"handled": 3 * len(PEOPLE) + 1}
    assert len(heard(world, "carla")) == 1


async def _all_handled(database: Database) -> bool:
    return None not in await outcomes(database)


async def test_a_bot_that_is_stopped_while_the_disk_fails_ends_in_order(disk: Disk) -> None:
    async with running_bot(disk.database) as world:
        await world.platform.says("ana", "hello")
        await until(lambda: heard(world, "ana"))
        await disk.fail("read-only")
    assert world.app.loops.walls.total() > 0
    disk.mend()


async def test_a_platform_that_is_long_away_while_the_disk_fails_does_not_end_the_bot(
    disk: Disk, world: World
) -> None:
    """Both at once: the coordinators can't be told of the platform, and hear of it later."""
    from bot.adapters import GatewayFault

    await disk.fail("read-only")
    fault = GatewayFault("the platform does not answer")
    assert await world.app._gateway_failed("gateway console", fault, timedelta(minutes=5)) == 2.0
    disk.mend()
    carla = await world.coordinator("carla")
    await world.app._gateway_failed("gateway console", fault, timedelta(minutes=6))
    await world.settle()
    carla.hears("the bot has a fault")


async def test_no_event_is_blamed_for_the_disk_however_often_it_fails(disk: Disk, world: World) -> None:
    await world.person("ana").says("hello")
    world.clear()
    worker = world.app.worker
    worker.step = lambda name: disk.fail_with("read-only") if name == "4 claimed" else None
    await world.platform.says("ana", "/my")
    for _time in range(6):
        with pytest.raises(OperationalError, match="readonly"):
            await world.settle()
        disk.mend()
    worker.step = lambda name: None
    await world.settle()
    world.person("ana").hears("You have no open case", without=[SORRY])
    world.nobody_hears_anything_else()
    assert await outcomes(world.database) == {"handled": 2}


@pytest.mark.parametrize("how", ["read-only", "locked"])
async def test_a_step_of_an_alert_that_the_disk_held_up_is_taken_at_once_when_it_is_back(
    disk: Disk, world: World, how: str
) -> None:
    """Not five minutes later, as one that fails by itself; and the bot finds no fault in itself."""
    carla = await world.coordinator("carla")
    ana = world.person("ana")
    await ana.says("/sos the curtains are burning")
    world.clear()
    due = await world.database.run(lambda tx: tx.session.scalar(sa.select(sa.func.min(Alert.next_step_at))))
    assert due is not None
    world.time.moment = due + timedelta(seconds=1)
    await disk.fail(how)
    for _time in range(3):
        with contextlib.suppress(OperationalError):
            await world.app.clock.run_once()
    disk.mend()
    await world.settle()
    assert ana.inbox or carla.inbox, "the step was taken"
    kinds = await world.database.run(lambda tx: [each.kind for each in alerts.unresolved(tx)])
    assert kinds == ["sos"]


async def test_a_step_whose_batch_failed_alone_with_the_disk_is_not_put_off(disk: Disk, world: World) -> None:
    """The disk is back before the step could be put off: it must be due all the same.

    Nor is it tried one by one: whatever else is due would wait for the same lock again.
    """
    await world.coordinator("carla")
    await world.person("ana").says("/sos the curtains are burning")
    due = await world.database.run(lambda tx: tx.session.scalar(sa.select(sa.func.min(Alert.next_step_at))))
    assert due is not None
    world.time.moment = due + timedelta(seconds=1)
    page = alarms.all_due
    tries = []

    def held_up(moment: Moment, found: list[Alert]) -> object:
        tries.append(len(found))
        moment.tx.session.execute(sa.text("PRAGMA query_only = 1"))
        told = page(moment, found)
        moment.tx.write()
        return told

    duty = next(each for each in DUTIES if each.run is page)
    object.__setattr__(duty, "run", held_up)
    try:
        await world.app.clock.run_once()
    finally:
        object.__setattr__(duty, "run", page)
    after = await world.database.run(lambda tx: tx.session.scalar(sa.select(sa.func.min(Alert.next_step_at))))
    assert after == due, "it is still due, and was not put off"
    assert tries == [1]
    world.clear()
    await world.settle()
    assert world.person("ana").inbox or world.person("carla").inbox


async def test_a_sign_of_life_that_cannot_be_written_does_not_end_the_bot(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    stopping = asyncio.Event()
    task = asyncio.create_task(_beat(tmp_path / "data" / "onecloak.alive", stopping))
    done, _pending = await asyncio.wait({task}, timeout=0.3)
    assert not done
    stopping.set()
    await asyncio.wait_for(task, 10)


def test_what_is_wrong_with_the_question_is_no_outage() -> None:
    """It would be asked again for ever."""
    connection = sqlite3.connect(":memory:")
    with pytest.raises(sqlite3.OperationalError) as error:
        connection.execute("SELECT * FROM nowhere")
    connection.close()
    wrapped = OperationalError("SELECT", None, error.value)
    assert not is_outage(wrapped)
    assert not is_full_or_locked(wrapped)


def test_a_real_disk_fills_up_and_turns_read_only_and_comes_back(tmp_path: Path) -> None:
    """On a file system of its own, in a name space of its own; not every machine lets a test have one."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
        pytest.skip("no file system can be mounted here")
    child = f"exec {sys.executable} -m tests.faults.disk_child {tmp_path}"
    script = f"mount -t tmpfs -o size=16m none {tmp_path} && {child}"
    ended = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script],
        capture_output=True, text=True, timeout=120, check=False, cwd=Path(__file__).parent.parent.parent,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "database or disk is full" in ended.stdout
    assert "recovered" in ended.stdout
