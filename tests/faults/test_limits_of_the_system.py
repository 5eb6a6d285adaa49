"""The system gives the running process nothing more: no file to open, no byte to write, no memory."""

from __future__ import annotations

import asyncio
import resource
import shutil
import sys
from pathlib import Path

import pytest

from tests.bot_api import BotApi
from tests.engines import sqlite_url
from tests.faults.matrix_tools import until
from tests.faults.nursery import Nursery

PEOPLE = range(2, 8)
WHILE = 3  # seconds

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets limits of another be set")


def _size(number: int) -> int:
    status = Path(f"/proc/{number}/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmSize"))


@pytest.mark.parametrize(
    "what",
    [
        resource.RLIMIT_FSIZE,
        pytest.param(resource.RLIMIT_NOFILE, marks=pytest.mark.faults),
        pytest.param(resource.RLIMIT_AS, marks=pytest.mark.faults),
    ],
    ids={resource.RLIMIT_FSIZE: "bytes", resource.RLIMIT_NOFILE: "files", resource.RLIMIT_AS: "memory"}.get,
)
async def test_a_bot_to_which_the_system_gives_nothing_more_goes_on_when_it_does(
    sqlite_template: Path, tmp_path: Path, what: int
) -> None:
    shutil.copy(sqlite_template, tmp_path / "onecloak.db")
    url = sqlite_url(tmp_path / "onecloak.db")
    async with BotApi() as api, Nursery(api, url, tmp_path / "child.log") as nursery:
        await nursery.start()
        api.person(1).says("hello")
        await until(lambda: api.person(1).heard)
        number = nursery.bot()
        soft, hard = resource.prlimit(number, what)
        least = {resource.RLIMIT_FSIZE: 1000, resource.RLIMIT_NOFILE: 5, resource.RLIMIT_AS: _size(number)}
        resource.prlimit(number, what, (least[what], hard))
        for each in PEOPLE:
            for words in ("hello", "/my", "/my " * 900):
                api.person(each).says(words)
        await asyncio.sleep(WHILE)
        resource.prlimit(number, what, (soft, hard))
        await until(lambda: all(len(api.person(each).heard) == 3 for each in PEOPLE))
        assert nursery.bot() == number, "it has not ended meanwhile"
