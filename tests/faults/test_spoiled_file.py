"""The disk gives back something else than was written: pages of the database are spoiled."""

from __future__ import annotations

import base64
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from bot.backup import backup
from bot.restore import Wish, restore
from bot.settings import Settings, SettingsError, read_settings
from bot.setup import NotNow, open_database, open_vault
from storage.outages import DAMAGED
from tests.test_doctor import about

PAGE = 4096
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def settings(sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("ONECLOAK_BACKUP_KEY", base64.b64encode(bytes(32)).decode())
    shutil.copy(sqlite_template, tmp_path / "onecloak.db")
    return read_settings(None, database_url=f"sqlite+aiosqlite:///{tmp_path / 'onecloak.db'}")


def spoil(settings: Settings, page: int) -> None:
    with settings.data_file(".db").open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(Random(1).randbytes(PAGE))


def page_of(settings: Settings, table: str) -> int:
    with closing(sqlite3.connect(settings.data_file(".db"))) as connection:
        asked = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        return int(connection.execute(asked, (table,)).fetchone()[0])


async def test_a_spoiled_head_ends_the_start_with_what_to_do(settings: Settings) -> None:
    """It is no trouble that passes: nobody waits for it."""
    spoil(settings, 1)
    with pytest.raises(SettingsError) as told:
        await open_database(settings, open_vault(settings)[0], Random(1))
    assert "a file that is no database, or whose head is damaged" in str(told.value)
    assert "`onecloak restore --replace`" in str(told.value)
    assert not isinstance(told.value, NotNow)


async def test_a_spoiled_page_is_told_by_the_doctor_and_by_the_backup(settings: Settings) -> None:
    """Before anybody needs what stood there; and the backup before it is not the worse for it."""
    database = await open_database(settings, open_vault(settings)[0], Random(1))
    await database.close()
    assert "ok Database: its file is sound." in await about(settings, "Database")
    await backup(settings, NOON)
    spoil(settings, page_of(settings, "needs"))
    assert f"! Database: {DAMAGED}." in await about(settings, "Database")
    with pytest.raises(SettingsError, match="files are damaged"):
        await backup(settings, NOON.replace(hour=13))
    await restore(settings, Wish(replace=True), NOON.replace(hour=14))
    assert "ok Database: its file is sound." in await about(settings, "Database")
