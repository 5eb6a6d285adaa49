"""Gateways that are killed or frozen: another takes the account over, and nothing is lost or doubled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from bot.adapters import Speaker
from bot.holding import Holding, LeaseLost
from storage import work
from storage.database import Database, Transaction
from storage.tables import Inbox, Lease, Outbox
from tests.bot_api import BotApi
from tests.engines import create_postgres, open_database
from tests.faults.books import Books
from tests.faults.crowd import GLANCE, Crowd
from tests.faults.hosts import CAN_BE_MADE, Host, a_host, passage
from tests.faults.household import Household
from tests.storage import BOTH_ENGINES, DAY
from tests.world import NOON, make_core, telegram_world

pytestmark = BOTH_ENGINES
PROMISED = timedelta(seconds=10)
LEASE = "gateway telegram"
YEAR = 365 * DAY
ONE_ROUND = 240  # seconds, at the very most


@pytest.fixture
async def shared(
    postgres: str, postgres_template: str, request: pytest.FixtureRequest
) -> AsyncIterator[Database]:
    """On PostgreSQL, which alone can be shared."""
    database = await open_database(await create_postgres(postgres, request.node.name[:60], postgres_template))
    yield database
    await database.close()


async def test_each_takeover_has_a_higher_number_and_under_a_lower_one_nothing_is_written(
    database: Database,
) -> None:
    slept, heir = Holding(database, "telegram", "slept"), Holding(database, "telegram", "heir")
    assert await slept.take()
    assert await heir.take() is database.is_sqlite, "on PostgreSQL it is the other's for six seconds"
    await database.run(lambda tx: tx.session.execute(sa.update(Lease).values(expires_at=NOON - YEAR)))
    assert await heir.take()
    assert (slept.fence, heir.fence) == (1, 2)
    with pytest.raises(LeaseLost):
        await database.run(slept.check)
    await database.run(heir.check)
    await heir.give_up()
    await slept.take()
    assert slept.fence == 3


async def test_who_slept_longer_than_the_lease_knows_it_by_its_own_clock(database: Database) -> None:
    ticks = [0.0]
    holding = Holding(database, "telegram", "one", lambda: ticks[0])
    holding.is_renewed = True
    await holding.take()
    ticks[0] = 5.9
    assert not holding.may_have_run_out()
    ticks[0] = 6.0
    assert holding.may_have_run_out() is not database.is_sqlite, "where one file has one process"


async def test_who_slept_in_the_middle_of_a_message_does_not_say_the_rest(shared: Database) -> None:
    """In that time another may have taken over, said what came next, and told the writer of the doubt."""
    async with telegram_world(shared) as world:
        station, ticks = world.app.stations[0], [0.0]
        station.holding._ticks = lambda: ticks[0]
        station.holding.is_renewed = True
        await station.holding.take()
        assert isinstance(station.adapter, Speaker)
        assert station.adapter.may_speak()
        ticks[0] = 6.0
        assert not station.adapter.may_speak()


async def test_a_takeover_waits_for_what_the_holder_is_just_committing(shared: Database) -> None:
    """Else its write could come after the first of the next holder, under a number that no longer counts."""
    holder, heir = Holding(shared, "telegram", "one"), Holding(shared, "telegram", "two")
    await holder.take()
    await shared.run(lambda tx: tx.session.execute(sa.update(Lease).values(expires_at=NOON - YEAR)))
    async with AsyncSession(shared.engine) as session:
        tx = Transaction(session.sync_session, shared.vault, shared.random)
        await session.run_sync(lambda _session: holder.check(tx))
        taking = asyncio.create_task(heir.take())
        done, _ = await asyncio.wait([taking], timeout=0.3)
        assert not done
        await session.commit()
        assert await taking


# --- real processes --------------------------------------------------------------------------------


@dataclass
class Story:
    """A crowd, three gateways of one account, two workers, and the books."""

    house: Household
    books: Books
    crowd: Crowd
    rounds: int = 0

    async def leader(self) -> int:
        """The process that has the account, by the number that its name begins with."""
        async with asyncio.timeout(ONE_ROUND):
            while True:
                number = (await self.books.database.run(_lease))[0]
                if number in self.house.alive:
                    return number
                await asyncio.sleep(GLANCE)

    async def taken_over(self, before: int, since: datetime) -> timedelta:
        """Wait until another has the account; for how long nobody had, by the database's clock."""
        async with asyncio.timeout(ONE_ROUND):
            while True:
                number, now = await self.books.database.run(_lease)
                if number and number != before:
                    return now - since
                await asyncio.sleep(GLANCE)

    async def one_round(self, what: Callable[[], Awaitable[None]]) -> None:
        """People write while it happens, and everything is answered in the end."""
        self.rounds += 1
        async with asyncio.timeout(ONE_ROUND), asyncio.TaskGroup() as group:
            for each in self.crowd.load(self.rounds):
                group.create_task(each)
            await what()
        async with asyncio.timeout(ONE_ROUND):
            while not await self.books.is_quiet():  # noqa: ASYNC110 (other processes are at work)
                await asyncio.sleep(GLANCE)

    async def note(self) -> datetime:
        """Write down what is on its way now: only that may come twice. Gives the database's time."""

        def look(tx: Transaction) -> tuple[list[bytes], datetime]:
            sending = sa.select(Outbox.recipient).where(Outbox.state == "sending")
            return list(tx.session.scalars(sending)), work.database_now(tx)

        readers, now = await self.books.database.run(look)
        self.books.uncertain.update(readers)
        return now


def _lease(tx: Transaction) -> tuple[int, datetime]:
    holder = tx.session.scalar(sa.select(Lease.holder).where(Lease.name == LEASE)) or ""
    return int(holder.partition("-")[0] or 0), work.database_now(tx)


@asynccontextmanager
async def story(url: str, folder: Path, gateways: int = 3, workers: int = 2) -> AsyncIterator[Story]:
    database = await open_database(url)
    log = folder / "house.log"
    async with BotApi() as api, Household(api.base_url, api.token, url, log) as house:
        told = Story(house, Books(database, api), Crowd(api))
        for role, count in (("worker", workers), ("gateway", gateways)):
            for _ in range(count):
                await house.start(role)
        await told.crowd.gather(*await told.books.codes(make_core()))
        try:
            yield told
        finally:
            await database.close()


async def test_a_gateway_that_is_killed_or_frozen_is_followed_within_ten_seconds(
    postgres: str, postgres_template: str, tmp_path: Path
) -> None:
    url = await create_postgres(postgres, "takeover", postgres_template)
    async with story(url, tmp_path) as told:
        await told.one_round(lambda: _killed(told))
        thawed: list[int] = []
        await told.one_round(lambda: _frozen(told, thawed))
        assert thawed[0] in told.house.alive
        print(await told.books.check(told.crowd))  # noqa: T201
        await told.books.database.run(_each_once)


async def _killed(told: Story) -> None:
    leader = await told.leader()
    since = await told.note()
    told.house.kill(leader)
    await told.note()
    took = await told.taken_over(leader, since)
    print(f"killed; taken over after {took.total_seconds():.1f} s")  # noqa: T201
    assert took < PROMISED


async def _frozen(told: Story, thawed: list[int]) -> None:
    """It wakes when another has long been sending, and has no more to say than what it had in hand."""
    leader = await told.leader()
    since = await told.note()
    told.house.freeze(leader)
    await told.note()
    took = await told.taken_over(leader, since)
    print(f"frozen; taken over after {took.total_seconds():.1f} s")  # noqa: T201
    assert took < PROMISED
    heir = await told.leader()
    told.house.thaw(leader)
    thawed.append(leader)
    await asyncio.sleep(3)  # it has had time to say something, if it wanted to
    assert await told.leader() == heir
    assert not await told.books.database.run(lambda tx: _claimed_by(tx, leader))


def _claimed_by(tx: Transaction, number: int) -> int:
    mine = Outbox.claimed_by.startswith(f"{number}-")
    return tx.session.scalar(sa.select(sa.func.count()).where(Outbox.state == "sending", mine)) or 0


def _each_once(tx: Transaction) -> None:
    assert set(tx.session.scalars(sa.select(Inbox.outcome))) == {"handled"}


@pytest.mark.faults
@pytest.mark.skipif(not CAN_BE_MADE, reason="a network namespace needs root and the command ip")
async def test_a_gateway_whose_host_is_cut_off_is_followed_and_says_nothing_when_it_comes_back(
    postgres: str, postgres_template: str, tmp_path: Path
) -> None:
    url = await create_postgres(postgres, "cut_off", postgres_template)
    database = await open_database(url)
    where = f"{database.url.query['host']}/.s.PGSQL.5432"
    async with AsyncExitStack() as stack:
        host = stack.enter_context(a_host())
        api = await stack.enter_async_context(BotApi())
        near = int(api.base_url.split(":")[2].partition("/")[0])
        to_api = await stack.enter_async_context(passage(host.address, port=near))
        to_database = await stack.enter_async_context(passage(host.address, socket=where))
        far = Household(
            f"http://{host.address}:{to_api}/bot", api.token,
            f"postgresql+asyncpg://postgres@{host.address}:{to_database}/{database.url.database}",
            tmp_path / "far.log", *host.inside,
        )  # fmt: skip
        away = await stack.enter_async_context(far)
        house = await stack.enter_async_context(
            Household(api.base_url, api.token, url, tmp_path / "near.log")
        )
        cut_off = await away.start("gateway")
        told = Story(house, Books(database, api), Crowd(api))
        await told.taken_over(0, NOON)
        for role in ("worker", "worker", "gateway"):
            await house.start(role)
        await told.crowd.gather(*await told.books.codes(make_core()))
        await told.one_round(lambda: _cut_off(told, host, cut_off))
        await told.one_round(_nothing_happens)
        print(await told.books.check(told.crowd))  # noqa: T201
    await database.close()


async def _cut_off(told: Story, host: Host, number: int) -> None:
    assert (await told.books.database.run(_lease))[0] == number
    since = await told.note()
    host.cut_off()
    await told.note()
    took = await told.taken_over(number, since)
    print(f"cut off; taken over after {took.total_seconds():.1f} s")  # noqa: T201
    assert took < PROMISED
    heir = await told.leader()
    host.mend()
    await asyncio.sleep(5)  # it has had time to say something, if it wanted to
    assert await told.leader() == heir
    assert not await told.books.database.run(lambda tx: _claimed_by(tx, number))


async def _nothing_happens() -> None:
    """A round in which the network holds: all go on as before."""


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(2))
async def test_any_process_may_be_killed_frozen_or_replaced_while_people_write(
    postgres: str, postgres_template: str, tmp_path: Path, seed: int
) -> None:
    """A rolling upgrade too: a new one is started, an old one is asked to stop, with messages in flight."""
    url = await create_postgres(postgres, f"any_process_{seed}", postgres_template)
    random = Random(seed)
    async with story(url, tmp_path) as told:
        for _ in range(6):
            await told.one_round(lambda: _anything(told, random))
        print(await told.books.check(told.crowd))  # noqa: T201


async def _anything(told: Story, random: Random) -> None:
    number = random.choice(sorted(told.house.alive))
    role = told.house.alive[number]
    await asyncio.sleep(random.random())
    await told.note()
    match random.choice(("kill", "freeze", "replace")):
        case "kill":
            told.house.kill(number)
            await told.house.start(role)
        case "freeze":
            told.house.freeze(number)
            await asyncio.sleep(8)
            told.house.thaw(number)
        case "replace":
            await told.house.start(role)
            told.house.end(number)
    await told.note()
