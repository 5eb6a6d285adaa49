"""Places by their names, offline: GeoNames for the union's countries, and the union's own places.

Distances are metres. What a country's load or an import brings replaces what came from there before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import log2
from typing import Any

import sqlalchemy as sa
from rapidfuzz.distance import OSA

from storage import cells, spelling
from storage.database import Transaction
from storage.spelling import Span, Word
from storage.tables import NamedPlace, PlaceName, PlaceTypo

OWN = "union"  # the batch of the union's own places
NEAR = 20_000  # size of the cells in which neighbours are looked for
OWN_REACH = 2_000  # how far around one of the union's own places the area bears its name
TOWN_REACH = 30_000
SAME = 2_000  # within which two places of one name are one
WITHIN = 30_000  # how near a place is to the larger one that is named beside it
_MOST_WORDS = 40
_MOST_GUESSES = 500
_ROWS = 5_000


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


@dataclass(frozen=True, slots=True)
class Found:
    """A place that words may mean."""

    name: str
    latitude: float
    longitude: float
    country: str
    population: int
    own: bool
    exact: bool  # spelt as it is known
    distance: float | None  # metres to the union's centre
    span: Span
    errors: int
    holds_another: bool = False  # named beside a place that lies in it: "Gràcia, Barcelona"
    supported: bool = False  # lies in a place that is named beside it

    def is_near(self, reach: float) -> bool:
        return self.distance is None or self.distance <= reach

    def contains(self, other: Found) -> bool:
        """Whether the other's words are only a part of these."""
        return self.span.overlaps(other.span) and self.span.length > other.span.length


@dataclass(frozen=True, slots=True)
class Area:
    """What the surroundings of a place are called; `names` by language where that is known."""

    name: str
    names: Mapping[str, str]
    time_zone: str

    def called(self, language: str) -> str:
        return self.names.get(language, self.name)


# --- looking up -----------------------------------------------------------------------------------


def find(
    tx: Transaction, text: str, centre: tuple[float, float] | None = None, reach: float = 50_000
) -> list[Found]:
    """The places that a text names, the likeliest first.

    Rightly spelt names go before misspelt ones, long ones before short ones, places near the centre before
    far ones, larger places before smaller ones. reach: metres around the centre within which an ordinary
    word in lower case may be a name too.
    """
    words = spelling.words(text)[:_MOST_WORDS]
    spans = spelling.spans(words)
    if not spans:
        return []
    exact = _longest(_of_keys(tx, {span.key: [(span, 0)] for span in reversed(spans)}, centre))
    exact = [each for each in exact if _is_meant(each, words, reach)]
    if any(each.is_near(reach) for each in exact):
        return _ranked(exact)
    guessed = _of_keys(tx, _guess(tx, words, spans), centre)
    guessed = _least_wrong([each for each in guessed if _is_meant(each, words, reach)], reach)
    if exact:  # far away, all of them: only a near place may have been meant instead
        guessed = [each for each in guessed if each.is_near(reach)]
        exact = [each for each in exact if not any(other.contains(each) for other in guessed)]
    return _ranked([*exact, *guessed])


def _of_keys(
    tx: Transaction, wanted: Mapping[str, Sequence[tuple[Span, int]]], centre: tuple[float, float] | None
) -> list[Found]:
    if not wanted:
        return []
    query = (
        sa.select(
            PlaceName.key, PlaceName.name, NamedPlace.latitude, NamedPlace.longitude,
            NamedPlace.country, NamedPlace.population, NamedPlace.batch, NamedPlace.name.label("usual"),
        )
        .join(NamedPlace, NamedPlace.id == PlaceName.place_id)
        .where(PlaceName.key.in_(wanted))
    )  # fmt: skip
    with tx.asking():
        rows = tx.session.execute(query).all()
    return [
        Found(
            row.usual, row.latitude, row.longitude, row.country, row.population, row.batch == OWN,
            exact=not errors, distance=_distance(centre, row.latitude, row.longitude), span=span,
            errors=errors,
        )
        for row in rows
        for span, errors in wanted[row.key]
    ]  # fmt: skip


def _distance(centre: tuple[float, float] | None, latitude: float, longitude: float) -> float | None:
    return None if centre is None else cells.distance(*centre, latitude, longitude)


def _guess(tx: Transaction, words: list[Word], spans: list[Span]) -> dict[str, list[tuple[Span, int]]]:
    """The keys of which a span may be a misspelling, with how many letters differ."""
    asked: dict[int, list[Span]] = {}
    for span in spans:
        one = span.length == 1 or words[span.first].unspaced
        if not span.shorn and len(span.key) >= (5 if len(words) > 1 else 4) and (one or span.length <= 3):
            for number in (spelling.misspellings if one else spelling.by_sound)(span.key):
                asked.setdefault(number, []).append(span)
    asked = dict(islice(asked.items(), _MOST_GUESSES))
    if not asked:
        return {}
    query = sa.select(PlaceTypo.hash, PlaceTypo.key).where(PlaceTypo.hash.in_(asked))
    with tx.asking():
        rows = tx.session.execute(query).all()
    best: dict[tuple[str, Span], int] = {}
    for number, known in rows:
        for span in asked[number]:
            most = spelling.allowed(span.key)
            errors = OSA.distance(span.key, known, score_cutoff=most)
            if 0 < errors <= most:
                best[known, span] = errors
    found: dict[str, list[tuple[Span, int]]] = {}
    for (known, span), errors in sorted(best.items(), key=lambda item: item[1])[:60]:
        found.setdefault(known, []).append((span, errors))
    return found


def _longest(found: list[Found]) -> list[Found]:
    """Without what is only a part of a longer name, or of a name as it stands."""
    return [
        each
        for each in found
        if not any(
            other.contains(each)
            or (each.span.shorn and not other.span.shorn and other.span.overlaps(each.span))
            for other in found
        )
    ]


def _least_wrong(found: list[Found], reach: float) -> list[Found]:
    """Of the guesses at the same words only those with the fewest errors, or nearly; the near if any."""
    return [
        each
        for each in found
        if not any(
            other.span.overlaps(each.span)
            and (other.errors + 1 < each.errors or (other.is_near(reach) and not each.is_near(reach)))
            for other in found
        )
    ]


def _is_meant(found: Found, words: list[Word], reach: float) -> bool:
    """Whether words that are also a name were written as one: "mercado" is a village, too."""
    first, end = found.span.first, found.span.end
    if found.span.length == len(words):
        return True
    if len(found.span.key) < 3 and not words[first].unspaced:
        return False
    if found.own or any(word.capital for word in words[max(first, 1) : end]):
        return True
    if found.distance is not None and found.distance <= reach:
        return True
    if found.exact:
        return len(words) <= 3 or found.population >= 50_000
    return found.distance is None and found.population >= 20_000


def _ranked(found: list[Found]) -> list[Found]:
    placed = [
        replace(
            each,
            holds_another=any(_holds(each, other) for other in found),
            supported=any(_holds(other, each) for other in found),
        )
        for each in found
    ]
    placed.sort(key=_order)
    kept: list[Found] = []
    for each in placed:
        if not any(_is_same(each, other) for other in kept):
            kept.append(each)
    return kept


def _holds(larger: Found, smaller: Found) -> bool:
    return (
        not larger.span.overlaps(smaller.span)
        and larger.population > smaller.population
        and cells.distance(larger.latitude, larger.longitude, smaller.latitude, smaller.longitude) < WITHIN
    )


def _order(found: Found) -> tuple[Any, ...]:
    return (
        not found.exact,
        found.holds_another,
        not found.supported,
        found.errors,
        -found.span.length,
        not found.own,
        0 if found.distance is None else round(log2(1 + found.distance / NEAR)),
        -found.population,
        found.distance or 0,
        found.name,
    )


def _is_same(one: Found, other: Found) -> bool:
    return one.span.overlaps(other.span) and (
        cells.distance(one.latitude, one.longitude, other.latitude, other.longitude) < SAME
    )


# --- what a place is called -----------------------------------------------------------------------


def nearest(tx: Transaction, latitude: float, longitude: float) -> Area | None:
    """The union's own place within two kilometres, else the nearest town within thirty; None without any."""
    where = (latitude, longitude)
    if where not in tx.loaded.areas:
        tx.loaded.areas[where] = _nearest(tx, latitude, longitude)
    found: Area | None = tx.loaded.areas[where]
    return found


def _nearest(tx: Transaction, latitude: float, longitude: float) -> Area | None:
    ranges = cells.ranges(latitude, longitude, NEAR, TOWN_REACH)
    query = sa.select(
        NamedPlace.id, NamedPlace.name, NamedPlace.latitude, NamedPlace.longitude, NamedPlace.batch,
        NamedPlace.time_zone,
    ).where(sa.or_(*(NamedPlace.cell.between(first, last) for first, last in ranges)))  # fmt: skip
    with tx.asking():
        rows = tx.session.execute(query).all()
    found = sorted(
        (cells.distance(latitude, longitude, row.latitude, row.longitude), row.id, row) for row in rows
    )
    own = [row for metres, _id, row in found if row.batch == OWN and metres <= OWN_REACH]
    towns = [row for metres, _id, row in found if row.batch != OWN and metres <= TOWN_REACH]
    chosen = next(iter(own or towns), None)
    if chosen is None:
        return None
    zone = chosen.time_zone or next((row.time_zone for row in towns if row.time_zone), "")
    return Area(chosen.name, _names(tx, chosen.id), zone)


def _names(tx: Transaction, place_id: int) -> dict[str, str]:
    query = sa.select(PlaceName.language, PlaceName.name).where(
        PlaceName.place_id == place_id, PlaceName.language != ""
    )
    with tx.asking():
        rows = tx.session.execute(query.order_by(PlaceName.key.desc()))
        return {row.language: row.name for row in rows}


# --- loading --------------------------------------------------------------------------------------


def replace_batch(tx: Transaction, batch: str, entries: Sequence[Entry]) -> None:
    """Keep these places instead of all that the batch held."""
    tx.session.execute(sa.delete(NamedPlace).where(NamedPlace.batch == batch))
    _keep(tx, batch, entries)


def merge_own(tx: Transaction, entries: Sequence[Entry]) -> int:
    """Add to the union's own places, in place of those with the same ids; gives how many are new."""
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
