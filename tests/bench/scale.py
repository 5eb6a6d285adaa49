"""Whole turns a second with one, two and four workers, each a process of its own, at one PostgreSQL.

    make bench NAME=scale

The last line is one JSON object: by the number of workers, `turns_per_s`. Beside it stands what a turn costs
(milliseconds of a processor in the workers and in PostgreSQL, kilobytes of its log), by which the rate on a
machine with more processors can be calculated.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import PIPE
from random import SystemRandom
from typing import Any

import psutil
import sqlalchemy as sa

from bot.app import App
from bot.running import spare_the_collector
from storage.database import Database, Transaction
from storage.sealing import Vault
from tests.bench.pipeline import SCRIPT, Nowhere, batches, update, volunteers
from tests.engines import MASTER_KEY, create_postgres, open_database, postgres_server
from tests.world import make_core

WORKERS = (1, 2, 4)
PEOPLE = 1_000  # who say the five lines of the script each


async def work(url: str) -> None:
    """One worker: ready on its output, begins at a line of its input, says how many turns were its own."""
    database = Database(url, Vault(MASTER_KEY), SystemRandom())
    app = App.compose(database, make_core(), [])
    app.core.lexicons.make_ready()  # as a running worker does beside its first turns
    spare_the_collector()  # as it does at its start
    await app.worker.run_once()  # nothing yet; the first question connects
    print("ready", flush=True)  # noqa: T201
    await asyncio.to_thread(sys.stdin.readline)
    handled, begun = 0, time.process_time()
    while not await database.run(is_done):
        while done := await app.worker.run_once():
            handled += done
        await asyncio.sleep(0.05)  # the others have the rest in hand
    print(json.dumps([handled, time.process_time() - begun]), flush=True)  # noqa: T201
    await database.close()


def is_done(tx: Transaction) -> bool:
    return tx.session.scalar(sa.text("SELECT 1 FROM inbox WHERE outcome IS NULL LIMIT 1")) is None


async def fill(url: str, people: int, first: int) -> int:
    """All that is to be handled, committed as polls bring it."""
    database = Database(url, Vault(MASTER_KEY), SystemRandom())
    app = App.compose(database, make_core(), [Nowhere()])
    numbers = iter(range(first, first + 1_000_000))
    for text in SCRIPT:
        for batch in batches([update(next(numbers), first + person, text) for person in range(people)]):
            await app.stations[0].gateway.accept(batch, None)
    await database.close()
    return people * len(SCRIPT)


async def measure(url: str, workers: int, people: int) -> dict[str, Any]:
    """The same work for so many workers, all warmed up and started together."""
    command = (sys.executable, "-m", "tests.bench.scale", "--work", url)
    running = [
        await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE) for _ in range(workers)
    ]
    for each in running:
        assert each.stdout is not None
        assert await each.stdout.readline() == b"ready\n"
    turns = await fill(url, people, 1_000_000)
    before, begun = await _spent(url), time.perf_counter()
    for each in running:
        assert each.stdin is not None
        each.stdin.write(b"go\n")
    told = [json.loads(await each.stdout.readline()) for each in running if each.stdout is not None]
    took = time.perf_counter() - begun
    after = await _spent(url)
    for each in running:
        await each.wait()
    assert sum(handled for handled, _ in told) == turns, f"{turns} turns, of which {told} were handled"
    return {
        "turns_per_s": round(turns / took, 1),
        "turns": turns,
        "shares": sorted(handled for handled, _ in told),
        "worker_ms_per_turn": round(sum(used for _, used in told) / turns * 1000, 2),
        "postgres_ms_per_turn": round((after["cpu"] - before["cpu"]) / turns * 1000, 2),
        "log_kb_per_turn": round((after["log"] - before["log"]) / turns / 1000, 1),
        "deadlocks": after["deadlocks"] - before["deadlocks"],
        "processors": os.cpu_count(),
    }


async def _spent(url: str) -> dict[str, float]:
    """What PostgreSQL has used until now: seconds of a processor, and bytes of its log."""
    database = Database(url, Vault(MASTER_KEY), SystemRandom())
    asked = (
        "SELECT pg_backend_pid(), pg_current_wal_lsn() - '0/0'::pg_lsn, deadlocks FROM pg_stat_database "
        "WHERE datname = current_database()"
    )
    backend, log, deadlocks = await database.run(lambda tx: tx.session.execute(sa.text(asked)).one())
    postmaster = psutil.Process(backend).parent()
    assert postmaster is not None
    own = postmaster.cpu_times()
    cpu = own.user + own.system + own.children_user + own.children_system
    for child in postmaster.children():
        try:
            spent = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        cpu += spent.user + spent.system
    await database.close()
    return {"cpu": cpu, "log": float(log), "deadlocks": deadlocks}


async def main(counts: list[int], people: int) -> None:
    result: dict[str, Any] = {}
    with postgres_server() as server:
        template = await open_database(await create_postgres(server, "gathered"))
        app = App.compose(template, make_core(), [Nowhere()])
        await app.start()
        await volunteers(app)
        await template.close()
        for workers in counts:
            url = await create_postgres(server, f"workers_{workers}", "gathered")
            result[str(workers)] = await measure(url, workers, people)
            print(f"{workers}: {result[str(workers)]}", file=sys.stderr)  # noqa: T201
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", default="", help="be a worker at this database")
    parser.add_argument("--workers", type=int, nargs="+", default=list(WORKERS))
    parser.add_argument("--people", type=int, default=PEOPLE)
    arguments = parser.parse_args()
    if arguments.work:
        asyncio.run(work(arguments.work))
    else:
        asyncio.run(main(arguments.workers, arguments.people))
