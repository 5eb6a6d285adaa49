"""Handing over, more hands, notes and outcomes: what coordinators do with an alert that one of them has."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from storage import alerts
from storage.database import Transaction
from storage.tables import Alert, Audit
from tests.conversations.acts import coordinators_room, says_in
from tests.world import Friend, World


async def _taken(
    world: World, *others: str, words: str = "sos the curtains are burning"
) -> tuple[Friend, ...]:
    """Ana's SOS, which Carla has; the story begins after that."""
    carla = await world.coordinator("carla")
    rest = [await world.coordinator(name) for name in others]
    ana = world.person("ana")
    await ana.says(words)
    await carla.presses("I take it")
    world.clear()
    return ana, carla, *rest


async def _audited(world: World) -> list[str]:
    def actions(tx: Transaction) -> Sequence[str]:
        return [each.action for each in tx.session.query(Audit).order_by(Audit.id)]

    return list(await world.database.run(actions))


async def _only_alert(world: World) -> Alert:
    found = await world.database.run(lambda tx: tx.session.query(Alert).all())
    assert len(found) == 1
    return found[0]


# --- handing over ---------------------------------------------------------------------------------


async def test_an_alert_is_handed_over_with_a_note_and_the_person_hears_it_once_it_is_true(
    any_world: World,
) -> None:
    world = any_world
    ana, carla, dora, eva = await _taken(world, "dora", "eva")
    await carla.presses("Hand over")
    asked = carla.hears("Who shall take over A-")
    assert {"Dora", "Eva"} <= set(asked.labels)
    assert "Carla" not in asked.labels
    await carla.presses("Dora")
    carla.hears("What should the next one know?", "Skip")
    await carla.says("He is deaf, write in capitals")
    carla.hears("I have asked Dora", "you stay in charge", "I keep it")
    dora.hears("🔴 A-", "Carla asks you to take over", "I take over", "I can't", without=["deaf", "curtains"])
    world.nobody_hears_anything_else()

    # Until then the first one has it.
    await ana.says("The third floor")
    carla.hears("from the one who asked", "The third floor")
    world.nobody_hears_anything_else()

    await dora.presses("I take over")
    dora.hears("You are in charge", "curtains are burning", "The third floor", "Note of Carla: He is deaf")
    ana.hears("Dora has taken over", "Write here")
    told = [carla.inbox.popleft() for _message in range(len(carla.inbox))]
    assert any("Dora has taken over. Thank you." in each.text for each in told)
    assert any(each.changed and "Closed: the words" in each.text for each in told)
    assert any(each.changed and "Dora" in each.text for each in told)
    eva.sees_changed("Dora", "A-")
    dora.sees_changed("Dora", "A-")
    world.nobody_hears_anything_else()

    await ana.says("Who is there now?")
    dora.hears("from the one who asked", "Who is there now?")
    await carla.says("And me?")
    assert "from a coordinator" not in "".join(each.text for each in ana.inbox)
    assert {"offered a hand-over", "took over", "opened alert"} <= set(await _audited(world))


async def test_who_is_asked_to_take_over_may_decline(world: World) -> None:
    ana, carla, dora = await _taken(world, "dora")
    await carla.says("/handover dora")
    carla.hears("What should the next one know?")
    await carla.presses("Skip")
    carla.hears("I have asked Dora")
    dora.hears("Carla asks you")
    await dora.presses("I can't")
    dora.hears("Thank you for telling me")
    carla.hears("Dora can't take over. You stay in charge", "Hand over", "Hand back")
    world.nobody_hears_anything_else()
    await dora.presses("I take over")
    dora.hears("Carla", "A-", without=["curtains"])
    await ana.says("still burning")
    carla.hears("still burning")


async def test_only_the_one_who_was_asked_can_take_over(world: World) -> None:
    ana, carla, dora, eva = await _taken(world, "dora", "eva")
    await carla.says("/handover dora")
    await carla.presses("Skip")
    world.clear()
    reference = (await _only_alert(world)).reference
    await eva.says(f"/takeover {reference}")
    eva.hears("Carla", without=["curtains"])
    await ana.says(f"/takeover {reference}")
    ana.hears("That is for coordinators")
    assert (await _only_alert(world)).owner_id != (await _only_alert(world)).offered_to_id
    world.nobody_hears_anything_else()

    # Asked again, another: the first one's question is taken back in place.
    await carla.says("/handover eva")
    await carla.presses("Skip")
    dora.sees_changed("You need not take over any more")
    eva.hears("Carla asks you to take over")
    await dora.presses("I take over")
    dora.hears("Carla", without=["curtains"])
    await carla.presses("I keep it")
    eva.sees_changed("You need not take over any more")
    await eva.presses("I take over")
    eva.hears("Carla", without=["curtains"])


async def test_an_offer_ends_with_the_alert(world: World) -> None:
    ana, carla, dora = await _taken(world, "dora")
    await carla.says("/handover dora")
    await carla.presses("Skip")
    world.clear()
    await ana.says("/mistake")
    dora.sees_changed("closed")
    dora.sees_changed("You need not take over any more")
    world.clear()
    await dora.presses("I take over")
    dora.hears("closed", without=["curtains"])
    world.nobody_hears_anything_else()


async def test_taking_over_races_with_resolving_and_one_of_them_is_true(world: World) -> None:
    ana, carla, _dora = await _taken(world, "dora")
    await carla.says("/handover dora")
    await carla.presses("Skip")
    await carla.presses("Resolve")
    world.clear()
    await asyncio.gather(
        world.platform.presses("carla", "They were helped"), world.platform.presses("dora", "I take over")
    )
    await world.settle()
    alert = await _only_alert(world)
    heard = "\n".join(each.text for each in ana.inbox)
    assert ("Dora has taken over" in heard) is not (alert.state == "resolved")
    assert ("is closed by the coordinator" in heard) is (alert.state == "resolved")


async def test_whoever_leaves_can_take_over_nothing(world: World) -> None:
    _ana, carla, dora = await _taken(world, "dora")
    await carla.says("/handover dora")
    await carla.presses("Skip")
    world.clear()
    await dora.says("/leave")
    dora.hears("not a coordinator any more")
    carla.hears("Dora can't take over. You stay in charge")
    await dora.presses("I take over")
    dora.hears("That is for coordinators")


async def test_without_another_coordinator_it_can_only_be_handed_back(world: World) -> None:
    _ana, carla = await _taken(world)
    await carla.presses("Hand over")
    carla.hears("There is no other coordinator", "Hand back")
    await carla.presses("More hands")
    carla.hears("There is no other coordinator")
    world.nobody_hears_anything_else()


async def test_what_is_noted_after_handing_back_reaches_the_next_one(world: World) -> None:
    ana, carla, dora = await _taken(world, "dora")
    await carla.presses("Hand back")
    carla.hears("goes back to the others", "What should the next one know?", "Skip")
    dora.hears("🔴 A-", "nobody yet", without=["curtains"])
    ana.inbox.clear()
    await dora.presses("I take it")
    world.clear()
    await carla.says("She speaks only Catalan")
    carla.hears("Kept for the coordinators")
    dora.hears("Note of Carla: She speaks only Catalan")
    ana.hears_nothing()
    await dora.presses("Hand back")
    world.clear()
    await dora.presses("Skip")
    dora.hears("All right")
    await carla.presses("I take it")
    carla.hears("You are in charge", "Note of Carla: She speaks only Catalan")


# --- more hands -----------------------------------------------------------------------------------


async def test_more_hands_see_the_case_and_one_stays_in_charge(any_world: World) -> None:
    world = any_world
    ana, carla, dora, eva = await _taken(world, "dora", "eva")
    await eva.says("/duty off")
    world.clear()
    await carla.presses("More hands")
    carla.hears("I have asked 1 coordinator to help")
    dora.hears("🔴 A-", "Carla asks for more hands", "I help", without=["curtains"])
    world.nobody_hears_anything_else()

    await dora.presses("I help")
    dora.hears("You help Carla", "the curtains are burning", "Add a note")
    carla.hears("Dora helps you")
    ana.hears("1 more coordinator helps")
    dora.sees_changed("Carla", "1 more helps")
    carla.sees_changed("1 more helps")
    eva.inbox.clear()
    world.nobody_hears_anything_else()

    await ana.says("second floor")
    carla.hears("second floor")
    dora.hears_nothing()
    await dora.presses("Add a note")
    dora.hears("what shall I note?")
    await dora.says("I have called the fire brigade")
    dora.hears("Kept")
    carla.hears("Note of Dora: I have called the fire brigade")
    ana.hears_nothing()

    await carla.presses("Resolve")
    await carla.presses("They were helped")
    assert any(each.changed and "Closed: the words" in each.text for each in dora.inbox)
    dora.inbox.clear()
    await dora.says(f"/assist {(await _only_alert(world)).reference}")
    dora.hears("closed", without=["curtains"])
    assert "helps" in await _audited(world)


async def test_hands_are_asked_for_on_duty_first_and_then_all(world: World) -> None:
    _ana, carla, dora, eva = await _taken(world, "dora", "eva")
    await eva.says("/duty off")
    await carla.presses("More hands")
    world.clear()
    await carla.presses("More hands")
    carla.hears("2 coordinators")
    dora.hears("more hands")
    eva.hears("more hands")


async def test_who_was_not_asked_for_cannot_look_in(world: World) -> None:
    _ana, _carla, dora = await _taken(world, "dora")
    await dora.says("/assist")
    dora.hears("Carla", without=["curtains", "You help"])
    await dora.says("/note I look in")
    dora.hears("can't find that alert")
    ben = world.person("ben")
    await ben.says("/assist")
    ben.hears("That is for coordinators")


async def test_who_can_not_help_any_more_sees_nothing_any_more(world: World) -> None:
    _ana, carla, dora = await _taken(world, "dora")
    await carla.presses("More hands")
    await dora.presses("I help")
    world.clear()
    await dora.presses("I can't help any more")
    dora.hears("Thank you for your help")
    carla.hears("Dora can't help with this any more")
    dora.sees_changed("Closed: the words")
    world.clear()
    await dora.says("/note another word")
    dora.hears("can't find that alert")


async def test_a_hand_takes_over_when_the_one_in_charge_gives_it_back(world: World) -> None:
    ana, carla, dora = await _taken(world, "dora")
    await carla.presses("More hands")
    await dora.presses("I help")
    await carla.presses("Hand back")
    await carla.presses("Skip")
    world.clear()
    await dora.presses("I take it")
    dora.hears("You are in charge", "the curtains are burning")
    ana.hears("Dora has taken charge")
    await carla.presses("I help")
    carla.hears("Dora", without=["curtains"])


async def test_the_room_helps_with_a_short_reply(world: World) -> None:
    carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
    room = await coordinators_room(world, carla)
    ana = world.person("ana")
    await ana.says("sos the curtains are burning")
    await carla.presses("I take it")
    world.clear()
    await says_in(world, dora, room, "1", "🔴")
    dora.hears("Carla", without=["curtains"])
    await carla.presses("More hands")
    asked = room.hears("Carla asks for more hands", "I help", without=["curtains"])
    assert not asked.changed
    world.clear()
    await says_in(world, dora, room, "1", "more hands")
    dora.hears("You help Carla", "the curtains are burning")
    room.sees_changed("1 more helps")


# --- notes and outcomes ---------------------------------------------------------------------------


async def test_a_note_is_for_coordinators_only_and_sealed(world: World) -> None:
    ana, carla = await _taken(world)
    await carla.says("/note alarm seems real, neighbour confirms")
    carla.hears("Kept for the coordinators")
    ana.hears_nothing()
    alert = await _only_alert(world)
    kept = await world.database.run(lambda tx: alerts.notes(tx, alert.id)[-1])
    assert kept.author_id == alert.owner_id
    assert b"neighbour" not in kept.sealed_words
    subject = await world.database.run(lambda tx: tx.session.query(Alert).one().person_id)
    assert subject is not None
    await ana.says("/forget yes")
    assert await world.database.run(lambda tx: tx.session.query(Alert).all()) == []


@pytest.mark.parametrize(
    ("press", "outcome", "person_hears"),
    [
        ("They were helped", "helped", "is closed by the coordinator"),
        ("Emergency services came", "emergency services came", "is closed by the coordinator"),
        ("Nobody was found", "nobody was found", "write SOS"),
        ("Referred elsewhere", "referred elsewhere", "write SOS"),
        ("False alarm", "false alarm", "It was right to write"),
    ],
)
async def test_an_alert_ends_with_an_outcome(
    world: World, press: str, outcome: str, person_hears: str
) -> None:
    ana, carla = await _taken(world)
    await carla.presses("Resolve")
    carla.hears("How did it end?", "Something else: write it")
    ana.hears_nothing()
    await carla.presses(press)
    carla.hears("is resolved")
    ana.hears(person_hears, "SOS")
    alert = await _only_alert(world)
    assert (alert.state, alert.outcome) == ("resolved", outcome)
    assert f"resolved: {outcome}" in await _audited(world)
    await ana.says("sos")
    world.clear()
    await carla.presses("I take it")
    assert any("Their last alert: 2026-03-02" in each.text for each in carla.inbox)


async def test_an_outcome_in_other_words(world: World) -> None:
    _ana, carla = await _taken(world)
    await carla.presses("Resolve")
    await carla.presses("Something else: write it")
    carla.inbox.popleft()
    carla.hears("how did it end?")
    await carla.says("her sister came and took her home")
    carla.hears("is resolved")
    assert (await _only_alert(world)).outcome == "other"


async def test_a_false_alarm_in_one_command_and_only_by_the_one_in_charge(world: World) -> None:
    ana, carla, dora = await _taken(world, "dora")
    for command in ("/falsealarm", "/resolve helped", "/handover", "/hands", "/ask", "/handback"):
        await dora.says(command)
        dora.hears("can't find that alert")
        await ana.says(command)
        ana.hears("That is for coordinators")
    assert "refused hand over" in await _audited(world)
    await carla.says("/falsealarm")
    carla.hears("is resolved")
    ana.hears("It was right to write")
