"""`onecloak backup`: one sealed file of all that the database holds, and the wrapped keys in another.

The two are worth nothing without each other, and neither has the key that opens it. Old key files go after a
few days, so that whoever was forgotten can be read out of no backup from then on; the newest keys open every
older backup, but for those who are forgotten.
"""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import SystemRandom
from typing import IO, Any, cast

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.settings import PREFIX, Settings, SettingsError, Stopped
from bot.setup import LEDGER, open_vault, read_ledger, unusable
from storage import facts, returning
from storage.database import Database, Transaction
from storage.dumping import Dumped, NotDumpable, NotLoadable, dump, first_line, snapshot
from storage.ledger import Entries, Ledger
from storage.sealed_file import SealedReader, SealedWriter, UnusableFile, settle
from storage.sealing import Vault, decode_master_key, sync_folder
from storage.sqlite_file import sqlite_path

MAIN, KEYS = ".backup", ".keys"
KINDS = {MAIN: b"b", KEYS: b"k"}
STAMP = "%Y%m%dT%H%M%SZ"
NAME = re.compile(r"onecloak-(\d{8}T\d{6}Z)(\.backup|\.keys)(\.part)?")
NOT_YET = timedelta(days=1)  # a file dated so far ahead was made by a clock that was wrong
LEAP = timedelta(days=7)  # since the backup before: by a clock that shows more, nothing is removed at once
UNFINISHED_FOR = timedelta(days=1)  # a draft that is older was left by a backup that was cut off
AT_ONCE = 1 << 20  # bytes


def backup_key(settings: Settings, vault: Vault) -> bytes:
    """The key that seals backups; raises Stopped where there is none, or it is the master key."""
    if settings.backup_key is None:
        raise Stopped(
            f"{PREFIX}BACKUP_KEY is missing. `onecloak key` prints one; set it, and keep a copy where "
            "neither the server nor a backup is: without it no backup opens."
        )
    key = decode_master_key(settings.backup_key.get_secret_value())
    if Vault(key).fingerprint == vault.fingerprint:
        raise Stopped(
            f"{PREFIX}BACKUP_KEY is the master key. Set another one (`onecloak key`): whoever finds one of "
            "the two must not have the other."
        )
    return key


def folder_of(settings: Settings) -> Path:
    return settings.backup_folder or settings.data_file("").parent / "backups"


async def backup(settings: Settings, now: datetime, folder: Path | None = None) -> list[str]:
    """Make a backup, read it back, and remove what is too old; returns what the operator should know.

    Raises Stopped or SettingsError. Nothing of the running bot is held up.
    """
    path = sqlite_path(settings.database_url)
    if path is not None and not path.exists():
        raise Stopped(f"there is no database in {path} yet, so there is nothing to back up.")
    vault, _word = open_vault(settings)
    key, folder = backup_key(settings, vault), folder or folder_of(settings)
    ledger = Ledger(settings.data_file(LEDGER), vault.index)
    listed = read_ledger(ledger)
    main, keys = (folder / f"onecloak-{now:{STAMP}}{ending}" for ending in (MAIN, KEYS))
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        dumped = await _write(settings, now, vault, ledger, listed, {MAIN: main, KEYS: keys}, key)
        examine(keys, key, KEYS)
        examine(main, key, MAIN)
        removed = prune(settings, now, folder)
    except NotDumpable as error:
        raise Stopped(f"the database can't be backed up: {error}.") from None
    except UnusableFile as error:
        raise Stopped(
            f"the backup was written but can't be read back ({error}): is the disk sound?"
        ) from None
    except SQLAlchemyError as error:
        raise SettingsError(unusable(error)) from None
    except OSError as error:
        raise Stopped(
            f"the backup can't be written to {folder} ({error.strerror}): make room there, or name another "
            "folder. The bot itself is not touched by this."
        ) from None
    return [
        f"Made {main} ({_size(main)}, {sum(dumped.rows.values()):,} rows) and read it back.",
        f"Its keys are in {keys} ({_size(keys)}). Copy the two to two different places.",
        *removed,
        *await _noted(settings, vault, now),
    ]


async def _noted(settings: Settings, vault: Vault, now: datetime) -> list[str]:
    """Remember in the database that there is a good backup; what was made is no worse where that fails."""
    database = Database(settings.database_url, vault, SystemRandom())
    try:
        await database.run(lambda tx: facts.note_backup(tx, now))
    except (SQLAlchemyError, OSError) as error:
        return [
            f"The database could not take note of it ({type(error).__name__}): the doctor and the figures "
            "go on showing the one before as the last."
        ]
    finally:
        await database.close()
    return []


async def _write(
    settings: Settings, now: datetime, vault: Vault, ledger: Ledger, listed: Entries, paths: dict[str, Path],
    key: bytes,
) -> Dumped:  # fmt: skip
    """Both files under names of their own until they are whole and on the disk."""
    drafts = {ending: path.with_name(f"{path.name}.part") for ending, path in paths.items()}
    try:
        async with snapshot(settings.database_url) as connection:
            known = ledger.entries(await connection.run_sync(partial(_lasting, vault=vault, now=now)))
            with ExitStack() as files:
                main, keys = (
                    files.enter_context(writing(drafts[each], key, KINDS[each])) for each in (MAIN, KEYS)
                )
                lines = listed.with_all(known).lines()
                dumped = await dump(connection, main, keys, now, lines)
                if dumped.owner != vault.fingerprint:
                    raise SettingsError(
                        f"{PREFIX}MASTER_KEY is wrong: the database was sealed with another one. "
                        "Set that one."
                    )
        for ending in (KEYS, MAIN):  # a backup without its keys would be worth nothing
            settle(drafts[ending], paths[ending])
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
    ledger.add(known.without(listed))
    return dumped


def _lasting(connection: sa.Connection, vault: Vault, now: datetime) -> list[Any]:
    with Session(connection) as session:
        return returning.lasting(Transaction(session, vault, SystemRandom()), now)


# --- the files ----------------------------------------------------------------------------------------------


@contextmanager
def writing(path: Path, key: bytes, kind: bytes) -> Iterator[IO[bytes]]:
    """A new sealed and packed file that only its owner can read, on the disk when the block has ended."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with SealedWriter(file, key, kind) as sealed, _packing(sealed) as packed:
            yield cast("IO[bytes]", packed)
        file.flush()
        os.fsync(file.fileno())


def _packing(sealed: SealedWriter) -> gzip.GzipFile:
    """The names of places pack well; what is sealed does not, and gives away nothing by its length."""
    return gzip.GzipFile(fileobj=cast("IO[bytes]", sealed), mode="wb", compresslevel=1, mtime=0)


@contextmanager
def reading(path: Path, key: bytes, sort: str) -> Iterator[IO[bytes]]:
    """What is in a sealed file, whatever its name; raises UnusableFile, at the latest at its end."""
    with path.open("rb") as file:
        sealed = SealedReader(file, key, KINDS[sort])
        with gzip.GzipFile(fileobj=cast("IO[bytes]", sealed), mode="rb") as packed:
            yield cast("IO[bytes]", packed)


@dataclass(frozen=True, slots=True)
class Label:
    """What a file of a backup says of itself."""

    schema: str
    owner: str  # the fingerprint of the master key
    made_at: datetime
    listed: Entries


def examine(path: Path, key: bytes, sort: str) -> Label:
    """Read a file to its end, and return what it says of itself; raises UnusableFile or OSError."""
    try:
        with reading(path, key, sort) as file:
            first = first_line(file)
            while file.read(AT_ONCE):
                pass
    except (EOFError, gzip.BadGzipFile, NotLoadable, ValueError) as error:
        raise UnusableFile(f"it is no whole backup ({type(error).__name__})") from None
    made_at = datetime.fromisoformat(first["made_at"])
    return Label(first["schema"], first["owner"], made_at, Entries.of(first.get("listed", ())))


# --- what is too old ----------------------------------------------------------------------------------------


def prune(settings: Settings, now: datetime, folder: Path) -> list[str]:
    """Remove key files and backups that were kept long enough, never the newest, and what was cut off.

    A clock that has leapt since the backup before is not believed until there is another one.
    """
    keep = {
        KEYS: timedelta(days=settings.keep_backup_keys_days),
        MAIN: timedelta(days=settings.keep_backups_days),
    }
    told = []
    for ending, what in ((KEYS, "key files"), (MAIN, "backups")):
        *older, _newest = found_in(folder, ending) or [(now, folder)]
        before = max((made_at for made_at, _path in older if made_at <= now), default=now)
        believed = now if now - before <= LEAP else before
        gone = [path for made_at, path in older if made_at < believed - keep[ending]]
        for path in gone:
            path.unlink(missing_ok=True)
        if gone:
            told.append(f"Removed {len(gone)} {what} that were kept for {keep[ending].days} days.")
    if early := [path.name for each in KINDS for made_at, path in found_in(folder, each)
                 if made_at > now + NOT_YET]:  # fmt: skip
        told.append(
            f"Dated in the future: {', '.join(early)}. If the clock is right now (timedatectl), it was wrong "
            "when they were made: remove them, for no restoring takes them by itself."
        )
    for draft in folder.glob("onecloak-*.part"):
        stamp = NAME.fullmatch(draft.name)
        if stamp is not None and _made_at(stamp[1]) < now - UNFINISHED_FOR:
            draft.unlink(missing_ok=True)
    sync_folder(folder)
    return told


def found_in(folder: Path, ending: str) -> list[tuple[datetime, Path]]:
    """The files of backups of one sort, the oldest first."""
    found = []
    for path in folder.glob(f"onecloak-*{ending}"):
        stamp = NAME.fullmatch(path.name)
        if stamp is not None:
            found.append((_made_at(stamp[1]), path))
    return sorted(found)


def _made_at(stamp: str) -> datetime:
    return datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)


def _size(path: Path) -> str:
    return f"{path.stat().st_size / 1_000_000:,.1f} MB"
