"""The main job: someone asks for help, a volunteer nearby accepts, they talk, it is done."""

from __future__ import annotations

from tests.world import World


async def test_a_need_is_asked_accepted_talked_over_and_completed(any_world: World) -> None:
    world = any_world
    ben = await world.volunteer("ben")
    cleo = await world.volunteer("cleo", place=(41.42, 2.17))
    ana = world.person("ana")

    await ana.says("I need someone to fetch my insulin, I can't walk")
    ana.hears("Fetch medicine", "Is that right?", "Yes", "It is urgent", "Change")
    await ana.presses("Yes")
    ana.hears("Where is help needed?", "Send my place")
    await ana.sends_place(41.40, 2.16)
    receipt = ana.hears("N-", "Fetch medicine", "I have asked 2 people", "within 15 minutes", "Stop")
    reference = receipt.text.split(" ")[0]
    ana.hears("Is that all right?", "I agree")

    ben.hears("Fetch medicine", reference, "from you", "I can", without=["insulin", "41.4"])
    cleo.hears("Fetch medicine", reference)
    await ben.presses("I can")
    opened = ben.hears("open to you", "“I need someone to fetch my insulin, I can't walk”", "15 minutes")
    if opened.place is None:  # Telegram sends a pin as a message of its own
        opened = ben.hears("")
    assert opened.place is not None
    ana.hears(reference, "Someone has accepted")
    cleo.hears(f"{reference} has been taken by someone else")
    await ben.presses("15 minutes")
    ben.hears("I have told them")
    ana.hears(reference, "there in about 15 minutes")
    ana.sees_changed(reference, "expected at 12:15")

    await ana.says("The door is green")
    ben.hears(reference, "from the one who asked", "The door is green", without=["Ana"])
    await ben.says("I see it")
    ana.hears("from your volunteer", "I see it", without=["Ben"])

    await ben.presses("It is done")
    ben.hears("I am asking them")
    ana.hears(f"Is {reference} done?")
    await ana.presses("Yes, it is done")
    ana.hears(f"{reference} is closed", "What they have read I can't take back")
    ana.sees_changed("Done")
    ben.hears(f"{reference} is done", "Please delete it")
    ben.sees_changed("Closed:", reference)
    world.nobody_hears_anything_else()

    await ben.says("One more thing")
    ben.hears("did not understand")
    ana.hears_nothing()


async def test_when_nobody_near_accepts_a_coordinator_takes_charge(world: World) -> None:
    for number in range(7):
        await world.volunteer(f"ben{number}", place=(41.40 + number / 1000, 2.16))
    carla = await world.coordinator("carla")
    await world.need("ana")
    ana = world.person("ana")
    asked = [name for name, friend in world.people.items() if friend.inbox]
    assert asked == [f"ben{number}" for number in range(7)]
    world.clear()

    await world.person("ben0").presses("Not now")
    world.person("ben0").hears("Thank you for telling me")
    world.nobody_hears_anything_else()

    await world.forward(minutes=15)
    carla.hears("🟠 A-", "nobody has taken a need", "nobody yet", "I take it", without=["insulin"])
    ana.hears("I have asked 7 people", "1 said no", "I have told 1 coordinator", "within 30 minutes")
    world.nobody_hears_anything_else()

    await carla.presses("I take it")
    opened = carla.hears("You are in charge", "“I need insulin”")
    assert opened.place is not None
    ana.hears("Carla has taken charge", "Write here")
    carla.sees_changed("Carla")
