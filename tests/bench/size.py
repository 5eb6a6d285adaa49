"""How long a start takes, and how much memory a running process, in a large union on SQLite.

    make bench NAME=size

The last line is one JSON object: by the number of people, the seconds from the end of the imports until
messages are taken in (`ready_s`), and from there until the first is answered (`first_s`); the resident memory
then and after `turns` of as many people, in megabytes. Beside it the seconds of the imports, and a process
that imports the two platform libraries and SQLAlchemy and does nothing, as the peer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import psutil
import sqlalchemy as sa

PEOPLE = (100_000, 1_000_000)
TURNS = 20_000
AT_ONCE = 10_000  # rows written together
PEER = "import nio, sqlalchemy.ext.asyncio, telegram, psutil; print(psutil.Process().memory_info().rss / 1e6)"


async def fill(folder: Path, people: int) -> None:
    """A union in which so many people have an account each; the first of them write later."""
    from storage.sealing import Vault
    from storage.tables import Account, Key, Person
    from tests.engines import MASTER_KEY, open_database, sqlite_url

    vault, random, now = Vault(MASTER_KEY), Random(1), datetime.now(UTC)
    database = await open_database(sqlite_url(folder / "onecloak.db"))

    def rows(first: int) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
        for number in range(first, min(first + AT_ONCE, people)):
            key_id, person_id = (UUID(bytes=random.randbytes(16), version=4) for _ in range(2))
            wrapped, chat = vault.new_key(key_id), str(10_000 + number)
            yield (
                {"id": key_id, "wrapped": wrapped, "created_at": now},
                {"id": person_id, "key_id": key_id, "language": "en", "created_at": now, "welcomed_at": now,
                 "consent_asked_at": now, "on_duty": False, "wrong_codes": 0, "moves": 0},
                {"id": UUID(bytes=random.randbytes(16), version=4), "person_id": person_id,
                 "platform": "telegram", "address_index": vault.index("address", "telegram", chat),
                 "sealed_address": vault.seal(key_id, "address", chat.encode()), "reachable": True,
                 "last_spoke_at": now, "created_at": now},
            )  # fmt: skip
            vault.forget(key_id)

    for first in range(0, people, AT_ONCE):
        made = list(zip(*rows(first), strict=True))

        def write(tx: Any, made: list[Any] = made) -> None:
            for table, some in zip((Key, Person, Account), made, strict=True):
                tx.session.connection().execute(sa.insert(table.__table__), list(some))  # type: ignore[arg-type]

        await database.run(write)
    await database.close()


async def live(folder: Path, turns: int, imports: float) -> None:
    """Start as `onecloak run` does, answer one message, then one of each of many people."""
    from bot.app import App
    from bot.running import spare_the_collector
    from bot.settings import read_settings
    from bot.setup import load_core, open_database
    from storage.sealing import Vault
    from tests.bench.pipeline import BATCH, Nowhere, batches, update
    from tests.engines import MASTER_KEY, sqlite_url

    process, begun = psutil.Process(), time.perf_counter()
    settings = read_settings(None, database_url=sqlite_url(folder / "onecloak.db"))
    core = load_core(settings)
    spare_the_collector()
    database = await open_database(settings, Vault(MASTER_KEY), Random(2))
    app = App.compose(database, core, [Nowhere()])
    await app.start()
    ready, begun = time.perf_counter() - begun, time.perf_counter()
    await app.stations[0].gateway.accept(batches([update(1, 1, "hello")])[0], None)
    assert await app.worker.run_once() == 1
    first, at_first = time.perf_counter() - begun, process.memory_info().rss
    core.lexicons.make_ready()  # a running process does this beside its first turns
    for first_of in range(0, turns, BATCH):
        said = [update(2 + number, number, "hello there") for number in range(first_of, first_of + BATCH)]
        await app.stations[0].gateway.accept(batches(said)[0], None)
        while await app.worker.run_once():
            pass
    print(  # noqa: T201
        json.dumps({
            "imports_s": round(imports, 2), "ready_s": round(ready, 2), "first_s": round(first, 2),
            "turns": turns, "at_first_mb": round(at_first / 1e6, 1),
            "after_mb": round(process.memory_info().rss / 1e6, 1),
        })
    )  # fmt: skip
    await database.close()


def main(counts: list[int], turns: int) -> None:
    result: dict[str, Any] = {}
    for people in counts:
        with tempfile.TemporaryDirectory(prefix="onecloak-bench-") as folder:
            asyncio.run(fill(Path(folder), people))
            said = subprocess.run(
                (sys.executable, "-m", "tests.bench.size", "--live", folder, "--turns", str(turns)),
                check=True, capture_output=True, text=True,
            ).stdout  # fmt: skip
        result[str(people)] = json.loads(said.splitlines()[-1])
        print(f"{people}: {result[str(people)]}", file=sys.stderr)  # noqa: T201
    peer = subprocess.run((sys.executable, "-c", PEER), check=True, capture_output=True, text=True)
    result["peer"] = {"name": "the libraries alone, imported", "mb": round(float(peer.stdout), 1)}
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--live", default="", help="be the process that starts in this folder")
    parser.add_argument("--people", type=int, nargs="+", default=list(PEOPLE))
    parser.add_argument("--turns", type=int, default=TURNS)
    arguments = parser.parse_args()
    if arguments.live:
        begun = time.perf_counter()
        import tests.bench.pipeline  # noqa: F401

        asyncio.run(live(Path(arguments.live), arguments.turns, time.perf_counter() - begun))
    else:
        main(arguments.people, arguments.turns)
