"""Two people call about the same: their alerts become one incident, and each keeps their own talk."""

from __future__ import annotations

import re

from storage.database import Transaction
from storage.tables import Alert
from tests.world import BARCELONA, Friend, World


async def _two(world: World) -> tuple[Friend, Friend, Friend, str, str]:
    """Ana and Bea call from the same street; Carla has Ana's alert. Gives their references."""
    carla = await world.coordinator("carla")
    ana, bea = world.person("ana"), world.person("bea")
    await bea.says("sos")
    await bea.says("smoke in the stairs")
    await ana.says("sos there is smoke")

    def place(tx: Transaction) -> list[str]:
        found = tx.session.query(Alert).order_by(Alert.opened_at, Alert.id).all()
        for alert in found:
            alert.latitude, alert.longitude = BARCELONA
        return [alert.reference for alert in found]

    await world.database.run(place)
    cards = [each.text.split()[1] for each in carla.inbox if "nobody yet" in each.text and not each.changed]
    theirs = dict(zip(("bea", "ana"), cards, strict=True))
    world.clear()
    await carla.says(f"/take {theirs['ana']}")
    return carla, ana, bea, theirs["ana"], theirs["bea"]


async def _merged(world: World) -> tuple[Friend, Friend, Friend, str, str]:
    carla, ana, bea, kept, other = await _two(world)
    await carla.presses(f"Same as {other}")
    world.clear()
    return carla, ana, bea, kept, other


async def test_two_alerts_become_one_incident_with_two_talks(world: World) -> None:
    carla, ana, bea, kept, other = await _two(world)
    world.clear()
    await carla.presses(f"Same as {other}")
    carla.hears(f"{other} goes on together with {kept}", "They are two")
    carla.hears("You are in charge", "smoke in the stairs")
    bea.hears("Carla has taken charge", "Write here")
    carla.sees_changed(other, "Carla", f"same as {kept}")
    ana.hears_nothing()
    world.nobody_hears_anything_else()

    await ana.says("third floor")
    carla.hears(kept, "third floor")
    await bea.says("the stairs are full of it")
    carla.hears(other, "stairs are full")
    await carla.replies("stairs are full", "Go back inside and close the door")
    bea.hears("close the door")
    ana.hears_nothing()
    await carla.says("/board")
    board = carla.hears("1 alert open", kept)
    assert f"🔴 {other}" not in board.text

    await carla.says(f"/resolve {kept} helped")
    ana.hears(kept, "closed by the coordinator")
    bea.hears(other, "closed by the coordinator")
    await carla.says("/board")
    assert any("Nothing is open" in each.text for each in carla.inbox)


async def test_the_incident_is_handed_over_as_a_whole(world: World) -> None:
    dora = await world.coordinator("dora")
    carla, ana, bea, kept, _other = await _merged(world)
    await carla.says(f"/handover {kept} dora")
    await carla.presses("Skip")
    world.clear()
    await dora.presses("I take over")
    for person in (ana, bea):
        person.hears("Dora has taken over")
    assert sum("You are in charge" in each.text for each in dora.inbox) == 2
    world.clear()
    await bea.says("are you there?")
    dora.hears("are you there?")
    carla.hears_nothing()


async def test_when_one_calls_it_off_the_other_goes_on(world: World) -> None:
    carla, ana, bea, _kept, other = await _merged(world)
    await ana.says("/mistake")
    carla.hears("it was a mistake")
    world.clear()
    await bea.says("still smoke")
    carla.hears("still smoke")
    await world.forward(minutes=60)
    assert any(f"Are you still on {other}" in each.text for each in carla.inbox)


async def test_an_owner_who_falls_asleep_loses_both_and_each_is_told(world: World) -> None:
    dora = await world.coordinator("dora")
    carla, ana, bea, kept, other = await _merged(world)
    await world.forward(minutes=60)
    asked = [each.text for each in carla.inbox if "Are you still on" in each.text]
    assert [re.search("A-....", each)[0] for each in asked] == [kept]  # type: ignore[index]
    world.clear()
    await world.forward(minutes=15)
    cards = {each.text.split()[1] for each in dora.inbox if "nobody yet" in each.text}
    assert cards == {kept, other}
    ana.hears("None has answered")
    bea.hears("None has answered")


async def test_they_are_two_after_all(world: World) -> None:
    carla, _ana, bea, _kept, other = await _two(world)
    await carla.presses(f"Same as {other}")
    world.clear()
    await carla.presses("They are two")
    carla.hears(f"{other} stands on its own again")
    carla.sees_changed(other, "Carla", without=["same as"])
    await carla.says(f"/resolve {other} false")
    bea.hears("It was right to write")


async def test_what_someone_else_has_is_not_merged(world: World) -> None:
    dora = await world.coordinator("dora")
    carla, _ana, bea, kept, other = await _two(world)
    await dora.says(f"/take {other}")
    world.clear()
    await carla.says(f"/merge {kept} {other}")
    carla.hears("These can't be made one", "Dora")
    await dora.says(f"/merge {kept} {kept}")
    dora.hears("can't find that alert")
    await bea.says(f"/merge {kept} {other}")
    bea.hears("That is for coordinators")
    world.nobody_hears_anything_else()
