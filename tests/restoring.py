"""What the stories of backups have in common: settings with keys, the bot as it starts, and a lost disk."""

from __future__ import annotations

import base64
import gzip
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from random import Random

import sqlalchemy as sa

from bot.backup import KEYS, MAIN, found_in
from bot.settings import Settings, read_settings
from bot.setup import open_database, open_vault
from storage.database import Database, Transaction
from storage.sealed_file import SealedReader
from storage.tables import Base
from tests.engines import MASTER_KEY, sqlite_url
from tests.world import NOON, ConsolePlatform, Time, World, compose

KEY = bytes(range(32))
MORNING = NOON + timedelta(hours=20)


def text_of(key: bytes) -> str:
    return base64.b64encode(key).decode()


def settings_in(folder: Path, **others: object) -> Settings:
    values = {
        "database_url": sqlite_url(folder / "data" / "onecloak.db"),
        "master_key": text_of(MASTER_KEY),
        "backup_key": text_of(KEY),
        **others,
    }
    return read_settings(None, **values)


@asynccontextmanager
async def living(settings: Settings, now: Time | None = None, seed: int = 1) -> AsyncIterator[World]:
    """The bot as it starts, and people at the console."""
    time = now or Time()
    database = await open_database(settings, open_vault(settings)[0], Random(seed), time())
    try:
        world = compose(database, ConsolePlatform(Path.cwd()), time=time)
        await world.app.start()
        yield world
    finally:
        await database.close()


def files(folder: Path) -> tuple[Path, Path]:
    made = folder / "data" / "backups"
    return found_in(made, MAIN)[-1][1], found_in(made, KEYS)[-1][1]


def bytes_of(path: str) -> bytes:
    return Path(path).read_bytes()


def opened(path: Path, kind: bytes) -> bytes:
    with path.open("rb") as file:
        return gzip.GzipFile(fileobj=io.BytesIO(SealedReader(file, KEY, kind).readall())).read()


async def lose(settings: Settings, *, ledger: bool = False) -> None:
    """The database is gone, and where the whole disk is, so is what stood beside it."""
    path = settings.data_file("")
    for each in path.parent.glob("onecloak.*"):
        if each.is_file() and (ledger or each.suffix != ".ledger"):
            each.unlink()


async def rows_of(database: Database) -> dict[str, list[tuple[object, ...]]]:
    def read(tx: Transaction) -> dict[str, list[tuple[object, ...]]]:
        return {
            str(table.name): sorted((tuple(row) for row in tx.session.execute(sa.select(table))), key=repr)
            for table in Base.metadata.sorted_tables
        }

    return await database.run(read)
