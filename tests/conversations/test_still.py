"""Still needed? Open needs are asked about on a schedule, and expire kindly."""

from __future__ import annotations

from storage import alerts
from storage.database import Transaction
from tests.world import NOON, World


async def _asked_for(world: World) -> str:
    """Ben was asked and declines; nobody is left and no coordinator stands by."""
    reference = await world.need("ana")
    world.clear()
    return reference


async def _quiet(world: World, **length: float) -> list[str]:
    """What Ana hears in a while, without the news that nobody was found."""
    await world.forward(**length)
    heard = [each.text for each in world.person("ana").inbox if "still need" in each.text]
    world.clear()
    return heard


async def test_yes_still_and_it_is_asked_again_after_three_days(world: World) -> None:
    await _asked_for(world)
    ana = world.person("ana")
    assert not await _quiet(world, hours=23)
    assert len(await _quiet(world, hours=1)) == 1
    await ana.presses("Yes, still")
    ana.hears("Thank you. I keep looking.")
    world.clear()
    assert not await _quiet(world, hours=71)
    assert len(await _quiet(world, hours=1)) == 1


async def test_no_not_any_more_ends_it(world: World) -> None:
    reference = await _asked_for(world)
    ana = world.person("ana")
    assert await _quiet(world, hours=24)
    await ana.presses("No, not any more")
    ana.hears(f"{reference} is stopped")
    world.clear()
    await world.forward(days=5)
    world.nobody_hears_anything_else()


async def test_two_unanswered_questions_and_it_expires_kindly(world: World) -> None:
    reference = await _asked_for(world)
    ana = world.person("ana")
    for _question in range(2):
        assert len(await _quiet(world, hours=24)) == 1
    await world.forward(hours=23)
    await world.database.run(_resolve_alerts)  # no coordinator looks after it any more
    world.clear()
    await world.forward(hours=1)
    ended = [each for each in ana.inbox if "I had no answer" in each.text]
    assert reference in ended[0].text
    assert "I need help" in ended[0].labels
    assert any("I have stopped asking" in each.text for each in ana.inbox if each.changed)
    world.clear()
    await world.forward(days=2)
    world.nobody_hears_anything_else()


def _resolve_alerts(tx: Transaction) -> None:
    for alert in alerts.unresolved(tx):
        assert alerts.resolve(tx, NOON, alert.id, "resolved")


async def test_nothing_is_asked_and_nothing_expires_while_an_sos_is_open(world: World) -> None:
    ana = world.person("ana")
    await ana.says("I need insulin")
    await ana.presses("It is urgent")
    await ana.sends_place(41.40, 2.16)
    await ana.says("sos")
    await world.forward(hours=13)  # without the SOS they are asked after six hours, and again after six
    assert not any("still need" in each.text for each in ana.inbox)
    assert not any("I had no answer" in each.text for each in ana.inbox)


async def test_what_coordinators_are_told_about_does_not_end_silently(world: World) -> None:
    await world.coordinator("carla")
    reference = await _asked_for(world)
    await world.forward(days=8)
    heard = [each.text for each in world.person("ana").inbox]
    assert not any("I had no answer" in each for each in heard)
    world.clear()
    await world.person("ana").says("/my")
    world.person("ana").hears(reference, "Stop")


async def test_an_urgent_need_is_asked_about_after_six_hours(world: World) -> None:
    ana = world.person("ana")
    await ana.says("I need insulin")
    await ana.presses("It is urgent")
    await ana.sends_place(41.40, 2.16)
    world.clear()
    assert not await _quiet(world, hours=5, minutes=59)
    assert len(await _quiet(world, minutes=1)) == 1
