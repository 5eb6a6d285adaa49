"""Several processes of one bot at one PostgreSQL: started, killed, frozen and thawed as a story needs it.

    python -m tests.faults.household BASE_URL TOKEN DATABASE_URL

Each line on its standard input is a role; it answers with the number of the process that has begun. Python
starts once, and every process is a fork of it from before the first thread. The end of the input ends all.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path
from random import SystemRandom
from typing import Self

SOON = 60  # seconds


class Household:
    """The test's side: it starts processes and does to them what happens to processes."""

    def __init__(self, base_url: str, token: str, database_url: str, log: Path, *before: str) -> None:
        """before: what is put before the command, such as the network in which all of it runs."""
        self._command = (
            *before,
            sys.executable,
            "-m",
            "tests.faults.household",
            base_url,
            token,
            database_url,
        )
        self._log = log
        self._process: Process | None = None
        self.alive: dict[int, str] = {}  # role by number

    async def __aenter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, stderr=log
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        for number in self.alive:
            self._tell(number, signal.SIGCONT)
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), SOON)
        except TimeoutError:
            for number in self.alive:
                self._tell(number, signal.SIGKILL)
            self._process.kill()
            await self._process.wait()

    async def start(self, role: str) -> int:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{role}\n".encode())
        number = int(await asyncio.wait_for(self._process.stdout.readline(), SOON))
        self.alive[number] = role
        return number

    def kill(self, number: int) -> None:
        self._tell(number, signal.SIGKILL)
        del self.alive[number]

    def end(self, number: int) -> None:
        """Ask it to stop in order."""
        self._tell(number, signal.SIGTERM)
        del self.alive[number]

    def freeze(self, number: int) -> None:
        self._tell(number, signal.SIGSTOP)

    def thaw(self, number: int) -> None:
        self._tell(number, signal.SIGCONT)

    def _tell(self, number: int, what: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(number, what)


async def live(role: str, base_url: str, token: str, database_url: str) -> None:
    """The life of one process."""
    from bot.adapters import Adapter
    from bot.adapters.telegram import Telegram
    from bot.app import App, Role
    from storage.database import Database
    from storage.sealing import Vault
    from tests.engines import MASTER_KEY
    from tests.world import make_core

    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    database = Database(database_url, Vault(MASTER_KEY), SystemRandom())
    adapters: list[Adapter] = []
    if role != Role.WORKER:
        adapters.append(Telegram(token, base_url, poll_seconds=3, pace=None))
    app = App.compose(database, make_core(), adapters)
    await app.run(stopping, Role(role))
    await database.close()


def main(*where: str) -> None:
    from tests.world import make_core

    make_core().lexicons.make_ready()  # so that no process has to read the words again
    children = []
    while role := sys.stdin.readline().strip():
        child = os.fork()
        if not child:
            os.close(sys.stdin.fileno())
            os.close(sys.stdout.fileno())
            asyncio.run(live(role, *where))
            os._exit(0)
        children.append(child)
        os.write(sys.stdout.fileno(), f"{child}\n".encode())
    for child in children:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    import logging

    logging.basicConfig(level=logging.WARNING, format="%(process)d %(levelname)s %(name)s: %(message)s")
    main(*sys.argv[1:])
