"""How PostgreSQL and SQLite are opened, and what each connection is told."""

from __future__ import annotations

import socket
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from storage.outages import leave_what_is_read_only, throw_away_what_broke
from storage.sqlite_file import Whereabouts, sqlite_path

# A process that is frozen or cut off in the middle of a transaction must not keep its rows locked, and one
# whose server vanished must not wait for hours. Milliseconds and seconds.
ENDED_WHEN_IDLE = 15_000
# Who waits for a lock that somebody keeps begins anew, and is not blamed for it.
LONGEST_WAIT_FOR_A_LOCK = 20_000
# A session cut off in the middle of a question is not idle. None of ours lasts as long: a turn has 120 s.
# From PostgreSQL 17 on; before, what such a session has locked is free when its connection breaks.
LONGEST_TRANSACTION = 110_000
KEPT_ALIVE = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3",
              "tcp_user_timeout": "25000"}  # fmt: skip
BUSY_MILLISECONDS = 30_000


def open_engine(url: str) -> AsyncEngine:
    """An engine that keeps what it commits, and waits for nobody for ever."""
    if make_url(url).get_backend_name() != "sqlite":
        engine = create_async_engine(
            url,
            json_serializer=_to_json,
            json_deserializer=orjson.loads,
            hide_parameters=True,  # no error tells what was bound to a statement
            # Compiling a statement to machine code takes longer than any of ours runs.
            connect_args={
                "server_settings": {
                    "jit": "off",
                    # Who has waited for a lock must see what its holder wrote, whatever is usual there.
                    "default_transaction_isolation": "read committed",
                    "idle_in_transaction_session_timeout": str(ENDED_WHEN_IDLE),
                    "lock_timeout": str(LONGEST_WAIT_FOR_A_LOCK),
                    **KEPT_ALIVE,
                }
            },
        )
        sa.event.listen(engine.sync_engine, "connect", _notice_a_lost_server)
        sa.event.listen(engine.sync_engine, "connect", _limit_transactions)
        sa.event.listen(engine.sync_engine, "handle_error", leave_what_is_read_only)
        return engine
    whereabouts = Whereabouts()
    engine = create_async_engine(
        url,
        json_serializer=_to_json,
        json_deserializer=orjson.loads,
        hide_parameters=True,
        # The driver must not begin transactions of its own: it begins too late for a savepoint, and
        # in the mode that fails with "database is locked" when two of them want to write.
        connect_args={"isolation_level": None, "async_creator_fn": whereabouts.connect},
    )
    sa.event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    sa.event.listen(engine.sync_engine, "begin", _begin_immediate)
    if sqlite_path(url):
        whereabouts.watch(engine.sync_engine)
    sa.event.listen(engine.sync_engine, "handle_error", throw_away_what_broke)
    return engine


def _notice_a_lost_server(connection: Any, _record: object) -> None:
    """Over TCP, an answer that never comes is an error within half a minute."""
    transport = getattr(connection.driver_connection, "_transport", None)  # the driver has no setting for it
    link = transport.get_extra_info("socket") if transport is not None else None
    if link is None or link.family not in (socket.AF_INET, socket.AF_INET6):
        return
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3),
                          ("TCP_USER_TIMEOUT", 25_000)):  # fmt: skip
        if hasattr(socket, option):  # not every system has all of them
            link.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def _limit_transactions(connection: Any, _record: object) -> None:
    if connection.driver_connection.get_server_version() >= (17,):
        limit = f"SET transaction_timeout = {LONGEST_TRANSACTION}"
        connection.run_async(lambda driver: driver.execute(limit))


_WITHOUT_LIMIT = sa.text(
    "SELECT set_config(name, '0', true) FROM pg_settings WHERE name = 'transaction_timeout'"
)


def lasts_as_long_as_it_must(connection: sa.Connection) -> None:
    """This transaction: an upgrade of the schema, a backup that is put back, a country's places."""
    if connection.dialect.name == "postgresql":
        connection.execute(_WITHOUT_LIMIT)


def _to_json(value: object) -> str:
    return orjson.dumps(value).decode()


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    ready = False
    try:
        for pragma in (
            f"busy_timeout = {BUSY_MILLISECONDS}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "secure_delete = ON",
            "wal_autocheckpoint = 4000",  # pages, 16 MB: one that changes often is copied back less often
            "cache_size = -16384",  # kibibytes; beyond it the pages come from the memory of the system
        ):
            cursor.execute(f"PRAGMA {pragma}")
        ready = True
    finally:
        cursor.close()
        if not ready:  # nobody else would, and its thread would outlive the event loop
            connection.close()


def _begin_immediate(connection: sa.Connection) -> None:
    """A transaction that may write takes the write lock at once; one that only reads needs none."""
    only_reads = connection.get_execution_options().get("only_reads", False)
    connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")
