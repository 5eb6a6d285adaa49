"""Several workers at one inbox: nobody's messages are handled twice, two at once, or out of their order."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from random import SystemRandom

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from bot.adapters import RawEvent
from bot.app import App
from handlers import welcome
from handlers.contents import COMMANDS, Command
from handlers.context import Context
from handlers.messages import Inbound, Outbound
from storage import inbox
from storage.database import Database, Transaction
from storage.inbox import Arrival
from storage.sealing import Vault
from storage.tables import Inbox
from tests.engines import MASTER_KEY, create_postgres, open_database
from tests.storage import BOTH_ENGINES, KEEP
from tests.world import NOON, Time, make_core

pytestmark = BOTH_ENGINES
HOLD = timedelta(minutes=1)
PEOPLE, LINES, WORKERS = 12, 8, 4


@pytest.fixture
async def url(postgres: str, postgres_template: str, request: pytest.FixtureRequest) -> str:
    return await create_postgres(postgres, f"two_workers_{abs(hash(request.node.name))}", postgres_template)


@pytest.fixture
async def shared(url: str) -> AsyncIterator[Database]:
    database = await open_database(url)
    yield database
    await database.close()


async def write(database: Database, *lines: str) -> None:
    """Messages such as "ana 1": of whom, and which."""
    arrivals = [Arrival(each, each.split()[0], {"text": each}, crisis="SOS" in each) for each in lines]
    await database.run(lambda tx: inbox.accept(tx, NOON, "console", arrivals, None, KEEP))


def words(tx: Transaction, ids: list[int]) -> list[str]:
    rows = tx.session.scalars(sa.select(Inbox).where(Inbox.id.in_(ids)).order_by(Inbox.id))
    return [tx.open(row.key_id, "event", row.sealed_payload or b"")["event"]["text"] for row in rows]


def plainly(tx: Transaction) -> list[int]:
    """What everyone writes who has read how a queue is made of a table."""
    query = sa.select(Inbox.id).where(Inbox.outcome.is_(None)).order_by(Inbox.id).limit(1)
    return list(tx.session.scalars(query.with_for_update(skip_locked=True)))


def ours(tx: Transaction, name: str = "") -> list[int]:
    return inbox.claim(tx, NOON, name, 1, HOLD)


@pytest.mark.parametrize(("way", "second"), [(plainly, "ana 2"), (ours, "ben 1")])
async def test_plain_skip_locked_gives_two_workers_two_messages_of_one_person_and_ours_does_not(
    shared: Database, way: object, second: str
) -> None:
    await write(shared, "ana 1", "ana 2", "ben 1")
    claim = plainly if way is plainly else ours
    async with AsyncSession(shared.engine) as one, AsyncSession(shared.engine) as other:
        taken = []
        for session in (one, other):  # both transactions stay open: two workers at the same time

            def work(inner: object, session: AsyncSession = session) -> list[str]:
                tx = Transaction(session.sync_session, shared.vault, SystemRandom())
                return words(tx, claim(tx))

            taken.append(await session.run_sync(work))
        assert taken == [["ana 1"], [second]]
        await one.rollback()
        await other.rollback()


async def test_a_worker_that_slept_through_its_claim_handles_nothing_of_it(shared: Database) -> None:
    await write(shared, "ana 1")
    slept = await shared.run(lambda tx: inbox.claim(tx, NOON, "the sleeper", 1, HOLD))
    later = NOON + HOLD + HOLD
    assert await shared.run(lambda tx: inbox.claim(tx, later, "another", 1, HOLD)) == slept
    assert await shared.run(lambda tx: inbox.load(tx, "the sleeper", slept)) == []
    assert len(await shared.run(lambda tx: inbox.load(tx, "another", slept))) == 1


async def test_what_two_gateways_take_in_of_one_person_is_committed_in_its_order(shared: Database) -> None:
    """The second waits for the first, whose message has the lower number and is not there to be seen yet."""
    async with AsyncSession(shared.engine) as slow:

        def first(session: object) -> None:
            tx = Transaction(slow.sync_session, shared.vault, SystemRandom())
            inbox.accept(tx, NOON, "console", [Arrival("ana 1", "ana", {"text": "ana 1"}, False)], None, KEEP)
            tx.write()

        await slow.run_sync(first)
        await write(shared, "ben 1")
        second = asyncio.create_task(write(shared, "ana 2"))
        done, _ = await asyncio.wait([second], timeout=0.3)
        assert not done
        assert await shared.run(lambda tx: words(tx, inbox.claim(tx, NOON, "worker", 9, HOLD))) == ["ben 1"]
        await slow.commit()
        await second
    assert await shared.run(lambda tx: words(tx, inbox.claim(tx, NOON, "worker", 9, HOLD))) == ["ana 1"]


class Diary:
    """A command that writes down who was served, and notices when one person is served twice at once."""

    def __init__(self) -> None:
        self.lines: defaultdict[str, list[str]] = defaultdict(list)

    def __call__(self, ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
        who, number = argument.split()
        self.lines[who].append(number)
        return welcome.my(ctx, inbound, "")


async def test_four_workers_handle_each_message_once_and_each_persons_in_order(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    diary = Diary()
    monkeypatch.setitem(COMMANDS, "my", Command(diary))
    databases = [Database(url, Vault(MASTER_KEY), SystemRandom()) for _ in range(WORKERS)]
    core, time = make_core(), Time()
    apps = [App.compose(each, core, [], now=time) for each in databases]
    for number in range(LINES):
        batch = [
            Arrival(
                f"{who}:{number}", who, RawEvent("", who, _said(who, f"/my {who} {number}")).payload, False
            )
            for who in (f"person{each}" for each in range(PEOPLE))
        ]
        await databases[0].run(partial(_accept, batch=batch))
    crowded: list[bytes] = []
    handled = await asyncio.gather(*(_work(app, crowded) for app in apps))

    assert not crowded, "two messages of one person were in hand at once"
    assert sum(handled) == PEOPLE * LINES
    assert all(handled), f"each worker had something to do: {handled}"
    outcomes = await databases[0].run(lambda tx: Counter(tx.session.scalars(sa.select(Inbox.outcome))))
    assert outcomes == {"handled": PEOPLE * LINES}
    assert {who: lines for who, lines in diary.lines.items() if lines != [str(n) for n in range(LINES)]} == {}
    for database in databases:
        await database.close()


def _said(who: str, text: str) -> dict[str, str]:
    return {"id": text, "name": who, "text": text}


def _accept(tx: Transaction, batch: list[Arrival]) -> None:
    inbox.accept(tx, NOON, "console", batch, None, KEEP)


async def _work(app: App, crowded: list[bytes]) -> int:
    """Handle until nothing is left, in small claims; after each one look who is in hand more than once."""
    handled = 0
    while True:
        ids = await app.database.run(lambda tx: inbox.claim(tx, app.now(), app.worker.name, 3, HOLD))
        crowded += await app.database.run(_more_than_one)
        if ids:
            handled += await app.worker._batch(app.now(), ids)
        elif not await app.database.run(_unfinished):
            return handled


def _more_than_one(tx: Transaction) -> list[bytes]:
    held = (Inbox.outcome.is_(None), Inbox.claimed_by.is_not(None))
    count = sa.select(Inbox.sender).where(*held).group_by(Inbox.sender).having(sa.func.count() > 1)
    return list(tx.session.scalars(count))


def _unfinished(tx: Transaction) -> int:
    return tx.session.scalar(sa.select(sa.func.count()).where(Inbox.outcome.is_(None))) or 0
