"""Verified skills: which coordinators have seen that a person really has."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from storage.database import Transaction
from storage.tables import OfferSkill, Person, Verification


def verify(tx: Transaction, now: datetime, person_id: UUID, skill: str, by: UUID) -> bool:
    """Write down that a person has a skill; False if that stood there already."""
    if tx.session.get(Verification, (person_id, skill)) is not None:
        return False
    tx.session.add(Verification(person_id=person_id, skill=skill, verified_by=by, verified_at=now))
    tx.session.flush()
    return True


def revoke(tx: Transaction, person_id: UUID, skill: str) -> bool:
    """Take a verification back; False if there was none."""
    found = tx.session.get(Verification, (person_id, skill))
    if found is None:
        return False
    tx.session.delete(found)
    tx.session.flush()
    return True


def of(tx: Transaction, person_id: UUID) -> frozenset[str]:
    """The skills that a person is verified for."""
    query = sa.select(Verification.skill).where(Verification.person_id == person_id)
    return frozenset(tx.session.scalars(query))


def holders(tx: Transaction, skills: Collection[str]) -> frozenset[UUID]:
    """Who is verified for one of these skills."""
    query = sa.select(Verification.person_id).where(Verification.skill.in_(skills))
    return frozenset(tx.session.scalars(query))


def all_of(tx: Transaction, limit: int, start: int = 0) -> list[Verification]:
    """Who is verified, the newest first."""
    order = (Verification.verified_at.desc(), Verification.person_id, Verification.skill)
    return list(tx.session.scalars(sa.select(Verification).order_by(*order).limit(limit).offset(start)))


def waiting(tx: Transaction, skills: Collection[str], limit: int) -> list[tuple[UUID, str]]:
    """Members who offer one of these skills and are not verified for it."""
    verified = sa.exists().where(
        Verification.person_id == OfferSkill.person_id, Verification.skill == OfferSkill.skill
    )
    query = (
        sa.select(OfferSkill.person_id, OfferSkill.skill)
        .distinct()
        .join(Person, Person.id == OfferSkill.person_id)
        .where(OfferSkill.skill.in_(skills), Person.member_since.is_not(None), Person.banned_at.is_(None))
        .where(~verified)
        .order_by(OfferSkill.person_id, OfferSkill.skill)
        .limit(limit)
    )
    return [(row.person_id, row.skill) for row in tx.session.execute(query)]
