"""The counters that number the rows of queues: no number is given twice, whatever becomes of the database."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from storage.outages import causes

_LOCK = 0x0C10AD  # PostgreSQL's advisory lock, any fixed number
_MAY_SET = "SELECT has_sequence_privilege(:counter, 'SELECT') AND has_sequence_privilege(:counter, 'UPDATE')"
COUNTED = ("inbox", "outbox", "jobs", "audit")
_NUMBERS = {f"pk_{name}" for name in COUNTED}  # the constraints on their numbers


def given(connection: sa.Connection) -> dict[str, int]:
    """The last number that was given in each table whose numbers are never given twice."""
    found = {}
    for name in COUNTED:
        if connection.dialect.name == "sqlite":
            query = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :name").bindparams(name=name)
        else:
            query = sa.text(f"SELECT last_value FROM {name}_id_seq WHERE is_called")
        found[name] = connection.scalar(query) or 0
    return found


# Numbers of messages are keys by which a homeserver knows a repeat: those that were given after the backup,
# or after the last row that a failover copied, are not known here, and must not be given again.
LEFT_FREE = {"outbox": 1_000_000}


def give_on(connection: sa.Connection, counters: Mapping[str, int]) -> None:
    """Go on behind these numbers, in tables that were written anew."""
    for name in COUNTED:
        if name not in counters:
            continue
        number = counters[name] + LEFT_FREE.get(name, 0)
        if connection.dialect.name != "sqlite":
            if number:
                connection.execute(
                    sa.text("SELECT setval(CAST(:name AS regclass), :number)"),
                    {"name": f"{name}_id_seq", "number": number},
                )
            continue
        values = {"name": name, "number": number}
        changed = connection.execute(
            sa.text("UPDATE sqlite_sequence SET seq = :number WHERE name = :name"), values
        )
        if not changed.rowcount:
            connection.execute(sa.text("INSERT INTO sqlite_sequence VALUES (:name, :number)"), values)


def catch_up(connection: sa.Connection) -> None:
    """Let no counter of PostgreSQL stay behind its rows, as after a failover that copied rows only.

    (Logical replication passes over counters.) What was given a number that is taken could not be kept.
    """
    if connection.dialect.name == "sqlite":
        return  # which keeps them in a table, among the rows
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))  # two might set one back
    for name in COUNTED:
        counter = f"{name}_id_seq"
        if not connection.scalar(sa.text(_MAY_SET), {"counter": counter}):
            continue
        rows = f"(SELECT max(id) AS newest FROM {name}) AS rows"
        is_behind = "newest > last_value OR (newest = last_value AND NOT is_called)"
        connection.execute(
            sa.text(f"SELECT setval('{counter}', newest + :free) FROM {rows}, {counter} WHERE {is_behind}"),
            {"free": LEFT_FREE.get(name, 0)},
        )


def is_behind(error: BaseException) -> bool:
    """Whether something could not be kept because its number is taken."""
    return any(getattr(each, "constraint_name", None) in _NUMBERS for each in causes(error))
