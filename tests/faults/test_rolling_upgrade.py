"""The program of the version before and this one side by side, while people write and are in danger."""

from __future__ import annotations

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

import pytest
import sqlalchemy as sa

from storage.database import Database, Transaction
from storage.inbox import CRISIS
from storage.migrate import NEWEST, current_revision
from storage.sealing import Vault
from storage.tables import Alert, Inbox
from tests.bot_api import BotApi
from tests.engines import MASTER_KEY, create_postgres
from tests.faults.books import Books
from tests.faults.crowd import GLANCE, Crowd, Someone
from tests.faults.earlier import ROOT, NoHistory, Program, check_out, version_before

pytestmark = pytest.mark.usefixtures("postgres_template")  # made with an event loop of its own
ONE_ROUND = 240  # seconds, at the very most
RESTLESS, PAUSE = 15, 2.5  # people, and seconds between what they say
SHARED = 5  # messages that each version must have handled while both were at work
TROUBLE = re.compile(r"\b(WARNING|ERROR|CRITICAL|Traceback|set aside)\b", re.IGNORECASE)

TIMES = {
    "alerts": ("opened_at", "next_step_at", "widen_at", "heard_at"),
    "alert_pages": ("paged_at", "rung_at"),
}

# Who ended which event, in the order in which that was committed for each sender.
DIARY = (
    "CREATE TABLE diary (number SERIAL, event BIGINT, sender BYTEA, lane INTEGER, worker TEXT)",
    """CREATE FUNCTION write_diary() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO diary (event, sender, lane, worker) VALUES (OLD.id, OLD.sender, OLD.lane, OLD.claimed_by);
        RETURN NULL;
    END $$""",
    """CREATE TRIGGER diary AFTER UPDATE ON inbox FOR EACH ROW
    WHEN (OLD.outcome IS NULL AND NEW.outcome IS NOT NULL) EXECUTE FUNCTION write_diary()""",
)


class Neighbours(Crowd):
    """A crowd that is content with how either version ends an alert, and some who never pause."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.restless = [self.someone("Restless") for _ in range(RESTLESS)]
        self.questions: Counter[int] = Counter()  # of the restless, by account

    async def is_over(self) -> None:
        """Either version may show the card and read the press; only later ones ask how it ended."""
        self.carla.account.presses("Resolve")
        heard = await self.carla.hears("How did it end?", "is resolved")
        if "How did it end?" in heard.text:
            await self.carla.presses("They were helped", "is resolved")

    async def is_restless(self, someone: Someone, done: asyncio.Event) -> None:
        """Asks on and on, twice each time, without waiting for the answers."""
        while not done.is_set():
            self.questions[someone.account.user_id] += 2
            someone.account.says("/help")
            someone.account.says("/help")
            with suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), PAUSE)


@dataclass
class Upgrade:
    """The two versions, the people, and what the database tells beside them."""

    old: Program
    new: Program
    crowd: Neighbours
    books: Books
    rounds: int = 0

    async def revision(self) -> str | None:
        async with self.books.database.engine.connect() as connection:
            return await connection.run_sync(current_revision)

    async def gather(self) -> None:
        codes = [await self.old.new_code(role) for role in ("coordinator", "member", "member")]
        await self.crowd.gather(codes[0], codes[1:])

    async def set_revision(self, revision: str | None) -> None:
        async with self.books.database.engine.begin() as connection:
            await connection.execute(
                sa.text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision}
            )

    async def time_passes(self) -> None:
        """Ten minutes, for all alerts and those who were told of them: time is a column."""
        async with self.books.database.engine.begin() as connection:
            for table, columns in TIMES.items():
                earlier = ", ".join(f"{each} = {each} - interval '10 minutes'" for each in columns)
                await connection.execute(sa.text(f"UPDATE {table} SET {earlier}"))

    async def handled(self) -> Counter[str]:
        """How many events each process has ended, by its number."""
        query = sa.text("SELECT split_part(worker, '-', 1) FROM diary")
        return await self.books.database.run(lambda tx: Counter(tx.session.scalars(query)))

    async def check(self) -> None:
        """All was answered once and in order, nobody complained, and nothing is left over."""
        await self.books.database.run(_once_and_in_order)
        print(await self.books.check(self.crowd))  # noqa: T201
        for someone in self.crowd.restless:
            answers = [each for each in someone.account.heard if "Write what you need" in each.text]
            assert len(answers) == self.crowd.questions[someone.account.user_id]
        self.check_logs()

    def check_logs(self) -> None:
        for program in (self.old, self.new):
            assert not [line for line in program.log.splitlines() if TROUBLE.search(line)]

    async def while_people_write(self, what: Callable[[], Awaitable[None]]) -> None:
        """They ask, talk to each other, one is in danger, some never pause; all to the end."""
        self.rounds += 1
        done = asyncio.Event()
        async with asyncio.timeout(ONE_ROUND), asyncio.TaskGroup() as group:
            restless = [group.create_task(self.crowd.is_restless(each, done)) for each in self.crowd.restless]
            stories = [group.create_task(each) for each in self.crowd.load(self.rounds)]
            await what()
            await asyncio.gather(*stories)
            done.set()
            await asyncio.gather(*restless)
        async with asyncio.timeout(ONE_ROUND):
            while not await self.books.is_quiet():  # noqa: ASYNC110 (other processes are at work)
                await asyncio.sleep(GLANCE)


@asynccontextmanager
async def upgrade(server: str, name: str, folder: Path) -> AsyncIterator[Upgrade]:
    """The version before runs."""
    try:
        commit = version_before()
    except NoHistory as reason:
        pytest.skip(f"the program of the version before can't be had: {reason}")
    check_out(commit, folder / "before")
    url = await create_postgres(server, name)
    database = Database(url, Vault(MASTER_KEY), SystemRandom())
    async with BotApi() as api:
        old, new = Program(folder / "before", folder / "old"), Program(ROOT, folder / "new")
        for program in (old, new):
            program.set_up(url, api.base_url, api.token)
        told = Upgrade(old, new, Neighbours(api), Books(database, api))
        try:
            await old.start_all()
            await api.called("getUpdates")
            async with database.engine.begin() as connection:
                for statement in DIARY:
                    await connection.execute(sa.text(statement))
            yield told
        finally:
            await old.kill()
            await new.kill()
            await database.close()


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
        await told.new.start_all()
        await told.old.end()
        await _is_told_of_again_and_ended(told)

        await _cries_and_waits(told)
        await told.new.end()
        await told.set_revision(before)
        await told.old.start_all()
        await _is_told_of_again_and_ended(told)
        await told.old.end()
        kinds = await told.books.database.run(lambda tx: list(tx.session.scalars(sa.select(Alert.kind))))
        assert kinds == ["sos", "sos"], "and the bot reports no fault of its own"
        told.check_logs()


async def _cries_and_waits(told: Upgrade) -> None:
    victim = told.crowd.someone("Victim")
    told.crowd.victims.append(victim)
    await victim.says("SOS", "Write here what")
    await told.crowd.carla.hears("🔴")


async def _is_told_of_again_and_ended(told: Upgrade) -> None:
    carla, victim = told.crowd.carla, told.crowd.victims[-1]
    await told.time_passes()
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


def _once_and_in_order(tx: Transaction) -> None:
    """Each event was ended once, and of what one person said the earlier before the later."""
    rows = tx.session.execute(sa.text("SELECT event, sender, lane FROM diary ORDER BY number")).all()
    assert sorted(row.event for row in rows) == sorted(tx.session.scalars(sa.select(Inbox.id)))
    ended: defaultdict[tuple[bytes, bool], list[int]] = defaultdict(list)
    for row in rows:
        ended[row.sender, row.lane == CRISIS].append(row.event)
    assert not [events for events in ended.values() if events != sorted(events)]
