"""All who offer a skill, and why the index passes some of them over: for explaining, never for asking."""

from __future__ import annotations

from datetime import datetime
from heapq import nsmallest
from uuid import UUID

import sqlalchemy as sa

from storage import people
from storage.candidates import Near, Search, distance_to
from storage.database import Transaction
from storage.tables import Account, Block, Offer, OfferSkill


def everyone(tx: Transaction, search: Search, most: int) -> tuple[int, list[Near]]:
    """How many offer the skill at all, and the nearest of them; those whose place is unknown come last."""
    rows = tx.session.execute(
        sa.select(OfferSkill.person_id, OfferSkill.latitude, OfferSkill.longitude).where(
            OfferSkill.skill == search.skill
        )
    ).all()
    found = [(row.person_id, distance_to(search, row.latitude, row.longitude)) for row in rows]
    return len(found), nsmallest(most, found, key=_order)


def _order(near: Near) -> tuple[bool, float, int]:
    person_id, distance = near
    return distance is None, distance or 0.0, person_id.int


def obstacles(tx: Transaction, now: datetime, search: Search, person_id: UUID) -> list[str]:
    """Why someone is not even looked at, in words for the operator."""
    person = people.get(tx, person_id)
    offer = tx.session.scalars(sa.select(Offer).where(Offer.person_id == person_id)).one()
    reachable = sa.select(Account.id).where(Account.person_id == person_id, Account.reachable.is_(True))
    pair = (person_id, search.requester_id)
    blocked = sa.select(Block.blocker_id).where(Block.blocker_id.in_(pair), Block.blocked_id.in_(pair))
    found = {
        "asks for it themselves": person_id == search.requester_id,
        "is not a member": person.member_since is None,
        "is banned": person.banned_at is not None,
        "can't be reached": tx.session.scalar(reachable.limit(1)) is None,
        "is resting": offer.paused_until is not None and offer.paused_until > now,
        "one has blocked the other": tx.session.scalar(blocked.limit(1)) is not None,
    }
    return [words for words, holds in found.items() if holds]
