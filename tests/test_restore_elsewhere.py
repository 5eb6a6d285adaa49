"""A backup comes back into another database, and by a later version than the one that made it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from bot.backup import MAIN, backup, examine
from bot.restore import Wish, restore
from bot.settings import Settings
from storage import dumping
from storage.database import Database, Transaction
from storage.migrate import NEWEST, current_revision, migrate
from storage.sealing import Vault
from storage.tables import Base, Outbox, Person
from tests.engines import MASTER_KEY, create_postgres
from tests.restoring import KEY, MORNING, files, living, lose, rows_of, settings_in
from tests.storage import HOUR, MINUTE
from tests.storage.test_forgetting import a_full_life
from tests.storage.test_migrations import REVISIONS
from tests.world import NOON, Time, World

BEFORE = REVISIONS[-2]  # the version before this one


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return settings_in(tmp_path)


async def on_postgres(folder: Path, server: str, name: str) -> Settings:
    return settings_in(
        folder, database_url=await create_postgres(server, name), backup_folder=folder / "data" / "backups"
    )


async def people_in(world: World) -> int:
    count = sa.select(sa.func.count()).select_from(Person.__table__)
    return await world.database.run(lambda tx: tx.session.scalar(count) or 0)


# --- from PostgreSQL --------------------------------------------------------------------------------------


async def test_what_postgres_held_comes_back_into_an_empty_one_as_it_was(
    settings: Settings, tmp_path: Path, postgres: str
) -> None:
    old = await on_postgres(tmp_path, postgres, "moves_from")
    async with living(old) as world:
        await a_full_life(world)
        before = await rows_of(world.database)
        await backup(old, NOON)
    new = await on_postgres(tmp_path, postgres, "moves_to")
    assert (await restore(new, Wish(nothing_since=True), NOON + HOUR))[-1] == "The bot can start now."
    async with living(new, Time(NOON + MINUTE), seed=2) as world:
        after = await rows_of(world.database)
        assert [name for name in before if before[name] != after[name]] in ([], ["leases"])
        newest = sa.select(sa.func.max(Outbox.id))
        number = await world.database.run(lambda tx: tx.session.scalar(newest) or 0)
        await world.person("ben").says("/my")
        world.person("ben").hears("N-")
        later = await world.database.run(lambda tx: tx.session.scalar(newest) or 0)
        assert later > number + 500_000, "no number of a message is given twice"


async def test_a_postgres_takes_its_own_backup_back_and_sets_apart_what_was_there(
    settings: Settings, tmp_path: Path, postgres: str
) -> None:
    """Somebody has spoilt the data; meanwhile Zuleika has left, and Carla has taken charge of her alert."""
    there = await on_postgres(tmp_path, postgres, "goes_back")
    async with living(there) as world:
        await a_full_life(world)
        ana = world.person("ana")
        await ana.says("/sos the curtains are burning")
        everybody = await people_in(world)
        await backup(there, NOON)
        await world.forward(minutes=1)
        await world.person("carla").presses("I take it")
        zuleika = world.person("zuleika")
        await zuleika.says("/forget")
        await zuleika.presses("Yes, delete everything")
    there.data_file(".ledger").unlink()  # what is there tells of it
    said = await restore(there, Wish(replace=True), MORNING)
    assert any("1 people forgotten again" in line for line in said), said
    assert any("1 alerts put into the hands in which they were" in line for line in said), said
    (aside,) = {line.split("kept in the schema ")[1].split(".")[0] for line in said if "kept in" in line}
    async with living(there, Time(MORNING), seed=2) as world:
        assert await people_in(world) == everybody - 1
        counted = sa.text(f"SELECT count(*) FROM {aside}.people")
        assert await world.database.run(lambda tx: tx.session.scalar(counted)) == everybody - 1
        await world.settle()
        assert any("Are you still on A-" in each.text for each in world.person("carla").inbox)
        await world.person("ana").says("The smoke is thick")
        assert any("The smoke is thick" in each.text for each in world.person("carla").inbox)


# --- made by the version before ---------------------------------------------------------------------------


def tables_of(connection: sa.Connection) -> sa.MetaData:
    """The tables as the version before knows them: what is there of ours, with our types."""
    found, known = sa.inspect(connection), sa.MetaData()
    for table in Base.metadata.sorted_tables:
        if found.has_table(table.name):
            names = {str(each["name"]) for each in found.get_columns(table.name)}
            columns = [sa.Column(each.name, each.type) for each in table.columns if each.name in names]
            sa.Table(table.name, known, *columns)
    return known


async def as_the_version_before(database: Database, settings: Settings) -> sa.MetaData:
    """Write the same life down as the version before has it, into the database of `settings`."""
    lived = await database.run(
        lambda tx: {
            str(table.name): [dict(row) for row in tx.session.execute(sa.select(table)).mappings()]
            for table in Base.metadata.sorted_tables
        }
    )
    settings.data_file("").parent.mkdir(parents=True, exist_ok=True)
    old = Database(settings.database_url, Vault(MASTER_KEY), Random(1))
    await migrate(old.engine, BEFORE)

    def fill(tx: Transaction) -> sa.MetaData:
        connection = tx.session.connection()
        known = tables_of(connection)
        for table in known.sorted_tables:
            connection.execute(sa.delete(table))
            rows = [cut(table, row) for row in lived[str(table.name)]]
            if rows:
                connection.execute(sa.insert(table), rows)
        return known

    try:
        return await old.run(fill)
    finally:
        await old.close()


def cut(table: sa.Table, row: Mapping[str, object]) -> dict[str, object]:
    return {str(column.name): row[str(column.name)] for column in table.columns}


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_a_backup_of_the_version_before_is_brought_up_to_date(
    settings: Settings, tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    """The server dies on the day of the upgrade; the new one has only this version."""
    folder = tmp_path / "today"
    async with living(settings_in(folder)) as world:
        await a_full_life(world)
        before = await rows_of(world.database)
        known = await as_the_version_before(world.database, settings)
    with monkeypatch.context() as older:  # it wrote down the tables that it knew
        older.setattr(dumping, "Base", SimpleNamespace(metadata=known))
        older.setattr(dumping, "NEWEST", BEFORE)
        await backup(settings, NOON)
    assert examine(files(tmp_path)[0], KEY, MAIN).schema == BEFORE < NEWEST

    await lose(settings, ledger=True)
    if engine == "postgres":
        settings = await on_postgres(tmp_path, postgres, "upgraded")
    assert (await restore(settings, Wish(), MORNING))[-1] == "The bot can start now."
    async with living(settings, Time(MORNING), seed=2) as world:
        assert await world.database.run(lambda tx: current_revision(tx.session.connection())) == NEWEST
        after = await rows_of(world.database)
        for table in ("keys", "accounts", "needs", "offers", "invitations", "talks"):
            assert len(after[table]) == len(before[table]) > 0, table
        await world.settle()
        world.clear()
        await world.person("ben").says("/my")
        world.person("ben").hears("N-")
        await world.person("zuleika").says("Is somebody there?")
        assert any("Is somebody there?" in each.text for each in world.person("carla").inbox), "as before"
