"""What happens to a PostgreSQL in a bad week: the bot goes on by itself, and no message is blamed for it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InternalError

from handlers import welcome
from handlers.contents import COMMANDS, Command
from handlers.context import Context
from handlers.messages import Inbound, Outbound
from storage import engines
from storage.database import Database, Transaction
from storage.outages import is_elsewhere, is_outage, remedy
from storage.sealing import Vault
from storage.tables import Alert, Fact
from tests.bot_api import BotApi
from tests.engines import MASTER_KEY, MEMORY, create_postgres, open_database
from tests.faults.hasty import account, outcomes
from tests.faults.matrix_tools import PATIENCE, until
from tests.faults.test_disk import SORRY, running_bot
from tests.faults.whole import the_whole
from tests.storage import BOTH_ENGINES
from tests.world import World, console_world

pytestmark = BOTH_ENGINES
PEOPLE = [f"person {number}" for number in range(8)]
LINES = 4
LOCKED = ("inbox", "outbox", "leases")


@pytest.fixture
async def url(postgres: str, postgres_template: str, request: pytest.FixtureRequest) -> str:
    return await create_postgres(postgres, f"trouble_{abs(hash(request.node.name))}", postgres_template)


@pytest.fixture
async def shared(url: str) -> AsyncIterator[Database]:
    database = await open_database(url)
    yield database
    await database.close()


@pytest.fixture
async def operator(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Who is allowed everything, on a connection of their own."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    yield connection
    await connection.close()


async def end_all_others(operator: asyncpg.Connection) -> None:
    await operator.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


async def is_up(world: World) -> None:
    await world.platform.says("carla", "hello")
    await until(lambda: account(world, "carla").heard)


async def all_write(world: World) -> None:
    for number in range(LINES):
        for name in PEOPLE:
            await world.platform.says(name, f"/my {number}")
        await asyncio.sleep(0)


async def all_are_answered_once(world: World, others: int = 0, within: float = PATIENCE) -> None:
    """others: what they said beside it. within: seconds."""
    await until(lambda: all(len(answers(world, each)) >= LINES for each in PEOPLE), within)
    await until(lambda: _all_handled(world.database))
    assert await outcomes(world.database) == {"handled": LINES * len(PEOPLE) + 1 + others}
    for each in PEOPLE:
        assert len(answers(world, each)) == LINES
        assert not any(SORRY in sent.text for sent in account(world, each).heard)


def answers(world: World, name: str) -> list[str]:
    return [each.text for each in account(world, name).heard if "You have no open case" in each.text]


async def _all_handled(database: Database) -> bool:
    return set(await outcomes(database)) == {"handled"}


async def test_connections_that_began_while_it_was_read_only_are_left_when_it_is_not(
    shared: Database, operator: asyncpg.Connection
) -> None:
    """As after a failover, where the old primary goes on as a standby: its sessions never become writable."""
    await shared.close()  # so that its next connection begins just then
    await operator.execute(f'ALTER DATABASE "{shared.url.database}" SET default_transaction_read_only = on')
    for _time in range(2):
        with pytest.raises(DBAPIError, match="read-only") as refused:
            await shared.run(write)
        assert is_outage(refused.value)
        assert is_elsewhere(refused.value)
    await operator.execute(f'ALTER DATABASE "{shared.url.database}" RESET default_transaction_read_only')
    await shared.run(write)


async def test_an_operator_who_prefers_serializable_transactions_changes_none_of_ours(
    shared: Database, operator: asyncpg.Connection
) -> None:
    """They would see nothing of what was committed while they waited for somebody's turn to end."""
    await shared.close()  # so that its next connection begins after it
    default = "SET default_transaction_isolation = 'serializable'"
    await operator.execute(f'ALTER DATABASE "{shared.url.database}" {default}')
    assert await shared.run(lambda tx: tx.session.scalar(sa.text("SHOW transaction_isolation"))) == (
        "read committed"
    )


def write(tx: Transaction) -> None:
    tx.session.add(Fact(name="written", value=""))
    tx.write()


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.faults)])
async def test_connections_are_ended_at_random_and_no_message_is_blamed_or_lost(
    shared: Database, operator: asyncpg.Connection, seed: int
) -> None:
    """What was on its way to a person at such a moment is not sent again: only the record had to wait."""
    random = Random(seed)
    async with running_bot(shared) as world:
        await is_up(world)
        await all_write(world)
        for _time in range(6):
            await asyncio.sleep(random.random() / 5)
            await end_all_others(operator)
        print(f"seed {seed}")  # noqa: T201
        await all_are_answered_once(world)


SOMEBODY_KEEPS = 77  # any number: an advisory lock


class Trouble:
    """A command during which something happens to the transaction, so many times."""

    def __init__(self, what: Callable[[Context], None], times: int) -> None:
        self.what, self.left = what, times

    def __call__(self, ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
        if self.left and argument == "1":
            self.left -= 1
            self.what(ctx)
        return welcome.my(ctx, inbound, "")


def _ended_by_an_operator(ctx: Context) -> None:
    ctx.tx.session.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))


def _thinks_too_long(ctx: Context) -> None:
    ctx.tx.session.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = 30"))
    time.sleep(0.1)
    ctx.tx.session.execute(sa.text("SELECT 1"))


def _finds_something_locked(ctx: Context) -> None:
    ctx.tx.session.execute(sa.text("SET LOCAL lock_timeout = 30"))
    ctx.tx.session.execute(sa.text(f"SELECT pg_advisory_xact_lock({SOMEBODY_KEEPS})"))


def _asks_too_long(ctx: Context) -> None:
    for milliseconds in (0, 30):  # a limit that counts already is not made shorter
        ctx.tx.session.execute(sa.text(f"SET LOCAL transaction_timeout = {milliseconds}"))
    ctx.tx.session.execute(sa.text("SELECT pg_sleep(10)"))


async def _nobody_is_blamed(shared: Database, monkeypatch: pytest.MonkeyPatch, trouble: Trouble) -> None:
    monkeypatch.setitem(COMMANDS, "my", Command(trouble))
    async with running_bot(shared) as world:
        await is_up(world)
        await all_write(world)
        await all_are_answered_once(world)
    assert not trouble.left


async def test_no_message_is_blamed_for_what_somebody_keeps_locked(
    shared: Database, operator: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator's long work on a table must not have people told that their words were not understood."""
    await operator.execute(f"SELECT pg_advisory_lock({SOMEBODY_KEEPS})")
    await _nobody_is_blamed(shared, monkeypatch, Trouble(_finds_something_locked, 6))


async def test_nothing_waits_for_a_lock_or_lasts_for_ever(shared: Database) -> None:
    """A session that is cut off in the middle of a question is not idle, and keeps what it has locked."""

    def limits(tx: Transaction) -> list[str]:
        return [
            tx.session.scalar(sa.text(f"SHOW {name}")) for name in ("lock_timeout", "transaction_timeout")
        ]

    assert await shared.run(limits) == ["20s", "110s"]


async def test_no_message_is_blamed_for_a_connection_that_an_operator_ends_while_it_is_handled(
    shared: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often: to be set aside at the fourth time is for what kills the process."""
    await _nobody_is_blamed(shared, monkeypatch, Trouble(_ended_by_an_operator, 4))


@pytest.mark.parametrize("what", [_thinks_too_long, _asks_too_long])
async def test_a_message_over_which_the_database_loses_its_patience_is_set_aside_and_not_tried_for_ever(
    shared: Database, monkeypatch: pytest.MonkeyPatch, what: Callable[[Context], None]
) -> None:
    monkeypatch.setitem(COMMANDS, "my", Command(Trouble(what, 100)))
    async with running_bot(shared) as world:
        await is_up(world)
        await world.platform.says("ana", "/my 1")
        await world.platform.says("ben", "/my 2")
        await until(lambda: any(SORRY in each.text for each in account(world, "ana").heard))
        await until(lambda: account(world, "ben").heard)
    assert await outcomes(shared) == {"failed": 1, "handled": 2}


def test_what_the_driver_says_of_a_connection_that_broke_in_its_hands_is_an_outage() -> None:
    """Seen after a freeze; it would put a step of an alert off by five minutes."""
    confused = asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")
    assert is_outage(InternalError("SELECT", None, confused))
    broken = asyncpg.exceptions.InternalServerError("of the server, over what was asked")
    assert not is_outage(InternalError("SELECT", None, broken))
    assert is_elsewhere(ConnectionRefusedError())


@pytest.mark.parametrize(
    ("table", "seconds"),
    [
        ("inbox", 2),
        *(pytest.param(each, 20, marks=pytest.mark.faults) for each in ("inbox", "outbox", "leases")),
    ],
)
async def test_a_table_that_somebody_keeps_locked_holds_up_and_loses_nothing(
    shared: Database, operator: asyncpg.Connection, table: str, seconds: int
) -> None:
    """As a careless change of the schema or a full vacuum does it; longer than the lease lasts, too."""
    async with running_bot(shared) as world:
        await is_up(world)
        async with operator.transaction():
            await operator.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            await all_write(world)
            await asyncio.sleep(seconds)
        await all_are_answered_once(world)


async def test_whose_rows_somebody_keeps_locked_holds_up_no_step_of_others(
    postgres: str, postgres_template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three are in danger; an operator's careless work keeps the account of the one who is due last."""
    monkeypatch.setattr(engines, "LONGEST_WAIT_FOR_A_LOCK", 1000)  # milliseconds
    url = await create_postgres(postgres, "locked_rows", postgres_template)
    database = await open_database(url)
    async with console_world(database) as world:
        await world.coordinator("carla")
        for name in ("ana", "zoe", "eva"):
            await world.person(name).says("/sos the curtains are burning")
            world.time.moment += timedelta(seconds=1)
        world.time.moment += timedelta(minutes=30)
        operator = await asyncpg.connect(url.replace("+asyncpg", ""))
        async with operator.transaction():
            await operator.execute(
                "SELECT 1 FROM accounts WHERE person_id = "
                "(SELECT person_id FROM alerts ORDER BY next_step_at DESC LIMIT 1) FOR UPDATE"
            )
            await world.app.clock.run_once()
            assert await database.run(partial(_due, now=world.time())) == 1
        await operator.close()
        await world.app.clock.run_once()
        assert await database.run(partial(_due, now=world.time())) == 0
    await database.close()


def _due(tx: Transaction, now: datetime) -> int:
    return len(tx.session.scalars(sa.select(Alert.id).where(Alert.next_step_at <= now)).all())


class Crowd:
    """Somebody else who takes each connection that the server has to give."""

    def __init__(self, server: str, operator: asyncpg.Connection) -> None:
        self._url = server.replace("+asyncpg", "").replace("/NAME", "/postgres")  # not the bot's database
        self._operator = operator
        self._held: list[asyncpg.Connection] = []
        self._refused = 0  # times in a row
        self._taking: asyncio.Task[None] | None = None

    async def takes_all(self) -> None:
        """Until nobody but the operator has one in this database."""
        self._taking = asyncio.create_task(self._take())
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        calm = 0
        while calm < 20:
            await end_all_others(self._operator)
            calm = calm + 1 if self._refused > 9 and await self._operator.fetchval(others) == 1 else 0
            await asyncio.sleep(0.02)

    async def _take(self) -> None:
        while True:
            try:
                self._held.append(await asyncpg.connect(self._url))
                self._refused = 0
            except asyncpg.TooManyConnectionsError:
                self._refused += 1
                await asyncio.sleep(0.005)

    async def goes(self) -> None:
        assert self._taking is not None
        self._taking.cancel()
        await asyncio.gather(self._taking, return_exceptions=True)
        for each in self._held:
            each.terminate()
        self._held = []


@pytest.mark.parametrize("seconds", [2, pytest.param(20, marks=pytest.mark.faults)])
async def test_connections_that_others_have_taken_are_waited_for(
    shared: Database,
    operator: asyncpg.Connection,
    postgres: str,
    seconds: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Longer than the lease lasts, too. The log says it once, with what to do, and not each second."""
    crowd = Crowd(postgres, operator)
    async with running_bot(shared) as world:
        await is_up(world)
        try:
            await crowd.takes_all()
            await all_write(world)
            await asyncio.sleep(seconds)
        finally:
            await crowd.goes()
        await all_are_answered_once(world)
        await until(lambda: _listens(operator))
    told = [each.getMessage() for each in caplog.records if each.name in ("bot.app", "bot.loops")]
    assert any("see who holds them (pg_stat_activity), or raise max_connections" in each for each in told)
    assert len(told) < 25, told


async def _listens(operator: asyncpg.Connection) -> bool:
    bells = (
        "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^LISTEN|pg_notify' AND pid <> pg_backend_pid()"
    )
    return int(await operator.fetchval(f"{bells} AND datname = current_database()")) > 0


async def test_a_bot_that_finds_no_free_connection_at_its_start_waits_for_one(
    url: str, postgres: str, operator: asyncpg.Connection, tmp_path: Path
) -> None:
    crowd = Crowd(postgres, operator)
    async with BotApi() as api:
        try:
            await crowd.takes_all()
            api.person(1).says("hello")
            async with the_whole(api, url, tmp_path) as bot:
                await until(lambda: "all connections of PostgreSQL are taken" in bot.said)
                await crowd.goes()
                await until(lambda: api.person(1).heard)
                assert len(api.person(1).heard) == 1
                assert bot.said.count("all connections of PostgreSQL are taken") == 1
        finally:
            await crowd.goes()


async def test_a_server_that_lets_the_bot_in_no_more_is_waited_for(
    url: str, operator: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """As while its password is changed on the one side and not yet on the other."""
    for line in ("CREATE ROLE bot LOGIN", "GRANT ALL ON ALL TABLES IN SCHEMA public TO bot",
                 "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO bot"):  # fmt: skip
        await operator.execute(line)
    database = Database(url.replace("postgres:@", "bot:@"), Vault(MASTER_KEY), Random(1))
    async with running_bot(database) as world:
        await is_up(world)
        await operator.execute("ALTER ROLE bot NOLOGIN")
        await all_write(world)
        for _time in range(10):
            await end_all_others(operator)
            await asyncio.sleep(0.2)
        await operator.execute("ALTER ROLE bot LOGIN")
        await all_are_answered_once(world)
    await database.close()
    told = [each.getMessage() for each in caplog.records if each.name in ("bot.app", "bot.loops")]
    assert any("lets the bot's user in no more: set its name and password right" in each for each in told)
    assert not any("is set aside" in each.getMessage() for each in caplog.records)


async def test_a_database_that_was_renamed_is_to_blame_and_no_message(
    shared: Database, postgres: str, operator: asyncpg.Connection
) -> None:
    name = shared.url.database
    await shared.close()
    await operator.close()
    other = await asyncpg.connect(postgres.replace("+asyncpg", "").replace("/NAME", "/postgres"))
    try:
        await other.execute(f'ALTER DATABASE "{name}" RENAME TO "{name}_moved"')
        with pytest.raises(DBAPIError) as gone:
            await shared.run(write)
        assert is_outage(gone.value)
        assert is_elsewhere(gone.value)
        assert "has no database of this name" in remedy(gone.value)
        await other.execute(f'ALTER DATABASE "{name}_moved" RENAME TO "{name}"')
    finally:
        await other.close()
    await shared.run(write)


@pytest.mark.faults
def test_the_disk_of_postgres_fills_up_and_has_room_again() -> None:
    """On a file system of its own, in a name space of its own; not every machine lets a test have one."""
    small = "mount -t tmpfs -o size=140m none /dev/shm && mkdir /dev/shm/small"
    if MEMORY is None or subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        pytest.skip("no file system can be mounted here")
    child = f"exec {sys.executable} -m tests.faults.postgres_disk_child /dev/shm/small"
    ended = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{small} && {child}"],
        capture_output=True, text=True, timeout=240, check=False, cwd=Path(__file__).parent.parent.parent,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert "the disk of PostgreSQL is full: make room on it" in ended.stderr
    assert "recovered" in ended.stdout
