"""What was disclosed of a case is closed with the case, and the one who asked is told how far that goes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage import outbox
from storage.database import Transaction
from storage.tables import Outbox
from tests.conversations.acts import photo_with_secrets
from tests.world import Friend, TelegramPlatform, World

READ = "What they have read I can't take back"


async def _taken(world: World) -> tuple[Friend, Friend, str]:
    ben = await world.volunteer("ben")
    reference = await world.need("ana")
    await ben.presses("I can")
    return world.person("ana"), ben, reference


def _shown(world: World, name: str) -> str:
    """All that still stands in someone's Telegram, pins included."""
    assert isinstance(world.platform, TelegramPlatform)
    heard = world.platform.person(name).heard
    return "\n".join(f"{each.text} {each.place or ''} {'a file' if each.file else ''}" for each in heard)


async def test_when_it_is_done_the_words_and_the_pins_disappear(any_world: World) -> None:
    world = any_world
    ana, ben, reference = await _taken(world)
    await ana.sends_place(41.41, 2.17)
    await ben.sends_place(41.42, 2.18)
    world.clear()
    if isinstance(world.platform, TelegramPlatform):
        shown = _shown(world, "ben")
        assert "insulin" in shown
        assert shown.count("41.4") == 2
    await ana.says("/done")
    ana.hears(reference, "closed", READ)
    ben.hears(f"{reference} is done")
    closed = ben.hears("Closed: the words and the place of", reference, without=["insulin"])
    assert closed.changed
    assert closed.labels == []
    if isinstance(world.platform, TelegramPlatform):
        assert "insulin" not in _shown(world, "ben")
        assert "41.4" not in _shown(world, "ben")
        assert "41.42" not in _shown(world, "ana")
    elif world.platform.adapter.platform == "console":
        ben.hears("(taken back)")
    ben.inbox.clear()
    await ana.says("/done")
    await ana.says("/stop")
    ben.hears_nothing()


@pytest.mark.parametrize("end", ["/stop", "/forget yes", "/notdone"])
async def test_however_it_ends_it_is_closed(world: World, end: str) -> None:
    ana, ben, reference = await _taken(world)
    world.clear()
    await ana.says(end)
    closed = [each for each in ben.inbox if "Closed: the words and the place" in each.text]
    assert [each.changed for each in closed] == [True]
    assert reference in closed[0].text
    assert any(READ in each.text for each in ana.inbox) is (end == "/stop")


async def test_the_volunteer_who_gives_it_back_sees_it_closed_in_their_language(world: World) -> None:
    _ana, ben, reference = await _taken(world)
    await ben.says("/language es")
    world.clear()
    await ben.says("/withdraw")
    assert any(f"el lugar de {reference} ya no se" in each.text for each in ben.inbox if each.changed)


async def test_contacts_are_closed_too(world: World) -> None:
    ana, ben, _reference = await _taken(world)
    await ana.says("/contact 600 000 000")
    await ben.says("/contact the corner")
    await ben.says("/share")
    await ana.says("/share")
    assert any("600 000 000" in each.text for each in ben.inbox)
    world.clear()
    await ana.says("/done")
    for friend in (ana, ben):
        assert any("the contact is no longer shown" in each.text for each in friend.inbox if each.changed)


async def test_nothing_is_said_of_reading_where_nobody_had_accepted(world: World) -> None:
    await world.volunteer("ben")
    await world.need("ana")
    ana = world.person("ana")
    await ana.says("/stop")
    ana.hears("is stopped", without=[READ])


@pytest.mark.parametrize("end", ["They were helped", "Hand back"])
async def test_what_a_coordinator_was_shown_is_closed_with_the_alert(world: World, end: str) -> None:
    carla = await world.coordinator("carla")
    await world.coordinator("dora")
    ana = world.person("ana")
    await ana.says("sos the curtains are burning")
    await ana.sends_photo(photo_with_secrets(), "the stair")
    await carla.presses("I take it")
    await carla.presses("Resolve")
    world.clear()
    await carla.presses(end)
    assert any("(taken back)" in each.text for each in carla.inbox), "the photo"
    assert any("Closed: the words" in each.text for each in carla.inbox if each.changed)
    assert any(READ in each.text for each in ana.inbox) is (end == "They were helped")


async def test_a_mistake_closes_it_and_without_anyone_in_charge_nothing_was_read(world: World) -> None:
    carla = await world.coordinator("carla")
    ana = world.person("ana")
    await ana.says("sos")
    world.clear()
    await ana.says("/mistake")
    ana.hears("called it off", without=[READ])
    await ana.says("sos")
    await carla.presses("I take it")
    world.clear()
    await ana.says("/mistake")
    ana.hears("called it off", READ)


async def test_what_has_not_left_yet_is_dropped_and_was_not_read(world: World) -> None:
    ben = await world.volunteer("ben")
    await world.need("ana")
    world.clear()
    await world.platform.presses("ben", "I can")
    await world.app.stations[0].gateway.run_once()
    while await world.app.worker.run_once():
        pass
    await world.platform.says("ana", "/stop")
    await world.app.stations[0].gateway.run_once()
    while await world.app.worker.run_once():
        pass
    await world.settle()
    assert not any("insulin" in each.text or "Closed:" in each.text for each in ben.inbox)
    assert not any(READ in each.text for each in world.person("ana").inbox)


async def test_what_an_open_case_still_shows_is_remembered_until_it_is_closed(world: World) -> None:
    ana, ben, _reference = await _taken(world)
    await world.forward(minutes=10)

    def purge(tx: Transaction) -> int:
        outbox.purge(tx, world.time(), timedelta())
        return tx.session.query(Outbox).count()

    assert await world.database.run(purge) == 1
    world.clear()
    await ana.says("/done")
    assert any("Closed:" in each.text for each in ben.inbox if each.changed)
    await world.forward(hours=1)
    assert await world.database.run(purge) == 0
