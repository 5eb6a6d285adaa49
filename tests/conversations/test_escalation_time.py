"""Clocks that jump, machines that sleep, processes that end: an escalation neither stops nor bursts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

import bot.clock
from bot.app import App
from handlers.context import Union
from storage.database import Database, Transaction
from storage.tables import Alert
from tests.conversations.acts import restart
from tests.conversations.crews import crew, raises, rings_at, rung, the_alert
from tests.conversations.test_escalation import TRANSCRIPTS, US
from tests.test_escalation import OLD
from tests.world import Friend, World, console_world

HOUR = timedelta(hours=1)


async def begun(world: World) -> Friend:
    """Half a minute ago Carla was told of Ana's SOS; Dora would be in another half."""
    await crew(world)
    ana = world.person("ana")
    await ana.says("/sos 41.4000, 2.1600")
    assert rung(world) == "carla"
    await world.forward(seconds=30)
    return ana


@pytest.mark.parametrize("restarted", [False, True])
async def test_the_clock_is_set_back_an_hour(world: World, restarted: bool) -> None:
    """Nothing waits for the hour that is there twice, whether the process saw the jump or began after it."""
    ana = await begun(world)
    world.time.moment -= HOUR
    if restarted:
        await restart(world)
    await world.settle()
    told = [(60, "carla dora"), (180, "carla dora eva")]  # a ring in the future says nothing
    assert await rings_at(world, minutes=3, seconds=1) == told
    await world.forward(minutes=5)
    assert ana.inbox, "she hears where things stand"


async def test_the_clock_is_set_back_while_someone_is_in_charge(world: World) -> None:
    await begun(world)
    carla = world.person("carla")
    await carla.presses("I take it")
    world.clear()
    world.time.moment -= 24 * HOUR
    await world.settle()
    await world.forward(hours=1)
    carla.hears("Are you still on A-")


@pytest.mark.parametrize("hours", [1, 8])
async def test_the_clock_jumps_or_the_machine_slept(world: World, hours: int) -> None:
    """What was missed meanwhile is not made up for: one step, one word, and it goes on from there."""
    ana = await begun(world)
    world.time.moment += hours * HOUR
    await world.settle()
    assert len(ana.inbox) == 1
    ana.hears("2 coordinators")
    assert [len(world.person(name).inbox) for name in ("carla", "dora", "eva", "nils")] == [1, 1, 0, 0]
    world.clear()
    await world.settle()
    world.nobody_hears_anything_else()
    assert [names for _second, names in await rings_at(world, seconds=121)] == ["eva"]


@pytest.mark.parametrize("change", ["2026-03-29T01:00:00", "2026-10-25T01:00:00"])
async def test_the_clocks_of_the_country_change(sqlite_database: Database, change: str) -> None:
    """In that night an hour is left out, in the other one comes twice; the escalation knows neither."""
    union = Union(country="ES", time_zone="Europe/Madrid")
    async with console_world(sqlite_database, union) as world:
        world.time.moment = datetime.fromisoformat(change).replace(tzinfo=UTC) - timedelta(minutes=10)
        await crew(world)
        await raises(world, "sos")
        assert [(0, rung(world)), *await rings_at(world, hours=1)] == TRANSCRIPTS["sos"]


async def test_an_alert_of_the_first_version_goes_on_after_the_upgrade(world: World) -> None:
    """It knows two tiers, no words of its own, and no moment at which it widens but that of its next step."""
    ana = await begun(world)

    def make_old(tx: Transaction) -> None:
        alert = tx.session.scalars(sa.select(Alert)).one()
        alert.policy, alert.widen_at, alert.heard_at = OLD, None, None
        alert.next_step_at = world.time() + timedelta(seconds=90)

    await world.database.run(make_old)
    assert await rings_at(world, minutes=14, seconds=30) == [
        (90, US), (270, US), (570, US), (870, US)
    ]  # fmt: skip
    ana.hears_nothing()
    await world.person("eva").presses("I take it")
    ana.hears("Eva has taken charge")
    await world.forward(minutes=60)
    assert any("Are you still on" in each.text for each in world.person("eva").inbox)


# --- the process ends -----------------------------------------------------------------------------------


class Killed(BaseException):
    """The process ends here."""


def dies_at(step: str) -> Callable[[str], None]:
    def passes(name: str) -> None:
        if name == step:
            raise Killed

    return passes


async def revive(world: World, step: str = "") -> None:
    world.app = App.compose(
        world.database, world.core, [world.platform.adapter], now=world.time, step=dies_at(step)
    )
    await world.app.start()


@pytest.mark.parametrize("step", ["7 claimed to send", "8 sent", "9 recorded"])
async def test_the_process_ends_while_a_tier_is_being_told(world: World, step: str) -> None:
    ana = await begun(world)
    await revive(world, step)
    world.time.moment += timedelta(seconds=30)
    with pytest.raises(Killed):
        await world.settle()
    await revive(world)
    await world.settle()
    for _second in range(5):
        await world.forward(seconds=1)
    cards = [each for each in world.person("dora").inbox if "I take it" in each.labels]
    assert 1 <= len(cards) <= 2, "where nobody knows if it arrived, it is sent again"
    assert any("2 coordinators" in each.text for each in ana.inbox)
    assert (await the_alert(world)).step == 2
    world.clear()
    assert [names for _second, names in await rings_at(world, seconds=116)] == ["carla dora eva"]


@pytest.mark.parametrize("step", ["4 claimed", "5 handled", "6 handled and committed"])
async def test_the_process_ends_while_an_sos_is_handled(world: World, step: str) -> None:
    await crew(world)
    ana = world.person("ana")
    await revive(world, step)
    with pytest.raises(Killed):
        await ana.says("/sos 41.4000, 2.1600")
    await revive(world)
    await world.settle()
    ana.hears("112", "1 coordinator.")
    assert rung(world) == "carla"
    assert await rings_at(world, seconds=61) == [(60, "dora")]


async def test_the_process_ends_before_a_step_is_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then it was not taken: the next process takes it, once."""
    await begun(world)

    def dies(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(bot.clock, "post", dies)
        world.time.moment += timedelta(seconds=30)
        with pytest.raises(Killed):
            await world.settle()
    await revive(world)
    await world.settle()
    assert rung(world) == "dora"
    assert (await the_alert(world)).step == 2
