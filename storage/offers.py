"""Offers, and the rows of the index by which volunteers are found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from storage import cells
from storage.database import Transaction
from storage.tables import Offer, OfferSkill, Person


def of(tx: Transaction, person_id: UUID) -> Offer | None:
    return tx.session.scalars(sa.select(Offer).where(Offer.person_id == person_id)).first()


def save(tx: Transaction, now: datetime, person: Person, skills: Sequence[str], words: str,
         place: tuple[float, float] | None, radius: int) -> Offer:  # fmt: skip
    """Replace what a person offers; `place` is the middle of a cell."""
    remove(tx, person.id)
    offer = Offer(
        id=tx.new_id(),
        person_id=person.id,
        sealed_words=tx.seal(person.key_id, "offer words", words),
        skills=" ".join(skills),
        latitude=place[0] if place else None,
        longitude=place[1] if place else None,
        radius=radius,
        created_at=now,
    )
    tx.session.add(offer)
    size = cells.radius_class(radius)
    cell = cells.cell(*place, size) if place else NOWHERE
    tx.session.add_all(
        OfferSkill(
            skill=skill, radius_class=size if place else 0, cell=cell, person_id=person.id,
            latitude=offer.latitude, longitude=offer.longitude, radius=radius,
            early_hours=ALL_HOURS, middle_hours=ALL_HOURS, late_hours=ALL_HOURS, languages=0,
        )
        for skill in dict.fromkeys(skills)
    )  # fmt: skip
    return offer


ALL_HOURS = (1 << 56) - 1
NOWHERE = -1  # the cell of an offer whose place is unknown: it is looked at for every need


def remove(tx: Transaction, person_id: UUID) -> bool:
    """Take an offer out; False if there was none."""
    offer = of(tx, person_id)
    if offer is not None:
        tx.session.execute(sa.delete(OfferSkill).where(OfferSkill.person_id == person_id))
        tx.session.delete(offer)
        tx.session.flush()
    return offer is not None
