"""How long it takes to find a place by its name, with large countries loaded.

    make bench NAME=places

The last line is one JSON object: milliseconds for one look-up through the session in which a turn runs, of
names as they stand, of names with one or two typing errors, and of whole sentences. GeoNames is read in by
the command itself, in a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

import sqlalchemy as sa

from storage import gazetteer
from storage.database import Database, Transaction
from storage.sealing import Vault, read_or_create_master_key
from storage.tables import NamedPlace, PlaceName
from tests.engines import sqlite_url

COUNTRIES = ("ES", "FR", "TR")
SAMPLES = 2_000
CENTRE = (41.39, 2.17)
SENTENCES = (
    "we are near the school in {} please come quickly",
    "estoy en {} junto al mercado, no tenemos agua",
    "{} merkez acil yardim lazim",
    "je suis a {} avec ma mere, deuxieme etage",
)


def mistyped(name: str, random: Random) -> str:
    """A name with one or two letters dropped, doubled or exchanged."""
    for _time in range(random.choice((1, 1, 2))):
        at = random.randrange(len(name) - 1)
        name = random.choice(
            (name[:at] + name[at + 1 :], name[:at] + name[at] + name[at:],
             name[:at] + name[at + 1] + name[at] + name[at + 2 :])
        )  # fmt: skip
    return name


def measure(tx: Transaction, texts: Sequence[str], expected: Sequence[str]) -> dict[str, float]:
    spent, worked, right = [], [], 0
    for text, name in zip(texts, expected, strict=True):
        began, before = time.perf_counter(), time.process_time()
        found = gazetteer.find(tx, text, CENTRE)
        spent.append((time.perf_counter() - began) * 1000)
        worked.append((time.process_time() - before) * 1000)
        right += any(each.name == name for each in found[:4])
    # Processor time is what remains on a machine that does nothing else.
    spent.sort()
    worked.sort()
    return {
        "p50_ms": round(spent[len(spent) // 2], 3),
        "p99_ms": round(spent[int(len(spent) * 0.99)], 3),
        "cpu_p50_ms": round(worked[len(worked) // 2], 3),
        "cpu_p99_ms": round(worked[int(len(worked) * 0.99)], 3),
        "found": round(right / len(texts), 3),  # among the four that would be shown as buttons
    }


def look_up(tx: Transaction) -> dict[str, object]:
    random = Random(1)
    query = sa.select(PlaceName.name, NamedPlace.name.label("usual")).join(
        NamedPlace, NamedPlace.id == PlaceName.place_id
    )
    known = [row for row in tx.session.execute(query).all() if len(row.name) >= 6]
    some = random.sample(known, SAMPLES)
    wrong = [mistyped(row.name, random) for row in some]
    kinds = {
        "exact": [row.name for row in some],
        "misspelt": wrong,
        "sentence": [random.choice(SENTENCES).format(each) for each in wrong],
    }
    expected = [row.usual for row in some]
    measured: dict[str, object] = {kind: measure(tx, texts, expected) for kind, texts in kinds.items()}
    began = time.perf_counter()
    for _time in range(SAMPLES):
        gazetteer.nearest(tx, random.uniform(37, 48), random.uniform(-4, 5))
    measured["area_ms"] = round((time.perf_counter() - began) * 1000 / SAMPLES, 3)
    return {"places": tx.session.scalar(sa.select(sa.func.count()).select_from(NamedPlace)), **measured}


def load(url: str) -> float:
    """Seconds in which the command reads the countries in."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "bot", "places", "load", *COUNTRIES],
        env={**os.environ, "ONECLOAK_DATABASE_URL": url}, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return time.perf_counter() - began


async def measured(folder: Path, url: str) -> dict[str, object]:
    master, _made = read_or_create_master_key(folder / "onecloak.key")
    database = Database(url, Vault(master), Random(1))
    try:
        return await database.run(look_up)
    finally:
        await database.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        url = sqlite_url(folder / "onecloak.db")
        seconds = load(url)
        size = (folder / "onecloak.db").stat().st_size
        result = {
            "countries": COUNTRIES,
            "load_seconds": round(seconds, 1),
            "megabytes": size // 1_000_000,
            "sqlite": asyncio.run(measured(folder, url)),
        }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
