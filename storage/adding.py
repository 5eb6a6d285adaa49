"""Many rows of a table, written by one statement that was made once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY

from storage.tables import Base


def add_all(
    connection: sa.Connection, table: type[Base], rows: Sequence[dict[str, Any]], *,
    unless_known: tuple[str, ...] = (), in_place_of: str = "",
) -> None:  # fmt: skip
    """Write rows in their order; what none of them fills is not named. Raises KeyError for unknown columns.

    unless_known: the unique columns by which a row that is there already stays as it is.
    in_place_of: the unique column by which a row that is there already is written over.
    """
    if not rows:
        return
    filled = {name for row in rows for name, value in row.items() if value is not None}
    target = cast(sa.Table, table.__table__)
    names = tuple(column.name for column in target.columns if column.name in filled)
    if len(names) != len(filled):
        raise KeyError(f"{target.name} has not all of these columns: {sorted(filled)}")
    how = (target, names, unless_known, in_place_of)
    if connection.dialect.name == "postgresql":
        columns = {f"all_{name}": [row.get(name) for row in rows] for name in names}
        connection.execute(_of_arrays(*how), columns)
    else:
        each = [{name: row.get(name) for name in names} for row in rows]
        connection.execute(_of_rows(*how), each)


@lru_cache(maxsize=512)  # sets of filled columns
def _of_arrays(
    table: sa.Table, names: tuple[str, ...], unless_known: tuple[str, ...], in_place_of: str
) -> sa.Insert:
    """One array for each column: PostgreSQL is told once, and not for each row, what there is to do."""
    arrays = [sa.bindparam(f"all_{name}", type_=ARRAY(table.c[name].type)) for name in names]
    rows = sa.func.unnest(*arrays).table_valued(*names, with_ordinality="place").render_derived()
    in_order = sa.select(*(rows.c[name] for name in names)).order_by(rows.c.place)
    insert = postgresql.insert(table).from_select(names, in_order)
    return _where_known(insert, names, unless_known, in_place_of)


@lru_cache(maxsize=512)  # sets of filled columns
def _of_rows(
    table: sa.Table, names: tuple[str, ...], unless_known: tuple[str, ...], in_place_of: str
) -> sa.Insert:
    return _where_known(sqlite.insert(table), names, unless_known, in_place_of)


def _where_known(
    insert: postgresql.Insert | sqlite.Insert,
    names: tuple[str, ...],
    unless_known: tuple[str, ...],
    in_place_of: str,
) -> postgresql.Insert | sqlite.Insert:
    if unless_known:
        return insert.on_conflict_do_nothing(index_elements=unless_known)
    if in_place_of:
        new = {name: insert.excluded[name] for name in names if name != in_place_of}
        return insert.on_conflict_do_update(index_elements=[in_place_of], set_=new)
    return insert
