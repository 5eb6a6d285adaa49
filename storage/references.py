"""Which references are taken; a reference is for people to quote, and never an authority."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import sqlalchemy as sa

from storage.among import among
from storage.database import Transaction
from storage.tables import Alert, Crisis, Drill, Need

Case = type[Need] | type[Alert] | type[Crisis] | type[Drill]


def taken(tx: Transaction, case: Case, drawn: Sequence[str]) -> set[str]:
    """Those of the references that are borne by a case already.

    Two alike of two transactions are caught by the constraint, and a batch is done again.
    """
    return {reference for (reference,) in tx.rows(_borne(case), drawn=drawn).all()}


@cache
def _borne(case: Case) -> sa.Select[str]:
    return sa.select(case.reference).where(among(case.reference, "drawn"))
