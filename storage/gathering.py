"""Filling the gazetteer: what a load or an import brings takes the place of what it brought before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import sqlalchemy as sa

from storage import cells, spelling
from storage.database import Transaction
from storage.engines import lasts_as_long_as_it_must
from storage.gazetteer import NEAR, OWN
from storage.tables import NamedPlace, PlaceName, PlaceTypo

_ROWS = 5_000  # written with one statement


@dataclass(frozen=True, slots=True)
class Entry:
    """A place to be kept. `names`: (name, language), with "" where the language is not known."""

    id: int
    name: str
    names: tuple[tuple[str, str], ...]
    latitude: float
    longitude: float
    country: str = ""
    kind: str = ""
    population: int = 0
    time_zone: str = ""


def replace_batch(tx: Transaction, batch: str, entries: Sequence[Entry]) -> None:
    """Keep these places instead of all that the batch held; a large country takes minutes."""
    lasts_as_long_as_it_must(tx.session.connection())
    tx.session.execute(sa.delete(NamedPlace).where(NamedPlace.batch == batch))
    _keep(tx, batch, entries)


def merge_own(tx: Transaction, entries: Sequence[Entry]) -> int:
    """Add to the union's own places, in place of those with the same ids; gives how many are new."""
    lasts_as_long_as_it_must(tx.session.connection())
    ids = [entry.id for entry in entries]
    known = set[int]()
    for some in _batched(ids, _ROWS):
        known |= set(tx.session.scalars(sa.select(NamedPlace.id).where(NamedPlace.id.in_(some))))
        tx.session.execute(sa.delete(NamedPlace).where(NamedPlace.id.in_(some)))
    _keep(tx, OWN, entries)
    return len(set(ids) - known)


def count(tx: Transaction) -> dict[str, int]:
    """How many places each batch holds."""
    query = sa.select(NamedPlace.batch, sa.func.count().label("number")).group_by(NamedPlace.batch)
    return {row.batch: row.number for row in tx.session.execute(query)}


def _keep(tx: Transaction, batch: str, entries: Sequence[Entry]) -> None:
    _insert(tx, NamedPlace, (
        {"id": each.id, "batch": batch, "country": each.country, "kind": each.kind, "name": each.name,
         "latitude": each.latitude, "longitude": each.longitude, "population": each.population,
         "cell": cells.cell(each.latitude, each.longitude, NEAR), "time_zone": each.time_zone}
        for each in entries
    ))  # fmt: skip
    _insert(tx, PlaceName, (row for each in entries for row in _rows_of_names(each)))
    keys = tx.session.scalars(
        sa.select(PlaceName.key).distinct().join(NamedPlace, NamedPlace.id == PlaceName.place_id)
        .where(NamedPlace.batch == batch)
    )  # fmt: skip
    made = sorted((number, known) for known in keys for number in spelling.misspellings(known))
    tx.session.execute(sa.delete(PlaceTypo).where(PlaceTypo.batch == batch))
    _insert(tx, PlaceTypo, ({"hash": number, "key": known, "batch": batch} for number, known in made))


def _rows_of_names(entry: Entry) -> Iterable[dict[str, Any]]:
    """One row for each spelling; the one whose language is known stays where two names share it."""
    rows: dict[str, dict[str, Any]] = {}
    for name, language in ((entry.name, ""), *entry.names):
        key = spelling.key(name)
        if key and (key not in rows or (language and not rows[key]["language"])):
            rows[key] = {"key": key, "place_id": entry.id, "name": name, "language": language}
    return rows.values()


def _insert(tx: Transaction, table: type[Any], rows: Iterable[dict[str, Any]]) -> None:
    for some in _batched(rows, _ROWS):
        tx.session.connection().execute(sa.insert(table.__table__), some)


def _batched(rows: Iterable[Any], size: int) -> Iterable[list[Any]]:
    remaining = iter(rows)
    while some := list(islice(remaining, size)):
        yield some
