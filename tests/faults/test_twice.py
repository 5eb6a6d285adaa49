"""The operator starts the bot a second time on the same SQLite file, by mistake."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.bot_api import BotApi
from tests.engines import sqlite_url
from tests.faults.matrix_tools import until
from tests.faults.whole import the_whole


@pytest.mark.parametrize("how", ["as before", "by another path", "by another name"])
async def test_a_second_bot_on_the_same_file_is_refused_and_the_first_goes_on(
    sqlite_template: Path, tmp_path: Path, how: str
) -> None:
    folder, again = tmp_path / "data", tmp_path / "again"
    for each in (folder, again):
        each.mkdir()
    shutil.copy(sqlite_template, folder / "onecloak.db")
    if how == "by another path":
        again.rmdir()
        again.symlink_to(folder)
    elif how == "by another name":
        (again / "same.db").symlink_to(folder / "onecloak.db")
    other = {"as before": folder / "onecloak.db", "by another path": again / "onecloak.db"}
    async with (
        BotApi() as api,
        the_whole(api, sqlite_url(folder / "onecloak.db"), tmp_path) as first,
    ):
        api.person(1).says("hello")
        await until(lambda: api.person(1).heard)
        url = sqlite_url(other.get(how, again / "same.db"))
        async with the_whole(api, url, tmp_path, "second") as second:
            assert await second.ends() == 1
            (told,) = second.said.splitlines()
            assert told.startswith("One Cloak cannot go on: another One Cloak is running on ")
            assert told.endswith("; stop it first.")
        api.person(2).says("hello")
        await until(lambda: api.person(2).heard)
        assert [len(api.person(each).heard) for each in (1, 2)] == [1, 1]
        assert first.process.returncode is None
