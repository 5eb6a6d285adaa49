"""Protection from each other: reporting, blocking, banning."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables import Offer
from tests.conversations.acts import press_token, tokens
from tests.world import BARCELONA, Friend, World


async def _met(world: World) -> tuple[Friend, Friend, str]:
    """Ben has accepted a need of Ana's; the story begins after that."""
    ben = await world.volunteer("ben")
    reference = await world.need("ana")
    await ben.presses("I can")
    world.clear()
    return world.person("ana"), ben, reference


async def _reported(world: World, by: Friend, words: str = "He asked for money") -> None:
    await by.says("/report")
    await by.says(words)
    world.clear()


async def test_a_report_goes_to_coordinators_and_its_words_to_the_one_in_charge(any_world: World) -> None:
    world = any_world
    carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
    ana, ben, reference = await _met(world)

    await ana.says("/report")
    ana.hears("What happened?", "Only coordinators", "Cancel")
    await ana.says("He asked me for money")
    ana.hears("A-", "is not told", "2 coordinators", "Never match us again")
    for each in (carla, dora):
        each.hears("🟠 A-", "someone was reported", "I take it", without=["money", "Ana", "Ben"])
    world.nobody_hears_anything_else()

    await carla.presses("I take it")
    carla.hears("in charge", "He asked me for money", "Ban the reported person")
    ana.hears("Carla has taken charge")
    dora.sees_changed("Carla", "A-")
    carla.inbox.clear()
    world.nobody_hears_anything_else()

    await carla.presses("Ban the reported person")
    carla.hears("banned", "can still send an SOS", "Undo")
    ana.hears(reference)
    ben.sees_changed("Closed:", reference)
    ben.hears_nothing()


async def test_a_ban_ends_what_was_accepted_and_leaves_the_sos(world: World) -> None:
    carla = await world.coordinator("carla")
    ana, ben, reference = await _met(world)
    cleo = await world.volunteer("cleo")
    await _reported(world, ana)
    await carla.presses("I take it")
    world.clear()

    await carla.presses("Ban the reported person")
    cleo.hears("Fetch medicine", reference)
    ana.hears(reference, "can't come after all")
    ana.sees_changed(reference, "I have asked 2 people")
    ben.sees_changed("Closed:", reference)
    carla.inbox.clear()
    await ben.says("I can fetch medicine")
    ben.hears("can't use this here any more", "SOS")
    await ben.says("/offer medicine")
    ben.hears("can't use this here any more")
    world.nobody_hears_anything_else()

    await ben.says("sos")
    ben.hears("112", "1 coordinator")
    carla.hears("🔴 A-")
    await ben.says("/mistake")
    ben.hears("called it off")

    carla.inbox.clear()
    await carla.presses("Undo")
    carla.hears("no longer banned")
    await ben.says("I can fetch medicine")
    ben.hears("Where are you usually?")


async def test_an_accept_after_a_ban_is_refused(world: World) -> None:
    carla = await world.coordinator("carla")
    ana, ben, _ = await _met(world)
    await _reported(world, ana)
    await carla.presses("I take it")
    await ben.presses("I can't after all")
    await world.need("ana", "/need pills")
    await carla.presses("Ban the reported person")
    world.clear()
    await ben.presses("I can")
    ben.hears("can't use this here any more")
    ana.hears_nothing()


async def test_a_banned_person_in_danger_may_say_where_they_are(world: World) -> None:
    carla = await world.coordinator("carla")
    ana, ben, _ = await _met(world)
    await _reported(world, ana)
    await carla.presses("I take it")
    await carla.presses("Ban the reported person")
    await ben.says("sos")
    world.clear()
    await ben.says("We are on the third floor")
    ben.hears("written this down")
    await ben.sends_place(41.4, 2.1)
    ben.hears("written this down")


async def test_edits_of_a_banned_person_are_not_passed_on(world: World) -> None:
    carla = await world.coordinator("carla")
    ana, ben, _ = await _met(world)
    await ana.says("Come in")
    await _reported(world, ben, "She insults me")
    await carla.presses("I take it")
    await ana.says("Come in now")
    await carla.presses("Ban the reported person")
    world.clear()
    await ana.edits("You fool")
    ben.hears_nothing()


async def test_for_a_banned_person_nobody_is_asked_any_more(world: World) -> None:
    carla = await world.coordinator("carla")
    _ana, ben, reference = await _met(world)
    await _reported(world, ben, "She insults me")
    await carla.presses("I take it")
    await ben.presses("I can't after all")
    await carla.presses("Ban the reported person")
    cleo = await world.volunteer("cleo")
    world.clear()
    await world.forward(hours=1)
    assert not [each for each in cleo.inbox if reference in each.text]


async def test_a_coordinator_cannot_take_charge_of_a_report_about_themselves(world: World) -> None:
    dora = await world.coordinator("dora")
    ana, ben, _ = await _met(world)
    await ben.says(f"/join {await world.code('coordinator')}")
    ben.inbox.clear()
    await _reported(world, ana)
    await ben.says("/take")
    ben.hears("", without=["money"])
    dora.hears_nothing()


async def test_a_banned_coordinator_is_in_charge_of_nothing(world: World) -> None:
    dora = await world.coordinator("dora")
    ana, ben, _ = await _met(world)
    await ben.says(f"/join {await world.code('coordinator')}")
    zoe = world.person("zoe")
    await zoe.says("sos")
    await ben.presses("I take it")
    await _reported(world, ana)
    await dora.presses("I take it")
    world.clear()
    await dora.presses("Ban the reported person")
    zoe.hears("112")
    assert any("🔴 A-" in each.text and "I take it" in each.labels for each in dora.inbox)


async def test_only_coordinators_ban_take_and_see_the_board(world: World) -> None:
    await world.coordinator("carla")
    ana, ben, _ = await _met(world)
    await ana.says("/report")
    await ana.says("He asked for money")
    reference = next(each.text for each in ana.inbox if each.text.startswith("A-")).split("\n")[0]
    world.clear()
    for name in (
        "ban",
        "unban",
        "take",
        "resolve",
        "handback",
        "still",
        "letin",
        "board",
        "code",
        "duty",
        "leave",
    ):
        await ben.says(f"/{name} {reference}")
        ben.hears("for coordinators", without=["money"])
    world.nobody_hears_anything_else()


async def test_a_coordinators_button_pressed_by_another_does_nothing(world: World) -> None:
    carla = await world.coordinator("carla")
    ana, ben, _ = await _met(world)
    await _reported(world, ana)
    for token in (*tokens(world, carla, "I take it"), "forged", "", "x" * 17, "²", "1"):
        await press_token(world, ben, token)
        ben.hears("no longer valid", without=["money"])
    world.nobody_hears_anything_else()


async def test_a_block_ends_the_case_between_them_and_asks_the_next(any_world: World) -> None:
    world = any_world
    ana, ben, reference = await _met(world)
    cleo = await world.volunteer("cleo")

    await ana.says("/block")
    ana.hears("not matched with each other any more")
    ana.hears(reference, "I have asked 2 people")
    ben.hears(reference, "no longer with you", without=["block"])
    ben.sees_changed("Closed:", reference)
    cleo.hears("Fetch medicine", reference)
    world.nobody_hears_anything_else()
    await ben.says("Why?")
    ana.hears_nothing()
    ben.inbox.clear()

    await ana.says("/stop")
    world.clear()
    await world.need("ana", "/need pills")
    ben.hears_nothing()
    cleo.hears("Fetch medicine")


async def test_a_volunteer_blocks_the_one_who_asked(world: World) -> None:
    ana, ben, reference = await _met(world)
    await ben.says("/block")
    ben.hears("not matched with each other any more")
    ana.hears(reference, without=["block"])
    world.clear()
    await ana.says("/stop")
    await world.need("ana", "/need pills")
    ben.hears_nothing()


async def test_a_block_takes_open_invitations_between_them_back(world: World) -> None:
    ana, ben, _ = await _met(world)
    await ana.says("/done")
    await world.need("ana", "/need pills")
    ben.hears("")
    await ana.says("/block")
    world.clear()
    await ben.presses("I can")
    ben.hears("", without=["open to you", "pills"])
    assert not any("accepted" in each.text for each in ana.inbox)


async def test_with_nobody_met_there_is_nobody_to_report_or_block(world: World) -> None:
    ana = world.person("ana")
    await ana.says("/report")
    ana.hears("not met anyone", "SOS")
    ana.inbox.clear()
    await ana.says("/block")
    ana.hears("not met anyone")
    world.nobody_hears_anything_else()


async def test_with_two_met_the_bot_asks_whom(world: World) -> None:
    ana, _ben, first = await _met(world)
    await ana.says("/done")
    await ana.says("/block")
    await world.volunteer("cleo")
    await world.need("ana", "/need pills")
    cleo = world.person("cleo")
    await cleo.presses("I can")
    world.clear()

    await ana.says("/report")
    asked = ana.hears("Who is it about?", first, "the volunteer")
    assert len(asked.labels) >= 2
    await ana.says("nobody")
    ana.hears("choose one of them")
    await ana.says(first)
    ana.hears("What happened?")
    await ana.says("/cancel")
    ana.hears("Cancelled")
    await ana.says("/block")
    ana.hears("Who is it about?")
    world.nobody_hears_anything_else()


async def test_a_block_ends_every_case_between_them(world: World) -> None:
    ana, ben, first = await _met(world)
    await world.database.run(lambda tx: tx.session.execute(sa.update(Offer).values(capacity=2)))
    await ana.says("/need pills")
    await ana.presses("It is urgent")
    await ana.sends_place(*BARCELONA)
    await ana.presses("For me")
    await ana.presses("Another one")
    second = ana.inbox[-1].text.split(" ")[0]
    await ben.presses("I can")
    world.clear()
    await ana.says("/block")
    told = " ".join(each.text for each in ben.inbox)
    assert first in told
    assert second in told
    ana.inbox.clear()
    await ben.says("Why?")
    ana.hears_nothing()
