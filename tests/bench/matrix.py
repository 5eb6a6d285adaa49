"""Encrypted messages a second through the Matrix adapter, beside matrix-nio alone with its own key store.

    make bench NAME=matrix

Over one Synapse without limits, all on this machine. The last line is one JSON object. `take_up` is what a
process that takes the account over needs until it can speak: with the keys from the database, and (the
choice not taken) by logging in as a new device that is signed anew.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from bot.adapters import Outgoing
from bot.app import App
from storage.database import Database
from tests.engines import open_database, sqlite_url
from tests.matrix_member import Member
from tests.matrix_world import WatchedMatrix, make_adapter
from tests.synapse import Synapse
from tests.world import make_core

MESSAGES = 250
ROOMS = 25
WRITERS, EACH = 5, 50


def now() -> datetime:
    return datetime.now(UTC)


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    begun = time.perf_counter()
    await work()
    return time.perf_counter() - begun


async def receive_until(app: App, adapter: WatchedMatrix, events: set[str]) -> None:
    while not events <= adapter.taken:
        await app.stations[0].gateway.run_once()


async def peer(synapse: Synapse, folder: Path) -> float:
    """matrix-nio as it comes, with the lock that it needs: messages a second into one room."""
    ana, bot = (
        await Member.join(synapse, "ana", folder / "ana"),
        await Member.join(synapse, "peer", folder / "peer"),
    )
    async with ana, bot:
        bot.welcome.add(ana.user_id)
        room = await ana.open_chat(bot.user_id)
        await bot.sync()
        await ana.wait_joined(bot.user_id, room)
        await bot.says(room, "the key is shared")
        seconds = await timed(lambda: asyncio.gather(*(bot.says(room, f"line {n}") for n in range(MESSAGES))))
    return MESSAGES / seconds


async def ours(synapse: Synapse, database: Database, folder: Path) -> dict[str, float]:
    await synapse.register("onecloak")
    adapter = make_adapter(database, synapse, "onecloak", now)
    app = App.compose(database, make_core(), [adapter])
    await app.start()
    people = [await Member.join(synapse, f"reader-{n}", folder / f"reader-{n}") for n in range(ROOMS)]
    chats = [await each.open_chat(synapse.user_id("onecloak")) for each in people]
    greetings = {await each.says(room, "hello") for each, room in zip(people, chats, strict=True)}
    await receive_until(app, adapter, greetings)

    def send(reader: int, number: int) -> Awaitable[tuple[str, ...]]:
        return adapter.send(Outgoing(people[reader].user_id, f"line {number}", key=f"{reader}.{number}"))

    await asyncio.gather(*(send(reader, -1) for reader in range(ROOMS)))  # the keys are shared
    one = await timed(lambda: asyncio.gather(*(send(0, number) for number in range(MESSAGES))))
    many = await timed(
        lambda: asyncio.gather(*(send(number % ROOMS, MESSAGES + number) for number in range(MESSAGES)))
    )
    said: set[str] = set()
    for writer, room in zip(people[:WRITERS], chats[:WRITERS], strict=True):
        await writer.rotates(room)
        said |= {await writer.says(room, f"word {number}") for number in range(EACH)}
    received = await timed(lambda: receive_until(app, adapter, said))
    await adapter.stop()
    kept = await timed(adapter.start)
    assert adapter.keychain is not None
    adapter.keychain.drop("olm account")
    await adapter.keychain.save()
    await adapter.stop()
    anew = await timed(adapter.start)
    await adapter.stop()
    for each in people:
        await each.close()
    return {
        "sent_per_s_one_room": MESSAGES / one,
        "sent_per_s_many_rooms": MESSAGES / many,
        "received_per_s": len(said) / received,
        "take_up_kept_keys_s": kept,
        "take_up_new_device_s": anew,
    }


async def main() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with Synapse(folder / "synapse") as synapse:
            database = await open_database(sqlite_url(folder / "onecloak.db"))
            try:
                measured = await ours(synapse, database, folder)
            finally:
                await database.close()
            measured["peer_sent_per_s_one_room"] = await peer(synapse, folder)
    measured["ratio_to_peer"] = measured["sent_per_s_one_room"] / measured["peer_sent_per_s_one_room"]
    return {name: round(value, 3) for name, value in measured.items()}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(main())) + "\n")
