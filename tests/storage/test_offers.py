"""Offers: one for each person, replaced and removed with its rows of the index."""

from __future__ import annotations

import sqlalchemy as sa

from storage import offers
from storage.database import Database, Transaction
from storage.offers import Terms
from storage.tables import OfferSkill
from tests.storage import BOTH_ENGINES, meet
from tests.world import BARCELONA, NOON

pytestmark = BOTH_ENGINES


async def test_an_offer_is_replaced_whole_and_removed_whole(database: Database) -> None:
    def change(tx: Transaction) -> tuple[str, int, int]:
        ben = meet(tx, "ben", member_since=NOON)
        pills = Terms(("medicine", "food", "medicine"), "pills", BARCELONA, 5_000)
        offers.save(tx, NOON, ben.person, "UTC", pills)
        offers.save(tx, NOON, ben.person, "UTC", Terms(("transport",), "a van", None, 20_000))
        offer = offers.of(tx, ben.person.id)
        assert offer is not None
        words = str(tx.open(ben.person.key_id, "offer words", offer.sealed_words))
        tx.session.flush()
        kept = len(list(tx.session.scalars(sa.select(OfferSkill))))
        offers.remove(tx, ben.person.id)
        offers.remove(tx, ben.person.id)
        return words, kept, len(list(tx.session.scalars(sa.select(OfferSkill))))

    assert await database.run(change) == ("a van", 1, 0)
