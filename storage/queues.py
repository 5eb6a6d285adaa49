"""How a queue is read, so that it costs the same however much waits in it.

PostgreSQL plans by figures that may be of when the queue was empty: when a flood comes, it would compare all
that waits with all that waits, and sort it. So its choice is narrowed to the indexes that were made for this.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from storage.database import Transaction

_NO_SORT = sa.select(sa.func.set_config("enable_sort", "off", True))


def walk(tx: Transaction) -> None:
    """For the rest of the transaction, what is asked for in an order is read along an index in that order."""
    if not tx.is_sqlite:
        tx.rows(_NO_SORT)


def any_of_the_same(
    earlier: sa.Select[Any],
    whose: InstrumentedAttribute[bytes],
    own: InstrumentedAttribute[bytes],
    *,
    is_sqlite: bool,
) -> sa.ColumnElement[bool]:
    """Whether `earlier` finds a row whose sender or reader is the row's own; looked up row by row."""
    if is_sqlite:
        return earlier.where(whose == own).exists()
    # A range and an order are served by the one index that begins with this column; `OFFSET 0` keeps the
    # look-up from being made a join.
    return earlier.where(whose >= own, whose <= own).order_by(whose).offset(0).exists()
