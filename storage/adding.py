"""Many rows of a table, written by one statement that was made once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY

from storage.tables import Base

LEAVE = "leave"  # as `known`: a row that is there already, by any unique column, stays as it is


def add_all(
    connection: sa.Connection, table: type[Base], rows: Sequence[dict[str, Any]], known: str = ""
) -> None:
    """Write rows in their order; what none of them fills is not named.

    known: the column in which a row that is there already is the same, and is written over; or LEAVE.
    """
    if not rows:
        return
    filled = {name for row in rows for name, value in row.items() if value is not None}
    target = cast(sa.Table, table.__table__)
    names = tuple(column.name for column in target.columns if column.name in filled)
    if connection.dialect.name == "postgresql":
        columns = {f"all_{name}": [row.get(name) for row in rows] for name in names}
        connection.execute(_of_arrays(target, names, known), columns)
    else:
        each = [{name: row.get(name) for name in names} for row in rows]
        connection.execute(_of_rows(target, names, known), each)


@cache
def _of_arrays(table: sa.Table, names: tuple[str, ...], known: str) -> sa.Insert:
    """One array for each column: PostgreSQL is told once, and not for each row, what there is to do."""
    arrays = [sa.bindparam(f"all_{name}", type_=ARRAY(table.c[name].type)) for name in names]
    rows = sa.func.unnest(*arrays).table_valued(*names, with_ordinality="place").render_derived()
    in_order = sa.select(*(rows.c[name] for name in names)).order_by(rows.c.place)
    return _where_known(postgresql.insert(table).from_select(names, in_order), names, known)


@cache
def _of_rows(table: sa.Table, names: tuple[str, ...], known: str) -> sa.Insert:
    return _where_known(sqlite.insert(table), names, known)


def _where_known(
    insert: postgresql.Insert | sqlite.Insert, names: tuple[str, ...], known: str
) -> postgresql.Insert | sqlite.Insert:
    if known == LEAVE:
        return insert.on_conflict_do_nothing()
    if known:
        new = {name: insert.excluded[name] for name in names if name != known}
        return insert.on_conflict_do_update(index_elements=[known], set_=new)
    return insert
