"""All rows of the database as lines of JSON, the same on both engines, read from one consistent snapshot.

The first line says what it is; then comes each table's line, and its rows after it; the last line counts
them. The wrapped keys are written apart from all else, so that the two need never lie in one place. A
snapshot holds up nobody: the bot goes on writing meanwhile.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import IO, Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from storage import counters
from storage.migrate import NEWEST, current_revision
from storage.tables import Base, Fact, Key, UtcTime

ROWS_AT_ONCE = 500
LARGE_ROWS_AT_ONCE = 4  # of a table whose rows hold files
LARGE = {"attachments"}
KEYS = Key.__tablename__

# The sort of a column, as a dump names it; the first that fits.
SORTS: Mapping[str, type[sa.types.TypeEngine[Any]]] = {
    "time": UtcTime, "day": sa.Date, "uuid": sa.Uuid, "bytes": sa.LargeBinary, "json": sa.JSON,
    "yes": sa.Boolean, "number": sa.Integer, "real": sa.Float, "text": sa.String,
}  # fmt: skip
_WRITE: Mapping[str, Callable[[Any], Any]] = {
    "time": datetime.isoformat, "day": date.isoformat, "uuid": str,
    "bytes": lambda value: base64.b64encode(value).decode(),
}  # fmt: skip


class NotDumpable(Exception):
    """The database cannot be written down by this version; the text says what to do."""


@dataclass(slots=True)
class Dumped:
    """What was written."""

    schema: str
    owner: str  # the fingerprint of the master key
    rows: dict[str, int] = field(default_factory=dict)  # by table


@asynccontextmanager
async def snapshot(url: str) -> AsyncIterator[AsyncConnection]:
    """A connection that sees the database as it is at one moment, and changes nothing."""
    if sa.make_url(url).get_backend_name() == "sqlite":
        engine = create_async_engine(url, connect_args={"isolation_level": None})
        sa.event.listen(engine.sync_engine, "begin", lambda each: each.exec_driver_sql("BEGIN"))
    else:
        engine = create_async_engine(
            url, isolation_level="REPEATABLE READ", execution_options={"postgresql_readonly": True}
        )
    try:
        async with engine.connect() as connection, connection.begin():
            yield connection
    finally:
        await engine.dispose()


async def dump(
    connection: AsyncConnection, main: IO[bytes], keys: IO[bytes], made_at: datetime, listed: Sequence[str]
) -> Dumped:
    """Write everything, the wrapped keys to `keys` and all else to `main`; raises NotDumpable.

    listed: the lines of the ledger, which lie with the keys.
    """
    schema = await connection.run_sync(current_revision)
    if schema != NEWEST:
        raise NotDumpable(
            f"its tables are of version {schema}, not of this One Cloak's {NEWEST}: "
            "start this version once, or make the backup with the one that runs"
        )
    owner = await connection.scalar(sa.select(Fact.value).where(Fact.name == "master key"))
    dumped = Dumped(schema, owner or "")
    first = {"schema": schema, "owner": dumped.owner, "made_at": made_at.isoformat()}
    main.write(orjson.dumps(first) + b"\n")
    keys.write(orjson.dumps({**first, "listed": listed}) + b"\n")
    for table in Base.metadata.sorted_tables:
        file = keys if table.name == KEYS else main
        dumped.rows[str(table.name)] = await _dump_table(connection, table, file)
    given = await connection.run_sync(counters.given)
    for file, names, last_given in ((main, dumped.rows.keys() - {KEYS}, given), (keys, {KEYS}, {})):
        last = {"rows": {name: dumped.rows[name] for name in sorted(names)}, "counters": last_given}
        file.write(orjson.dumps(last) + b"\n")
    return dumped


async def _dump_table(connection: AsyncConnection, table: sa.Table, file: IO[bytes]) -> int:
    sorts = [_sort(column) for column in table.columns]
    columns = [[str(column.name), sort] for column, sort in zip(table.columns, sorts, strict=True)]
    file.write(orjson.dumps({"table": str(table.name), "columns": columns}) + b"\n")
    count = 0
    at_once = LARGE_ROWS_AT_ONCE if table.name in LARGE else ROWS_AT_ONCE
    rows = await connection.stream(sa.select(table).execution_options(yield_per=at_once))
    async for row in rows:
        values = [
            value if value is None or sort not in _WRITE else _WRITE[sort](value)
            for value, sort in zip(row, sorts, strict=True)
        ]
        file.write(orjson.dumps(values) + b"\n")
        count += 1
    return count


def _sort(column: sa.Column[Any]) -> str:
    return next(name for name, kind in SORTS.items() if isinstance(column.type, kind))


# --- and back ---------------------------------------------------------------------------------------------


READ: Mapping[str, Callable[[Any], Any]] = {
    "time": datetime.fromisoformat, "day": date.fromisoformat, "uuid": UUID, "bytes": base64.b64decode,
}  # fmt: skip
TYPES: Mapping[str, sa.types.TypeEngine[Any]] = {
    "time": UtcTime(), "day": sa.Date(), "uuid": sa.Uuid(), "bytes": sa.LargeBinary(),
    "json": sa.JSON(none_as_null=True), "yes": sa.Boolean(), "number": sa.BigInteger(), "real": sa.Float(),
    "text": sa.String(),
}  # fmt: skip
LARGE_LINE = 1_000_000  # bytes in one go, whatever the number of rows


class NotLoadable(Exception):
    """The lines are not a whole dump; the text says what is amiss."""


def first_line(file: IO[bytes]) -> dict[str, Any]:
    """What a dump says of itself; raises NotLoadable."""
    found = orjson.loads(file.readline() or b"null")
    if not isinstance(found, dict) or "schema" not in found:
        raise NotLoadable("its first line is not that of a backup")
    return found


class _Table:
    """The table whose rows are being read, with those that are not written yet."""

    def __init__(self, line: Mapping[str, Any]) -> None:
        self.name: str = line["table"]
        self._columns = [(name, READ.get(sort)) for name, sort in line["columns"]]
        columns = [sa.column(name, TYPES[sort]) for name, sort in line["columns"]]
        self._insert = sa.insert(sa.table(self.name, *columns))
        self._rows: list[dict[str, Any]] = []
        self._size = 0
        self.count = 0

    async def add(self, connection: AsyncConnection, values: list[Any], size: int) -> None:
        row = zip(self._columns, values, strict=True)
        self._rows.append(
            {name: value if value is None or read is None else read(value) for (name, read), value in row}
        )
        self._size += size
        if len(self._rows) >= ROWS_AT_ONCE or self._size >= LARGE_LINE:
            await self.put(connection)

    async def put(self, connection: AsyncConnection) -> None:
        if self._rows:
            await connection.execute(self._insert, self._rows)
        self.count += len(self._rows)
        self._rows, self._size = [], 0


async def load(connection: AsyncConnection, file: IO[bytes]) -> dict[str, int]:
    """Write all rows of a dump behind its first line into new tables; returns how many, by table.

    The tables must be of the dump's own version. Foreign keys are checked at the commit. Raises NotLoadable.
    """
    loaded: dict[str, int] = {}
    table: _Table | None = None
    while line := file.readline():
        found = orjson.loads(line)
        if isinstance(found, list):
            assert table is not None, "no row stands before its table"
            await table.add(connection, found, len(line))
            continue
        if table is not None:
            await table.put(connection)
            loaded[table.name] = table.count
        if "table" not in found:
            if found["rows"] != loaded or file.readline():
                raise NotLoadable("its rows are not as many as it says")
            await connection.run_sync(counters.give_on, found["counters"])
            return loaded
        table = _Table(found)
        await connection.execute(sa.delete(sa.table(table.name)))  # what a migration had put in
    raise NotLoadable("it ends too soon")
