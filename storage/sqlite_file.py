"""The file of a SQLite database: which it is, whether it can be one, whether it still is where it was."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from storage import sqlite_trips


def sqlite_path(url: str) -> Path | None:
    """The file of a SQLite database, None for another engine."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    return Path(parsed.database)


def check_file(path: Path) -> None:
    """See if a file can be a SQLite database, or become one; raises sqlite3.Error.

    Asked without the asynchronous driver, whose thread outlives the event loop when it can't connect.
    """
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA schema_version")


class DatabaseGone(OSError):
    """The file under an open database was removed, moved or replaced: what is written would be lost."""


GONE = "the database's file is no longer where it was"


class Whereabouts:
    """Looks before each transaction if the file that is open still stands where the next start will look.

    SQLite itself goes on writing to a file that was removed, and says that all is well.
    """

    def __init__(self) -> None:
        self._were_there: set[str] = set()

    def watch(self, engine: sa.Engine) -> None:
        sa.event.listen(engine, "connect", self._remember)
        sa.event.listen(engine, "begin", self._look, insert=True)

    def connect(self, path: str, **options: Any) -> sqlite_trips.Connection:
        """Open a file, which may be a new one, but none anew where one was open before."""
        real = os.path.realpath(path)
        if real in self._were_there and _identity(real) is None:
            raise DatabaseGone(GONE)
        return sqlite_trips.Connection(path, **options)

    def _remember(self, connection: Any, record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA database_list")
        path = cursor.fetchone()[2]
        cursor.close()
        record.info["path"], record.info["file"] = path, _identity(path)
        self._were_there.add(path)

    def _look(self, connection: sa.Connection) -> None:
        if connection.info["file"] == _identity(connection.info["path"]) is not None:
            return
        connection.invalidate()  # so that the next transaction opens what stands there then
        raise DatabaseGone(GONE)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
