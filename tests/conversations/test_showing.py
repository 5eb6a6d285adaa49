"""What the requester shows to the one who accepted: the place at first, then what they choose."""

from __future__ import annotations

import sqlalchemy as sa

from storage.database import Transaction
from storage.tables import Audit
from tests.world import BARCELONA, Friend, World


async def _taken(world: World) -> tuple[Friend, Friend, str]:
    ben = await world.volunteer("ben")
    reference = await world.need("ana")
    await ben.presses("I can")
    world.clear()
    return world.person("ana"), ben, reference


async def test_the_door_is_asked_once_and_shown_to_the_volunteer(any_world: World) -> None:
    world = any_world
    ana, ben, reference = await _taken(world)
    await ana.presses("Show my door")
    ana.hears("How do they find your door?")
    world.nobody_hears_anything_else()
    await ana.says("2nd floor, left bell")
    ana.hears("Your volunteer sees it now", "closes with the case")
    ana.sees_changed(reference, "Hide my place", without=["Show my door"])
    assert "2nd floor, left bell" in "".join(each.text for each in ben.inbox)
    world.clear()

    await ana.says(f"/done {reference}")
    closed = [each.text for each in ben.inbox if each.changed]
    assert closed
    assert all("left bell" not in text for text in closed)


async def test_the_next_volunteer_sees_the_place_and_no_door_until_it_is_shown(world: World) -> None:
    ana, ben, reference = await _taken(world)
    await ana.presses("Show my door")
    await ana.says("2nd floor, left bell")
    await world.volunteer("cleo")
    await ben.presses("I can't after all")
    cleo = world.person("cleo")
    world.clear()
    await cleo.presses("I can")
    opened = cleo.hears("insulin", without=["left bell"])
    assert opened.place is not None
    world.clear()

    await ana.presses("Show my door")  # the words are known by now
    ana.hears("Your volunteer sees it now")
    cleo.hears(reference, "shows you more", "left bell")
    ben.hears_nothing()


async def test_the_phone_is_shown_with_the_consent_of_its_owner_alone(world: World) -> None:
    ana, ben, reference = await _taken(world)
    await ana.says("/contact +34 600 000 000")
    await ana.presses("Show my phone")
    ben.hears(reference, "+34 600 000 000")
    world.clear()
    await ana.says(f"/show {reference} phone")
    ana.hears("They see it already")
    await ana.says(f"/done {reference}")
    assert all("600" not in each.text for each in ben.inbox)
    assert any(each.changed for each in ben.inbox)


async def test_the_place_is_hidden_again_and_the_words_stay(world: World) -> None:
    ana, ben, reference = await _taken(world)
    await ana.presses("Hide my place")
    ana.hears("Your place is closed to your volunteer", "What they have read I can't take back")
    ana.sees_changed(reference, "Your place is closed", "Show my place", without=["Hide my place"])
    told = ben.hears("closed their place", "insulin")
    assert told.place is None
    ben.sees_changed("Closed:", reference)
    world.nobody_hears_anything_else()

    await ana.presses("Show my place")
    shown = ben.hears("shows you more")
    assert shown.place is not None
    assert shown.place.latitude == BARCELONA[0]


async def test_nobody_but_the_requester_decides_and_nothing_opens_after_the_end(world: World) -> None:
    ana, ben, reference = await _taken(world)
    await ben.says(f"/show {reference} door")
    ben.hears("I can't find that case among yours")
    await ana.says(f"/done {reference}")
    world.clear()
    await ana.says(f"/show {reference} door")
    ana.hears("Nobody has accepted")
    ben.hears_nothing()


async def test_each_opening_is_written_down(world: World) -> None:
    ana, _ben, _reference = await _taken(world)
    await ana.says("/contact +34 600 000 000")
    await ana.presses("Show my phone")

    def actions(tx: Transaction) -> list[str]:
        return list(
            tx.session.scalars(
                sa.select(Audit.action).where(Audit.action.startswith("opened")).order_by(Audit.id)
            )
        )

    assert await world.database.run(actions) == ["opened need", "opened contact"]


async def test_the_phone_can_be_hidden_again_and_the_place_stays(world: World) -> None:
    ana, ben, reference = await _taken(world)
    await ana.says("/contact +34 600 000 000")
    await ana.presses("Show my phone")
    world.clear()
    await ana.says(f"/hide {reference} phone")
    ana.hears("It is closed to your volunteer")
    assert not any("600 000 000" in each.text or "600000000" in each.text for each in ben.inbox)
    assert any("shows you less now" in each.text and each.place is not None for each in ben.inbox)
