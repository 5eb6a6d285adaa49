"""A story of an upgrade: the version before, this one, the people, and what the database tells of them."""

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
from storage.migrate import current_revision
from storage.sealing import Vault
from storage.tables import Inbox
from tests.bot_api import BotApi
from tests.engines import MASTER_KEY, create_postgres
from tests.faults.books import Books
from tests.faults.crowd import GLANCE, Crowd, Someone
from tests.faults.earlier import ROOT, NoHistory, Program, check_out, version_before

ONE_ROUND = 240  # seconds, at the very most
RESTLESS, PAUSE = 15, 2.5  # people, and seconds between what they say
TROUBLE = re.compile(r"\b(WARNING|ERROR|CRITICAL|Traceback|set aside)\b", re.IGNORECASE)

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

    async def time_passes(self, minutes: int) -> None:
        """All that was, and all that is due, is so much earlier; then what is due happens."""
        said = len(self.books.api.sent)
        await self.books.database.run(lambda tx: set_back(tx, minutes))
        async with asyncio.timeout(ONE_ROUND):
            while len(self.books.api.sent) == said or not await self.books.is_quiet():  # noqa: ASYNC110
                await asyncio.sleep(GLANCE)

    async def turns_to(self, program: Program, revision: str | None) -> None:
        """The other version is ended, and only this one runs."""
        await (self.new if program is self.old else self.old).end()
        await self.set_revision(revision)
        await program.start_all()

    async def handled(self) -> Counter[str]:
        """How many events each process has ended, by its number."""
        query = sa.text("SELECT split_part(worker, '-', 1) FROM diary")
        return await self.books.database.run(lambda tx: Counter(tx.session.scalars(query)))

    async def check(self) -> None:
        """All was answered once and in order, nobody complained, and nothing is left over."""
        await self.books.database.run(once_and_in_order)
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


def set_back(tx: Transaction, minutes: int) -> None:
    for table in sa.inspect(tx.session.connection()).get_table_names():
        if table == "leases":
            continue
        columns = sa.inspect(tx.session.connection()).get_columns(table)
        times = [each["name"] for each in columns if isinstance(each["type"], sa.DateTime)]
        if times:
            earlier = ", ".join(f"{each} = {each} - interval '{minutes} minutes'" for each in times)
            tx.session.execute(sa.text(f"UPDATE {table} SET {earlier}"))


def once_and_in_order(tx: Transaction) -> None:
    """Each event was ended once, and of what one person said the earlier before the later."""
    rows = tx.session.execute(sa.text("SELECT event, sender, lane FROM diary ORDER BY number")).all()
    assert sorted(row.event for row in rows) == sorted(tx.session.scalars(sa.select(Inbox.id)))
    ended: defaultdict[tuple[bytes, bool], list[int]] = defaultdict(list)
    for row in rows:
        ended[row.sender, row.lane == CRISIS].append(row.event)
    assert not [events for events in ended.values() if events != sorted(events)]
