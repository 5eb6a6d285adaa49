"""What the doctor sees of the database: if it answers, fits this version and the key, and is durable."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import SystemRandom
from statistics import median

import sqlalchemy as sa

from bot.backup import NOT_YET
from bot.doctor_machine import WRITES, compared, judged
from bot.settings import PREFIX, Settings, SettingsError
from bot.setup import faults, open_vault, unusable
from storage import facts
from storage.database import Database, Transaction
from storage.migrate import ENCODINGS, NEWEST, current_revision
from storage.outages import DAMAGED
from storage.sqlite_file import sqlite_path
from storage.standing import served
from storage.tables import Fact

NONE_YET = "note Database: there is none yet; the first start makes it."
FEW_CONNECTIONS = 20
FRESH = timedelta(days=2)  # a backup each day, of which one may fail


async def examine(settings: Settings, now: Callable[[], datetime]) -> tuple[list[str], Database | None]:
    """The findings, and the database if it can be used by this version."""
    path = sqlite_path(settings.database_url)
    key_file = path.with_suffix(".key") if path is not None else None
    if path is not None and not path.exists():
        return [NONE_YET], None
    if settings.master_key is None and key_file is not None and not key_file.exists():
        lost = f"! Key: the database is there, but not {key_file}, which opens it: put your copy of it back."
        return [lost], None
    try:
        vault, _made = open_vault(settings)
    except SettingsError as error:
        return [f"! Key: {error}"], None
    database = Database(settings.database_url, vault, SystemRandom())
    try:
        lines, usable = await _look(settings, database, now)
    except faults(database) as error:
        lines, usable = [f"! Database: {unusable(error)}"], False
    if not usable:
        await database.close()
    return lines, database if usable else None


async def _look(
    settings: Settings, database: Database, now: Callable[[], datetime]
) -> tuple[list[str], bool]:
    schema = await database.run(lambda tx: current_revision(tx.session.connection()))
    lines = ["ok Database: it answers.", _schema(schema)]
    if schema != NEWEST:
        return lines, False
    fingerprint = await database.run(lambda tx: tx.session.get(Fact, "master key"))
    if fingerprint is not None and fingerprint.value != database.vault.fingerprint:
        lines.append(
            f"! Key: {PREFIX}MASTER_KEY is not the one that this database was sealed with. Set that one."
        )
        return lines, False
    lines.append("ok Key: the master key is there and opens the database. Keep a copy elsewhere.")
    lines += [await _sound(database)] if database.is_sqlite else await _postgres(database, now)
    lines.append(_backed_up(await database.run(facts.backed_up_at), now()))
    lines += _served(settings, await database.run(served))
    return lines, True


def _schema(found: str | None) -> str:
    if found == NEWEST:
        return f"ok Database: its schema ({NEWEST}) is this version's."
    if found is None:
        return "! Database: it is empty. Start the bot once, which makes its tables."
    if found < NEWEST:
        return (
            f"! Database: its schema is {found}, this version's is {NEWEST}. Make a backup and start "
            "the bot, which upgrades it."
        )
    return f"! Database: its schema is {found}, newer than ours ({NEWEST}): start the newer One Cloak."


def _backed_up(made_at: datetime | None, now: datetime) -> str:
    """A copy that somebody makes in another way is not known here."""
    if made_at is None:
        return (
            "! Backup: none was made yet. Put `onecloak backup` into cron or a timer, once a day or oftener "
            "(docs/backup.md)."
        )
    when = f"{made_at:%Y-%m-%d %H:%M} UTC"
    if made_at - now > NOT_YET:
        return (
            f"! Backup: the last good one is of {when}, which is still to come: the clock was wrong then or "
            "is now. Set it right, run `onecloak backup`, and do what it says."
        )
    if now - made_at > FRESH:
        return (
            f"! Backup: the last good one is of {when}, older than {FRESH.days} days. Run `onecloak backup` "
            "by hand: it says what is wrong."
        )
    return f"ok Backup: the last good one is of {when}."


def _served(settings: Settings, found: frozenset[str]) -> Iterator[str]:
    """Only the holder of an account's lease receives, sends, and writes the Matrix device's keys."""
    configured = {"telegram": settings.telegram.token is not None, "matrix": bool(settings.matrix.homeserver)}
    for platform in (name for name, there in configured.items() if there):
        if platform in found:
            yield f"ok Process: one holds the account on {platform}, and the lock of its keys."
        else:
            yield f"note Process: none serves {platform} at the moment: `onecloak run` starts one."


async def _sound(database: Database) -> str:
    """Look through the whole file of SQLite, beside a bot that runs."""
    found = await database.look(lambda tx: tx.session.scalar(sa.text("PRAGMA quick_check(1)")))
    return "ok Database: its file is sound." if found == "ok" else f"! Database: {DAMAGED}."


async def _postgres(database: Database, now: Callable[[], datetime]) -> list[str]:
    begun = now()
    clock = await database.run(lambda tx: tx.session.scalar(sa.select(sa.func.clock_timestamp())))
    halfway = begun + (now() - begun) / 2
    said = await database.run(_said)
    return [
        compared("the database", halfway, clock or halfway),
        judged(await _speed(database)),
        *durability(said),
    ]


def _said(tx: Transaction) -> dict[str, str]:
    names = ("fsync", "synchronous_commit", "full_page_writes", "max_connections", "server_encoding")
    return {name: str(tx.session.scalar(sa.text(f"SHOW {name}"))) for name in names}


def durability(said: dict[str, str]) -> Iterator[str]:
    """Whether a PostgreSQL keeps what it confirms, serves all, and knows all letters, by its settings."""
    off = [name for name in ("fsync", "synchronous_commit", "full_page_writes") if said[name] == "off"]
    if off:
        yield f"! Database: {', '.join(off)} off: what was accepted may be lost at a power cut. Turn it on."
    else:
        yield "ok Database: what is committed is on its disk."
    if int(said["max_connections"]) < FEW_CONNECTIONS:
        yield f"! Database: it allows only {said['max_connections']} connections: allow {FEW_CONNECTIONS}."
    if said["server_encoding"] not in ENCODINGS:
        yield (
            f"! Database: its encoding is {said['server_encoding']}, which lacks most letters: bring a "
            "backup into one that was made with ENCODING 'UTF8'."
        )


async def _speed(database: Database) -> float:
    """Seconds that a commit takes which must wait for the disk; it leaves nothing behind."""
    write = sa.text("SELECT pg_logical_emit_message(true, 'onecloak', 'doctor')")
    taken = []
    for _ in range(WRITES):
        begun = time.perf_counter()
        await database.run(lambda tx: tx.session.execute(write).close())
        taken.append(time.perf_counter() - begun)
    return median(taken)
