"""Two people talk through the bot: every word reaches one certain reader, or the bot asks."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from tests.conversations.acts import CAMERA, GPS, photo_with_secrets, restart, send_voice
from tests.world import Friend, World


async def _talk(world: World, volunteer: str = "ben") -> tuple[Friend, Friend, str]:
    """Ana and a volunteer talk about a need; the story begins after that."""
    helper = await world.volunteer(volunteer)
    reference = await world.need("ana")
    await helper.presses("I can")
    world.clear()
    return world.person("ana"), helper, reference


async def _two_talks(world: World) -> tuple[Friend, Friend, Friend, str, str]:
    """Ana talks with Ben about medicine and with Cleo about her dog."""
    ana, ben, first = await _talk(world)
    cleo = await world.volunteer("cleo", "I can walk dogs")
    second = await world.need("ana", "/need someone to walk my dog")
    await cleo.presses("I can")
    world.clear()
    return ana, ben, cleo, first, second


async def test_words_places_and_files_go_both_ways_without_names(any_world: World) -> None:
    world = any_world
    ana, ben, reference = await _talk(world)

    await ana.says("The door is green")
    ben.hears(reference, "from the one who asked", "The door is green", without=["Ana", "ana_tg"])
    await ben.says("<b>{name}</b> & I see it")
    ana.hears(reference, "from your volunteer", "<b>{name}</b> & I see it", without=["Ben", "ben_tg"])

    await ben.sends_place(41.5, 2.1)
    place = ana.hears("")
    if place.place is None:
        place = ana.hears("")
    assert place.place is not None
    await ana.sends_document("Ana Garcia prescription.pdf", b"%PDF made up")
    document = ben.hears("", without=["Garcia"])
    assert document.file is not None
    assert document.file.body == b"%PDF made up"
    world.nobody_hears_anything_else()


async def test_a_voice_message_is_passed_on(any_world: World) -> None:
    world = any_world
    ana, ben, _ = await _talk(world)
    await send_voice(world, ben)
    voice = ana.hears("from your volunteer")
    assert voice.file is not None
    assert voice.file.body == b"OggS made up"
    world.nobody_hears_anything_else()


async def test_a_second_file_arrives_as_well(any_world: World) -> None:
    world = any_world
    ana, ben, _ = await _talk(world)
    for number in (1, 2, 3):
        await ana.sends_photo(photo_with_secrets(), f"door {number}")
        ben.hears(f"door {number}")
    world.nobody_hears_anything_else()


async def test_a_photo_arrives_without_what_it_hides(any_world: World) -> None:
    world = any_world
    ana, ben, _ = await _talk(world)
    secret = photo_with_secrets()
    assert b"SecretCamera" in secret
    assert Image.open(io.BytesIO(secret)).getexif().get_ifd(GPS)

    await ana.sends_photo(secret, "this door")
    heard = ben.hears("this door", "from the one who asked")
    assert heard.file is not None
    assert b"SecretCamera" not in heard.file.body
    shown = Image.open(io.BytesIO(heard.file.body))
    assert not shown.getexif().get_ifd(GPS)
    assert CAMERA not in shown.getexif()
    assert shown.size == (32, 16)
    world.nobody_hears_anything_else()


async def test_a_photo_that_is_none_is_not_passed_on(world: World) -> None:
    ana, _ben, _ = await _talk(world)
    await ana.sends_photo(b"no picture at all")
    ana.hears("could not pass on")
    world.nobody_hears_anything_else()


async def test_an_edit_follows(any_world: World) -> None:
    world = any_world
    ana, ben, _ = await _talk(world)
    await ana.says("The door is gren")
    ben.hears("gren")
    await ana.edits("The door is green")
    ben.sees_changed("The door is green")
    await ana.edits("The door is blue")
    ben.sees_changed("The door is blue")
    world.nobody_hears_anything_else()

    await ana.says("/done")
    world.clear()
    await ana.edits("Something else")
    ana.hears("changed a message", "as a new one")
    world.nobody_hears_anything_else()


async def test_with_two_talks_the_bot_asks_and_keeps_the_words(any_world: World) -> None:
    world = any_world
    ana, ben, cleo, first, second = await _two_talks(world)

    await ana.says("The door is green")
    asked = ana.hears("more than one talk", first, second, "Cancel")
    world.nobody_hears_anything_else()
    await ana.presses(next(label for label in asked.labels if second in label))
    ana.hears("Passed on")
    cleo.hears(second, "The door is green")
    world.nobody_hears_anything_else()

    await ana.says("Ring twice")
    ana.hears("more than one talk")
    await ana.says("what?")
    ana.hears("Please choose one")
    await ana.says(first.lower())
    ana.hears("Passed on")
    ben.hears(first, "Ring twice")
    world.nobody_hears_anything_else()

    await ana.says("Nothing")
    await ana.presses("Cancel")
    ana.hears("more than one talk")
    ana.hears("Cancelled")
    world.nobody_hears_anything_else()


async def test_kept_words_survive_a_restart_and_edits_follow_them(world: World) -> None:
    ana, ben, cleo, first, _second = await _two_talks(world)
    await ana.says("The door is gren")
    await restart(world)
    await ana.says(first)
    ben.hears("The door is gren")
    world.clear()
    cleo.hears_nothing()


async def test_a_reply_chooses_the_talk(any_world: World) -> None:
    world = any_world
    ana, ben, cleo, _, _ = await _two_talks(world)
    await cleo.says("What is the dog called?")
    await ben.says("Which pharmacy?")
    world.clear()

    await ana.replies("What is the dog called?", "Rex")
    cleo.hears("Rex")
    world.nobody_hears_anything_else()
    await ana.replies("Which pharmacy?", "The one at the corner")
    ben.hears("at the corner")
    world.nobody_hears_anything_else()


async def test_a_reply_in_a_closed_talk_is_not_passed_on(any_world: World) -> None:
    world = any_world
    ana, ben, _ = await _talk(world)
    await ben.says("I see it")
    await ana.says("/done")
    world.clear()

    await ana.replies("I see it", "One more thing")
    ana.hears("talk is closed", "not passed on")
    await ana.says("One more thing")
    ana.hears("did not understand")
    world.nobody_hears_anything_else()


async def test_a_command_in_a_talk_is_a_command(world: World) -> None:
    ana, _ben, reference = await _talk(world)
    await ana.says("/my")
    ana.hears(reference)
    ana.hears("not a member yet")
    await ana.says("/nonsense")
    ana.hears("did not understand")
    world.nobody_hears_anything_else()


async def test_contacts_open_only_when_both_agree(any_world: World) -> None:
    world = any_world
    ana, ben, reference = await _talk(world)
    await ana.says("/contact +34 600 000 000")
    await ben.says("/contact ben at the corner")
    world.clear()

    await ben.presses("Share my contact")
    ben.hears("asked the other person")
    ana.hears(reference, "share their contact", "only if you agree", without=["corner"])
    world.nobody_hears_anything_else()
    await ana.presses("Share my contact")
    ana.hears("both agreed", "ben at the corner")
    ben.hears("both agreed", "+34 600 000 000")
    world.nobody_hears_anything_else()


async def test_a_contact_that_is_refused_stays_closed(world: World) -> None:
    ana, ben, _ = await _talk(world)
    await ben.says("/share")
    world.clear()
    await ana.presses("No")
    ana.hears("All right")
    world.nobody_hears_anything_else()


async def test_crisis_words_in_a_talk_call_a_coordinator(world: World) -> None:
    carla = await world.coordinator("carla")
    ana, _ben, _ = await _talk(world)
    await ana.says("my chest, I can't breathe")
    ana.hears("112", "1 coordinator", "Where are you?")
    carla.hears("🔴 A-", "I take it")
    carla.hears_nothing()


async def test_crisis_words_in_a_talk_reach_the_volunteer_too(world: World) -> None:
    await world.coordinator("carla")
    ana, ben, _ = await _talk(world)
    await ana.says("my chest, I can't breathe")
    ben.hears("I can't breathe")


async def test_crisis_words_of_the_volunteer_call_a_coordinator(world: World) -> None:
    carla = await world.coordinator("carla")
    _ana, ben, _ = await _talk(world)
    await ben.says("she is unconscious")
    ben.hears("112", "Where are you?")
    carla.hears("🔴 A-")


async def test_with_an_open_sos_a_reply_still_reaches_the_volunteer(world: World) -> None:
    carla = await world.coordinator("carla")
    ana, ben, _ = await _talk(world)
    await ben.says("I am at the door")
    await ana.says("sos")
    await carla.presses("I take it")
    world.clear()

    await ana.replies("I am at the door", "Break it open")
    ben.hears("Break it open")
    await ana.says("He is breathing again")
    carla.hears("breathing again")
    world.nobody_hears_anything_else()


async def test_an_open_form_comes_before_the_talk(world: World) -> None:
    ana, ben, _ = await _talk(world)
    await ana.says("/need")
    ana.hears("What do you need?")
    await ana.says("bread and milk")
    ana.hears("Food and shopping", "Is that right?")
    ben.hears_nothing()

    await ben.says("I am at the door")
    ana.hears("I am at the door")
    await ana.says("/cancel")
    ana.hears("Cancelled")
    await ana.says("Coming down")
    ben.hears("Coming down")
    world.nobody_hears_anything_else()


async def test_a_file_whose_talk_closes_meanwhile_is_not_lost_silently(world: World) -> None:
    ana, ben, _ = await _talk(world)
    await world.platform.sends_photo("ana", photo_with_secrets(), "this door")
    await world.platform.says("ana", "/done")
    await world.settle()
    told = [each.text for each in ana.inbox]
    assert any(each.file for each in ben.inbox) or any("not passed on" in each for each in told)


async def test_a_message_that_cannot_be_delivered_is_told_to_its_writer(any_world: World) -> None:
    world = any_world
    ana, ben, _ = await _talk(world)
    if world.platform.adapter.platform != "telegram":
        pytest.skip("a terminal refuses nothing, and who leaves a room in Matrix has left the talk by it")
    world.platform.person("ben").blocked = True  # type: ignore[attr-defined]
    await ana.says("The door is green")
    while ana.inbox and "could not be delivered" not in ana.inbox[0].text:
        ana.inbox.popleft()
    ana.hears("could not be delivered")
    ben.hears_nothing()
