"""The one door to the database: transactions on SQLite or PostgreSQL, with the sealing keys at hand.

The work inside a transaction is an ordinary function, not a coroutine: it cannot wait for a network,
and nothing else of this process runs between its statements (SQLAlchemy's `run_sync` carries it).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from random import Random
from typing import Any, TypeVar
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from storage import counters, sqlite_log
from storage.adding import add_all
from storage.among import among
from storage.engines import BUSY_MILLISECONDS, open_engine
from storage.ledger import Lasting, Ledger
from storage.pending import Pending
from storage.sealing import Vault, WrongMasterKey
from storage.tables import (
    Account,
    Alert,
    Crisis,
    Fact,
    Invitation,
    Key,
    Need,
    Part,
    Person,
    Shown,
    Talk,
)

Result = TypeVar("Result")
# What is said of two transactions that waited for each other, or (by a distributed engine) that met.
AGAIN = ("40P01", "40001")
MOST_TRIES = 6
_KEYS = sa.select(Key.id, Key.wrapped).where(among(Key.id, "ids"))
TRIED_AGAIN_AFTER = 64  # transactions, where the log of SQLite could not be emptied


@dataclass(slots=True)
class Loaded:
    """What was loaded together for the people of a batch, so that their turns need not ask again.

    The functions of storage that add such a row add it here too; a closed one is passed over when read.
    """

    talks: dict[UUID, list[Talk]] = field(default_factory=dict)  # by person
    alerts: dict[UUID, list[Alert]] = field(default_factory=dict)  # by person
    choices: dict[UUID, list[Shown]] = field(default_factory=dict)  # by account, the newest first
    pressed: dict[str, Shown] = field(default_factory=dict)  # by token
    reached: dict[UUID, tuple[Account, Person]] = field(default_factory=dict)  # by person, who is written to
    held: set[bytes] = field(default_factory=set)  # chats, by address, where something waits for words
    speakers: Sequence[UUID] = ()  # the people of the batch
    needs: list[Need] = field(default_factory=list)  # made just now
    open_needs: dict[UUID, list[Need]] = field(default_factory=dict)  # by person, the oldest first
    needs_alike: dict[tuple[float | None, float | None, str], list[Need]] = field(default_factory=dict)
    opened_lately: list[Need] | None = None
    references: dict[str, list[str]] = field(default_factory=dict)  # that no case bears, by their letter
    drawn: set[str] = field(default_factory=set)  # those that were looked up for this transaction
    on_duty: list[Person] | None = None
    invitations: dict[UUID, list[Invitation]] = field(default_factory=dict)  # of the needs made just now
    parts: dict[UUID, list[Part]] = field(default_factory=dict)  # by need
    answers: tuple[int, int] | None = None  # accepted, and answered, of the last invitations
    crises: list[Crisis] | None = None  # the active ones
    areas: dict[tuple[float, float], Any] = field(default_factory=dict)  # their names, by place


class Transaction:
    """One transaction: the session, the keys it has loaded, and the source of chance for new ids."""

    def __init__(
        self, session: Session, vault: Vault, random: Random, positions: Iterator[int] | None = None
    ) -> None:
        """positions: counts on from one transaction to the next, for what may be of one moment."""
        self.session = session
        self.vault = vault
        self.random = random
        self.positions = positions or count(1)
        self.loaded = Loaded()
        self.pending = Pending()
        self.news: set[str] = set()  # the queues in which something new waits once this is committed
        self.lasting: list[Lasting] = []  # goes into the ledger once it is committed

    @property
    def is_sqlite(self) -> bool:
        return self.session.get_bind().dialect.name == "sqlite"

    def new_id(self) -> UUID:
        return UUID(bytes=self.random.randbytes(16), version=4)

    def new_key(self, now: datetime, purge_at: datetime | None = None) -> UUID:
        """Make an owner's key and store it wrapped."""
        key_id = self.new_id()
        wrapped = self.vault.new_key(key_id)
        row = {"id": key_id, "wrapped": wrapped, "created_at": now, "purge_at": purge_at}
        self.pending.keys.append(row)
        return key_id

    def forget_key(self, key_id: UUID) -> None:
        """Drop a destroyed key from memory: here at once, in the other processes when they hear of it."""
        self.vault.forget(key_id)
        self.news.add("keys")

    def write(self) -> None:
        """Write all that is pending, so that the next statement sees it."""
        self.session.flush()
        pending, self.pending = self.pending, Pending()
        pending.write(self.session.connection())
        if pending.outgoing:
            self.news.add("outbox")

    @contextmanager
    def asking(self, *about: type[object]) -> Iterator[None]:
        """Ask the database without writing first what the answer does not depend on.

        Only pending rows of the tables that the question is `about` are written before; so the rows of
        many turns are written together at the end.
        """
        session = self.session
        pending = (row for rows in (session.new, session.dirty, session.deleted) for row in rows)
        if about and any(isinstance(row, about) for row in pending):
            self.write()
        with session.no_autoflush:
            yield

    def rows(self, statement: sa.Executable, **values: Any) -> sa.CursorResult[*tuple[Any, ...]]:
        """Run a statement on rows, not on objects, without writing first what is pending."""
        return self.session.connection().execute(statement, values)

    def load_keys(self, key_ids: Iterable[UUID]) -> None:
        """Open the keys not yet opened with one statement; keys that were destroyed stay unknown."""
        unknown = {key_id for key_id in key_ids if not self.vault.knows(key_id)}
        if unknown:
            if self.pending.keys:
                self.write()
            for row in self.rows(_KEYS, ids=unknown).all():
                self.vault.unwrap(row.id, row.wrapped)

    def seal(self, key_id: UUID, purpose: str, value: object) -> bytes:
        """Seal a value made of JSON types; raises KeyError if the key was destroyed."""
        return self.seal_bytes(key_id, purpose, orjson.dumps(value))

    def open(self, key_id: UUID, purpose: str, sealed: bytes) -> Any:
        """The reverse of `seal`."""
        return orjson.loads(self.open_bytes(key_id, purpose, sealed))

    def seal_bytes(self, key_id: UUID, purpose: str, value: bytes) -> bytes:
        try:
            return self.vault.seal(key_id, purpose, value)
        except KeyError:  # it is not opened yet
            self.load_keys((key_id,))
        return self.vault.seal(key_id, purpose, value)

    def open_bytes(self, key_id: UUID, purpose: str, sealed: bytes) -> bytes:
        try:
            return self.vault.open(key_id, purpose, sealed)
        except KeyError:
            self.load_keys((key_id,))
        return self.vault.open(key_id, purpose, sealed)


class Database:
    """An engine and its transactions. On SQLite they queue here, in order, for the one write lock."""

    def __init__(self, url: str, vault: Vault, random: Random, ledger: Ledger | None = None) -> None:
        self.url = make_url(url)
        self.vault = vault
        self.random = random
        self.ledger = ledger
        self.engine = open_engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self.tell: Callable[[set[str]], None] = lambda news: None  # called after a commit that brought news
        self._turn = asyncio.Lock()
        self._positions = count(1)
        self._since_key_was_left = 0  # transactions since a destroyed key may stand in the log of SQLite

    async def run(self, work: Callable[[Transaction], Result]) -> Result:
        """Run `work` in one transaction and commit it; any exception rolls everything back.

        On PostgreSQL `work` runs again where its transaction was sacrificed to another one, or a counter is
        behind its rows.
        """
        if self.is_sqlite:
            async with self._turn:
                return await _to_its_end(self._transact(work))
        for _ in range(MOST_TRIES - 1):
            try:
                return await self._transact(work)
            except DBAPIError as error:
                if counters.is_behind(error):
                    await self._transact(lambda tx: counters.catch_up(tx.session.connection()))
                elif getattr(error.orig, "sqlstate", None) not in AGAIN:
                    raise
        return await self._transact(work)

    async def _transact(self, work: Callable[[Transaction], Result]) -> Result:
        news: set[str] = set()
        lasting: list[Lasting] = []

        def carried(connection: sa.Connection) -> Result:
            with Session(connection, expire_on_commit=False) as session, session.begin():
                tx = Transaction(session, self.vault, self.random, self._positions)
                result = work(tx)
                tx.write()
                news.update(tx.news)
                lasting.extend(tx.lasting)
            return result

        async with self.engine.connect() as connection:
            result = await connection.run_sync(carried)
        if lasting and self.ledger is not None:
            await asyncio.to_thread(self.ledger.add, self.ledger.entries(lasting))
        if news:
            self.tell(news)
        if self.is_sqlite:
            await self._empty_log(is_due="keys" in news)
        return result

    async def _empty_log(self, *, is_due: bool) -> None:
        """Have a destroyed key out of SQLite's log too; tried again where somebody still reads it."""
        if is_due or self._since_key_was_left >= TRIED_AGAIN_AFTER:
            is_empty = await sqlite_log.empty(self.engine, BUSY_MILLISECONDS)
            self._since_key_was_left = 0 if is_empty else 1
        elif self._since_key_was_left:
            self._since_key_was_left += 1

    async def look(self, work: Callable[[Transaction], Result]) -> Result:
        """Run `work`, which must only read, beside the transactions that write: none of them waits for it."""

        def looked(connection: sa.Connection) -> Result:
            with Session(connection) as session, session.begin():
                return work(Transaction(session, self.vault, self.random))

        async with self.engine.execution_options(only_reads=True).connect() as connection:
            return await connection.run_sync(looked)

    async def empty_log(self) -> None:
        """At the start: a process that was killed may have left a destroyed key in SQLite's log."""
        if self.is_sqlite:
            await self._empty_log(is_due=True)

    async def check_master_key(self) -> None:
        """Remember this master key at first use and refuse any other later; raises WrongMasterKey."""

        def check(tx: Transaction) -> None:
            first = {"name": "master key", "value": self.vault.fingerprint}
            add_all(tx.session.connection(), Fact, [first], unless_known=("name",))
            if tx.session.get_one(Fact, "master key").value != self.vault.fingerprint:
                raise WrongMasterKey("this database was sealed with another master key")

        await self.run(check)

    async def close(self) -> None:
        await self.engine.dispose()


async def _to_its_end(transaction: Coroutine[Any, Any, Result]) -> Result:
    """Let what has begun end even if the caller is cancelled: its thread would hold the one write lock on."""
    task = asyncio.ensure_future(transaction)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait((task,))
        raise
