"""One owner through every change: taking over, handing back, more hands, and alerts that are one incident."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from storage import alerts, in_charge, linking
from storage.database import Database, Transaction
from storage.people import Known
from storage.tables import Alert
from tests.storage import BOTH_ENGINES, HOUR, MINUTE, person
from tests.world import BARCELONA, NOON

pytestmark = BOTH_ENGINES


def an_alert(tx: Transaction, reference: str, of: Known | None = None, **columns: Any) -> Alert:
    alert = alerts.add(tx, reference=reference, kind="sos", person_id=of.person.id if of else None,
                       policy={"steps": []}, opened_at=NOON, next_step_at=NOON + MINUTE)  # fmt: skip
    for column, value in columns.items():
        setattr(alert, column, value)
    tx.session.flush()
    return alert


async def taken(database: Database, owner: Known, reference: str = "A-0001", **columns: Any) -> UUID:
    def make(tx: Transaction) -> UUID:
        alert = an_alert(tx, reference, **columns)
        assert alerts.take(tx, NOON, alert.id, owner.person.id, NOON + HOUR)
        return alert.id

    return await database.run(make)


async def test_handing_over_races_with_handing_back_and_there_is_one_owner_or_none(
    database: Database,
) -> None:
    carla, dora = await person(database, "carla"), await person(database, "dora")
    ends = set()
    for number in range(40):
        alert_id = await taken(database, carla, f"A-{number:04}")

        def offer(tx: Transaction, alert_id: UUID = alert_id) -> None:
            alerts.get(tx, alert_id).offered_to_id = dora.person.id

        def give_back(tx: Transaction, reference: str = f"A-{number:04}") -> bool:
            held = in_charge.of_owner(tx, carla.person.id, reference)
            for alert in held:
                alert.state, alert.owner_id, alert.offered_to_id = "open", None, None
            return bool(held)

        def over(tx: Transaction, alert_id: UUID = alert_id) -> bool:
            return in_charge.take_over(tx, NOON, alert_id, dora.person.id, NOON + HOUR)

        await database.run(offer)
        both = [database.run(over), database.run(give_back)]
        won = await asyncio.gather(*(both if number % 2 else both[::-1]))
        alert = await database.run(partial(alerts.get, alert_id=alert_id))
        assert sum(won) == 1
        assert (alert.state, alert.owner_id) in (("taken", dora.person.id), ("open", None))
        ends.add(alert.state)
    assert ends == {"taken", "open"}


async def test_an_offer_is_taken_once_and_only_by_the_one_asked(database: Database) -> None:
    carla, dora, eva = [await person(database, name) for name in ("carla", "dora", "eva")]
    alert_id = await taken(database, carla, offered_to_id=None)

    def story(tx: Transaction) -> list[bool]:
        alerts.get(tx, alert_id).offered_to_id = dora.person.id
        tx.session.flush()
        return [
            in_charge.decline(tx, alert_id, eva.person.id),
            in_charge.take_over(tx, NOON, alert_id, eva.person.id, NOON),
            in_charge.take_over(tx, NOON, alert_id, dora.person.id, NOON + HOUR),
            in_charge.take_over(tx, NOON, alert_id, dora.person.id, NOON + HOUR),
            in_charge.decline(tx, alert_id, dora.person.id),
        ]

    assert await database.run(story) == [False, False, True, False, False]
    alert = await database.run(lambda tx: alerts.get(tx, alert_id))
    assert (alert.owner_id, alert.offered_to_id) == (dora.person.id, None)
    assert alert.acknowledged_at == NOON


async def test_the_first_acknowledgement_is_remembered(database: Database) -> None:
    carla = await person(database, "carla")
    alert_id = await taken(database, carla)

    def again(tx: Transaction) -> None:
        alert = alerts.get(tx, alert_id)
        alert.state, alert.owner_id, alert.taken_at = "open", None, None
        tx.session.flush()
        assert alerts.take(tx, NOON + HOUR, alert_id, carla.person.id, NOON + HOUR)

    await database.run(again)
    alert = await database.run(lambda tx: alerts.get(tx, alert_id))
    assert (alert.acknowledged_at, alert.taken_at) == (NOON, NOON + HOUR)


async def test_hands_join_once_leave_and_are_dismissed(database: Database) -> None:
    carla, dora, eva = [await person(database, name) for name in ("carla", "dora", "eva")]
    alert_id = await taken(database, carla)

    def story(tx: Transaction) -> None:
        alert = alerts.get(tx, alert_id)
        assert in_charge.join(tx, NOON, alert, dora.person.id)
        assert not in_charge.join(tx, NOON, alert, dora.person.id)
        assert in_charge.join(tx, NOON + MINUTE, alert, eva.person.id)
        assert in_charge.hands(tx, alert_id) == [dora.person.id, eva.person.id]
        assert in_charge.leave(tx, dora.person.id, alert_id)
        assert not in_charge.leave(tx, dora.person.id)
        in_charge.dismiss(tx, alert_id)
        assert in_charge.hands(tx, alert_id) == []

    await database.run(story)


async def test_what_two_coordinators_merge_at_once_has_one_owner(database: Database) -> None:
    carla, dora = await person(database, "carla"), await person(database, "dora")
    hers, theirs = await taken(database, carla, "A-0001"), await taken(database, dora, "A-0002")
    loose = await database.run(lambda tx: an_alert(tx, "A-0003").id)

    def merge(tx: Transaction, kept: UUID) -> bool:
        return in_charge.merge(tx, NOON, loose, alerts.get(tx, kept))

    won = await asyncio.gather(*(database.run(partial(merge, kept=each)) for each in (hers, theirs)))
    assert sum(won) == 1

    def look(tx: Transaction) -> tuple[UUID | None, UUID | None]:
        alert = alerts.get(tx, loose)
        assert (alert.state, alert.next_step_at) == ("taken", None)
        return alert.owner_id, alert.merged_into_id

    winner = (carla.person.id, hers) if won[0] else (dora.person.id, theirs)
    assert await database.run(look) == winner
    follows = await database.run(lambda tx: [each.id for each in in_charge.merged_into(tx, winner[1])])
    assert follows == [loose]


async def test_alerts_nearby_are_found_and_others_not(database: Database) -> None:
    latitude, longitude = BARCELONA

    def story(tx: Transaction) -> list[str]:
        here = an_alert(tx, "A-0001", latitude=latitude, longitude=longitude)
        an_alert(tx, "A-0002", latitude=latitude + 0.01, longitude=longitude)
        an_alert(tx, "A-0003", latitude=latitude + 0.05, longitude=longitude)
        an_alert(tx, "A-0004")
        an_alert(tx, "A-0005", latitude=latitude, longitude=longitude, resolved_at=NOON)
        an_alert(tx, "A-0006", latitude=latitude, longitude=longitude, opened_at=NOON - timedelta(days=1))
        return [each.reference for each in in_charge.nearby(tx, here, NOON - HOUR, 9)]

    assert await database.run(story) == ["A-0002"]


async def test_joined_accounts_keep_what_was_offered_and_noted(database: Database) -> None:
    ana, carla, old = [await person(database, name) for name in ("ana", "carla", "old")]
    alert_id = await taken(database, carla, person_id=ana.person.id)

    def story(tx: Transaction) -> None:
        alert = alerts.get(tx, alert_id)
        in_charge.join(tx, NOON, alert, old.person.id)
        in_charge.note(tx, NOON, alert, tx.session.merge(old.person), "mind the dog")
        alert.offered_to_id = old.person.id
        tx.session.flush()
        linking.join(tx, tx.session.merge(carla.person), tx.session.merge(old.person))

    await database.run(story)

    def look(tx: Transaction) -> None:
        alert = alerts.get(tx, alert_id)
        assert alert.offered_to_id == carla.person.id
        assert in_charge.hands(tx, alert_id) == [carla.person.id]
        [note] = alerts.notes(tx, alert_id)
        assert note.author_id == carla.person.id
        assert tx.open(note.key_id, "alert note", note.sealed_words) == "mind the dog"

    await database.run(look)
