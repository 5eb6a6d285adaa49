"""Starting the bot as a process of its own, again and again, and seeing how it ends."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Self

from tests.bot_api import BotApi

SOON = 20  # seconds


class Nursery:
    """Raises bots one after the other; each knows where it dies, if it does."""

    def __init__(self, api: BotApi, database_url: str, log: Path) -> None:
        self._command = ("-m", "tests.faults.child", api.base_url, api.token, database_url)
        self._log = log
        self._process: Process | None = None
        self._dead = asyncio.Event()
        self._obeyed = asyncio.Event()
        self._end = ""
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, *self._command, stdin=PIPE, stdout=PIPE, stderr=log
            )
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        """The end of its input tells a bot to stop in order."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._reading is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), SOON)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._reading

    async def start(self, order: str = "") -> None:
        """Let the next bot live; `order` says where it dies."""
        self._dead.clear()
        await self.order(order)

    async def order(self, order: str) -> bool:
        """Change where the running bot dies, "" for nowhere; False if it was dead and the next has begun."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._obeyed.clear()
        self._process.stdin.write(f"{order}\n".encode())
        async with asyncio.timeout(SOON):
            await self._obeyed.wait()
        assert self._end != "gone", self._trouble()
        survived = not self._dead.is_set()
        self._dead.clear()
        return survived

    def bot(self) -> int:
        """The number of the running bot's process, on Linux."""
        assert self._process is not None
        mother = self._process.pid
        return int(Path(f"/proc/{mother}/task/{mother}/children").read_text().split()[0])

    async def killed(self) -> None:
        """Wait until the running bot has been killed; any other end is a failure."""
        await self._dead.wait()
        assert self._end == "ended -9", self._trouble()

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            if line == b"ok\n":
                self._obeyed.set()
            else:
                self._end = line.decode().strip()
                self._dead.set()
        self._end = self._end if self._dead.is_set() else "gone"
        self._dead.set()
        self._obeyed.set()

    def _trouble(self) -> str:
        return f"the bot {self._end}:\n{self._log.read_text()[-4000:]}"
