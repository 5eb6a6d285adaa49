"""Another host, as far as the network goes: a network namespace of Linux, whose cable can be pulled."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

CAN_BE_MADE = os.geteuid() == 0 and shutil.which("ip") is not None


@dataclass(frozen=True)
class Host:
    """A namespace; from within it this machine is reached at `address`, and nothing else is."""

    name: str
    cable: str
    address: str

    @property
    def inside(self) -> tuple[str, ...]:
        """What stands before a command that runs there."""
        return ("ip", "netns", "exec", self.name)

    def cut_off(self) -> None:
        _ip("link", "set", self.cable, "down")

    def mend(self) -> None:
        _ip("link", "set", self.cable, "up")


def _ip(*words: str) -> None:
    subprocess.run(("ip", *words), check=True, capture_output=True, timeout=10)


@contextmanager
def a_host() -> Iterator[Host]:
    number = os.getpid()
    net = f"10.213.{number % 250}"
    host = Host(f"onecloak-test-{number}", f"oc{number}a", f"{net}.1")
    _ip("netns", "add", host.name)
    try:
        _ip("link", "add", host.cable, "type", "veth", "peer", "name", f"oc{number}b", "netns", host.name)
        _ip("addr", "add", f"{net}.1/30", "dev", host.cable)
        host.mend()
        _ip("-n", host.name, "addr", "add", f"{net}.2/30", "dev", f"oc{number}b")
        _ip("-n", host.name, "link", "set", f"oc{number}b", "up")
        yield host
    finally:
        with suppress(subprocess.CalledProcessError):
            _ip("link", "del", host.cable)
        _ip("netns", "del", host.name)


class Silence:
    """Falls on a passage: its connections stay, and nothing comes through any more until it is over."""

    def __init__(self) -> None:
        self._over = asyncio.Event()
        self._over.set()

    def falls(self) -> None:
        self._over.clear()

    def is_over(self) -> None:
        self._over.set()

    async def passes(self) -> None:
        await self._over.wait()


@asynccontextmanager
async def passage(
    address: str, *, socket: str = "", port: int = 0, silences: list[Silence] | None = None
) -> AsyncIterator[int]:
    """A port at `address` that leads to a socket's file or a port of the loopback; gives its number.

    silences: the last of them may fall on connections that begin while it is the last.
    """
    passing: set[asyncio.Task[None]] = set()

    async def enters(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opening = (
            asyncio.open_unix_connection(socket) if socket else asyncio.open_connection("127.0.0.1", port)
        )
        far_reader, far_writer = await opening
        silence = silences[-1] if silences else Silence()
        ways = ((reader, far_writer, silence), (far_reader, writer, silence))
        both = [asyncio.create_task(_carry(*way)) for way in ways]
        passing.update(both)
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for each in (writer, far_writer):
            each.transport.abort()
        for task in both:
            task.cancel()
        passing.difference_update(both)

    server = await asyncio.start_server(enters, address, 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in passing:
            task.cancel()
        await asyncio.gather(*passing, return_exceptions=True)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, silence: Silence) -> None:
    with suppress(OSError):
        while some := await reader.read(65_536):
            await silence.passes()
            writer.write(some)
            await writer.drain()
