"""The program of the version before and this one side by side, while people write and are in danger."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage.database import Transaction
from storage.migrate import NEWEST
from storage.tables import Alert
from tests.faults.crowd import GLANCE
from tests.faults.upgrading import Upgrade, upgrade

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("postgres_template")]  # made before a loop runs
SHARED = 5  # messages that each version must have handled while both were at work
NOW = "I need someone to fetch my insulin"


async def test_the_version_before_and_this_one_share_the_work_while_one_follows_the_other(
    postgres: str, tmp_path: Path
) -> None:
    async with upgrade(postgres, "rolling_upgrade", tmp_path) as told:
        assert await told.revision() != NEWEST
        await told.gather()
        await told.while_people_write(lambda: _begins(told))
        await told.while_people_write(lambda: _share(told))
        await told.while_people_write(lambda: _ends(told))
        await told.while_people_write(_nothing)
        await told.new.end()
        await told.check()


async def test_an_operator_goes_back_to_the_version_before_while_people_write_and_later_on_again(
    postgres: str, tmp_path: Path
) -> None:
    """As docs/scaling.md says it: stop the new one, set the number of the schema, start the old one."""
    async with upgrade(postgres, "gone_back", tmp_path) as told:
        before = await told.revision()
        await told.gather()
        await told.while_people_write(lambda: _begins(told))
        await told.old.end()
        await told.while_people_write(lambda: _goes_back(told, before))
        await told.while_people_write(lambda: _goes_on_again(told))
        await told.new.end()
        await told.check()


async def test_a_cry_for_help_goes_on_whichever_version_opened_it_and_whichever_is_at_work(
    postgres: str, tmp_path: Path
) -> None:
    async with upgrade(postgres, "cries", tmp_path) as told:
        before, carla = await told.revision(), told.crowd.carla
        await carla.says(f"/join {await told.old.new_code('coordinator')}", "You are a coordinator now")
        await _cries_and_waits(told)
        await told.turns_to(told.new, before)
        await _is_told_of_again_and_ended(told)
        await _cries_and_waits(told)
        await told.turns_to(told.old, before)
        await _is_told_of_again_and_ended(told)
        await told.old.end()
        kinds = await told.books.database.run(_alerts)
        assert kinds == ["sos", "sos"], "and the bot reports no fault of its own"
        told.check_logs()


async def test_needs_and_promises_go_on_whichever_version_began_them_and_whichever_is_at_work(
    postgres: str, tmp_path: Path
) -> None:
    """One was taken; of two others those who were asked say nothing, so that others are asked and told."""
    async with upgrade(postgres, "needs", tmp_path) as told:
        before = await told.revision()
        await told.gather()
        await told.crowd.asks(told.crowd.someone("Asker"), NOW)
        await told.turns_to(told.new, before)
        await _a_night_passes(told)
        await told.crowd.asks(told.crowd.someone("Asker"), NOW)
        await told.turns_to(told.old, before)
        await _a_night_passes(told)
        await told.turns_to(told.new, NEWEST)
        await _a_night_passes(told)
        await told.new.end()
        assert set(await told.books.database.run(_alerts)) == {"unanswered"}, "and no fault of the bot"
        told.check_logs()


async def _a_night_passes(told: Upgrade) -> None:
    await told.time_passes(60)
    await told.time_passes(600)


def _alerts(tx: Transaction) -> list[str]:
    return list(tx.session.scalars(sa.select(Alert.kind)))


async def _cries_and_waits(told: Upgrade) -> None:
    victim = told.crowd.someone("Victim")
    told.crowd.victims.append(victim)
    await victim.says("SOS", "Write here what")
    await told.crowd.carla.hears("🔴")


async def _is_told_of_again_and_ended(told: Upgrade) -> None:
    carla, victim = told.crowd.carla, told.crowd.victims[-1]
    await told.time_passes(10)
    await carla.hears("🔴")
    await carla.presses("I take it", "You are in charge")
    await victim.hears("Carla has taken charge")
    await carla.presses("Hand back", "🔴")
    await carla.presses("I take it", "You are in charge")
    await told.crowd.is_over()
    await victim.hears("is closed by the coordinator")


async def _begins(told: Upgrade) -> None:
    """The new worker brings the schema up to date while the version before is at work."""
    await asyncio.sleep(1)
    await told.new.start("worker")
    assert await told.revision() == NEWEST
    await told.new.start("gateway")


async def _nothing() -> None:
    """Both are at work, or only the new one."""


async def _share(told: Upgrade) -> None:
    """Until each of the two has had its part."""
    before = await told.handled()
    both = (told.old.numbers, told.new.numbers)
    parts = [0, 0]
    while min(parts) < SHARED:
        await asyncio.sleep(GLANCE)
        since = await told.handled() - before
        parts = [sum(since[each] for each in numbers) for numbers in both]
    print(f"handled by the version before and by this one: {parts}")  # noqa: T201


async def _ends(told: Upgrade) -> None:
    await asyncio.sleep(1)
    await told.old.end()


async def _goes_back(told: Upgrade, before: str | None) -> None:
    await asyncio.sleep(1)
    await told.new.end()
    ended, said = await told.old.says("run")
    assert ended == 1
    assert re.fullmatch(r"One Cloak cannot go on: .* leads to a newer database\. .*\n", said)
    await told.set_revision(before)
    await told.old.start_all()


async def _goes_on_again(told: Upgrade) -> None:
    await asyncio.sleep(1)
    await told.set_revision(NEWEST)
    await told.new.start_all()
    await asyncio.sleep(1)
    await told.old.end()
