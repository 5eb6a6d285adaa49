"""How fast an SOS reaches a coordinator: idle, behind a flood, and how late escalation steps are.

    make bench NAME=crisis

The last line is one JSON object. The whole process runs as it does in use (all loops, durable commits);
only the platform is one that takes every message at once. `idle`: from an SOS at the adapter to the first
message to a coordinator handed to it. `flood`: the same with 600,000 events and 100,000 broadcasts queued
before. `press`: from a coordinator's press to another's card being brought up to date. `step_late`: how long
after its moment a step of escalation is committed, with 10,000 alerts open.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.adapters import Outgoing, Pace, RawEvent
from bot.adapters.telegram_events import raw_event
from bot.app import App
from handlers import alarms
from handlers.context import Core, Moment
from handlers.membership import make_code
from storage import outbox, people
from storage.database import Database, Transaction
from storage.inbox import ORDINARY, intake_key
from storage.people import Known
from storage.tables import Alert, Inbox
from tests.bench.pipeline import update
from tests.engines import create_postgres, open_database, postgres_server, sqlite_url
from tests.world import make_core

SIZE = float(os.environ.get("BENCH_SIZE", "1"))  # a smaller run, to try the benchmark out
EVENTS, BROADCASTS, ALERTS = int(600_000 * SIZE), int(100_000 * SIZE), int(10_000 * SIZE)
WRITERS, READERS = 20_000, 10_000  # who wrote all the events, and to whom all are told something
COORDINATORS = (1, 2, 3)  # their numbers as people
IDLE, FLOODED, PRESSES = 200, 100, 100
BETWEEN = 0.25  # seconds from one SOS to the next, behind a flood
SPREAD = timedelta(
    seconds=180
)  # over which the next steps of the open alerts are due: as their policy spaces them
WATCHED = 60.0  # seconds for which steps are watched
PATIENCE = 60.0  # seconds after which a message counts as lost
CHUNK = 10_000


class Stage:
    """A platform that takes every message at once, and tells who waits for one when it came."""

    platform = "telegram"
    repeats_safely = False
    keychain = None
    pace: Pace | None = None

    def __init__(self) -> None:
        self._events: asyncio.Queue[RawEvent] = asyncio.Queue()
        self._wanted: list[tuple[Callable[[Outgoing], bool], asyncio.Future[float]]] = []
        self._numbers = count(1)
        self.tokens: dict[str, str] = {}  # the newest first button of each chat

    async def start(self) -> None: ...

    async def receive(self, cursor: str | None) -> tuple[list[RawEvent], str | None]:
        found = [await self._events.get()]
        while not self._events.empty():
            found.append(self._events.get_nowait())
        return found, cursor

    async def accepted(self, events: list[RawEvent]) -> None: ...

    async def send(self, message: Outgoing) -> tuple[str, ...]:
        now = time.perf_counter()
        if message.buttons:
            self.tokens[message.chat] = message.buttons[0].token
        for each in list(self._wanted):
            wanted, told = each
            if wanted(message):
                self._wanted.remove(each)
                told.set_result(now)
        return (str(next(self._numbers)),)

    async def fetch(self, reference: str) -> bytes:
        return b""

    async def stop(self) -> None: ...

    async def until(self, event: RawEvent, wanted: Callable[[Outgoing], bool]) -> float:
        """Milliseconds from an event to the first message of which something is true."""
        told: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._wanted.append((wanted, told))
        begun = time.perf_counter()
        self._events.put_nowait(event)
        async with asyncio.timeout(PATIENCE):
            return (await told - begun) * 1000


NUMBERS = count(1)


def said(person: int, text: str) -> RawEvent:
    return raw_event(update(next(NUMBERS), person, text))


def chat(person: int) -> str:
    return str(10_000 + person)


def pressed(person: int, token: str) -> RawEvent:
    user = {"id": 10_000 + person, "is_bot": False, "first_name": "Somebody", "language_code": "en"}
    message = {"message_id": 1, "date": 1_772_000_000, "chat": {"id": 10_000 + person, "type": "private"}}
    number = next(NUMBERS)
    query = {"id": str(number), "from": user, "chat_instance": "1", "data": token, "message": message}
    return raw_event({"update_id": number, "callback_query": query})


@asynccontextmanager
async def running(app: App) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    task = asyncio.create_task(app.run(stopping))
    try:
        yield
    finally:
        stopping.set()
        await task


async def measure(database: Database) -> dict[str, float]:
    stage = Stage()
    app = App.compose(database, make_core(), [stage])
    await app.start()
    await _coordinators(app, stage)
    async with running(app):
        idle = [await _sos(stage, 100_000 + number) for number in range(IDLE)]
        press = [await _press(stage, 200_000 + number) for number in range(PRESSES)]
    await _flood(database, app.core)
    async with running(app):
        flooded = []
        for number in range(FLOODED):
            flooded.append(await _sos(stage, 300_000 + number))
            await asyncio.sleep(BETWEEN)
    await database.run(_empty_queues)
    late = await _steps(database, app)
    found = {
        "idle_p50_ms": statistics.median(idle),
        "idle_p99_ms": _p99(idle),
        "flood_p50_ms": statistics.median(flooded),
        "flood_p99_ms": _p99(flooded),
        "press_p99_ms": _p99(press),
        "step_late_p99_ms": _p99(late),
        "steps": len(late),
    }
    return {name: round(value, 1) for name, value in found.items()}


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


async def _coordinators(app: App, stage: Stage) -> None:
    for person in COORDINATORS:
        now = datetime.now(UTC)
        code = await app.database.run(partial(_code, core=app.core, now=now))
        await app.stations[0].gateway.accept([said(person, f"/join {code}")], None)
        await app.settle()


def _code(tx: Transaction, core: Core, now: datetime) -> str:
    return make_code(Moment(core, tx, now), "coordinator", 1)


async def _sos(stage: Stage, person: int) -> float:
    """From an SOS to the first page; then it is called off, so that each is alone."""
    told = {chat(each) for each in COORDINATORS}
    taken = await stage.until(said(person, "sos my father fell"), lambda message: message.chat in told)
    await stage.until(said(person, "/mistake"), lambda message: message.chat == chat(person))
    return taken


async def _press(stage: Stage, person: int) -> float:
    """From "I take it" of one coordinator to the changed card of another."""
    first, second, *_others = COORDINATORS
    await stage.until(
        said(person, "sos my father fell"),
        lambda message: message.chat == chat(first) and not message.edits and bool(message.buttons),
    )
    await asyncio.sleep(0.5)  # the other pages have left too, and the cards of the one before
    press = pressed(first, stage.tokens[chat(first)])
    taken = await stage.until(press, lambda message: message.chat == chat(second) and bool(message.edits))
    await stage.until(said(person, "/mistake"), lambda message: message.chat == chat(person))
    return taken


# --- the flood ------------------------------------------------------------------------------------


async def _flood(database: Database, core: Core) -> None:
    """Queue events and broadcasts: each writer says the same again and again, and is new to the bot."""
    now, keep = datetime.now(UTC), core.union.keep_events
    writers = await database.run(partial(_writers, now=now, keep=keep))
    for start in range(0, EVENTS, CHUNK):
        await database.run(partial(_queue_events, now=now, writers=writers, start=start))
        _say(f"{start + CHUNK} events queued")
    readers = await database.run(partial(_readers, now=now))
    for start in range(0, BROADCASTS, CHUNK):
        await database.run(partial(_queue_broadcasts, now=now, readers=readers))
        _say(f"{start + CHUNK} broadcasts queued")


def _writers(tx: Transaction, now: datetime, keep: timedelta) -> list[dict[str, Any]]:
    """What the inbox holds of an event of each writer, but for its key."""
    key_id = intake_key(tx, now, keep)
    events = [said(500_000 + number, "hello there") for number in range(WRITERS)]
    return [
        {"gateway": "telegram", "sender": tx.vault.index("address", "telegram", event.chat), "lane": ORDINARY,
         "key_id": key_id, "attempts": 0, "received_at": now,
         "sealed_payload": tx.seal(key_id, "event", {"chat": event.chat, "event": event.payload})}
        for event in events
    ]  # fmt: skip


def _queue_events(tx: Transaction, now: datetime, writers: list[dict[str, Any]], start: int) -> None:
    rows = [
        {**writers[number % WRITERS], "event_key": number.to_bytes(8, "big")}
        for number in range(start, start + CHUNK)
    ]
    tx.session.connection().execute(sa.insert(Inbox), rows)


def _readers(tx: Transaction, now: datetime) -> list[Known]:
    return [people.meet(tx, now, "telegram", chat(600_000 + number), "en") for number in range(READERS)]


def _queue_broadcasts(tx: Transaction, now: datetime, readers: list[Known]) -> None:
    for number in range(CHUNK):
        known = readers[number % len(readers)]
        outbox.add(tx, now, known.account, known.person.key_id, {"text": "A word to everyone."}, 3)


def _empty_queues(tx: Transaction) -> None:
    for table in ("inbox", "outbox"):
        tx.session.execute(sa.text(f"DELETE FROM {table}"))


# --- steps of escalation ----------------------------------------------------------------------------


async def _steps(database: Database, app: App) -> list[float]:
    """How late each step is committed, in milliseconds, while 10,000 alerts are open."""
    for start in range(0, ALERTS, 1_000):
        await database.run(partial(_open, core=app.core, start=start, many=min(1_000, ALERTS - start)))
    begun = datetime.now(UTC)
    await database.run(partial(_spread, begins=begun + timedelta(seconds=5)))
    due = await database.run(_moments)
    late: list[float] = []
    run_once = app.clock.run_once

    async def watched() -> int:
        done = await run_once()
        now, present = datetime.now(UTC), await database.run(_moments)
        for alert, moment in list(due.items()):
            if present.get(alert) != moment:
                late.append((now - moment).total_seconds() * 1000)
                del due[alert]
        return done

    app.clock.run_once = watched  # type: ignore[method-assign]
    async with running(app):
        await asyncio.sleep(WATCHED)
        now = datetime.now(UTC)
        # What should have happened and has not counts as late as it is by now.
        late += [(now - moment).total_seconds() * 1000 for moment in due.values() if moment < now]
    return late


def _open(tx: Transaction, core: Core, start: int, many: int) -> None:
    now = datetime.now(UTC)
    moment = Moment(core, tx, now)
    for number in range(start, start + many):
        known = people.meet(tx, now, "telegram", chat(800_000 + number), "en")
        alert = alarms.open_alert(moment, "sos", person_id=known.person.id)
        alert.step = 1


def _spread(tx: Transaction, begins: datetime) -> None:
    found = list(tx.session.scalars(sa.select(Alert).where(Alert.resolved_at.is_(None))))
    for number, alert in enumerate(found):
        alert.next_step_at = begins + SPREAD * number / len(found)


def _moments(tx: Transaction) -> dict[Any, datetime]:
    rows = tx.session.execute(sa.select(Alert.id, Alert.next_step_at).where(Alert.resolved_at.is_(None)))
    return {row.id: row.next_step_at for row in rows if row.next_step_at is not None}


def _say(text: str) -> None:
    sys.stderr.write(f"\r{text}    ")


async def main() -> None:
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="onecloak-bench-") as folder:
        database = await open_database(sqlite_url(Path(folder) / "bench.db"))
        result["sqlite"] = await measure(database)
        _say(f"{result}\n")
        await database.close()
    with postgres_server() as server:
        database = await open_database(await create_postgres(server, "bench"))
        result["postgres"] = await measure(database)
        await database.close()
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
