"""Places by their names, offline: GeoNames for the union's countries, and the union's own places.

Distances are metres.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

import orjson
import sqlalchemy as sa
from rapidfuzz.distance import OSA

from storage import cells, likelihood, spelling
from storage.database import Transaction
from storage.likelihood import Found
from storage.spelling import Span, Word
from storage.tables import NamedPlace, PlaceName

OWN = "union"  # the batch of the union's own places
NEAR = 10_000  # size of the cells in which neighbours are looked for
OWN_REACH = 2_000  # how far around one of the union's own places the area bears its name
TOWN_REACH = 30_000
_FIRST_LOOK = 8_000  # nearly everywhere there is a town within this
# Kinds of the union's own places that are a point on the map; all others are an area.
POINTS = ("landmark", "hub", "shelter", "hospital", "clinic", "pharmacy", "school", "church", "mosque")
_MOST_WORDS = 40
_MOST_GUESSES = 500


@dataclass(frozen=True, slots=True)
class Area:
    """What the surroundings of a place are called; `names` by language where that is known."""

    name: str
    names: Mapping[str, str]
    time_zone: str
    country: str  # of the nearest place whose country is known, "" if that is none

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
    exact = likelihood.longest(_of_keys(tx, {span.key: [(span, 0)] for span in reversed(spans)}, centre))
    exact = [each for each in exact if likelihood.is_meant(each, words, reach)]
    if any(each.is_near(reach) for each in exact):
        return likelihood.ranked(exact)
    guessed = _of_keys(tx, _guess(tx, words, spans), centre)
    guessed = likelihood.least_wrong(
        [each for each in guessed if likelihood.is_meant(each, words, reach)], reach
    )
    if exact:  # far away, all of them: only a near place may have been meant instead
        guessed = [each for each in guessed if each.is_near(reach)]
        exact = [each for each in exact if not any(other.contains(each) for other in guessed)]
    return likelihood.ranked([*exact, *guessed])


def _of_keys(
    tx: Transaction, wanted: Mapping[str, Sequence[tuple[Span, int]]], centre: tuple[float, float] | None
) -> list[Found]:
    if not wanted:
        return []
    rows = _asked(tx, _NAMED, list(wanted))
    return [
        Found(
            row.usual, row.latitude, row.longitude, row.country, row.kind, row.population, row.batch == OWN,
            exact=not errors, distance=_distance(centre, row.latitude, row.longitude), span=span,
            errors=errors,
        )
        for row in rows
        for span, errors in wanted[row.key]
    ]  # fmt: skip


# The values go as one JSON array, so that the statement is prepared once, however many words there are.
_EACH = {
    "sqlite": "json_each(:values) AS v CROSS JOIN",
    "postgresql": "json_array_elements_text(CAST(:values AS json)) AS v(value) JOIN",
}
_NAMED = """SELECT n.key, p.name AS usual, p.latitude, p.longitude, p.country, p.kind, p.population, p.batch
FROM {each} place_names AS n ON n.key = v.value JOIN places AS p ON p.id = n.place_id"""
_LIKE = "SELECT t.hash, t.key FROM {each} place_typos AS t ON t.hash = CAST(v.value AS bigint)"


@cache
def _statement(engine: str, written: str) -> sa.TextClause:
    return sa.text(written.format(each=_EACH[engine])).bindparams(sa.bindparam("values", type_=sa.String()))


def _asked(tx: Transaction, written: str, values: list[Any]) -> Sequence[Any]:
    statement = _statement(tx.session.get_bind().dialect.name, written)
    with tx.asking():
        return tx.session.execute(statement, {"values": orjson.dumps(values).decode()}).all()


def _distance(centre: tuple[float, float] | None, latitude: float, longitude: float) -> float | None:
    return None if centre is None else cells.distance(*centre, latitude, longitude)


def _guess(tx: Transaction, words: list[Word], spans: list[Span]) -> dict[str, list[tuple[Span, int]]]:
    """The keys of which a span may be a misspelling, with how many letters differ."""
    asked: dict[int, list[Span]] = {}
    for span in spans:
        one = span.length == 1 or words[span.first].unspaced
        if len(span.key) >= (5 if len(words) > 1 else 4) and (one or span.length <= 3):
            for number in (spelling.misspellings if one else spelling.by_sound)(span.key):
                asked.setdefault(number, []).append(span)
    asked = dict(islice(asked.items(), _MOST_GUESSES))
    if not asked:
        return {}
    rows = _asked(tx, _LIKE, list(asked))
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


# --- what a place is called -----------------------------------------------------------------------


def nearest(tx: Transaction, latitude: float, longitude: float) -> Area | None:
    """The nearest of the union's own areas within two kilometres and of the towns within thirty, if any."""
    where = (latitude, longitude)
    if where not in tx.loaded.areas:
        tx.loaded.areas[where] = _nearest(tx, latitude, longitude)
    known: Area | None = tx.loaded.areas[where]
    return known


def _nearest(tx: Transaction, latitude: float, longitude: float) -> Area | None:
    for reach in (_FIRST_LOOK, TOWN_REACH):
        found = _around(tx, latitude, longitude, reach)
        if found:
            zone = next((row.time_zone for row in found if row.time_zone), "")
            country = next((row.country for row in found if row.country), "")
            return Area(found[0].name, _names(tx, found[0].id), zone, country)
    return None


def _around(tx: Transaction, latitude: float, longitude: float, reach: float) -> list[Any]:
    """Areas and towns within reach, nearest first; an area of the union's own counts as half as far."""
    ranges = cells.ranges(latitude, longitude, NEAR, reach)
    query = sa.select(
        NamedPlace.id, NamedPlace.name, NamedPlace.latitude, NamedPlace.longitude, NamedPlace.batch,
        NamedPlace.time_zone, NamedPlace.country,
    ).where(NamedPlace.kind.not_in(POINTS),
        sa.or_(*(NamedPlace.cell.between(*each) for each in ranges)))  # fmt: skip
    with tx.asking():
        rows = tx.session.execute(query).all()
    found = []
    for row in rows:
        metres, own = cells.distance(latitude, longitude, row.latitude, row.longitude), row.batch == OWN
        if metres <= (OWN_REACH if own else reach):
            found.append((metres / 2 if own else metres, row.id, row))
    return [row for _metres, _id, row in sorted(found)]


def _names(tx: Transaction, place_id: int) -> dict[str, str]:
    query = sa.select(PlaceName.language, PlaceName.name).where(
        PlaceName.place_id == place_id, PlaceName.language != ""
    )
    with tx.asking():
        rows = tx.session.execute(query.order_by(PlaceName.key.desc()))
        return {row.language: row.name for row in rows}


def larger(tx: Transaction, found: Found) -> str | None:
    """The nearest place around that is ten times as large: what tells it from others of its name."""
    ranges = cells.ranges(found.latitude, found.longitude, NEAR, 3 * TOWN_REACH)
    query = sa.select(NamedPlace.name, NamedPlace.latitude, NamedPlace.longitude).where(
        NamedPlace.population > max(20_000, 10 * found.population),
        sa.or_(*(NamedPlace.cell.between(first, last) for first, last in ranges)),
    )
    with tx.asking():
        rows = tx.session.execute(query).all()
    by_distance = [
        (cells.distance(found.latitude, found.longitude, row.latitude, row.longitude), row.name)
        for row in rows
    ]
    return min(by_distance)[1] if by_distance else None
