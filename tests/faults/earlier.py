"""The program of the version before, from the history of this repository, run as an operator runs it."""

from __future__ import annotations

import asyncio
import base64
import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass, field
from pathlib import Path

from tests.engines import MASTER_KEY

ROOT = Path(__file__).parents[2]
VERSIONS = "storage/migrations/versions"
SOON = 60  # seconds in which a process has begun or ended, on a shared machine

RUNS = "One Cloak runs"  # how a version says in its log that it has begun


class NoHistory(Exception):
    """The version before can't be had; the text says why."""


def version_before() -> str:
    """The last commit before the newest migration was first added; raises NoHistory."""
    if shutil.which("git") is None:
        raise NoHistory("there is no git")
    if _git("rev-parse", "--show-toplevel") != str(ROOT):
        raise NoHistory("this is a copy without its history")
    if _git("rev-parse", "--is-shallow-repository") == "true":
        raise NoHistory("this clone is shallow: `git fetch --unshallow` brings the history")
    newest = max((ROOT / VERSIONS).glob("[0-9]*.py")).name
    added = _git("log", "--diff-filter=A", "--format=%H", "--", f"{VERSIONS}/{newest}").split()
    if not added:
        raise NoHistory(f"{newest} is not committed yet")
    return _git("rev-parse", f"{added[-1]}^")


def check_out(commit: str, folder: Path) -> None:
    """Lay the files of a commit out in a new folder."""
    packed = subprocess.run(
        ("git", "archive", "--format=tar", commit), cwd=ROOT, check=True, capture_output=True, timeout=SOON
    )
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")


def _git(*words: str) -> str:
    try:
        done = subprocess.run(("git", *words), cwd=ROOT, check=True, capture_output=True, timeout=SOON)
    except subprocess.CalledProcessError:
        raise NoHistory("this is a copy without its history") from None
    return done.stdout.decode().strip()


@dataclass
class Program:
    """A version of One Cloak as an operator runs it: its code, a folder with its `.env`, and a log."""

    code: Path
    folder: Path
    running: dict[str, Process] = field(default_factory=dict)  # by role

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def numbers(self) -> set[str]:
        """Of the processes that run."""
        return {str(process.pid) for process in self.running.values()}

    @property
    def log(self) -> str:
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def set_up(self, database_url: str, base_url: str, token: str) -> None:
        settings = {
            "DATABASE_URL": database_url,
            "MASTER_KEY": base64.b64encode(MASTER_KEY).decode(),
            "TELEGRAM__TOKEN": token,
            "TELEGRAM__BASE_URL": base_url,
            "COUNTRY": "ES",
        }
        lines = (f"ONECLOAK_{name}={value}\n" for name, value in settings.items())
        (self.folder / ".env").write_text("".join(lines))

    async def start_all(self) -> None:
        """A worker and a gateway; before there were roles one process did everything."""
        _, help_text = await self.says("run", "--help")
        for role in ("worker", "gateway") if "--role" in help_text else ("all",):
            await self.start(role)

    async def new_code(self, role: str) -> str:
        """A code that lets someone in."""
        ended, said = await self.says("code", role)
        assert ended == 0, said
        return said.split()[-1]

    async def says(self, *words: str) -> tuple[int, str]:
        """How a command ended, and what it said."""
        process = await self._begin(*words, stdout=PIPE, stderr=asyncio.subprocess.STDOUT)
        said, _ = await asyncio.wait_for(process.communicate(), SOON)
        assert process.returncode is not None
        return process.returncode, said.decode()

    async def start(self, role: str) -> None:
        """Start a process and wait until it says that it runs."""
        words = ("run",) if role == "all" else ("run", "--role", role)
        begun = self.log.count(RUNS)
        with (self.folder / f"{role}.log").open("ab") as log:
            process = self.running[role] = await self._begin(*words, stdout=log, stderr=log)
        async with asyncio.timeout(SOON):
            while self.log.count(RUNS) == begun:
                assert process.returncode is None, f"the {role} ended:\n{self.log}"
                await asyncio.sleep(0.1)

    async def end(self) -> None:
        """Ask all that run to stop in order, and see that they do."""
        running, self.running = self.running, {}
        for process in running.values():
            process.send_signal(signal.SIGTERM)
        for role, process in running.items():
            assert await asyncio.wait_for(process.wait(), SOON) == 0, f"the {role} failed:\n{self.log}"

    async def kill(self) -> None:
        """Whatever still runs after a story that failed."""
        for process in self.running.values():
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def _begin(self, *words: str, stdout: object, stderr: object) -> Process:
        mine = {name: value for name, value in os.environ.items() if not name.startswith("ONECLOAK_")}
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", *words, cwd=self.folder, env={**mine, "PYTHONPATH": str(self.code)},
            stdin=DEVNULL, stdout=stdout, stderr=stderr,  # type: ignore[arg-type]
        )  # fmt: skip
