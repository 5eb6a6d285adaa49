"""The volunteers of the benchmark, written straight into our own tables, and one of them moved."""

from __future__ import annotations

import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from storage import cells
from storage.offers import language_bits
from tests.bench.match_world import WEEKS, Volunteer, hour_words
from tests.engines import MEMORY, postgres_server

BORN = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 50_000

Rows = dict[str, list[tuple[Any, ...]]]
COLUMNS = {
    "people": "id key_id language member_since on_duty wrong_codes created_at",
    "accounts": "id person_id platform address_index sealed_address reachable created_at",
    "offers": "id person_id sealed_words skills latitude longitude radius hours languages created_at",
    "offer_skills": "skill radius_class cell person_id latitude longitude radius early_hours middle_hours"
    " late_hours languages",
    "peer_people": "person_id latitude longitude radius early_hours middle_hours late_hours languages",
    "peer_skills": "skill person_id latitude longitude radius early_hours middle_hours late_hours languages",
}


def batches(volunteers: Iterable[Volunteer]) -> Iterator[Rows]:
    """The rows of some thousand volunteers at a time, for our tables and those of the peers."""
    rows: Rows = {name: [] for name in COLUMNS}
    words = [hour_words(week) for week in range(len(WEEKS))]
    for number, each in enumerate(volunteers, 1):
        _add(rows, each, words[each.week])
        if number % BATCH == 0:
            yield rows
            rows = {name: [] for name in COLUMNS}
    yield rows


def _add(rows: Rows, each: Volunteer, words: tuple[int, int, int]) -> None:
    here = each.latitude, each.longitude
    size = cells.radius_class(each.radius)
    bits = language_bits(each.languages)
    rows["people"].append((each.id, each.id, each.languages[0], BORN, False, 0, BORN))
    rows["accounts"].append((each.id, each.id, "console", each.id.bytes, b"sealed", True, BORN))
    spoken = " ".join(each.languages)
    rows["offers"].append(
        (
            each.id,
            each.id,
            bytes(60),
            " ".join(each.skills),
            *here,
            each.radius,
            WEEKS[each.week],
            spoken,
            BORN,
        )
    )
    said = (*here, each.radius, *words, bits)
    cell = cells.index_cell(*here, size)
    rows["offer_skills"] += [(skill, size, cell, each.id, *said) for skill in each.skills]
    rows["peer_people"].append((each.id, *said))
    rows["peer_skills"] += [(skill, each.id, *said) for skill in each.skills]


PEER_TABLES = (
    "CREATE TABLE peer_people (person_id {id} PRIMARY KEY, latitude {real}, longitude {real}, radius INTEGER,"
    " early_hours BIGINT, middle_hours BIGINT, late_hours BIGINT, languages BIGINT)",
    "CREATE TABLE peer_skills (skill TEXT, person_id {id}, latitude {real}, longitude {real}, radius INTEGER,"
    " early_hours BIGINT, middle_hours BIGINT, late_hours BIGINT, languages BIGINT)",
)
PEER_INDEXES = (
    "CREATE INDEX peer_box ON peer_people (latitude, longitude)",
    "CREATE INDEX peer_skill ON peer_skills (person_id, skill)",
)


def fill_sqlite(path: Path, volunteers: Iterable[Volunteer]) -> None:
    connection = sqlite3.connect(path)
    for pragma in ("synchronous = OFF", "cache_size = -500000"):
        connection.execute(f"PRAGMA {pragma}")
    for statement in PEER_TABLES:
        connection.execute(statement.format(id="TEXT", real="REAL"))
    for rows in batches(volunteers):
        for table, columns in COLUMNS.items():
            names = columns.split()
            marks = ", ".join("?" * len(names))
            values = sorted(tuple(plain(value) for value in row) for row in rows[table])
            connection.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", values)
    for statement in PEER_INDEXES:
        connection.execute(statement)
    connection.commit()
    connection.close()


def plain(value: Any) -> Any:
    """A value as SQLAlchemy gives it to sqlite3."""
    if isinstance(value, UUID):
        return value.hex
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value


async def fill_postgres(connection: asyncpg.Connection, volunteers: Iterable[Volunteer]) -> None:
    await connection.execute("SET session_replication_role = replica")  # no foreign key is looked at
    for statement in PEER_TABLES:
        await connection.execute(statement.format(id="UUID", real="DOUBLE PRECISION"))
    for rows in batches(volunteers):
        for table, columns in COLUMNS.items():
            await connection.copy_records_to_table(table, records=rows[table], columns=columns.split())
    for statement in PEER_INDEXES:
        await connection.execute(statement)
    await connection.execute("SET session_replication_role = DEFAULT")
    await connection.execute("VACUUM ANALYZE")


# --- moving someone ---------------------------------------------------------------------------------

MOVES = (
    "DELETE FROM offer_skills WHERE person_id = ?",
    "INSERT INTO offer_skills VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "UPDATE offers SET latitude = ?, longitude = ? WHERE person_id = ?",
)


def index_rows(each: Volunteer, here: tuple[float, float]) -> list[tuple[Any, ...]]:
    size = cells.radius_class(each.radius)
    cell = cells.index_cell(*here, size)
    said = (*here, each.radius, *hour_words(each.week), language_bits(each.languages))
    return [(skill, size, cell, each.id, *said) for skill in each.skills]


def move_sqlite(connection: sqlite3.Connection, each: Volunteer, here: tuple[float, float]) -> float:
    """Seconds that the statements of a change take, its commit included."""
    rows = [tuple(plain(value) for value in row) for row in index_rows(each, here)]
    begun = time.perf_counter()
    connection.execute(MOVES[0], (each.id.hex,))
    connection.executemany(MOVES[1], rows)
    connection.execute(MOVES[2], (*here, each.id.hex))
    connection.commit()
    return time.perf_counter() - begun


async def move_postgres(connection: asyncpg.Connection, each: Volunteer, here: tuple[float, float]) -> float:
    remove, insert, update = (numbered(each) for each in MOVES)
    rows = index_rows(each, here)
    begun = time.perf_counter()
    async with connection.transaction():
        await connection.execute(remove, each.id)
        await connection.executemany(insert, rows)
        await connection.execute(update, *here, each.id)
    return time.perf_counter() - begun


def numbered(statement: str) -> str:
    """With $1, $2 … in place of question marks."""
    pieces = statement.split("?")
    return "".join(f"{piece}${number}" for number, piece in enumerate(pieces[:-1], 1)) + pieces[-1]


# --- a PostgreSQL with PostGIS, where the system has one --------------------------------------------


@contextmanager
def postgres_with_postgis() -> Iterator[tuple[str, bool]]:
    """A server of our own and whether PostGIS can be had in it; else the one that comes in a wheel."""
    programs = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None)
    if programs is None or not list(Path("/usr/share/postgresql").glob("*/extension/postgis.control")):
        with postgres_server() as url:
            yield url, False
        return
    with tempfile.TemporaryDirectory(prefix="onecloak-gis-", dir=MEMORY) as folder:
        own = _stranger(Path(folder))
        data, home = Path(folder) / "data", programs.parent
        subprocess.run([home / "initdb", "-D", data, "-U", "postgres", "-A", "trust"], check=True,
                       stdout=subprocess.DEVNULL, **own)  # fmt: skip
        settings = f"-k {folder} -h '' -c shared_buffers=1GB -c jit=off -c max_wal_size=8GB"
        control: list[str | Path] = [home / "pg_ctl", "-D", data, "-w", "-l", Path(folder) / "log"]
        subprocess.run([*control, "-o", settings, "start"], check=True, stdout=subprocess.DEVNULL, **own)
        try:
            yield f"postgresql+asyncpg://postgres:@/NAME?host={folder}", True
        finally:
            subprocess.run(
                [*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL, **own
            )


def _stranger(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: then as the user that its package made."""
    import os
    import shutil

    if os.geteuid() != 0:
        return {}
    shutil.chown(folder, "postgres")
    return {"user": "postgres"}
