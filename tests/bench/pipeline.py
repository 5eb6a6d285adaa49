"""Events a second through the pipeline, on both engines, beside python-telegram-bot's Application.

    make bench NAME=pipeline

The last line is one JSON object. Each turn is a whole one: the event is claimed, its person loaded and
locked, the form or case read and written, the answer rendered, sealed and queued, all in durable commits.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from telegram import Update
from telegram.ext import Application, CommandHandler, ContextTypes, MessageHandler, filters
from telegram.request import BaseRequest, RequestData

from bot.adapters import Outgoing, Pace, RawEvent
from bot.adapters.telegram_events import raw_event
from bot.app import App
from bot.running import spare_the_collector
from handlers.context import Moment
from handlers.membership import make_code
from storage.database import Database
from tests.engines import create_postgres, open_database, postgres_server, sqlite_url
from tests.world import make_core

PEOPLE = 400
VOLUNTEERS = 40
SCRIPT = ("hello", "I need someone to fetch my medicine", "yes", "41.40,2.16", "thank you")
INBOX_EVENTS = 20_000
SAMPLES = 300
BATCH = 100  # what Telegram gives at most


class Nowhere:
    """An adapter that takes every message at once; what remains is our own work."""

    platform = "telegram"
    repeats_safely = False
    keychain = None
    pace: Pace | None = None

    async def start(self) -> None: ...

    async def receive(self, cursor: str | None) -> tuple[list[RawEvent], str | None]:
        return [], cursor

    async def accepted(self, events: list[RawEvent]) -> None: ...

    async def send(self, message: Outgoing) -> tuple[str, ...]:
        return ("1",)

    async def fetch(self, reference: str) -> bytes:
        return b""

    async def stop(self) -> None: ...


def update(number: int, person: int, text: str) -> dict[str, Any]:
    user = {"id": 10_000 + person, "is_bot": False, "first_name": "Somebody", "language_code": "en"}
    chat = {"id": 10_000 + person, "type": "private", "first_name": "Somebody"}
    message = {"message_id": number, "date": 1_772_000_000, "from": user, "chat": chat, "text": text}
    if text.startswith("/"):
        message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text.split()[0])}]
    return {"update_id": number, "message": message}


def batches(updates: Sequence[dict[str, Any]]) -> list[list[RawEvent]]:
    return [[raw_event(each) for each in updates[at : at + BATCH]] for at in range(0, len(updates), BATCH)]


async def measure(database: Database) -> dict[str, float]:
    core = make_core()
    app = App.compose(database, core, [Nowhere()])
    await app.start()
    await volunteers(app)
    numbers = iter(range(1_000_000, 9_000_000))
    core.lexicons.make_ready()  # as a running process does beside its first turns
    spare_the_collector()  # as it does at its start
    await turns(app, numbers, range(50_000, 50_000 + BATCH))  # what is compiled once is compiled now
    result = {"turns_per_s": await turns(app, numbers, range(PEOPLE))}
    result |= await sending(app)
    result |= await one_turn(app, numbers)
    result["inbox_per_s"] = await intake(app, numbers)
    return {name: round(value, 2) for name, value in result.items()}


async def volunteers(app: App) -> None:
    """People who can be asked, so that a need ends in real invitations."""
    now = datetime.now(UTC)
    number = 1
    for person in range(VOLUNTEERS):
        code = await app.database.run(lambda tx: make_code(Moment(app.core, tx, now), "member", 1))
        for text in (f"/join {code}", "/offer I can fetch medicine", f"41.4{person:02},2.16", "20 km"):
            await app.stations[0].gateway.accept([raw_event(update(number, 900_000 + person, text))], None)
            await app.settle()
            number += 1


async def turns(app: App, numbers: Any, people: Sequence[int]) -> float:
    """Whole turns a second, of many people who write at once."""
    for text in SCRIPT:
        for batch in batches([update(next(numbers), person, text) for person in people]):
            await app.stations[0].gateway.accept(batch, None)
    begun = time.perf_counter()
    handled = 0
    while done := await app.worker.run_once():
        handled += done
    assert handled == len(people) * len(SCRIPT), handled
    return handled / (time.perf_counter() - begun)


async def sending(app: App) -> dict[str, float]:
    begun = time.perf_counter()
    sent = 0
    while done := await app.stations[0].courier.run_once():
        sent += done
    return {"sent_per_s": sent / (time.perf_counter() - begun)}


async def one_turn(app: App, numbers: Any) -> dict[str, float]:
    """From the event at the adapter to its answer committed, one at a time, in milliseconds."""
    taken = []
    for sample in range(SAMPLES):
        event = raw_event(update(next(numbers), 5_000 + sample // len(SCRIPT), SCRIPT[sample % len(SCRIPT)]))
        begun = time.perf_counter()
        await app.stations[0].gateway.accept([event], None)
        await app.worker.run_once()
        taken.append((time.perf_counter() - begun) * 1000)
    cuts = statistics.quantiles(taken, n=100)
    return {"turn_p50_ms": cuts[49], "turn_p99_ms": cuts[98]}


async def intake(app: App, numbers: Any) -> float:
    """Events a second from the adapter to the commit, in the batches that a poll brings."""
    updates = [update(next(numbers), person % 5_000, "hello there") for person in range(INBOX_EVENTS)]
    begun = time.perf_counter()
    for batch in batches(updates):
        await app.stations[0].gateway.accept(batch, None)
    return INBOX_EVENTS / (time.perf_counter() - begun)


# --- the peer -------------------------------------------------------------------------------------


class Canned(BaseRequest):
    """Answers every call at once, so that only the library's own work is measured."""

    @property
    def read_timeout(self) -> float | None:
        return 1

    async def initialize(self) -> None: ...

    async def shutdown(self) -> None: ...

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *args: Any, **kwargs: Any
    ) -> tuple[int, bytes]:
        if url.endswith("getMe"):
            result: dict[str, Any] = {"id": 1, "is_bot": True, "first_name": "Bot", "username": "a_bot"}
        else:
            chat = {"id": 1, "type": "private"}
            result = {"message_id": 1, "date": 1_772_000_000, "chat": chat, "text": "hello"}
        return 200, json.dumps({"ok": True, "result": result}).encode()


async def peer() -> dict[str, Any]:
    """The same updates through python-telegram-bot with its defaults: in memory, nothing durable."""

    async def answer(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message is not None
        await update.message.reply_text("Hello, this is a reply of the same length as ours, or nearly so.")

    application = (
        Application.builder()
        .token("1:a")
        .request(Canned())
        .get_updates_request(Canned())
        .updater(None)
        .build()
    )
    application.add_handler(CommandHandler("help", answer))
    application.add_handler(MessageHandler(filters.TEXT & ~filters.COMMAND, answer))
    raw = [
        json.dumps(update(number, number % PEOPLE, SCRIPT[number % len(SCRIPT)]))
        for number in range(PEOPLE * len(SCRIPT))
    ]
    async with application:
        begun = time.perf_counter()
        for each in raw:
            await application.process_update(Update.de_json(json.loads(each), application.bot))
        rate = len(raw) / (time.perf_counter() - begun)
    return {"name": "python-telegram-bot Application, in memory", "updates_per_s": round(rate, 2)}


async def main() -> None:
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="onecloak-bench-") as folder:
        database = await open_database(sqlite_url(Path(folder) / "bench.db"))
        result["sqlite"] = await measure(database)
        await database.close()
    with postgres_server() as server:
        database = await open_database(await create_postgres(server, "bench"))
        result["postgres"] = await measure(database)
        await database.close()
    result["peer"] = await peer()
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
