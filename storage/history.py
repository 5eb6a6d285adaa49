"""How volunteers have fared: what they were asked, how they answered, what they have promised."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from storage.among import among
from storage.database import Transaction
from storage.tables import Commitment, Invitation, UtcTime, Verification

WEEK = timedelta(days=7)


@dataclass(slots=True)
class Past:
    """One volunteer's invitations by what became of them, and what they have promised now."""

    active: int = 0  # commitments now
    pending: int = 0  # open questions
    asked_this_week: int = 0
    last_asked_at: datetime | None = None
    accepted: int = 0  # also what was given back later: they had said yes
    declined: int = 0
    silent: int = 0
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Answers:
    """How a union's volunteers have answered lately: how many said yes, of how many who were asked."""

    accepted: int
    answered: int


MEASURED = 500  # the newest answered invitations
YES = ("accepted", "returned")
ANSWERED = (*YES, "declined", "expired")


def answers(tx: Transaction) -> Answers:
    """How the last invitations were answered, those of this transaction left out; silence is an answer."""
    if tx.loaded.answers is None:
        last = (
            sa.select(Invitation.state)
            .where(Invitation.state.in_(ANSWERED))
            .order_by(Invitation.asked_at.desc())
            .limit(MEASURED)
            .subquery()
        )
        yes = sa.func.coalesce(sa.func.sum(sa.case((last.c.state.in_(YES), 1), else_=0)), 0)
        with tx.asking():
            row = tx.session.execute(sa.select(yes, sa.func.count()).select_from(last)).one()
        tx.loaded.answers = row[0], row[1]
    return Answers(*tx.loaded.answers)


def of_volunteers(tx: Transaction, now: datetime, skill: str, person_ids: Sequence[UUID]) -> dict[UUID, Past]:
    """The past of each, with what this transaction has changed; `skill` is whose verification counts."""
    found: dict[UUID, Past] = defaultdict(Past)
    if not person_ids:
        return found
    if any(isinstance(row, Invitation) for row in tx.session.dirty):
        tx.write()
    values = {"ids": list(person_ids), "skill": skill, "week": now - WEEK}
    with tx.asking(Commitment, Verification):
        rows = tx.session.execute(_question(), values).all()
    for person_id, state, number, lately, last in rows:
        _count(found[person_id], state, number, lately, last)
    for row in tx.session.new:  # not written yet, and need not be for this
        if isinstance(row, Invitation):
            _count(found[row.person_id], row.state, 1, int(row.asked_at > now - WEEK), row.asked_at)
    return found


ACTIVE, VERIFIED = "active", "verified"


@cache
def _question() -> sa.CompoundSelect[Any]:
    """Their invitations by state, their promises and whether they are verified, in one statement."""
    nothing = sa.literal(0), sa.cast(sa.null(), UtcTime())
    lately = sa.func.sum(sa.case((Invitation.asked_at > sa.bindparam("week"), 1), else_=0))
    return sa.union_all(
        sa.select(
            Invitation.person_id, Invitation.state, sa.func.count(), lately, sa.func.max(Invitation.asked_at)
        )
        .where(among(Invitation.person_id, "ids"))
        .group_by(Invitation.person_id, Invitation.state),
        sa.select(Commitment.person_id, sa.literal(ACTIVE), sa.func.count(), *nothing)
        .where(among(Commitment.person_id, "ids"), Commitment.state == "active")
        .group_by(Commitment.person_id),
        sa.select(Verification.person_id, sa.literal(VERIFIED), sa.literal(1), *nothing).where(
            among(Verification.person_id, "ids"), Verification.skill == sa.bindparam("skill")
        ),
    )


def _count(past: Past, state: str, number: int, lately: int, last: datetime | None) -> None:
    if state == VERIFIED:
        past.verified = True
    elif state == ACTIVE:
        past.active += number
    elif state == "pending":
        past.pending += number
    elif state in ("accepted", "returned"):
        past.accepted += number
    elif state == "declined":
        past.declined += number
    elif state == "expired":
        past.silent += number
    past.asked_this_week += lately
    if state == "withdrawn":  # they were ready, and it was we who took the question back
        return
    if last is not None and (past.last_asked_at is None or last > past.last_asked_at):
        past.last_asked_at = last
