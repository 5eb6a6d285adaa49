"""What the doctor sees of the machine: rights of files, space, the speed of the disk, limits, clocks."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from statistics import median

import httpx

from bot.settings import PREFIX, Settings, host_and_port
from bot.watch import LEAST_SPACE
from storage.sqlite_file import sqlite_path

WRITES = 15
SLOW = 0.05  # seconds that one durable write may take: a turn makes a few
LITTLE_SPACE = 2_000_000_000  # bytes
FEW_FILES = 1_024
OLDEST_SQLITE = (3, 35, 0)  # which knows RETURNING
SECONDS_TO_ANSWER = 10.0
MOST_OFF = timedelta(seconds=5)  # of a clock; the platforms tell whole seconds
AT_HOME = ("127.0.0.1", "::1", "localhost")


def examine(settings: Settings) -> Iterator[str]:
    path = sqlite_path(settings.database_url)
    folder = (path or Path("data/onecloak.db")).parent
    yield from _settings_file(Path(".env"))
    if folder.is_dir():
        yield from _folder(folder)
        yield _space(folder)
        if path is not None:
            yield _speed(folder)
    for each in (path, path.with_suffix(".key")) if path is not None else ():
        if each.exists():
            yield _private(each, secret=each.suffix == ".key")
    yield from _limits()
    where = host_and_port(settings.listen)
    if where is not None and where[0] not in AT_HOME:
        yield (
            f"note Listener: {PREFIX}LISTEN can be reached from elsewhere, and asks for no password: "
            "let a firewall allow only whoever reads the figures."
        )


def _settings_file(path: Path) -> Iterator[str]:
    if path.exists():
        yield _private(path, secret=True)


def _private(path: Path, *, secret: bool) -> str:
    """A secret is for its owner only; what is sealed may be read by others, but not written."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & (0o077 if secret else 0o022):
        what = "read" if secret else "change"
        return (
            f"! Rights: others on this machine can {what} {path}: chmod {'600' if secret else '640'} {path}"
        )
    if not os.access(path, os.R_OK | (0 if secret else os.W_OK)):
        return f"! Rights: {path} can't be used by this user: chown it to the one who runs the bot."
    return f"ok Rights: {path} is its owner's alone{'' if secret else ' to change'}."


def _folder(folder: Path) -> Iterator[str]:
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield f"! Rights: {folder} can't be written by this user: chown it to the one who runs the bot."
    elif stat.S_IMODE(folder.stat().st_mode) & 0o022:
        yield f"! Rights: others on this machine can change what is in {folder}: chmod 700 {folder}"


def _space(folder: Path) -> str:
    free = shutil.disk_usage(folder).free
    left = f"{free / 1e9:.1f} gigabytes are free"
    if free < LEAST_SPACE:
        return f"! Disk: only {left} in {folder}: make room, or the bot stops giving signs of life."
    if free < LITTLE_SPACE:
        return f"note Disk: {left} in {folder}: make room before it becomes pressing."
    return f"ok Disk: {left}."


def _speed(folder: Path) -> str:
    """How long it takes until written bytes are on the disk, as each commit waits for them."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            return speed(lambda: _write(file.fileno()))
    except OSError as error:
        return f"! Disk: nothing can be written in {folder} ({type(error).__name__})."


def _write(descriptor: int) -> None:
    os.pwrite(descriptor, bytes(4_096), 0)
    os.fsync(descriptor)


def speed(write: Callable[[], None]) -> str:
    """One line on how long a durable write takes."""
    taken = []
    for _ in range(WRITES):
        begun = time.perf_counter()
        write()
        taken.append(time.perf_counter() - begun)
    return judged(median(taken))


def judged(seconds: float) -> str:
    told = f"a durable write takes {seconds * 1_000:.1f} milliseconds"
    if seconds > SLOW:
        return f"! Disk: {told}, so people wait: use a disk of its own, or one that is not so busy."
    return f"ok Disk: {told}."


def _limits() -> Iterator[str]:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if files != resource.RLIM_INFINITY and files < FEW_FILES:
        yield f"! Limits: only {files} files may be open at once: allow {FEW_FILES} (ulimit -n, LimitNOFILE)."
    else:
        yield "ok Limits: enough files may be open at once."
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        yield f"! SQLite: {sqlite3.sqlite_version} is too old: use a newer Python or system."


async def clock(name: str, address: str, now: Callable[[], datetime]) -> str:
    """Compare our clock with the one that a platform's server tells with each answer."""
    try:
        url = httpx.URL(address).copy_with(path="/", query=None)
        async with httpx.AsyncClient(timeout=SECONDS_TO_ANSWER) as client:
            begun = now()
            answer = await client.get(url)
            ended = now()
        theirs = parsedate_to_datetime(answer.headers["date"])
    except (httpx.HTTPError, httpx.InvalidURL, KeyError, ValueError) as error:
        return f"note Clock: it can't be compared with {name}'s ({type(error).__name__})."
    return compared(name, begun + (ended - begun) / 2, theirs)


def compared(name: str, ours: datetime, theirs: datetime) -> str:
    """One line on how far two clocks are apart."""
    off = (ours - theirs).total_seconds()
    if abs(off) <= MOST_OFF.total_seconds():
        return f"ok Clock: it agrees with {name}'s."
    way = "ahead of" if off > 0 else "behind"
    return (
        f"! Clock: it is {abs(off):.0f} seconds {way} {name}'s, so things happen at the wrong time: "
        "let the machine keep its time by NTP (timedatectl set-ntp true)."
    )
