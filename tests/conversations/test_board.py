"""What coordinators see at a glance: all that is open, the worst first, and figures without names."""

from __future__ import annotations

from datetime import timedelta

from storage.database import Transaction
from storage.tables import Alert
from tests.world import World


async def test_the_worst_stands_first_and_then_the_oldest(any_world: World) -> None:
    world = any_world
    carla = await world.coordinator("carla")
    await world.volunteer("ben")
    old = await world.need("ana")
    await world.forward(minutes=1)
    await world.person("eva").says("sos the curtains are burning")
    world.clear()
    await carla.says("/board")
    seen = carla.hears("1 alert open · 1 need open", "🔴 A-", "nobody yet", f"🟡 {old}", "1 person asked",
                       without=["curtains", "insulin", "Eva", "Ana"])  # fmt: skip
    assert seen.text.index("🔴") < seen.text.index("🟡")
    assert any(each.startswith("I take it · A-") for each in seen.labels)
    await carla.presses(next(each for each in seen.labels if each.startswith("I take it")))
    carla.hears("You are in charge", "curtains")
    world.clear()
    await carla.says("/board")
    carla.hears("🔴 A-", "Carla")


async def test_a_long_board_comes_in_pages(world: World) -> None:
    carla = await world.coordinator("carla")
    for number in range(12):
        await world.person(f"p{number}").says("sos")
        await world.forward(seconds=2)
    world.clear()
    await carla.says("/board")
    first = carla.hears("12 alerts open", "Show more")
    await carla.presses("Show more")
    second = carla.hears("12 alerts open")
    assert [each.text.count("🔴") for each in (first, second)] == [10, 2]
    assert "Show more" not in second.labels
    shown = {line.split()[1] for each in (first, second) for line in each.text.splitlines()[1:]}
    assert len(shown) == 12


async def test_what_can_wait_stands_below(world: World) -> None:
    carla = await world.coordinator("carla")
    await world.person("ana").says("sos")
    await world.person("eva").says("sos")

    def rate(tx: Transaction) -> list[str]:
        first, second = tx.session.query(Alert).order_by(Alert.opened_at, Alert.id).all()
        first.danger, first.severity = "shelter", 3
        second.danger, second.severity = "medical", 1
        first.question = second.question = ""
        return [first.reference, second.reference]

    waits, presses = await world.database.run(rate)
    world.clear()
    await carla.says("/board")
    seen = carla.hears(f"🟡 {waits} · No safe place to stay", f"🔴 {presses} · Illness or injury")
    assert seen.text.index(presses) < seen.text.index(waits)


async def test_the_board_and_the_figures_are_for_coordinators(world: World) -> None:
    carla, ana = await world.coordinator("carla"), world.person("ana")
    await ana.says("/board")
    ana.hears("That is for coordinators")
    await ana.says("/stats")
    assert any("That is for coordinators" in each.text for each in ana.inbox)
    await carla.says("/board")
    carla.hears("Nothing is open")
    await carla.says("/board 999999")
    carla.hears("Nothing is open")


async def test_figures_without_names(world: World) -> None:
    carla = await world.coordinator("carla")
    await carla.says("/stats")
    carla.hears("The last 30 days", "SOS: 0", "Needs: 0. Nobody has accepted: 0 (0 %)")
    ben = await world.volunteer("ben")
    await world.need("ana")
    await ben.presses("I can")
    await world.need("dan", "I need someone to repair my roof")
    for minutes, name in ((2, "eva"), (12, "fay")):
        await world.person(name).says("sos")
        await world.forward(minutes=minutes)
        await carla.presses("I take it")
        await carla.presses("Resolve")
        await carla.presses("False alarm" if name == "eva" else "They were helped")
    world.clear()
    await carla.says("/stats")
    carla.hears(
        "SOS: 2", "Taken: half within 2 minutes, nine of ten within 12 minutes",
        "Nobody within 10 minutes: 1", "False alarms: 1", "They were helped: 1",
        "Needs: 2. Nobody has accepted: 1 (50 %)",
        without=["Ana", "Eva", "Fay", "Ben", "Carla"],
    )  # fmt: skip
    world.time.moment += timedelta(days=31)
    await world.settle()
    world.clear()
    await carla.says("/stats")
    assert any("SOS: 0" in each.text for each in carla.inbox)
