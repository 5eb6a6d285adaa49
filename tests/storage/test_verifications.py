"""Verified skills in the database, on both engines."""

from __future__ import annotations

from storage import forgetting, offers, verifications
from storage.database import Database, Transaction
from storage.people import Known
from tests.storage import BOTH_ENGINES, HOUR, meet, person
from tests.world import BARCELONA, NOON

pytestmark = BOTH_ENGINES


def offer(tx: Transaction, known: Known, *skills: str) -> None:
    offers.save(tx, NOON, known.person, "UTC", offers.Terms(skills, "", BARCELONA, 5_000))


async def test_a_skill_is_verified_once_and_taken_back_once(database: Database) -> None:
    carla, ben = await person(database, "carla"), await person(database, "ben")

    def story(tx: Transaction) -> None:
        by, who = carla.person.id, ben.person.id
        assert verifications.verify(tx, NOON, who, "nursing", by)
        assert not verifications.verify(tx, NOON + HOUR, who, "nursing", by)
        assert verifications.verify(tx, NOON + HOUR, who, "childcare", by)
        assert verifications.of(tx, who) == {"nursing", "childcare"}
        assert [each.skill for each in verifications.all_of(tx, 10)] == ["childcare", "nursing"]
        assert [each.skill for each in verifications.all_of(tx, 1, start=1)] == ["nursing"]
        assert verifications.revoke(tx, who, "nursing")
        assert not verifications.revoke(tx, who, "nursing")
        assert verifications.of(tx, who) == {"childcare"}
        assert verifications.of(tx, by) == frozenset()

    await database.run(story)


async def test_those_wait_who_are_members_and_offer_what_they_are_not_verified_for(
    database: Database,
) -> None:
    def story(tx: Transaction) -> None:
        ben = meet(tx, "ben", member_since=NOON)
        cleo = meet(tx, "cleo", member_since=NOON)
        stranger, banned = meet(tx, "eve"), meet(tx, "mal", member_since=NOON, banned_at=NOON)
        for known in (ben, cleo, stranger, banned):
            offer(tx, known, "nursing", "food")
        verifications.verify(tx, NOON, cleo.person.id, "nursing", ben.person.id)
        assert verifications.waiting(tx, ["nursing", "childcare"], 10) == [(ben.person.id, "nursing")]
        verifications.revoke(tx, cleo.person.id, "nursing")
        assert len(verifications.waiting(tx, ["nursing"], 10)) == 2
        assert len(verifications.waiting(tx, ["nursing"], 1)) == 1
        assert verifications.waiting(tx, ["childcare"], 10) == []

    await database.run(story)


async def test_a_verification_goes_with_the_person_and_stays_when_its_giver_goes(database: Database) -> None:
    carla, ben = await person(database, "carla"), await person(database, "ben")
    who, by = ben.person.id, carla.person.id
    await database.run(lambda tx: verifications.verify(tx, NOON, who, "nursing", by))
    await database.run(lambda tx: forgetting.forget(tx, NOON, tx.session.get_one(type(carla.person), by)))
    left = await database.run(
        lambda tx: [(each.skill, each.verified_by) for each in verifications.all_of(tx, 9)]
    )
    assert left == [("nursing", None)]
    await database.run(lambda tx: forgetting.forget(tx, NOON, tx.session.get_one(type(ben.person), who)))
    assert await database.run(lambda tx: verifications.all_of(tx, 9)) == []
