"""Offers, and the index that finds volunteers by skill, radius class and cell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from itertools import count
from math import cos, radians
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from storage import cells, hours
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


# The languages that matching filters by; a code's position is its bit, so the order must never change.
# fmt: off
LANGUAGES = (
    "en", "es", "ca", "eu", "gl", "fr", "pt", "it", "de", "nl", "ro", "pl", "uk", "ru", "bg", "el", "tr",
    "ar", "fa", "ps", "ku", "ckb", "ur", "hi", "bn", "pa", "ta", "ne", "zh", "ja", "ko", "vi", "th", "id",
    "fil", "sw", "am", "ti", "so", "ha", "yo", "wo", "ff", "bm", "zgh", "hu", "cs", "sk", "hr", "sr", "bs",
    "sq", "mk", "lt", "lv", "fi", "sv", "da", "nb", "ka", "hy", "he",
)
# fmt: on
NOWHERE = -1  # the cell of an offer whose place is unknown: it is looked at for every need


def language_bits(codes: Iterable[str]) -> int:
    """The bits of some languages; codes that have no bit are left out, and 0 means any language."""
    return sum(1 << LANGUAGES.index(code) for code in set(codes) if code in LANGUAGES)


@dataclass(frozen=True, slots=True)
class Terms:
    """All that an offer says: what, where, when, how far and how often.

    `place` is the middle of a cell, `radius` in metres. `hours` are 168 characters 0 or 1 in the person's
    zone, None for any time; the quiet hours are hours of their day. `capacity` counts commitments at a
    time, `weekly_limit` questions in seven days.
    """

    skills: tuple[str, ...]
    words: str = ""
    place: tuple[float, float] | None = None
    radius: int = 5_000
    hours: str | None = None
    quiet_from: int = 22
    quiet_until: int = 8
    wakes_for_urgent: bool = False
    travel: str = ""  # foot, bicycle, car, bus; "" if not known
    languages: tuple[str, ...] = ()  # besides the one in which they are spoken to
    capacity: int = 1
    weekly_limit: int = 7
    not_wanted: tuple[str, ...] = ()


def save(tx: Transaction, now: datetime, person: Person, union_zone: str, terms: Terms) -> Offer:
    """Replace what a person offers."""
    remove(tx, person.id)
    offer = Offer(id=tx.new_id(), person_id=person.id, created_at=now)
    _write(tx, now, person, union_zone, offer, terms)
    tx.session.add(offer)
    return offer


def change(tx: Transaction, now: datetime, person: Person, union_zone: str, **terms: Any) -> Offer | None:
    """Change some terms of a person's offer; None if there is none.

    Without terms only the index is written anew, for a person whose zone or language has changed.
    """
    offer = of(tx, person.id)
    if offer is not None:
        tx.session.execute(sa.delete(OfferSkill).where(OfferSkill.person_id == person.id))
        _write(tx, now, person, union_zone, offer, replace(terms_of(tx, person, offer), **terms))
    return offer


def terms_of(tx: Transaction, person: Person, offer: Offer) -> Terms:
    """What an offer says."""
    latitude, longitude = offer.latitude, offer.longitude
    return Terms(
        skills=tuple(offer.skills.split()),
        words=str(tx.open(person.key_id, "offer words", offer.sealed_words)),
        place=None if latitude is None or longitude is None else (latitude, longitude),
        radius=offer.radius,
        hours=offer.hours,
        quiet_from=offer.quiet_from,
        quiet_until=offer.quiet_until,
        wakes_for_urgent=offer.wakes_for_urgent,
        travel=offer.travel,
        languages=tuple(offer.languages.split()),
        capacity=offer.capacity,
        weekly_limit=offer.weekly_limit,
        not_wanted=tuple(offer.not_wanted.split()),
    )


def _write(
    tx: Transaction, now: datetime, person: Person, union_zone: str, offer: Offer, terms: Terms
) -> None:
    offer.skills = " ".join(terms.skills)
    offer.sealed_words = tx.seal(person.key_id, "offer words", terms.words)
    offer.latitude, offer.longitude = terms.place or (None, None)
    offer.radius, offer.travel, offer.hours = terms.radius, terms.travel, terms.hours
    offer.quiet_from, offer.quiet_until = terms.quiet_from, terms.quiet_until
    offer.wakes_for_urgent = terms.wakes_for_urgent
    offer.languages = " ".join(terms.languages)
    offer.capacity, offer.weekly_limit = terms.capacity, terms.weekly_limit
    offer.not_wanted = " ".join(terms.not_wanted)
    tx.session.add_all(_index_rows(now, person, union_zone, terms))


def _index_rows(now: datetime, person: Person, union_zone: str, terms: Terms) -> list[OfferSkill]:
    """A row for each skill that is offered; the language in which they are spoken to counts as spoken."""
    size = cells.radius_class(terms.radius) if terms.place else 0
    cell = cells.cell(*terms.place, size) if terms.place else NOWHERE
    latitude, longitude = terms.place or (None, None)
    early, middle, late = hours.words(terms.hours, person.time_zone or union_zone, union_zone, now)
    languages = language_bits((*terms.languages, person.language))
    return [
        OfferSkill(
            skill=skill, radius_class=size, cell=cell, person_id=person.id,
            latitude=latitude, longitude=longitude, radius=terms.radius,
            early_hours=early, middle_hours=middle, late_hours=late, languages=languages,
        )
        for skill in dict.fromkeys(terms.skills)
        if skill not in terms.not_wanted
    ]  # fmt: skip


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
