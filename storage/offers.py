"""Offers, and the rows of the index by which volunteers are found."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from storage import cells, hours
from storage.database import Transaction
from storage.tables import Offer, OfferSkill, Person


def of(tx: Transaction, person_id: UUID) -> Offer | None:
    return tx.session.scalars(sa.select(Offer).where(Offer.person_id == person_id)).first()


def places_of(tx: Transaction, person_ids: Collection[UUID]) -> dict[UUID, tuple[float, float]]:
    """By person: the middle of the cell from which they offer help."""
    query = sa.select(Offer.person_id, Offer.latitude, Offer.longitude).where(Offer.person_id.in_(person_ids))
    rows = tx.session.execute(query)
    return {each: (north, east) for each, north, east in rows if north is not None and east is not None}


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
    quiet_from: int = 0
    quiet_until: int = 0
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
    cell = cells.index_cell(*terms.place, size) if terms.place else NOWHERE
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
