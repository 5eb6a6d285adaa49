"""The operator starts the bot a second time on the same SQLite file, by mistake."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.bot_api import BotApi
from tests.engines import sqlite_url
from tests.faults.matrix_tools import until
from tests.faults.whole import the_whole


async def test_a_second_bot_on_the_same_file_is_refused_and_the_first_goes_on(
    sqlite_template: Path, tmp_path: Path
) -> None:
    """As before, by another path, and by another name of the same file."""
    folder, linked, beside = (tmp_path / each for each in ("data", "linked", "beside"))
    folder.mkdir()
    beside.mkdir()
    linked.symlink_to(folder)
    file = folder / "onecloak.db"
    shutil.copy(sqlite_template, file)
    (beside / "same.db").symlink_to(file)
    async with BotApi() as api, the_whole(api, sqlite_url(file), tmp_path) as first:
        api.person(1).says("hello")
        await until(lambda: api.person(1).heard)
        for number, path in enumerate((file, linked / "onecloak.db", beside / "same.db")):
            async with the_whole(api, sqlite_url(path), tmp_path, f"second-{number}") as second:
                assert await second.ends() == 1
                (told,) = second.said.splitlines()
                assert told.startswith("One Cloak cannot go on: another One Cloak is running on ")
                assert told.endswith("; stop it first.")
        api.person(2).says("hello")
        await until(lambda: api.person(2).heard)
        assert [len(api.person(each).heard) for each in (1, 2)] == [1, 1]
        assert first.process.returncode is None
