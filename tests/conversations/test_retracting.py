"""A person takes a message back: copies and notes of it go too, and they are told how far that goes."""

from __future__ import annotations

import pytest

from storage.database import Transaction
from storage.tables import AlertNote, Attachment, Outbox
from tests.conversations.acts import console, photo_with_secrets, takes_back
from tests.world import Friend, World


async def _talk(world: World) -> tuple[Friend, Friend, str]:
    ben = await world.volunteer("ben")
    reference = await world.need("ana")
    await ben.presses("I can")
    world.clear()
    return world.person("ana"), ben, reference


async def test_a_copy_that_was_passed_on_is_taken_back(world: World) -> None:
    ana, ben, reference = await _talk(world)
    await ana.says("The key is under the stone")
    ben.hears("under the stone")
    await takes_back(world, ana)
    ana.hears("taken that message back", "may have read it already", f"{reference} goes on", "/stop")
    assert ben.hears("(taken back)").changed
    world.nobody_hears_anything_else()
    assert not console(world).message_with("ben", "under the stone")

    await takes_back(world, ana)
    world.nobody_hears_anything_else()


async def test_a_copy_that_was_edited_is_taken_back_once(world: World) -> None:
    ana, ben, _reference = await _talk(world)
    await ben.says("I am at the dor")
    await ben.edits("I am at the door")
    world.clear()
    await takes_back(world, ben)
    ben.hears("taken that message back", without=["goes on"])
    ana.hears("(taken back)")
    world.nobody_hears_anything_else()


async def _handle(world: World) -> None:
    """All that was said is handled, and nothing of it has been sent or fetched yet."""
    while world.platform.busy():
        await world.app.stations[0].gateway.run_once()
    while await world.app.worker.run_once():
        pass


async def test_a_copy_that_has_not_left_yet_never_does(world: World) -> None:
    ana, ben, _reference = await _talk(world)
    await world.platform.says("ana", "The key is under the stone")
    await _handle(world)
    console(world).redact("ana")
    await _handle(world)
    await world.settle()
    ana.hears("taken that message back")
    ben.hears_nothing()

    def dropped(tx: Transaction) -> list[bytes | None]:
        return [row.sealed_body for row in tx.session.query(Outbox).filter_by(state="dropped")]

    assert await world.database.run(dropped) == [None]


async def test_a_photo_is_taken_back(world: World) -> None:
    ana, ben, _reference = await _talk(world)
    await ana.sends_photo(photo_with_secrets(), "this door")
    ben.hears("this door")
    await takes_back(world, ana)
    ben.hears("(taken back)")
    ana.hears("taken that message back")


async def test_a_photo_that_is_still_being_fetched_is_not_passed_on(world: World) -> None:
    ana, ben, _reference = await _talk(world)
    await world.platform.sends_photo("ana", photo_with_secrets(), "this door")
    await _handle(world)
    console(world).redact("ana")
    await _handle(world)
    await world.settle()
    ana.hears("taken that message back")
    ben.hears_nothing()


async def test_what_was_kept_for_coordinators_is_deleted(world: World) -> None:
    carla = await world.coordinator("carla")
    ana = world.person("ana")
    await ana.says("sos")
    await ana.says("my neighbour did it")
    await takes_back(world, ana)
    world.clear()
    await ana.sends_photo(photo_with_secrets(), "his door")
    await takes_back(world, ana)
    assert any("taken that message back" in each.text for each in ana.inbox)

    def kept(tx: Transaction) -> tuple[int, int]:
        return tx.session.query(AlertNote).count(), tx.session.query(Attachment).count()

    assert await world.database.run(kept) == (1, 0)
    world.clear()
    await carla.presses("I take it")
    carla.hears("in charge", "“sos”", without=["neighbour", "his door", "[photo]"])


@pytest.mark.parametrize("words", ["", "41.41, 2.17"])
async def test_a_place_that_was_sent_in_an_sos_is_taken_back(world: World, words: str) -> None:
    carla = await world.coordinator("carla")
    ana = world.person("ana")
    await ana.says("sos")
    if words:
        await ana.says(words)
    else:
        await ana.sends_place(41.41, 2.17)
    await takes_back(world, ana)
    world.clear()
    await carla.presses("I take it")
    assert carla.hears("in charge", without=["41.41", "📍"]).place is None


@pytest.mark.parametrize("words", ["", "41.41, 2.17"])
@pytest.mark.parametrize("newest", [True, False])
async def test_only_taking_back_the_newest_place_of_an_sos_deletes_it(
    world: World, words: str, newest: bool
) -> None:
    carla, ana = await world.coordinator("carla"), world.person("ana")
    await ana.says("sos")
    await ana.sends_place(41.39, 2.15)
    old = console(world)._written["ana"]
    await world.forward(seconds=1)
    if words:
        await ana.says(words)
    else:
        await ana.sends_place(41.41, 2.17)
    new = console(world)._written["ana"]
    await world.forward(seconds=1)
    await ana.says("come quickly")
    console(world)._written["ana"] = new if newest else old
    await takes_back(world, ana)
    world.clear()
    await carla.presses("I take it")
    place = carla.hears("in charge").place
    assert (place.latitude if place else None) == (None if newest else 41.41)


async def test_the_words_of_a_need_stay_and_that_is_said(world: World) -> None:
    ana = world.person("ana")
    await ana.says("I need insulin")
    words = console(world)._written["ana"]
    await ana.presses("Yes")
    await ana.sends_place(41.4, 2.16)
    reference = next(each.text for each in ana.inbox if each.text.startswith("N-")).split(" ")[0]
    world.clear()
    await takes_back(world, ana)
    world.nobody_hears_anything_else()
    console(world)._written["ana"] = words
    await takes_back(world, ana)
    ana.hears(f"{reference} goes on with what you said", "/stop", without=["taken that message"])
    await ana.says("/stop")
    world.clear()
    console(world)._written["ana"] = words
    await takes_back(world, ana)
    world.nobody_hears_anything_else()


async def test_there_is_nothing_to_say_where_nothing_is_taken_back(world: World) -> None:
    ana, _ben, _reference = await _talk(world)
    await ana.says("/my")
    world.clear()
    await takes_back(world, ana)
    console(world)._do("stranger", "", kind="redacted")
    await world.settle()
    world.nobody_hears_anything_else()
