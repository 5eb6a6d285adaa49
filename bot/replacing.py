"""How a backup takes the place of a database: made apart, whole, with all replayed that happened since."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from random import SystemRandom

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Session

from bot.adapters.core_events import event
from bot.backup import KEYS, MAIN, STAMP, Label, reading
from bot.settings import Settings, Stopped
from handlers.messages import Kind
from storage import alerts, inbox, returning
from storage.database import Database, Transaction
from storage.dumping import load, snapshot
from storage.engines import lasts_as_long_as_it_must
from storage.ledger import Entries, Lasting
from storage.migrate import NEWEST, current_revision, upgrade
from storage.sealed_file import settle
from storage.sealing import Vault, sync_folder
from storage.sqlite_file import sqlite_path
from storage.tables import Base, Fact

log = logging.getLogger(__name__)

DRAFT = ".restoring"
MATRIX = "matrix"  # the platform whose devices have keys
UNREADABLE = (SQLAlchemyError, OSError, ValueError, KeyError)  # of an old database: it is only looked at


@dataclass(frozen=True, slots=True)
class Chosen:
    """The two files of a backup, read to their ends, and what they say."""

    main: Path
    keys: Path
    key: bytes
    about: Label
    listed: Entries


@dataclass(frozen=True, slots=True)
class Before:
    """What the database that is there knows, which the backup can't."""

    happened: Sequence[Lasting] = ()
    trace: str = ""  # "" where it can't be read


@dataclass(slots=True)
class Outcome:
    """What was done, for the operator."""

    rows: int = 0
    forgotten: int = 0
    ended: int = 0
    charged: int = 0
    unsent: int = 0
    unknown: Sequence[str] = ()
    open_alerts: list[str] = field(default_factory=list)  # of which nobody is in charge
    taken_alerts: list[str] = field(default_factory=list)
    device_given_up: bool = False
    happened: Sequence[Lasting] = ()
    aside: str = ""  # where what was there is kept now


async def is_there(settings: Settings) -> bool:
    """Whether there is a database in the place; raises Stopped where somebody uses it."""
    path = sqlite_path(settings.database_url)
    if path is not None:
        return path.exists()
    async with snapshot(settings.database_url) as connection:
        others = await connection.scalar(
            sa.text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        )
        if others:
            raise Stopped(f"{others} others are connected to the database: stop every One Cloak first.")
        return await connection.run_sync(current_revision) is not None


async def look_at(settings: Settings, vault: Vault, now: datetime) -> Before:
    """Look at the database that is there; one that can't be read has only its list outside."""
    try:
        async with snapshot(settings.database_url) as connection:
            owner = await connection.scalar(sa.select(Fact.value).where(Fact.name == "master key"))
            found = await connection.run_sync(partial(_look, vault=vault, now=now))
    except UNREADABLE as error:
        log.warning("the database that is there can't be read: %s", type(error).__name__)
        return Before()
    if owner not in (None, vault.fingerprint):
        raise Stopped(
            "the database that is there belongs to another union (its master key is another): it is not "
            "replaced. Move it away by hand if you are sure."
        )
    return found


def _look(connection: sa.Connection, vault: Vault, now: datetime) -> Before:
    with Session(connection) as session:
        tx = Transaction(session, vault, SystemRandom())
        return Before(returning.lasting(tx, now), returning.trace(tx))


@dataclass(slots=True)
class Replacement:
    """One backup on its way into the place of the database."""

    settings: Settings
    vault: Vault
    chosen: Chosen
    listed: Entries  # what happened since, as far as anybody knows
    now: datetime
    nothing_since: bool
    ended: Sequence[str]
    trace: str  # of the database that is there

    async def run(self) -> Outcome:
        """Do it whole or not at all; raises Stopped, and all that files and databases raise."""
        path = sqlite_path(self.settings.database_url)
        return await (self._on_postgres() if path is None else self._on_sqlite(path))

    async def _on_sqlite(self, path: Path) -> Outcome:
        """Made in a file beside it, which takes the place at once when all is done."""
        draft = path.with_name(path.name + DRAFT)
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(draft)
        database = Database(f"sqlite+aiosqlite:///{draft}", self.vault, SystemRandom())
        try:
            try:
                async with database.engine.begin() as connection:
                    outcome = await self._fill(connection)
            finally:
                await database.close()
            _make_one_file(draft)
            outcome.aside = _move_aside(path, self.now)
            settle(draft, path)
        finally:
            _remove(draft)
        return outcome

    async def _on_postgres(self) -> Outcome:
        """All in one transaction, in which the old tables go to a schema of their own."""
        database = Database(self.settings.database_url, self.vault, SystemRandom())
        try:
            async with database.engine.begin() as connection:
                await connection.run_sync(lasts_as_long_as_it_must)
                await connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'")
                aside = await connection.run_sync(partial(_set_apart, now=self.now))
                outcome = await self._fill(connection)
        finally:
            await database.close()
        outcome.aside = aside
        return outcome

    async def _fill(self, connection: AsyncConnection) -> Outcome:
        """Load both files into empty tables, and replay what happened since."""
        await connection.run_sync(upgrade, self.chosen.about.schema)
        rows: dict[str, int] = {}
        for path, sort in ((self.chosen.main, MAIN), (self.chosen.keys, KEYS)):
            with reading(path, self.chosen.key, sort) as file:
                file.readline()
                rows |= await load(connection, file)
            await connection.run_sync(_bring_up_to_date)
        outcome = await connection.run_sync(self._replay)
        outcome.rows = sum(rows.values())
        return outcome

    def _replay(self, connection: sa.Connection) -> Outcome:
        with Session(connection) as session:
            tx = Transaction(session, self.vault, SystemRandom())
            if self.nothing_since and self.trace and returning.trace(tx) != self.trace:
                raise Stopped(
                    "the database that is there shows that the bot ran on after this backup, so "
                    "--nothing-since is not true. Leave it out; Matrix gets a new device then."
                )
            outcome = Outcome(forgotten=returning.match_keys(tx, self.now))
            again = returning.replay(tx, self.now, self.listed)
            outcome.forgotten += again.forgotten
            outcome.ended, outcome.charged = again.ended, again.charged
            outcome.unknown = [each for each in self.ended if not returning.end(tx, self.now, each)]
            outcome.ended += len(self.ended) - len(outcome.unknown)
            if not self.nothing_since:
                self._something_happened(tx, outcome)
            returning.release(tx)
            tx.write()
            for each in alerts.unresolved(tx):
                named = outcome.open_alerts if each.state == "open" else outcome.taken_alerts
                named.append(f"{each.reference} ({each.kind})")
            outcome.happened = tx.lasting
            return outcome

    def _something_happened(self, tx: Transaction, outcome: Outcome) -> None:
        """The bot ran on after the backup: nothing is said twice, and people are asked to say it anew."""
        outcome.unsent = returning.quieten(tx, self.now)
        if MATRIX in returning.with_keepsakes(tx):
            from bot.adapters.matrix_login import OF_A_DEVICE

            outcome.device_given_up = returning.give_up_device(tx, self.now, MATRIX, OF_A_DEVICE)
        reports = [
            (f"resend {platform}", event(Kind.RESEND, platform=platform))
            for platform in returning.platforms(tx)
            if platform != MATRIX or not outcome.device_given_up  # a new device asks by itself
        ]
        # Alerts may have been opened of which nothing is known now: coordinators must look.
        for key, payload in (*reports, ("fault", event(Kind.FAULT))):
            key = f"restored {self.now.isoformat()} {key}"
            keep = self.settings.union().keep_events
            inbox.report(tx, self.now, b"", key, payload, crisis=payload["kind"] == Kind.FAULT, keep=keep)


def _bring_up_to_date(connection: sa.Connection) -> None:
    """PostgreSQL changes no table whose rows wait for the commit to be checked: they are checked before."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
    upgrade(connection, NEWEST)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET CONSTRAINTS ALL DEFERRED")


# --- files and schemas --------------------------------------------------------------------------------------


def _make_one_file(path: Path) -> None:
    """Have all of a SQLite database in its one file, looked through; raises sqlite3.Error."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (found,) = connection.execute("PRAGMA quick_check").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError("the restored file is not sound")


def _move_aside(path: Path, now: datetime) -> str:
    """Give an old database another name, and all that stands beside it: its log would spoil a new file."""
    aside = path.with_name(f"{path.name}.before-restore-{now:{STAMP}}")
    found = _files(path)
    if path in found:
        try:
            _make_one_file(path)
        except sqlite3.Error as error:
            log.warning(
                "the old database is not sound (%s); it is moved aside as it is", type(error).__name__
            )
        found = _files(path)
    for each in found:
        os.rename(each, aside.with_name(aside.name + each.name.removeprefix(path.name)))
    sync_folder(path.parent)
    return str(aside) if path in found else ""


def _remove(path: Path) -> None:
    for each in _files(path):
        each.unlink()


def _files(path: Path) -> list[Path]:
    """A SQLite file and what stands beside it."""
    return [each for ending in ("", "-wal", "-shm") if (each := path.with_name(path.name + ending)).exists()]


def _set_apart(connection: sa.Connection, now: datetime) -> str:
    """Move old tables to a schema of their own; "" where there are none."""
    there = set(sa.inspect(connection).get_table_names())
    ours = [name for name in (*Base.metadata.tables, "alembic_version") if name in there]
    if not ours:
        return ""
    schema = f"before_restore_{now:{STAMP}}".lower()
    connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    for name in ours:
        connection.exec_driver_sql(f"ALTER TABLE {name} SET SCHEMA {schema}")
    return f"the schema {schema}"
