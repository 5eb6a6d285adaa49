"""The whole bot as an operator starts it: `onecloak run` in a process of its own, with settings and a log."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.bot_api import BotApi
from tests.engines import MASTER_KEY

SOON = 60  # seconds


class Whole:
    """One process and what it has said."""

    def __init__(self, process: Process, log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def said(self) -> str:
        return self._log.read_text()

    async def ends(self) -> int:
        """Wait until it has ended by itself; with which code."""
        return await asyncio.wait_for(self.process.wait(), SOON)


@asynccontextmanager
async def the_whole(api: BotApi, database_url: str, folder: Path, name: str = "bot") -> AsyncIterator[Whole]:
    """It is started in `folder`, told to stop in the end, and killed if it does not."""
    log = folder / f"{name}.log"
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(sys.path),
        "ONECLOAK_DATABASE_URL": database_url,
        "ONECLOAK_MASTER_KEY": base64.b64encode(MASTER_KEY).decode(),
        "ONECLOAK_COUNTRY": "ES",
        "ONECLOAK_TELEGRAM__TOKEN": api.token,
        "ONECLOAK_TELEGRAM__BASE_URL": api.base_url,
    }
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "run", stdout=file, stderr=file, env=environment, cwd=folder
        )
    try:
        yield Whole(process, log)
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), SOON)
        except TimeoutError:
            process.kill()
            await process.wait()
