"""A connection to SQLite whose statements cost one trip each to the thread in which the driver runs them.

aiosqlite makes a trip, about a tenth of a millisecond, for each of: opening a cursor, executing, fetching,
closing. SQLAlchemy asks for all four with every statement, and most statements of a turn take less than one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import aiosqlite


class Connection(aiosqlite.Connection):
    """A connection of aiosqlite with such cursors; it is made as `aiosqlite.connect` makes its own."""

    def __init__(self, path: str, **options: Any) -> None:
        super().__init__(lambda: sqlite3.connect(path, **options), iter_chunk_size=64)
        self._thread.daemon = True  # as SQLAlchemy has it: a process that ends does not wait for it

    def cursor(self) -> Cursor:  # type: ignore[override]
        return Cursor(self)

    async def rollback(self) -> None:
        """No trip where nothing is to be undone: a pool asks for it with every connection it gets back."""
        if self.in_transaction:
            await super().rollback()

    async def run(self, method: str, statement: str, parameters: Iterable[Any]) -> Outcome:
        return await self._execute(_run, self._conn, method, statement, parameters)  # type: ignore[no-any-return, no-untyped-call]


Outcome = tuple[list[Any], Any, int, int | None]  # rows, description, number of rows changed, last row's id


def _run(connection: sqlite3.Connection, method: str, statement: str, parameters: Iterable[Any]) -> Outcome:
    cursor = connection.cursor()
    try:
        getattr(cursor, method)(statement, parameters)
        rows = cursor.fetchall() if cursor.description else []
        return rows, cursor.description, cursor.rowcount, cursor.lastrowid
    finally:
        cursor.close()


class Cursor:
    """What SQLAlchemy uses of a cursor: all its rows are here once it has executed."""

    description: Any = None
    rowcount = -1
    lastrowid: int | None = None
    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []

    async def __aenter__(self) -> Cursor:
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Cursor:
        return await self._run("execute", statement, parameters)

    async def executemany(self, statement: str, parameters: Iterable[Sequence[Any]]) -> Cursor:
        return await self._run("executemany", statement, parameters)

    async def _run(self, method: str, statement: str, parameters: Iterable[Any]) -> Cursor:
        outcome = await self._connection.run(method, statement, parameters)
        self._rows, self.description, self.rowcount, self.lastrowid = outcome
        return self

    async def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Nothing is open."""
