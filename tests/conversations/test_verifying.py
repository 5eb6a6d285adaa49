"""Verified skills: coordinators say who can do what needs trust, and may take that back."""

from __future__ import annotations

from storage import offers, verifications
from tests.conversations.acts import press_token, tokens
from tests.conversations.neighbours import asks, neighbour
from tests.world import ConsolePlatform, Friend, World


async def nurse(world: World, name: str = "ben") -> Friend:
    """A member who has just offered to nurse; what they and others heard stays."""
    friend = world.person(name)
    await friend.says(f"/join {await world.code()}")
    friend.inbox.clear()
    await friend.says("/offer I'm a nurse")
    await friend.presses("Skip")
    return friend


async def verified(world: World) -> int:
    return len(await world.database.run(lambda tx: verifications.all_of(tx, 10)))


async def test_a_coordinator_verifies_in_one_step_and_takes_it_back(any_world: World) -> None:
    world = any_world
    carla = await world.coordinator("carla")
    ben = await nurse(world)
    ben.hears("Where are you usually?")
    ben.hears("Thank you", "Before I ask you for this, a coordinator verifies it: Nursing and injections")
    carla.hears("Ben", "Nursing and injections", "Verify", "Not now")
    await carla.presses("Verify")
    carla.hears("Ben", "Nursing and injections", "Verified", "Take it back")
    ben.hears("A coordinator has verified you", "Nursing and injections", without=["Carla"])
    assert await verified(world) == 1
    await carla.presses("Take it back")
    carla.hears("Taken back", "Verify again")
    ben.hears("I don't ask you for this any more", "Nursing and injections", "Your other offers stay")
    assert await verified(world) == 0
    await carla.presses("Verify again")
    carla.hears("Verified")
    ben.hears("A coordinator has verified you")
    world.nobody_hears_anything_else()


async def test_not_now_leaves_the_offer_as_it_is(world: World) -> None:
    carla = await world.coordinator("carla")
    ben = await nurse(world)
    world.clear()
    await carla.presses("Not now")
    world.clear()
    assert await verified(world) == 0
    await ben.says("/my")
    ben.hears("Your offer", "Nursing and injections")


async def test_only_those_on_duty_are_asked_and_once_for_the_same_offer(world: World) -> None:
    carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
    await dora.says("/duty off")
    world.clear()
    ben = await nurse(world)
    dora.hears_nothing()
    carla.hears("Nursing and injections", "Verify")
    ben.inbox.clear()
    await ben.says("/offer I'm a nurse and I can look after children")
    await ben.presses("Skip")
    carla.hears("Look after children", "Verify", without=["Nursing"])
    await ben.says("/offer I can cook")
    await ben.presses("Skip")
    carla.hears_nothing()


async def test_several_skills_are_verified_one_by_one(world: World) -> None:
    carla = await world.coordinator("carla")
    ben = world.person("ben")
    await ben.says(f"/join {await world.code()}")
    await ben.says("/offer I'm a nurse and I can look after children")
    await ben.presses("Skip")
    world.clear()
    await carla.presses("Verify · Look after children")
    carla.hears("Look after children", "Verified")
    found = await world.database.run(lambda tx: [each.skill for each in verifications.all_of(tx, 10)])
    assert found == ["childcare"]


async def test_who_is_let_in_later_is_shown_then(world: World) -> None:
    carla = await world.coordinator("carla")
    ben = world.person("ben")
    await ben.says("/offer I'm a nurse")
    await ben.presses("Skip")
    carla.hears("not a member yet", "Let in", without=["Verify"])
    carla.hears_nothing()
    await carla.presses("Let in")
    carla.hears("They are a member now")
    carla.hears("Nursing and injections", "Verify")


async def test_a_typed_yes_lets_in_and_verifies(world: World) -> None:
    carla = await world.coordinator("carla")
    ben = world.person("ben")
    await world.forward(minutes=1)
    await ben.says("/offer I'm a nurse")
    await ben.presses("Skip")
    carla.hears("not a member yet", "Let in")
    await world.forward(minutes=1)
    await carla.says("Yes")
    carla.hears("They are a member now")
    carla.hears("Nursing and injections", "Verify")
    await carla.says("yes, I know him")
    carla.hears("Nursing and injections", "Verified")
    assert await verified(world) == 1


async def test_a_second_press_changes_nothing(world: World) -> None:
    carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
    ben = await nurse(world)
    await carla.presses("Verify")
    world.clear()
    await dora.presses("Verify")
    dora.hears("Ben", "verified for this already")
    ben.hears_nothing()
    await dora.says("/unverify nobody nursing")
    dora.hears("I don't know that person")
    await dora.says("/verify 1234")
    dora.hears("I don't know that person")


async def test_nobody_verifies_themselves(world: World) -> None:
    carla = await world.coordinator("carla")
    await carla.says("/offer I'm a nurse")
    await carla.presses("Skip")
    world.clear()
    mine = await world.database.run(lambda tx: verifications.waiting(tx, ["nursing"], 10))
    await carla.says(f"/verify {mine[0][0]} nursing")
    carla.hears("another coordinator must verify it")
    assert await verified(world) == 0


async def test_the_right_is_looked_at_with_each_press(world: World) -> None:
    carla, _dora = await world.coordinator("carla"), await world.coordinator("dora")
    await nurse(world)
    (token,) = tokens(world, carla, "Verify")
    await carla.says("/leave")
    carla.inbox.clear()
    await press_token(world, carla, token)
    carla.hears("That is for coordinators")
    assert await verified(world) == 0


async def test_members_may_neither_verify_nor_look(world: World) -> None:
    ben = await nurse(world)
    for words in ("/verified", "/verify x nursing", "/unverify x nursing"):
        ben.inbox.clear()
        await ben.says(words)
        ben.hears("That is for coordinators")


async def test_the_list_shows_who_waits_and_who_is_verified(world: World) -> None:
    carla = await world.coordinator("carla")
    await carla.says("/verified")
    carla.hears("Nobody waits")
    for number in range(8):
        await nurse(world, f"ben{number}")
    world.clear()
    for _press in range(8):
        await carla.says("/verified")
        waits = [label for label in carla.inbox[-1].labels if label.startswith("Verify")]
        world.clear()
        if waits:
            await carla.presses(waits[0])
            world.clear()
    await carla.says("/verified")
    first = carla.hears("Take back", "Show more")
    await carla.presses("Show more")
    second = carla.hears("Take back", without=["Show more"])
    assert len([label for label in first.labels + second.labels if label.startswith("Take back")]) == 8
    await carla.presses(second.labels[0])
    carla.hears("Taken back")
    assert await verified(world) == 7


async def test_an_unverified_offer_is_kept_in_the_index(world: World) -> None:
    await world.coordinator("carla")
    await nurse(world)
    waits = await world.database.run(lambda tx: verifications.waiting(tx, ["nursing", "doctor"], 10))
    assert [skill for _person, skill in waits] == ["nursing"]
    stored = await world.database.run(lambda tx: offers.of(tx, waits[0][0]))
    assert stored is not None


async def _asked_about_a_child(world: World) -> tuple[Friend, Friend, str]:
    """Eva is verified and has been asked; Carla may take it back."""
    carla = await world.coordinator("carla")
    eva = await neighbour(world, "eva", "childcare", verified=True)
    reference = await asks(world, "ana", ("childcare", 1))
    await world.settle()
    eva.hears("Look after children", reference)
    await carla.says("/verified")
    return carla, eva, reference


async def test_who_is_not_verified_any_more_can_not_accept_what_they_were_asked(world: World) -> None:
    carla, eva, reference = await _asked_about_a_child(world)
    world.clear()
    await carla.presses(next(each for each in _labels(world, carla) if each.startswith("Take back")))
    eva.hears("I don't ask you for this any more")
    eva.hears(f"{reference} goes to others now")
    world.person("ana").hears(reference)
    await eva.presses("I can")
    eva.hears("no longer open", without=["open to you"])


async def test_who_has_accepted_and_is_not_verified_any_more_gives_it_back(world: World) -> None:
    carla, eva, reference = await _asked_about_a_child(world)
    await eva.presses("I can")
    world.clear()
    await carla.presses(next(each for each in _labels(world, carla) if each.startswith("Take back")))
    assert any(f"{reference} goes to others now" in each.text for each in eva.inbox)
    assert any("Closed:" in each.text for each in eva.inbox)
    assert any("can't come after all" in each.text for each in world.person("ana").inbox)


def _labels(world: World, friend: Friend) -> list[str]:
    assert isinstance(world.platform, ConsolePlatform)
    return [label for label, _token in world.platform._buttons[friend.name]]
