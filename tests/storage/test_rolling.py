"""While a new version starts beside an old one, the old one works on over the new schema."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from storage.database import Database
from storage.migrate import current_revision, migrate
from storage.sealing import Vault
from tests.engines import MASTER_KEY, create_postgres, sqlite_url
from tests.storage.test_migrations import REVISIONS

# From here on a release follows another one without a pause; before, one process was stopped for an upgrade.
FIRST_ROLLING = "0003"
PAIRS = [pair for pair in pairwise(REVISIONS) if pair[0] >= FIRST_ROLLING]

WAITS = sa.text("SELECT count(*) FROM pg_locks WHERE relation = 'alerts'::regclass AND NOT granted")

Schema = dict[str, dict[str, Any]]


def hindrances(before: Schema, after: Schema) -> Iterator[str]:
    """What keeps the version before from reading and writing as it is used to."""
    for table, columns in before.items():
        if table not in after:
            yield f"{table} is gone"
            continue
        for name, column in columns.items():
            new = after[table].get(name)
            if new is None:
                yield f"{table}.{name} is gone"
            elif str(new["type"]) != str(column["type"]):
                yield f"{table}.{name} is of another type"
            elif column["nullable"] and not new["nullable"]:
                yield f"{table}.{name} must be given now"
        for name in after[table].keys() - columns.keys():
            column = after[table][name]
            if not column["nullable"] and column["default"] is None:
                yield f"{table}.{name} is new and must be given"


async def schema(path: Path, revision: str) -> Schema:
    database = Database(sqlite_url(path), Vault(MASTER_KEY), Random(1))
    await migrate(database.engine, revision)
    schema = await schema_of(database)
    await database.close()
    return schema


async def schema_of(database: Database) -> Schema:
    def read(connection: sa.Connection) -> Schema:
        found = sa.inspect(connection)
        return {
            table: {str(column["name"]): dict(column) for column in found.get_columns(table)}
            for table in found.get_table_names()
        }

    async with database.engine.connect() as connection:
        return await connection.run_sync(read)


@pytest.mark.parametrize(("old", "new"), PAIRS)
async def test_each_migration_lets_the_version_before_work_on(tmp_path: Path, old: str, new: str) -> None:
    before, after = await schema(tmp_path / "old.db", old), await schema(tmp_path / "new.db", new)
    assert list(hindrances(before, after)) == []


async def test_what_the_version_before_would_stumble_over_is_noticed(tmp_path: Path) -> None:
    before = await schema(tmp_path / "onecloak.db", FIRST_ROLLING)
    after = {
        table: {name: dict(column) for name, column in columns.items()} for table, columns in before.items()
    }
    assert not list(hindrances(before, after))
    del after["codes"]
    del after["leases"]["fence"]
    after["inbox"]["handled_at"]["nullable"] = False
    after["outbox"]["state"]["type"] = sa.Integer()
    after["cursors"]["account"] = {"type": sa.String(), "nullable": False, "default": None}
    after["cursors"]["note"] = {"type": sa.String(), "nullable": False, "default": "''"}
    assert sorted(hindrances(before, after)) == [
        "codes is gone",
        "cursors.account is new and must be given",
        "inbox.handled_at must be given now",
        "leases.fence is gone",
        "outbox.state is of another type",
    ]


async def test_an_upgrade_gives_way_to_who_is_at_work_on_the_same_tables(postgres: str) -> None:
    """They have an alert in hand and then need its people, whose table the upgrade has locked already."""
    url = await create_postgres(postgres, "an_upgrade_gives_way")
    at_work, upgrading = (Database(url, Vault(MASTER_KEY), Random(1)) for _ in range(2))
    await migrate(at_work.engine, "0004")
    async with at_work.engine.connect() as connection, at_work.engine.connect() as onlooker:
        await connection.execute(sa.text("SELECT id FROM alerts FOR UPDATE"))
        upgrade = asyncio.create_task(migrate(upgrading.engine, "0005"))
        async with asyncio.timeout(30):
            while not await onlooker.scalar(WAITS):  # noqa: ASYNC110 (the server is at work)
                await asyncio.sleep(0.02)
            await connection.execute(sa.text("SELECT id FROM people"))
            await connection.commit()
            await upgrade
    async with upgrading.engine.connect() as connection:
        assert await connection.run_sync(current_revision) == "0005"
    await at_work.close()
    await upgrading.close()


async def test_who_went_back_and_forgot_to_set_the_number_again_is_kept_from_starting_and_loses_nothing(
    tmp_path: Path,
) -> None:
    """As docs/scaling.md says of an operator who goes on to the newer version a second time."""
    database = Database(sqlite_url(tmp_path / "onecloak.db"), Vault(MASTER_KEY), Random(1))
    await migrate(database.engine)
    before = await schema_of(database)
    await numbered(database, "0004")  # the next one lays tables, which are there already
    with pytest.raises(DBAPIError):
        await migrate(database.engine)
    after = await schema_of(database)
    assert [*hindrances(before, after), *hindrances(after, before)] == []
    await numbered(database, REVISIONS[-1])
    await migrate(database.engine)
    await database.close()


async def numbered(database: Database, revision: str) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(sa.text(f"UPDATE alembic_version SET version_num = '{revision}'"))
