"""What a failed transaction says of the database: whether it is to blame, and what of it is left behind."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError

# A connection that was opened while the disk was read-only would stay so for ever.
_BREAKS = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
_FULL_OR_LOCKED = {
    *_BREAKS, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PROTOCOL,
}  # fmt: skip
_DAMAGED_STATES = ("XX001", "XX002")  # of PostgreSQL: data, an index
# Classes of PostgreSQL's error codes: read-only, no room or memory, a lock that was not to be had.
_NO_ROOM = ("25", "53", "55")
_REFUSED = ("28", "3D")  # the user, or the database, by this name
_AWAY = (*_NO_ROOM, *_REFUSED, "08", "40", "57", "58")
_READ_ONLY = "25006"
_TOOK_TOO_LONG = ("25P03", "25P04")  # idle in a transaction, or all of it: what was asked may be to blame
_ENDED = ("57P01", "57P02", "57P03")  # an operator ends the connection, or the server stops or starts


DAMAGED = (
    "the database's files are damaged: stop the bot and bring the newest backup back with "
    "`onecloak restore --replace`, which keeps them aside"
)
_REMEDIES = {  # by the beginning of PostgreSQL's code, the longer first
    "53300": "all connections of PostgreSQL are taken: see who holds them (pg_stat_activity), or raise "
    "max_connections",
    "53100": "the disk of PostgreSQL is full: make room on it",
    "53": "PostgreSQL has no room or no memory left: give it more",
    "28": "PostgreSQL lets the bot's user in no more: set its name and password right "
    "(ONECLOAK_DATABASE_URL, pg_hba.conf)",
    "3D": "PostgreSQL has no database of this name: set ONECLOAK_DATABASE_URL right, or rename it back",
    "57P03": "PostgreSQL is just starting or stopping: wait until it is ready",
}


def throw_away_what_broke(context: sa.ExceptionContext) -> None:
    """The next transaction gets a new connection after the disk has failed under this one.

    Softly, once this transaction has been rolled back: at once it would keep the write lock for ever.
    """
    if _sqlite_code(context.original_exception) in _BREAKS and context.connection is not None:
        context.connection.connection.invalidate(soft=True)


def leave_what_is_read_only(context: sa.ExceptionContext) -> None:
    """Look for the server anew: a session that began before a failover or a maintenance stays read-only."""
    if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
        context.is_disconnect = True


def _cause(error: BaseException) -> BaseException | None:
    """What the driver said, which SQLAlchemy wraps."""
    return error.orig if isinstance(error, DBAPIError) else error


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from: some of them have the database's code, or name a constraint."""
    each: BaseException | None = error
    while each is not None:
        yield each
        each = each.__cause__


def _sqlite_code(error: BaseException | None) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF  # without its finer half


def is_full_or_locked(error: BaseException) -> bool:
    """Whether the disk is full or read-only, or the database locked: what was asked of it is not at fault."""
    cause = _cause(error)
    state = getattr(cause, "sqlstate", None) or ""
    return _sqlite_code(cause) in _FULL_OR_LOCKED or (state[:2] in _NO_ROOM and state not in _TOOK_TOO_LONG)


def is_damaged(error: BaseException) -> bool:
    """Whether what the disk gives back is not what was written: no trouble that ends by itself."""
    cause = _cause(error)
    is_told = getattr(cause, "sqlstate", None) in _DAMAGED_STATES
    return is_told or _sqlite_code(cause) == sqlite3.SQLITE_CORRUPT


def is_no_database(error: BaseException) -> bool:
    """Whether a file is something else, or its head is spoiled: nobody can tell the one from the other."""
    return _sqlite_code(_cause(error)) == sqlite3.SQLITE_NOTADB


def is_refused(error: BaseException) -> bool:
    """Whether PostgreSQL does not let the bot in: a start waits for that no more than for a wrong setting."""
    return str(getattr(_cause(error), "sqlstate", None))[:2] in _REFUSED


def is_elsewhere(error: BaseException) -> bool:
    """Whether what was asked surely did not bring the failure about: full, locked, ended, never reached."""
    # The driver says what the server said last before the connection was gone.
    if any(getattr(each, "sqlstate", None) in _ENDED for each in causes(error)):
        return True
    return is_full_or_locked(error) or is_refused(error) or isinstance(error, OSError)


def is_outage(error: BaseException) -> bool:
    """Whether the database fails and not what was asked of it: the same is tried again, as it is."""
    if is_full_or_locked(error):
        return True
    cause = _cause(error)
    if _sqlite_code(cause) is not None:
        return False  # it answers, and what was asked is wrong
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    if (state := getattr(cause, "sqlstate", None)) is not None:
        return str(state)[:2] in _AWAY
    # An InternalError without a code is the driver's, which lost count of what a broken connection said.
    return isinstance(error, OperationalError | InterfaceError | InternalError | OSError)


def says_outage(error: BaseException) -> bool:
    """Whether the database, or the way to it, itself says that it fails; silence may be our own fault."""
    return isinstance(error, DBAPIError | ConnectionError | socket.gaierror) and is_outage(error)


def remedy(error: BaseException) -> str:
    """The cause of a trouble that ends when the operator has done what stands behind it; "" if unknown."""
    if is_damaged(error):
        return DAMAGED
    if _sqlite_code(_cause(error)) == sqlite3.SQLITE_FULL:
        return "the disk is full: make room on it"
    for each in causes(error):
        state = str(getattr(each, "sqlstate", None) or "")
        for begin, words in _REMEDIES.items():
            if state.startswith(begin):
                return words
    return ""
