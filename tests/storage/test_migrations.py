"""Upgrades: from nothing and from every version, with work in flight, by one process while others wait."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import orjson
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from storage import migrate as migrating
from storage.database import Database, Transaction
from storage.migrate import NEWEST, NewerSchema, current_revision, migrate
from storage.sealing import Vault
from storage.tables import Base, Fact, Inbox, Need, Outbox
from tests.engines import MASTER_KEY, create_postgres, sqlite_url
from tests.storage import BOTH_ENGINES, MINUTE
from tests.world import NOON, console_world

pytestmark = BOTH_ENGINES
_numbers = itertools.count(1)


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(migrating.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


REVISIONS = sorted(script.revision for script in scripts().walk_revisions())


@pytest.fixture(params=["sqlite", "postgres"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, once on each engine."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "onecloak.db")
    return await create_postgres(request.getfixturevalue("postgres"), f"empty_{next(_numbers)}")


@pytest.fixture
async def bare(url: str) -> AsyncIterator[Database]:
    database = Database(url, Vault(MASTER_KEY), Random(1))
    yield database
    await database.close()


async def revision(database: Database) -> str | None:
    async with database.engine.connect() as connection:
        return await connection.run_sync(current_revision)


def test_the_newest_revision_is_the_one_in_the_code() -> None:
    assert scripts().get_heads() == [NEWEST]
    assert REVISIONS[-1] == NEWEST
    for number, name in enumerate(REVISIONS, 1):
        assert name == f"{number:04}", "revisions are counted, so that a person can tell their order"


async def test_the_tables_in_the_code_are_those_that_the_migrations_make(bare: Database) -> None:
    await migrate(bare.engine)

    def differences(connection: sa.Connection) -> list[Any]:
        options = {"compare_type": True, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata))

    async with bare.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        tables = await connection.run_sync(lambda each: set(sa.inspect(each).get_table_names()))
    assert tables == {*Base.metadata.tables, "alembic_version"}


async def test_partial_indexes_are_partial_in_the_database_too(bare: Database) -> None:
    """Comparing does not see their condition, and without it the queues slow down as history grows."""
    await migrate(bare.engine)
    engine = bare.engine.dialect.name
    wanted = {
        str(index.name)
        for table in Base.metadata.tables.values()
        for index in table.indexes
        if index.dialect_kwargs.get(f"{engine}_where") is not None
    }
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'index'"
    if engine == "postgresql":
        query = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    async with bare.engine.connect() as connection:
        found = {name for name, made in await connection.execute(sa.text(query)) if " WHERE " in (made or "")}
    assert found == wanted


async def test_pages_have_the_room_in_postgresql_that_the_tables_in_the_code_say(
    postgres: str, postgres_template: str
) -> None:
    """Comparing does not see that either, and without it each change of a row is written into every index."""
    url = await create_postgres(postgres, f"room_{next(_numbers)}", postgres_template)
    database = Database(url, Vault(MASTER_KEY), Random(1))
    wanted = {
        name: [f"fillfactor={options['fillfactor']}"]
        for name, table in Base.metadata.tables.items()
        if (options := table.dialect_kwargs.get("postgresql_with"))
    }
    query = "SELECT relname, reloptions FROM pg_class WHERE relkind = 'r' AND reloptions IS NOT NULL"
    async with database.engine.connect() as connection:
        found = {name: list(options) for name, options in await connection.execute(sa.text(query))}
    assert found == wanted != {}
    await database.close()


# --- work in flight ---------------------------------------------------------------------------------

ANA, HER_KEY, HER_ACCOUNT, DAY_KEY = (UUID(int=number) for number in range(1, 5))


def rows_in_flight(vault: Vault) -> list[tuple[str, dict[str, Any]]]:
    """Ana has said something, waits for a message, and has an open need; columns of any revision."""

    def seal(key_id: UUID, purpose: str, value: object) -> bytes:
        return vault.seal(key_id, purpose, orjson.dumps(value))

    wrapped = {key_id: vault.new_key(key_id) for key_id in (HER_KEY, DAY_KEY)}
    index = vault.index("address", "console", "ana")
    address = seal(HER_KEY, "address", "ana")
    said = {"chat": "ana", "event": {"id": "1", "name": "Ana", "text": "/help"}}
    return [
        *(("keys", {"id": key_id, "wrapped": key, "created_at": NOON}) for key_id, key in wrapped.items()),
        ("people", {"id": ANA, "key_id": HER_KEY, "language": "en", "on_duty": False, "wrong_codes": 0,
                    "welcomed_at": NOON, "consented_at": NOON, "created_at": NOON}),
        ("accounts", {"id": HER_ACCOUNT, "person_id": ANA, "platform": "console", "address_index": index,
                      "sealed_address": address, "reachable": True, "created_at": NOON}),
        ("needs", {"id": UUID(int=9), "reference": "N-7K3Q", "person_id": ANA, "skill": "medicine",
                   "urgent": False, "state": "open", "wave": 0, "idle_waves": 0, "asked_done": 0,
                   "sealed_words": seal(HER_KEY, "need words", "insulin"), "latitude": 41.4,
                   "longitude": 2.16, "next_step_at": NOON + MINUTE, "created_at": NOON}),
        ("parts", {"id": UUID(int=10), "need_id": UUID(int=9), "position": 0, "skill": "medicine",
                   "wanted": 1, "taken": 0}),
        ("inbox", {"gateway": "console", "event_key": vault.index("event", "console", "1"), "sender": index,
                   "lane": 1, "key_id": DAY_KEY, "sealed_payload": seal(DAY_KEY, "event", said),
                   "attempts": 0, "received_at": NOON}),
        ("outbox", {"gateway": "console", "account_id": HER_ACCOUNT, "person_id": ANA, "recipient": index,
                    "key_id": HER_KEY, "sealed_address": address, "state": "waiting", "attempts": 0,
                    "sealed_body": seal(HER_KEY, "message", {"text": "from before"}), "lane": 1,
                    "due_at": NOON, "created_at": NOON}),
    ]  # fmt: skip


def insert_as_reflected(connection: sa.Connection, rows: list[tuple[str, dict[str, Any]]]) -> None:
    """Write rows by the schema that stands in the database, not by today's tables."""
    metadata = sa.MetaData()
    metadata.reflect(connection)
    for name, values in rows:
        if name not in metadata.tables:  # made only by a later revision
            continue
        table = metadata.tables[name]
        fitting = {key: _fit(table.c[key], value) for key, value in values.items() if key in table.c}
        connection.execute(sa.insert(table).values(fitting))


def _fit(column: sa.Column[Any], value: object) -> object:
    if isinstance(value, UUID) and not isinstance(column.type, sa.Uuid):
        return value.hex
    if isinstance(value, datetime) and not getattr(column.type, "timezone", False):
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


@pytest.mark.parametrize("earlier", REVISIONS)
async def test_what_was_in_flight_before_an_upgrade_is_handled_after_it(bare: Database, earlier: str) -> None:
    await migrate(bare.engine, earlier)
    assert await revision(bare) == earlier
    rows = rows_in_flight(Vault(MASTER_KEY))
    async with bare.engine.begin() as connection:
        await connection.run_sync(insert_as_reflected, rows)
    await migrate(bare.engine)
    assert await revision(bare) == NEWEST

    async with console_world(bare) as world:
        await world.settle()
        ana = world.person("ana")
        ana.hears("from before")
        ana.hears("help")
        ben = await world.volunteer("ben")
        await world.forward(minutes=30)
        ben.hears("Fetch medicine", "N-7K3Q")
        await ben.presses("I can")
        ben.hears("“insulin”")

    def left(tx: Transaction) -> tuple[int, int, list[str]]:
        unhandled = tx.session.scalars(sa.select(Inbox).where(Inbox.outcome.is_distinct_from("handled")))
        unsent = tx.session.scalars(sa.select(Outbox).where(Outbox.state.in_(("waiting", "sending"))))
        return len(unhandled.all()), len(unsent.all()), list(tx.session.scalars(sa.select(Need.state)))

    assert await bare.run(left) == (0, 0, ["taken"])


# --- several at once, and versions ahead -----------------------------------------------------------


async def test_of_several_that_start_at_once_one_upgrades_and_the_others_wait(url: str) -> None:
    made: list[str] = []
    databases = [Database(url, Vault(MASTER_KEY), Random(1)) for _ in range(6)]

    def watch(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if "CREATE TABLE people" in statement:
            made.append(statement)

    for each in databases:
        sa.event.listen(each.engine.sync_engine, "before_cursor_execute", watch)
    await asyncio.gather(*(migrate(each.engine) for each in databases))
    await asyncio.gather(*(each.check_master_key() for each in databases))
    assert len(made) == 1
    for each in databases:
        assert await revision(each) == NEWEST
        await each.close()


async def test_an_upgrade_that_fails_leaves_everything_as_it_was(bare: Database) -> None:
    def fail(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if "ix_talks_helper" in statement:
            raise ConnectionError

    engine = bare.engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", fail)
    with pytest.raises(ConnectionError):
        await migrate(bare.engine)
    sa.event.remove(engine, "before_cursor_execute", fail)
    async with bare.engine.connect() as connection:
        assert await connection.run_sync(lambda each: sa.inspect(each).get_table_names()) == []
    await migrate(bare.engine)
    assert await revision(bare) == NEWEST


async def test_a_newer_schema_is_refused_and_left_alone(bare: Database) -> None:
    await migrate(bare.engine)
    async with bare.engine.begin() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        await connection.execute(sa.text("CREATE TABLE of_the_future (id INTEGER)"))
        await connection.execute(sa.text("DROP TABLE consents"))

    def tables(connection: sa.Connection) -> list[str]:
        return sorted(sa.inspect(connection).get_table_names())

    async with bare.engine.connect() as connection:
        before = await connection.run_sync(tables)
    with pytest.raises(NewerSchema, match=r"schema 9999.*start the newer One Cloak.*or restore a backup"):
        await migrate(bare.engine)
    async with bare.engine.connect() as connection:
        assert await connection.run_sync(tables) == before
    assert await revision(bare) == "9999"


# --- how SQLite is opened ---------------------------------------------------------------------------


async def test_every_connection_to_sqlite_is_safe(sqlite_database: Database) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
    async with AsyncExitStack() as stack:
        for _ in range(4):  # open at the same time, so four of them
            connection = await stack.enter_async_context(sqlite_database.engine.connect())
            driver: Any = (await connection.get_raw_connection()).driver_connection
            found = {}
            for pragma in wanted:
                async with driver.execute(f"PRAGMA {pragma}") as cursor:
                    [found[pragma]] = await cursor.fetchone()
            assert found == wanted


async def test_a_transaction_that_fails_leaves_no_row_of_its_savepoints(database: Database) -> None:
    """The driver begins too late by itself: a row of a savepoint would survive the rollback around it."""

    def broken(tx: Transaction) -> None:
        with tx.session.begin_nested():
            tx.session.add(Fact(name="inner", value="1"))
        raise ConnectionError

    def half(tx: Transaction) -> None:
        tx.session.add(Fact(name="outer", value="1"))
        with suppress(ConnectionError), tx.session.begin_nested():
            tx.session.add(Fact(name="inner", value="1"))
            tx.session.flush()
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await database.run(broken)
    assert await database.run(lambda tx: list(tx.session.scalars(sa.select(Fact.name)))) == []
    await database.run(half)
    assert await database.run(lambda tx: list(tx.session.scalars(sa.select(Fact.name)))) == ["outer"]


async def test_four_hundred_transactions_of_two_processes_lose_nothing(sqlite_database: Database) -> None:
    """Each reads before it writes, which fails with "database is locked" unless the lock comes first."""
    second = Database(str(sqlite_database.url), Vault(MASTER_KEY), Random(2))

    def count(tx: Transaction) -> None:
        fact = tx.session.get(Fact, "count") or Fact(name="count", value="0")
        fact.value = str(int(fact.value) + 1)
        tx.session.add(fact)

    await asyncio.gather(*(each.run(count) for each in (sqlite_database, second) for _ in range(200)))
    assert await second.run(lambda tx: tx.session.get_one(Fact, "count").value) == "400"
    await second.close()
