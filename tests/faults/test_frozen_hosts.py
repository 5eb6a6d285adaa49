"""Two machines' worth of processes at one PostgreSQL, of which one is frozen and thawed, again and again."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa

from bot.adapters import GatewayFault
from bot.holding import LeaseLost
from storage.database import Database, Transaction
from storage.tables import Alert, Inbox, Lease, Outbox
from tests.bot_api import Fault
from tests.engines import create_postgres
from tests.faults.books import _lines_at_most_once
from tests.faults.crowd import GLANCE
from tests.faults.hasty import account, api, hasty_world
from tests.faults.matrix_tools import until
from tests.faults.test_disk import running_bot
from tests.faults.test_takeover import ONE_ROUND, Story, story
from tests.storage import BOTH_ENGINES
from tests.world import World

pytestmark = BOTH_ENGINES
PROMISED = timedelta(seconds=35)  # fifteen for a claim, ten for a takeover, and a shared machine is slow
WRITERS = 4


@dataclass
class Hosts:
    """Two sets of a gateway and a worker, and people who write to them without a pause."""

    told: Story
    random: Random
    pages: list[float] = field(default_factory=list)  # seconds from a cry for help to a coordinator
    lines: int = 0

    def __post_init__(self) -> None:
        numbers = sorted(self.told.house.alive)
        roles = {role: [each for each in numbers if self.told.house.alive[each] == role]
                 for role in ("gateway", "worker")}  # fmt: skip
        self.sets = list(zip(*roles.values(), strict=True))
        self.writers = [self.told.crowd.someone("Writer") for _ in range(WRITERS)]

    async def freeze_one(self, seconds: float) -> None:
        """At some moment while people write; some of them are in danger before, some while it is frozen."""
        asleep = self.random.choice(self.sets)
        cries = [asyncio.create_task(self._cries())]
        await asyncio.sleep(self.random.random() / 5)
        for each in asleep:
            self.told.house.freeze(each)
        until_thawed = time.monotonic() + seconds
        while (left := until_thawed - time.monotonic()) > 0:
            self._all_write()
            if len(cries) < 3:
                cries.append(asyncio.create_task(self._cries()))
            await asyncio.sleep(min(left, 1))
        for each in asleep:
            self.told.house.thaw(each)
        async with asyncio.timeout(ONE_ROUND):
            await asyncio.gather(*cries)
            while not await self.told.books.is_quiet():  # noqa: ASYNC110 (other processes are at work)
                await asyncio.sleep(GLANCE)

    def _all_write(self) -> None:
        self.lines += 1
        ana, ben = self.told.crowd.ana, self.told.crowd.ben
        for writer, reader in ((ana, ben), (ben, ana)):
            words = f"{writer.account.first_name} writes line {self.lines}."
            self.told.crowd.lines.append((writer, reader, words))
            writer.account.says(words)
        for each in self.writers:
            each.account.says(f"/my {self.lines}")

    async def _cries(self) -> None:
        victim = self.told.crowd.someone("Victim")
        self.told.crowd.victims.append(victim)
        count = len(self.told.crowd.victims)
        begun = time.monotonic()
        victim.account.says("SOS")
        while self._paged() < count:  # noqa: ASYNC110 (other processes are at work)
            await asyncio.sleep(GLANCE)
        self.pages.append(time.monotonic() - begun)

    def _paged(self) -> int:
        """Of how many alerts the coordinator has heard: a page names none but the alert's reference."""
        pages = [each.text for each in self.told.crowd.carla.account.heard if "🔴" in each.text]
        return len({reference for page in pages for reference in re.findall(r"\bA-\w{4,6}", page)})


def _end(tx: Transaction) -> tuple[set[str | None], dict[str, int], int, int]:
    """How events ended, the alerts by kind, how many were in danger, and lines of unknown fate."""
    kinds = Counter(tx.session.scalars(sa.select(Alert.kind)))
    victims = sa.select(sa.func.count(Alert.person_id.distinct())).where(Alert.kind == "sos")
    uncertain = sa.select(sa.func.count()).where(Outbox.state == "uncertain")
    return (
        set(tx.session.scalars(sa.select(Inbox.outcome))),
        dict(kinds),
        tx.session.scalar(victims) or 0,
        tx.session.scalar(uncertain) or 0,
    )


async def _story(url: str, folder: Path, freezes: list[float], seed: int) -> None:
    async with story(url, folder, gateways=2, workers=2) as told:
        hosts = Hosts(told, Random(seed))
        for seconds in freezes:
            await hosts.freeze_one(seconds)
        outcomes, alerts, victims, uncertain = await told.books.database.run(_end)
        pages = [round(page, 1) for page in hosts.pages]
        missing = _lines_at_most_once(told.books.api, told.crowd, uncertain)
        print(f"seed {seed}: pages after {pages} s; {missing} lines of unknown fate")  # noqa: T201
        assert outcomes == {"handled"}
        assert alerts == {"sos": len(told.crowd.victims)}, "and no false alarm of the bot about itself"
        assert victims == len(told.crowd.victims)
        assert max(pages) < PROMISED.total_seconds(), f"seed {seed}"


async def test_one_of_two_hosts_is_frozen_and_thawed_while_people_write_and_are_in_danger(
    postgres: str, postgres_template: str, tmp_path: Path
) -> None:
    url = await create_postgres(postgres, "one_of_two_hosts", postgres_template)
    await _story(url, tmp_path, [8], seed=1)


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(3))
async def test_one_of_two_hosts_is_frozen_for_moments_and_for_longer_than_a_minute(
    postgres: str, postgres_template: str, tmp_path: Path, seed: int
) -> None:
    url = await create_postgres(postgres, f"hosts_{seed}", postgres_template)
    freezes = [3.0, 3.0, 8.0, 8.0, 20.0, 70.0]
    Random(seed).shuffle(freezes)
    await _story(url, tmp_path, freezes, seed)


# --- what a gateway does that has just thawed ------------------------------------------------------------


async def test_a_gateway_whose_account_has_another_holder_does_not_ask_the_platform_once_more(
    database: Database,
) -> None:
    """Telegram would turn the one away that is asking now."""
    async with hasty_world(database) as world:
        station = world.app.stations[0]
        assert await station.holding.take()
        asked = api(world).calls.count("getUpdates")
        if database.is_sqlite:
            return  # where there is no other
        await database.run(lambda tx: tx.session.execute(sa.update(Lease).values(fence=Lease.fence + 1)))
        with pytest.raises(LeaseLost):
            await station.gateway.run_once()
        assert api(world).calls.count("getUpdates") == asked


async def test_one_that_receives_beside_us_for_a_moment_alarms_nobody_and_makes_us_deaf_for_a_second_only(
    sqlite_database: Database,
) -> None:
    async with running_bot(sqlite_database) as world:
        api(world).fault("getUpdates", Fault.CONFLICT, times=1)
        begun = time.monotonic()
        await world.platform.says("ana", "hello")
        await until(lambda: account(world, "ana").heard)
        assert time.monotonic() - begun < 25, "half a minute is for one that stays"
    assert await sqlite_database.run(_faults) == 0


async def test_one_that_keeps_receiving_beside_us_is_reported(sqlite_database: Database) -> None:
    async with running_bot(sqlite_database) as world:
        api(world).fault("getUpdates", Fault.CONFLICT, times=100)
        await until(lambda: world.app.loops.walls.total())
        await until(lambda: _is_reported(sqlite_database))


async def _is_reported(database: Database) -> bool:
    return await database.run(_faults) > 0


def _faults(tx: Transaction) -> int:
    return tx.session.scalar(sa.select(sa.func.count()).where(Alert.kind == "fault")) or 0


async def test_no_platform_may_make_us_deaf_for_longer_than_a_minute(world: World) -> None:
    """A day, it is said to have asked for; or what stands before it did."""
    fault = GatewayFault("asked to wait", retry_after=timedelta(days=1))
    assert await world.app._gateway_failed("gateway console", fault) == 60
