"""One need among many volunteers: the index, the whole ranking, a move; and how others would ask it.

    make bench NAME=match
    ONECLOAK_BENCH_SIZES=10000,100000,1000000,10000000 make bench NAME=match

The last line is one JSON object: engine, number of volunteers, milliseconds. `query` is the statement of
`storage.candidates` on the driver's own connection, with the work of finding its ranges; `session` the same
and what is known of those found, through the asynchronous session; `rank` that and the judging.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect

from handlers import matching
from storage import candidates
from storage.candidates import Search
from storage.database import Database
from tests.bench import match_engines, match_peers
from tests.bench.match_engines import plain
from tests.bench.match_world import ZONE, Country
from tests.engines import MEMORY, create_postgres, open_database, sqlite_url

SIZES = [int(each) for each in os.environ.get("ONECLOAK_BENCH_SIZES", "10000,100000,1000000").split(",")]
QUERIES = 300
PEER_QUERIES = 40  # some of them take seconds
MOVES = 200
NEAREST = matching.CONSIDERED + candidates.SPARE

Figures = dict[str, float]


def cuts(name: str, seconds: Sequence[float]) -> Figures:
    parts = statistics.quantiles(seconds, n=100)
    return {f"{name}_p50_ms": round(parts[49] * 1000, 3), f"{name}_p99_ms": round(parts[98] * 1000, 3)}


def timed(ask: Callable[[Search], object], searches: Sequence[Search]) -> list[float]:
    taken = []
    for search in searches:
        begun = time.perf_counter()
        ask(search)
        taken.append(time.perf_counter() - begun)
    return taken


async def timed_async(ask: Callable[[Search], Awaitable[object]], searches: Sequence[Search]) -> list[float]:
    taken = []
    for search in searches:
        begun = time.perf_counter()
        await ask(search)
        taken.append(time.perf_counter() - begun)
    return taken


async def through_the_session(database: Database, searches: Sequence[Search]) -> Figures:
    async def find(search: Search) -> list[candidates.Candidate]:
        return await database.run(lambda tx: candidates.find(tx, search.at, search, matching.CONSIDERED))

    async def rank(search: Search) -> list[matching.Judgement]:
        request = matching.Request(search.skill, "tr", False, search.at, search.at, ZONE)
        return matching.rank(request, await find(search))

    await timed_async(rank, searches[:50])
    found = cuts("session", await timed_async(find, searches))
    return found | cuts("rank", await timed_async(rank, searches))


def change(seconds: Sequence[float]) -> Figures:
    return {"change_ms": round(statistics.median(seconds) * 1000, 3)}


async def on_sqlite(country: Country, size: int, searches: Sequence[Search], folder: Path) -> Figures:
    path = folder / f"{size}.db"
    database = await open_database(sqlite_url(path))
    await database.close()
    match_engines.fill_sqlite(path, country.volunteers(size))
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA cache_size = {-CACHE}")
    statement = candidates._statement("sqlite", placed=True)
    text = str(statement.compile(dialect=sqlite.dialect(paramstyle="named")))

    def ask(search: Search) -> list[Any]:
        values = candidates.parameters(search, NEAREST)
        return connection.execute(text, {name: plain(each) for name, each in values.items()}).fetchall()

    def box(search: Search) -> list[Any]:
        return connection.execute(*match_peers.question(match_peers.BOX, search)).fetchall()

    timed(ask, searches[:50])
    found = cuts("query", timed(ask, searches))
    found |= cuts("box", timed(box, searches[:PEER_QUERIES]))
    movers, chance = list(country.volunteers(MOVES)), random.Random(3)
    found |= change([match_engines.move_sqlite(connection, each, country.spot(chance)) for each in movers])
    connection.close()
    database = Database(sqlite_url(path), database.vault, database.random)
    found |= await through_the_session(database, searches)
    await database.close()
    path.unlink()
    return found


CACHE = 16_384  # kilobytes, as `storage.engines` gives each connection


async def on_postgres(
    country: Country, size: int, searches: Sequence[Search], server: str, postgis: bool
) -> Figures:
    url = await create_postgres(server, f"match{size}")
    database = await open_database(url)
    await database.close()
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    await match_engines.fill_postgres(connection, country.volunteers(size))
    statement = candidates._statement("postgresql", placed=True)
    compiled = statement.compile(dialect=asyncpg_dialect.dialect())  # type: ignore[no-untyped-call]
    order = compiled.positiontup or []

    async def ask(search: Search) -> list[Any]:
        values = candidates.parameters(search, NEAREST)
        return list(await connection.fetch(str(compiled), *(values[name] for name in order)))

    await timed_async(ask, searches[:50])
    found = cuts("query", await timed_async(ask, searches))
    found |= await _peers_on_postgres(connection, searches[:PEER_QUERIES], postgis)
    movers, chance = list(country.volunteers(MOVES)), random.Random(3)
    found |= change(
        [await match_engines.move_postgres(connection, each, country.spot(chance)) for each in movers]
    )
    await connection.close()
    database = Database(url, database.vault, database.random)
    found |= await through_the_session(database, searches)
    await database.close()
    return found


async def _peers_on_postgres(
    connection: asyncpg.Connection, searches: Sequence[Search], postgis: bool
) -> Figures:
    forms = {"box": match_peers.BOX}
    if postgis:
        await match_peers.add_postgis(connection)
        forms |= {"postgis_knn": match_peers.KNN, "postgis_composite": match_peers.COMPOSITE}
    found: Figures = {}
    for name, form in forms.items():

        async def ask(search: Search, form: str = form) -> object:
            text, values = match_peers.question(form, search)
            return await connection.fetch(match_engines.numbered(text), *values)

        await timed_async(ask, searches[:3])
        found |= cuts(name, await timed_async(ask, searches))
    return found


def note(*words: object) -> None:
    sys.stderr.write(" ".join(str(each) for each in words) + "\n")


async def main() -> None:
    country = Country("TR")
    searches = country.searches(QUERIES)
    result: dict[str, Any] = {"sqlite": {}, "postgres": {}}
    with tempfile.TemporaryDirectory(prefix="onecloak-bench-", dir=MEMORY) as folder:
        for size in SIZES:
            result["sqlite"][size] = await on_sqlite(country, size, searches, Path(folder))
            note("sqlite", size, result["sqlite"][size])
    with match_engines.postgres_with_postgis() as (server, postgis):
        if not postgis:
            note("No PostGIS is installed here, so it is not measured beside.")
        for size in SIZES:
            result["postgres"][size] = await on_postgres(country, size, searches, server, postgis)
            note("postgres", size, result["postgres"][size])
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
