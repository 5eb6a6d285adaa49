"""The database's file is removed, moved or replaced under the running bot: it must not write into nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage.database import Database
from storage.outages import is_elsewhere, is_outage
from storage.sqlite_file import DatabaseGone
from storage.tables import Fact
from tests.faults.hasty import account, api, outcomes
from tests.faults.matrix_tools import until
from tests.faults.test_disk import running_bot
from tests.faults.test_postgres_troubles import write


def the_file(database: Database) -> Path:
    assert database.url.database
    return Path(database.url.database)


def move(file: Path, to: Path) -> None:
    """With its log of what is not in it yet."""
    for end in ("", "-wal", "-shm"):
        if (part := Path(f"{file}{end}")).exists():
            part.rename(f"{to}{end}")


async def test_nothing_is_confirmed_while_the_file_is_gone_and_all_goes_on_when_it_is_back(
    sqlite_database: Database, tmp_path: Path
) -> None:
    """SQLite would go on writing to it, the people be answered, and the next start find nothing of it."""
    away = tmp_path / "away.db"
    async with running_bot(sqlite_database) as world:
        await world.platform.says("ana", "hello")
        await until(lambda: account(world, "ana").heard)
        here = the_file(sqlite_database)
        move(here, away)
        failures = world.app.loops.walls.total()
        await world.platform.says("ben", "hello")
        await until(lambda: world.app.loops.walls.total() > failures + 3)
        assert not account(world, "ben").heard
        assert len(api(world).updates) == 1, "it was not confirmed to the platform"
        assert not here.exists(), "no empty one was made in its place"
        move(away, here)
        await until(lambda: account(world, "ben").heard)
        assert len(account(world, "ana").heard) == 1
    assert await outcomes(sqlite_database) == {"handled": 2}


async def test_a_file_that_was_put_in_its_place_is_the_one_that_is_written_to(
    sqlite_database: Database, sqlite_template: Path, tmp_path: Path
) -> None:
    await sqlite_database.run(write)
    here = the_file(sqlite_database)
    move(here, tmp_path / "away.db")
    shutil.copy(sqlite_template, here)
    with pytest.raises(DatabaseGone) as gone:
        await sqlite_database.run(write)
    assert is_outage(gone.value)
    assert is_elsewhere(gone.value)
    await sqlite_database.run(write)
    names = await sqlite_database.run(lambda tx: set(tx.session.scalars(sa.select(Fact.name))))
    assert "written" in names
