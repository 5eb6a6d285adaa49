"""A bot's database on a small file system of its own, which fills up and turns read-only, and comes back."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from storage.database import Database, Transaction
from storage.outages import is_full_or_locked
from storage.sealing import Vault
from storage.tables import Fact
from tests.engines import MASTER_KEY, open_database, sqlite_url


def remount(folder: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True)


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


async def fails(database: Database, name: str) -> str:
    with pytest.raises(OperationalError) as error:
        await add(database, name)
    assert is_full_or_locked(error.value)
    return str(error.value.orig)


async def add(database: Database, name: str, size: int = 100_000) -> None:
    await database.run(lambda tx: tx.session.add(Fact(name=name, value="x" * size)))


def count(tx: Transaction) -> int | None:
    return tx.session.scalar(sa.select(sa.func.count()).select_from(Fact))


async def story(folder: Path) -> None:
    url = sqlite_url(folder / "onecloak.db")
    await (await open_database(url)).close()
    database = Database(url, Vault(MASTER_KEY), Random(1))
    filling = folder / "filling"

    await add(database, "one")
    with pytest.raises(OSError, match="No space left"):
        _fill(filling)
    found = {await fails(database, f"full {each}") for each in range(3)}
    filling.unlink()
    await add(database, "two")
    assert await database.run(count) == 2, "what failed is not there in part"
    await database.close()

    remount(folder, "ro")
    database = Database(url, Vault(MASTER_KEY), Random(1))
    found |= {await fails(database, f"read-only {each}") for each in range(3)}
    remount(folder, "rw")
    await add(database, "three")
    assert await database.run(count) == 3
    await database.close()
    sys.stdout.write(f"recovered from {sorted(found)}\n")


if __name__ == "__main__":
    asyncio.run(story(Path(sys.argv[1])))
