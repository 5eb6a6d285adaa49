"""The way in: kept once, in order for each sender, a crisis first, and never by two workers at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from storage import alerts, inbox
from storage.database import Database, Transaction
from storage.inbox import CRISIS, ORDINARY, SLOWED, Arrival, Claimed
from storage.tables import Inbox, Key
from tests.storage import BOTH_ENGINES, DAY, HOUR, KEEP, SECOND, empty, person, some
from tests.world import NOON

pytestmark = BOTH_ENGINES
HOLD = timedelta(seconds=60)


def says(words: str, who: str = "ana", crisis: bool = False, *, slowed: bool = False) -> Arrival:
    """Someone says something; the words are the event's key too."""
    return Arrival(words, who, {"text": words}, crisis, slowed)


async def accept(
    database: Database, *arrivals: Arrival, cursor: str | None = None, now: datetime = NOON
) -> None:
    await database.run(lambda tx: inbox.accept(tx, now, "console", arrivals, cursor, KEEP))


async def claim(database: Database, worker: str = "one", limit: int = 64, now: datetime = NOON) -> list[int]:
    return await database.run(lambda tx: inbox.claim(tx, now, worker, limit, HOLD))


def _words(tx: Transaction, row: Inbox | Claimed) -> str:
    assert row.sealed_payload is not None
    return str(tx.open(row.key_id, "event", row.sealed_payload)["event"]["text"])


async def words(database: Database, ids: list[int], worker: str = "one") -> list[str]:
    """What the claimed events say, in the order in which they are handled."""
    return await database.run(lambda tx: [_words(tx, row) for row in inbox.load(tx, worker, ids)])


async def take(database: Database, worker: str = "one", limit: int = 64, now: datetime = NOON) -> list[str]:
    """Claim and read."""
    return await words(database, await claim(database, worker, limit, now), worker)


async def finish(database: Database, ids: Sequence[int], outcome: str = "handled") -> None:
    await database.run(lambda tx: inbox.finish(tx, NOON, ids, outcome))


async def handle(database: Database, worker: str = "one", limit: int = 64) -> list[str]:
    """Claim, read and finish."""
    ids = await claim(database, worker, limit)
    said = await words(database, ids, worker)
    await finish(database, ids)
    return said


async def rows(database: Database) -> list[Inbox]:
    return await database.run(lambda tx: list(tx.session.scalars(sa.select(Inbox).order_by(Inbox.id))))


async def test_events_and_cursor_are_kept_in_one_commit(database: Database) -> None:
    await accept(database, says("one"), says("two"), cursor="2")
    assert await database.run(lambda tx: inbox.cursor(tx, "console")) == "2"
    assert await database.run(lambda tx: inbox.cursor(tx, "telegram")) is None

    def broken(tx: Transaction) -> None:
        inbox.accept(tx, NOON, "console", [says("three")], "3", KEEP)
        tx.session.flush()
        raise ConnectionError

    with suppress(ConnectionError):
        await database.run(broken)
    assert await database.run(lambda tx: inbox.cursor(tx, "console")) == "2"
    assert await take(database) == ["one"]
    assert len(await rows(database)) == 2


async def test_a_repeated_event_is_kept_once(database: Database) -> None:
    await accept(database, *[says("help")] * 5, says("more"), cursor="1")
    await accept(database, says("more"), says("help"), cursor="0")
    await accept(database, *[says("help", who="someone else's chat")] * 5)
    assert await handle(database) == ["help"]
    await accept(database, says("help"))
    assert await handle(database) == ["more"]
    assert await handle(database) == []
    assert await database.run(lambda tx: inbox.cursor(tx, "console")) == "0"


async def test_no_event_is_passed_over_because_its_number_is_taken(database: Database) -> None:
    """As after a failover that copied the rows of PostgreSQL and none of its counters."""
    if database.is_sqlite:
        pytest.skip("SQLite has no counters beside the rows")
    await accept(database, says("one"), says("two"), cursor="2")
    await database.run(lambda tx: tx.session.execute(sa.text("ALTER SEQUENCE inbox_id_seq RESTART")))
    await accept(database, says("three"), cursor="3")
    assert [row.id for row in await rows(database)] == [1, 2, 3]
    assert await take(database) == ["one"]


async def test_the_same_key_of_another_account_is_another_event(database: Database) -> None:
    await accept(database, says("help"))
    await database.run(lambda tx: inbox.accept(tx, NOON, "telegram", [says("help")], "9", KEEP))
    assert await handle(database) == ["help", "help"]
    assert await database.run(lambda tx: inbox.cursor(tx, "console")) is None


async def test_what_each_says_is_handled_in_its_order(database: Database) -> None:
    await accept(database, says("a1"), says("b1", "ben"), says("a2"), says("b2", "ben"), says("a3"))
    held = await claim(database)
    assert await words(database, held) == ["a1", "b1"]
    assert await claim(database, "another") == []
    await finish(database, held[:1])
    assert await take(database, "another") == ["a2"]
    assert await claim(database, "a third") == []


async def test_a_crisis_overtakes_all_and_its_own_senders_earlier_words(database: Database) -> None:
    await accept(database, says("a1"), says("b1", "ben"), says("a2"))
    await accept(database, says("SOS", crisis=True), says("b2", "ben"), says("hurry", crisis=True))
    assert await handle(database) == ["SOS"]
    assert await handle(database) == ["hurry"]
    assert await handle(database) == ["a1", "b1"]
    assert await handle(database) == ["a2", "b2"]


async def test_what_was_slowed_comes_last_but_in_its_senders_order(database: Database) -> None:
    await accept(database, says("f1", "flooder"), says("f2", "flooder", slowed=True), says("f3", "flooder"))
    await accept(database, says("s1", "other flooder", slowed=True), says("a1"))
    assert await handle(database) == ["f1", "a1", "s1"]
    assert await handle(database) == ["f2"]
    await accept(database, says("SOS", "flooder", crisis=True))
    assert await handle(database) == ["SOS"]
    assert await handle(database) == ["f3"]


async def test_a_crisis_does_not_wait_for_what_another_worker_holds(database: Database) -> None:
    await accept(database, says("a1"), says("a2"))
    assert await take(database, "slow") == ["a1"]
    await accept(database, says("SOS", crisis=True))
    assert await take(database, "free") == ["SOS"]
    assert await claim(database, "free") == []


async def test_coordinators_and_who_has_an_open_alert_ride_the_crisis_lane(database: Database) -> None:
    await person(database, "carla", coordinator_since=NOON)
    ana = await person(database, "ana")
    await person(database, "ben")
    alert_id = await database.run(
        lambda tx: (
            alerts.add(
                tx, reference="A-2M9D", kind="sos", person_id=ana.person.id, policy={}, opened_at=NOON
            ).id
        )
    )
    await accept(database, says("b1", "ben"), says("c1", "carla"), says("a1"), says("x1", "stranger"))
    assert [row.lane for row in await rows(database)] == [ORDINARY, CRISIS, CRISIS, ORDINARY]
    assert await take(database) == ["c1", "a1"]
    assert await take(database) == ["b1", "x1"]

    await database.run(lambda tx: alerts.take(tx, NOON, alert_id, ana.person.id, NOON))
    await accept(database, says("a2"))
    await database.run(lambda tx: alerts.resolve(tx, NOON, alert_id, "over"))
    await accept(database, says("a3"))
    assert [row.lane for row in await rows(database)][-2:] == [CRISIS, ORDINARY]


async def test_attempts_are_counted_though_the_work_is_undone(database: Database) -> None:
    await accept(database, says("poison"))
    for attempt in (1, 2, 3):
        now = NOON + attempt * HOUR
        ids = await claim(database, now=now)

        def killed(tx: Transaction, ids: list[int] = ids) -> None:
            inbox.finish(tx, NOON, ids, "handled")
            raise MemoryError

        with suppress(MemoryError):
            await database.run(killed)
        [row] = await rows(database)
        assert (row.attempts, row.outcome) == (attempt, None)


async def test_what_was_tried_before_is_taken_alone(database: Database) -> None:
    await accept(database, says("a1"), says("b1", "ben"))
    assert await take(database, limit=1) == ["a1"]
    later = NOON + HOUR
    await accept(database, says("c1", "cleo"))
    assert await take(database, now=later) == ["a1"]
    assert await take(database, now=later) == ["b1", "c1"]

    much_later = later + HOUR
    await accept(database, says("SOS", "dan", crisis=True))
    assert await take(database, now=much_later) == ["SOS"], "fresh ones go without those tried before"
    assert await take(database, now=much_later) == ["a1"]
    assert await take(database, now=much_later) == ["b1"]


async def test_a_claim_ends_with_its_hold_or_when_it_is_given_back(database: Database) -> None:
    await accept(database, says("a1"), says("b1", "ben"))
    ids = await claim(database, "dead")
    assert await claim(database, now=NOON + HOLD) == []
    assert await take(database, now=NOON + HOLD + SECOND) == ["a1"]
    assert await words(database, ids, "dead") == ["b1"], "a1 belongs to another worker now"

    await database.run(lambda tx: inbox.release(tx, "dead"))
    assert await take(database) == ["b1"]
    assert await claim(database) == []
    await database.run(inbox.release)
    assert await take(database) == ["a1"]


async def test_the_dead_stay_and_the_handled_are_emptied_but_known(database: Database) -> None:
    await accept(database, says("fine"), says("strange", "ben"), says("fatal", "cleo"), says("new", "dan"))
    fine, strange, fatal = (await claim(database))[:3]
    for row_id, outcome in ((fine, "handled"), (strange, "unreadable"), (fatal, "failed")):
        await finish(database, [row_id], outcome)

    await database.run(lambda tx: inbox.purge(tx, NOON + KEEP, KEEP, 14 * DAY))
    assert all(row.sealed_payload is not None for row in await rows(database)), "not a moment too early"

    await database.run(lambda tx: inbox.purge(tx, NOON + KEEP + SECOND, KEEP, 14 * DAY))
    kept = [(row.outcome, row.sealed_payload is not None) for row in await rows(database)]
    assert kept == [("handled", False), ("unreadable", True), ("failed", True), (None, True)]
    await accept(database, says("fine"), says("strange", "ben"), now=NOON + 3 * DAY)
    assert len(await rows(database)) == 4

    await database.run(lambda tx: inbox.purge(tx, NOON + 15 * DAY, KEEP, 14 * DAY))
    assert [row.outcome for row in await rows(database)] == [None], "what nobody handled is never purged"


async def test_a_key_of_the_day_seals_what_comes_in(database: Database) -> None:
    for hours in (0, 23, 25):
        await accept(database, says(f"at {hours}"), now=NOON + hours * HOUR)
    first, same_day, next_day = await rows(database)
    assert first.key_id == same_day.key_id != next_day.key_id
    purge_at = await database.run(lambda tx: tx.session.get_one(Key, first.key_id).purge_at)
    assert purge_at == NOON + DAY + KEEP


async def test_a_report_of_the_process_waits_its_turn_behind_the_sender(database: Database) -> None:
    await accept(database, says("a1"))
    sender = (await rows(database))[0].sender
    for key, crisis in (("late", False), ("late", False), ("now", True)):
        report = partial(inbox.report, now=NOON, sender=sender, key=key, payload={"text": key})
        await database.run(partial(report, crisis=crisis, keep=KEEP))
    assert [await handle(database) for _ in range(4)] == [["now"], ["a1"], ["late"], []]


events = st.tuples(st.sampled_from(["ana", "ben", "cleo"]), st.sampled_from([CRISIS, ORDINARY, SLOWED]))
doings = st.lists(
    st.one_of(
        st.tuples(st.just("accept"), st.lists(events, max_size=6)),
        st.tuples(st.just("claim"), st.integers(1, 4)),
        st.tuples(st.just("finish"), st.integers(0, 3)),
    ),
    max_size=14,
)


def order(event: tuple[int, int, str]) -> tuple[bool, int]:
    """What a sender's crisis is comes first; what was slowed and what was not keep one order."""
    return event[0] != CRISIS, event[1]


@some(30)
@given(doings)
async def test_each_claim_is_the_head_of_each_senders_queue(
    database: Database, story: list[tuple[str, object]]
) -> None:
    """Whatever comes in between, a claim gives what a queue for each sender in memory would give."""
    await empty(database)
    waiting: list[tuple[int, int, str]] = []  # lane, number, sender
    held: list[tuple[int, int, str]] = []
    numbers: dict[int, tuple[int, int, str]] = {}
    count = 0
    for doing, detail in story:
        if doing == "accept":
            assert isinstance(detail, list)
            new = [(lane, count + n, who) for n, (who, lane) in enumerate(detail)]
            said_now = [says(str(n), who, lane == CRISIS, slowed=lane == SLOWED) for lane, n, who in new]
            await accept(database, *said_now)
            count += len(new)
            waiting += new
        elif doing == "claim":
            assert isinstance(detail, int)
            heads = {who: min((e for e in waiting + held if e[2] == who), key=order) for *_, who in waiting}
            expected = sorted(each for each in heads.values() if each not in held)[:detail]
            if expected and expected[0][0] == CRISIS:
                expected = [each for each in expected if each[0] == CRISIS]
            ids = await claim(database, limit=detail)
            said = await words(database, ids)
            assert said == [str(number) for _, number, _ in expected]
            numbers |= dict(zip(sorted(ids), sorted(expected, key=lambda e: e[1]), strict=True))
            waiting = [each for each in waiting if each not in expected]
            held += expected
        elif held:
            assert isinstance(detail, int)
            done = held.pop(detail % len(held))
            row_id = next(i for i, each in numbers.items() if each == done)
            await finish(database, [row_id])


async def test_workers_never_share_an_event_nor_a_sender(database: Database) -> None:
    """Four workers run at once; on PostgreSQL that is four connections and SKIP LOCKED."""
    everyone = [f"person {number}" for number in range(5)]
    handled: list[int] = []
    busy: set[bytes] = set()

    async def work(name: str) -> None:
        idle = 0
        while len(handled) < 200 and idle < 500:
            ids = await claim(database, name, limit=2)
            idle = 0 if ids else idle + 1
            loaded = await database.run(partial(inbox.load, worker=name, ids=ids))
            assert len(loaded) == len(ids), "another worker took what this one had claimed"
            for row in loaded:
                assert row.sender not in busy, "two workers hold rows of one sender"
                busy.add(row.sender)
            await asyncio.sleep(0)
            busy.difference_update(row.sender for row in loaded)
            await finish(database, ids)
            handled.extend(ids)

    async def arrive() -> None:
        for batch in range(20):
            await accept(database, *[says(f"{batch} {who} {n}", who) for who in everyone for n in (1, 2)])

    await asyncio.gather(arrive(), *(work(f"worker {number}") for number in range(4)))
    assert len(handled) == len(set(handled)) == 200
    of_each: dict[bytes, list[int]] = {}
    for row in await rows(database):
        of_each.setdefault(row.sender, []).append(row.id)
    for mine in of_each.values():
        assert [row_id for row_id in handled if row_id in mine] == mine, "out of order"


async def test_workers_that_claim_at_the_same_moment_share_nothing(database: Database) -> None:
    """Many rounds of four claims at once: no row twice, no two rows of one sender."""
    for number in range(40):
        await accept(database, *[says(f"{number} {who} {n}", who) for who in "abc" for n in range(3)])
        claimed = await asyncio.gather(*(claim(database, f"worker {each}", limit=2) for each in range(4)))
        ids = [row_id for each in claimed for row_id in each]
        senders = await database.run(
            lambda tx, ids=ids: list(  # type: ignore[misc]
                tx.session.scalars(sa.select(Inbox.sender).where(Inbox.id.in_(ids)))
            )
        )
        assert len(ids) == len(set(ids)) == len(senders) == len(set(senders))
        await empty(database)
