"""Offers, and the index that finds volunteers by skill, radius class and cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import count
from math import cos, radians
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from storage import cells
from storage.database import Transaction
from storage.tables import Account, Block, Invitation, Need, Offer, OfferSkill, Person


@dataclass(frozen=True, slots=True)
class Candidate:
    """A volunteer who could be asked; the distance is None where either place is unknown."""

    person_id: UUID
    language: str
    radius: int  # metres
    distance: float | None  # metres, between the middles of two cells

    @property
    def reaches(self) -> bool:
        """Both places are known only to half a cell, so a cell is granted."""
        return self.distance is None or self.distance <= self.radius + cells.COARSE


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


def candidates(tx: Transaction, now: datetime, need: Need, limit: int) -> list[Candidate]:
    """Volunteers with the skill who may be asked and whose radius reaches the need, the nearest first.

    Left out: the requester, those asked before, who block each other, who pause, who are banned, who
    are not members or can't be reached.
    """
    values, query = _question(now, need)
    asked_before = () if need.wave == 0 else (Invitation,)
    about = (Block, Offer, OfferSkill, *asked_before)
    found: list[Candidate] = []
    for start in count(0, limit):  # nearly always once: the query leaves out all but a few who don't reach
        with tx.asking(*about):
            rows = tx.session.execute(query, {**values, "most": limit, "start": start}).all()
        asked = [
            Candidate(row.person_id, row.language, row.radius, _distance(need, row.latitude, row.longitude))
            for row in rows
        ]
        found += [each for each in asked if each.reaches]
        if len(rows) < limit or len(found) >= limit:
            break
    return found[:limit]


Question = sa.Select[UUID, int, float | None, float | None, str]
SURELY_FLAT = 80  # degrees of latitude up to which a plane tells distances of 100 km well enough
FLATNESS = 1.03  # by how much it may exaggerate them there
SLOTS = 16  # ranges are asked for in multiples of this, so that few statements have to be built


def _question(now: datetime, need: Need) -> tuple[dict[str, Any], Question]:
    """The statement for a need, built once for each of its shapes, and the values to ask it with."""
    values: dict[str, Any] = {"skill": need.skill, "need": need.id, "requester": need.person_id, "now": now}
    if need.latitude is None or need.longitude is None:
        return values, _statement(0, flat=False)
    scans = [(0, NOWHERE, NOWHERE)]
    for size in cells.RADIUS_CLASSES:
        reach = size + cells.COARSE
        scans += [(size, *cells_) for cells_ in cells.ranges(need.latitude, need.longitude, size, reach)]
    slots = -(-len(scans) // SLOTS) * SLOTS
    scans += [(NOWHERE, NOWHERE, NOWHERE)] * (slots - len(scans))
    for slot, (size, first, last) in enumerate(scans):
        values |= {f"size{slot}": size, f"first{slot}": first, f"last{slot}": last}
    values |= {"latitude": need.latitude, "longitude": need.longitude, "narrow": cos(radians(need.latitude))}
    return values, _statement(slots, flat=abs(need.latitude) <= SURELY_FLAT)


@cache
def _statement(slots: int, *, flat: bool) -> Question:
    """Who may be asked, within so many ranges of the index; without ranges, wherever they are."""
    query = (
        sa.select(Offer.person_id, Offer.radius, Offer.latitude, Offer.longitude, Person.language)
        .join(OfferSkill, OfferSkill.person_id == Offer.person_id)
        .join(Person, Person.id == Offer.person_id)
        .where(OfferSkill.skill == sa.bindparam("skill"), *_may_be_asked())
        .limit(sa.bindparam("most"))
        .offset(sa.bindparam("start"))
    )
    if not slots:
        return query.order_by(Offer.created_at, Offer.id)
    near = [
        sa.and_(
            OfferSkill.radius_class == sa.bindparam(f"size{slot}"),
            OfferSkill.cell.between(sa.bindparam(f"first{slot}"), sa.bindparam(f"last{slot}")),
        )
        for slot in range(slots)
    ]
    squared = _planar()
    if flat:
        reach = (Offer.radius + cells.COARSE) * (FLATNESS / cells.METRES_PER_DEGREE)
        query = query.where(sa.or_(squared.is_(None), squared <= reach * reach))
    return query.where(sa.or_(*near)).order_by(squared.asc().nulls_last(), Offer.id)


def _planar() -> sa.ColumnElement[Any]:
    """The square of the distance to an offer in degrees, on a plane that touches the earth at the need."""
    narrow = sa.bindparam("narrow", type_=sa.Float)
    across = sa.func.abs(Offer.longitude - sa.bindparam("longitude", type_=sa.Float))
    east = sa.case((across > 180, 360 - across), else_=across) * narrow
    north = Offer.latitude - sa.bindparam("latitude", type_=sa.Float)
    return north * north + east * east


def _may_be_asked() -> list[sa.ColumnElement[bool]]:
    requester: sa.BindParameter[Any] = sa.bindparam("requester")
    need: sa.BindParameter[Any] = sa.bindparam("need")
    return [
        Person.id != requester,
        Person.member_since.is_not(None),
        Person.banned_at.is_(None),
        sa.or_(Offer.paused_until.is_(None), Offer.paused_until <= sa.bindparam("now")),
        sa.exists().where(Account.person_id == Person.id, Account.reachable.is_(True)),
        ~sa.exists().where(
            Invitation.need_id == need, Invitation.person_id == Person.id, Invitation.state != "withdrawn"
        ),
        ~sa.exists().where(Block.blocker_id == Person.id, Block.blocked_id == requester),
        ~sa.exists().where(Block.blocker_id == requester, Block.blocked_id == Person.id),
    ]


def _distance(need: Need, latitude: float | None, longitude: float | None) -> float | None:
    if need.latitude is None or need.longitude is None or latitude is None or longitude is None:
        return None
    return cells.distance(need.latitude, need.longitude, latitude, longitude)
