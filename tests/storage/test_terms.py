"""What an offer says, and the rows of the index that say the same, on both engines."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from storage import cells, hours, offers
from storage.database import Database, Transaction
from storage.offers import LANGUAGES, Terms
from storage.tables import OfferSkill, Person
from tests.storage import BOTH_ENGINES, empty, meet, some
from tests.world import BARCELONA, NOON

pytestmark = BOTH_ENGINES
UNION_ZONE = "Europe/Madrid"
FULL = Terms(
    skills=("medicine", "food"), words="with my van", place=cells.snap(*BARCELONA), radius=20_000,
    hours="10" * 84, quiet_from=23, quiet_until=7, wakes_for_urgent=True, travel="car",
    languages=("fr", "ar"), capacity=3, weekly_limit=10, not_wanted=("pets",),
)  # fmt: skip
weeks = st.none() | st.lists(st.sampled_from("01"), min_size=168, max_size=168).map("".join)
some_terms = st.builds(
    Terms,
    skills=st.lists(st.sampled_from(["medicine", "food", "pets"]), min_size=1, max_size=4).map(tuple),
    words=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    place=st.none() | st.just(cells.snap(*BARCELONA)) | st.just(cells.snap(-16.5, 179.99)),
    radius=st.sampled_from([500, 5_000, 100_000]),
    hours=weeks,
    quiet_from=st.integers(0, 23),
    quiet_until=st.integers(0, 23),
    wakes_for_urgent=st.booleans(),
    travel=st.sampled_from(["", "foot", "car"]),
    languages=st.lists(st.sampled_from(LANGUAGES), unique=True).map(tuple),
    capacity=st.integers(1, 9),
    weekly_limit=st.integers(1, 1000),
    not_wanted=st.lists(st.sampled_from(["pets", "food"]), unique=True).map(tuple),
)


def kept(tx: Transaction, person: Person) -> Terms:
    tx.session.flush()
    tx.session.expire_all()
    offer = offers.of(tx, person.id)
    assert offer is not None
    return offers.terms_of(tx, person, offer)


def rows(tx: Transaction) -> dict[str, OfferSkill]:
    tx.session.flush()
    tx.session.expire_all()
    return {row.skill: row for row in tx.session.scalars(sa.select(OfferSkill))}


def agrees(row: OfferSkill, terms: Terms, zone: str, language: str) -> bool:
    words = hours.words(terms.hours, zone, UNION_ZONE, NOON)
    bits = offers.language_bits((*terms.languages, language))
    size = cells.radius_class(terms.radius) if terms.place else 0
    cell = cells.index_cell(*terms.place, size) if terms.place else offers.NOWHERE
    return (
        (row.early_hours, row.middle_hours, row.late_hours) == words
        and (row.languages, row.radius, row.radius_class, row.cell) == (bits, terms.radius, size, cell)
        and (row.latitude, row.longitude) == (terms.place or (None, None))
    )


@some(25)
@given(some_terms, some_terms, st.sampled_from([None, "Asia/Kolkata", "America/New_York"]))
async def test_what_is_saved_and_changed_is_kept_and_indexed_whole(
    database: Database, first: Terms, then: Terms, zone: str | None
) -> None:
    await empty(database)

    def change(tx: Transaction) -> None:
        ben = meet(tx, "ben", member_since=NOON, time_zone=zone).person
        offers.save(tx, NOON, ben, UNION_ZONE, first)
        assert kept(tx, ben) == first
        changed = {name: getattr(then, name) for name in Terms.__dataclass_fields__}
        offers.change(tx, NOON, ben, UNION_ZONE, **changed)
        assert kept(tx, ben) == then
        found = rows(tx)
        assert set(found) == set(then.skills) - set(then.not_wanted)
        assert all(agrees(row, then, zone or UNION_ZONE, "en") for row in found.values())

    await database.run(change)


@pytest.mark.parametrize(
    ("term", "value"),
    [("hours", None), ("languages", ("uk",)), ("place", None), ("radius", 500), ("not_wanted", ("food",)),
     ("capacity", 1), ("skills", ("transport",)), ("words", "on foot now")],
)  # fmt: skip
async def test_one_term_is_changed_and_all_others_stay(database: Database, term: str, value: Any) -> None:
    def change(tx: Transaction) -> tuple[Terms, int]:
        ben = meet(tx, "ben", member_since=NOON).person
        before = offers.save(tx, NOON, ben, UNION_ZONE, FULL)
        before.paused_until = NOON
        offers.change(tx, NOON, ben, UNION_ZONE, **{term: value})
        offer = offers.of(tx, ben.id)
        assert offer is not None
        assert (offer.id, offer.paused_until, offer.created_at) == (before.id, NOON, NOON)
        return kept(tx, ben), len(rows(tx))

    terms, count = await database.run(change)
    assert getattr(terms, term) == value
    others = [name for name in Terms.__dataclass_fields__ if name != term]
    assert [getattr(terms, name) for name in others] == [getattr(FULL, name) for name in others]
    assert count == (1 if term in ("skills", "not_wanted") else 2)


async def test_a_new_clock_or_language_is_indexed_without_a_new_term(database: Database) -> None:
    def change(tx: Transaction) -> tuple[bool, bool]:
        ben = meet(tx, "ben", member_since=NOON).person
        offers.save(tx, NOON, ben, UNION_ZONE, FULL)
        before = agrees(rows(tx)["food"], FULL, UNION_ZONE, "en")
        ben.time_zone, ben.language = "Asia/Kolkata", "es"
        offers.change(tx, NOON, ben, UNION_ZONE)
        return before, agrees(rows(tx)["food"], FULL, "Asia/Kolkata", "es")

    assert await database.run(change) == (True, True)


async def test_who_has_no_offer_changes_none(database: Database) -> None:
    def change(tx: Transaction) -> tuple[bool, int]:
        ben = meet(tx, "ben", member_since=NOON).person
        return offers.change(tx, NOON, ben, UNION_ZONE, radius=500) is None, len(rows(tx))

    assert await database.run(change) == (True, 0)


def test_each_language_has_a_bit_that_a_signed_number_holds() -> None:
    assert len(set(LANGUAGES)) == len(LANGUAGES) <= 62
    assert offers.language_bits(LANGUAGES) == (1 << len(LANGUAGES)) - 1
    assert offers.language_bits(["en", "en", "xx"]) == 1
    assert offers.language_bits([]) == 0
