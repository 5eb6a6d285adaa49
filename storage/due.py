"""What is due next of each kind, asked for all of them in one statement: the clock asks twice a second."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from storage.database import Transaction
from storage.fates import LONGEST_SILENCE, OLDEST_HELD_UP
from storage.tables import Alert, Commitment, Crisis, Drill, Job, Need, OutsideCall, Routine

ALERTS, NEEDS, COMMITMENTS, STILL_NEEDED = "alerts", "needs", "commitments", "still needed"
CRISES, DRILLS, ROUTINES = "crises", "drills", "routines"
JOBS, CALLS, HELD_UP = "jobs", "calls", "crisis messages held up"

# By name, the earliest of its kind.
_KINDS: Final[dict[str, sa.Select[Any]]] = {
    ALERTS: sa.select(sa.func.min(Alert.next_step_at)),
    NEEDS: sa.select(sa.func.min(Need.next_step_at)),
    COMMITMENTS: sa.select(sa.func.min(Commitment.check_at)).where(Commitment.state == "active"),
    STILL_NEEDED: sa.select(sa.func.min(Need.confirm_at)).where(Need.state == "open"),
    CRISES: sa.select(sa.func.min(Crisis.next_step_at)),
    DRILLS: sa.select(sa.func.min(Drill.next_step_at)),
    ROUTINES: sa.select(sa.func.min(Routine.next_step_at)),
    JOBS: sa.select(sa.func.min(Job.due_at)),
    CALLS: sa.select(sa.func.min(OutsideCall.due_at)),
    HELD_UP: OLDEST_HELD_UP,
}
_ALL: Final = sa.select(*(query.scalar_subquery().label(kind) for kind, query in _KINDS.items()))


_A_MOMENT = sa.select(sa.func.set_config("lock_timeout", "1s", True))


def wait_for_locks_a_moment(tx: Transaction) -> None:
    """In this transaction, on PostgreSQL, no longer than a second each time."""
    if not tx.is_sqlite:
        tx.session.execute(_A_MOMENT)


def earliest(tx: Transaction) -> dict[str, datetime | None]:
    """When the next of each kind is due, by its name; None where there is none."""
    found: dict[str, datetime | None] = dict(tx.session.execute(_ALL).one()._mapping)
    if (oldest := found[HELD_UP]) is not None:
        found[HELD_UP] = oldest + LONGEST_SILENCE
    return found
