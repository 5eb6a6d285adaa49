"""Who could be asked about a need: one search of the index, then what is known of those it found.

The index (`storage.tables.OfferSkill`) is asked by ranges of cells, ring by ring around the need: where
many volunteers live, a few hundred metres are enough, and the wide rings are never read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from math import cos, radians, sin
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa

from storage import cells, hours
from storage.among import among
from storage.database import Transaction
from storage.history import Past, of_volunteers
from storage.offers import NOWHERE
from storage.tables import Account, Block, Invitation, Offer, OfferSkill, Person

WIDER = 1.5  # by how much each widening lets everybody's radius count
MOST_WIDENED = 4  # beyond, the plane on which distances are told would no longer be flat enough


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; degrees, UTC; `languages` are bits of which one must be shared, 0 for any."""

    need_id: UUID
    requester_id: UUID
    skill: str
    latitude: float | None
    longitude: float | None
    at: datetime
    union_zone: str
    languages: int = 0
    widened: int = 0

    @property
    def wider(self) -> float:
        """By how much everybody's radius counts."""
        return float(WIDER ** min(self.widened, MOST_WIDENED))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A volunteer who could be asked, with what they offer and how they have fared.

    Distances are metres between the middles of two cells, None where either place is unknown; `reach`
    is how far the volunteer counts as going in this search.
    """

    person_id: UUID
    language: str
    languages: frozenset[str]
    radius: int
    distance: float | None
    travel: str
    hours: str | None
    zone: str
    quiet_from: int
    quiet_until: int
    wakes_for_urgent: bool
    capacity: int
    weekly_limit: int
    not_wanted: frozenset[str]
    active: int = 0  # commitments now
    pending: int = 0  # open questions
    asked_this_week: int = 0
    last_asked_at: datetime | None = None
    accepted: int = 0
    declined: int = 0
    silent: int = 0
    verified: bool = False
    wider: float = 1.0  # by how much the radius counts in this search

    @property
    def reach(self) -> float:
        """Both places are known only to half a cell, so a cell is granted."""
        return self.radius * self.wider + cells.COARSE

    @property
    def reaches(self) -> bool:
        return self.distance is None or self.distance <= self.reach


SPARE = 16  # more are taken from the index than wanted, for those who turn out to rest or not to reach


def find(tx: Transaction, now: datetime, search: Search, limit: int) -> list[Candidate]:
    """The nearest volunteers who may be asked and whose radius reaches the need, the nearest first.

    Left out: the requester, those asked before, who block each other, who pause, who are banned, who
    are not members, can't be reached, or don't offer that hour or any of the languages.
    """
    wanted = limit + SPARE
    while True:
        near = nearest(tx, search, wanted)
        found = [each for each in load(tx, now, search, near) if each.reaches][:limit]
        if len(near) < wanted or len(found) >= limit:
            return found
        wanted *= 4


# --- the index ------------------------------------------------------------------------------------

Near = tuple[UUID, float | None]  # a person and their distance

SURELY_FLAT = 80  # degrees of latitude up to which the plane tells distances well enough
FLATNESS = 1.03  # by how much it may exaggerate the widest reach there
RINGS = (2_500, 12_000)  # metres; the ring after them goes as far as anybody
OVERLAP = 1.01  # rings are cut on the plane, their cells are chosen on the sphere
EVERYBODY = 1 << 31


def nearest(tx: Transaction, search: Search, most: int) -> list[Near]:
    """From the index alone: who offers the skill, the hour and a language, and may reach the need."""
    values = parameters(search, most)
    statement = statement_for(tx.session.get_bind().dialect.name, values)
    made_now = tx.loaded.invitations.get(search.need_id)
    asked_before = () if made_now == [] else (Invitation,)
    with tx.asking(OfferSkill, Block, *asked_before):
        rows = tx.session.execute(statement, values).all()
    return [(row[0], distance_to(search, row[1], row[2])) for row in rows]


def parameters(search: Search, most: int) -> dict[str, Any]:
    """The values with which the statement is asked."""
    word, mask = hours.bit(search.at, search.union_zone)
    values: dict[str, Any] = {
        "skill": search.skill, "need": search.need_id, "requester": search.requester_id,
        "languages": search.languages, "most": most,
        "early": mask if word == 0 else 0,
        "middle": mask if word == 1 else 0,
        "late": mask if word == 2 else 0,
    }  # fmt: skip
    if search.latitude is None or search.longitude is None:
        return values
    flat = abs(search.latitude) <= SURELY_FLAT
    near, around, far = _ranges(search.latitude, search.longitude, search.wider, RINGS if flat else (0, 0))
    latitude = radians(search.latitude)
    return values | {
        "near": near, "around": around, "far": far,
        "near_edge": _in_degrees(RINGS[0]) if flat else -1.0,
        "around_edge": _in_degrees(RINGS[1]) if flat else -1.0,
        "latitude": search.latitude, "longitude": search.longitude,
        "narrow": cos(latitude), "narrower": radians(sin(latitude)),
        "wider": search.wider * FLATNESS if flat else float(EVERYBODY),
    }  # fmt: skip


def _ranges(latitude: float, longitude: float, wider: float, rings: tuple[int, int]) -> list[str]:
    """For each ring the ranges of the index, as JSON: [radius class, first cell, last cell]."""
    found: list[list[tuple[int, int, int]]] = [[], [], [(0, NOWHERE, NOWHERE)]]
    for size, cell in cells.INDEX_CELLS.items():
        reach = size * wider + cells.COARSE
        for ring, scans in zip((*rings, EVERYBODY), found, strict=True):
            if ring:
                edge = min(ring * OVERLAP, reach)
                scans += [(size, *each) for each in cells.ranges(latitude, longitude, cell, edge)]
            if reach * OVERLAP <= ring:  # nobody of this class goes farther
                break
    return [orjson.dumps(each).decode() for each in found]


def statement_for(engine: str, values: dict[str, Any]) -> sa.TextualSelect:
    """The statement that fits what is asked, for an engine by its name."""
    placed = "far" in values
    wraps = placed and _wraps(values["latitude"], values["longitude"], values["wider"])
    return _statement(engine, placed=placed, wraps=wraps)


def _wraps(latitude: float, longitude: float, wider: float) -> bool:
    """Whether the antimeridian may lie within the reach of those who go farthest."""
    north = (cells.RADIUS_CLASSES[-1] * wider + cells.COARSE) / cells.METRES_PER_DEGREE
    nearest_pole = radians(min(90.0, abs(latitude) + north))
    return abs(longitude) * cos(nearest_pole) + 2 * north >= 180 * cos(nearest_pole)


def _in_degrees(metres: float) -> float:
    """The square of a distance on the plane."""
    return (metres / cells.METRES_PER_DEGREE) ** 2


def distance_to(search: Search, latitude: float | None, longitude: float | None) -> float | None:
    """Metres from the need to the middle of a cell, None where either is unknown."""
    if search.latitude is None or search.longitude is None or latitude is None or longitude is None:
        return None
    return cells.distance(search.latitude, search.longitude, latitude, longitude)


# The square of the distance in degrees, on a plane that touches the earth at the need; `narrower` lets
# degrees of longitude shrink towards the pole.
_NORTH = "(s.latitude - :latitude)"
_EAST = "(s.longitude - :longitude)"
_AROUND = f"(180 - ABS(180 - ABS{_EAST}))"  # across the antimeridian the way is shorter
_SQUARED = "{north} * {north} + {east} * {east} * :narrow * (:narrow - :narrower * {north})"
_REACH = f"(s.radius * :wider + {cells.COARSE * FLATNESS}) * {1 / cells.METRES_PER_DEGREE!r}"

_RANGES = {
    "sqlite": """SELECT json_extract(value, '$[0]') AS size, json_extract(value, '$[1]') AS first,
    json_extract(value, '$[2]') AS last FROM json_each({})""",
    "postgresql": """SELECT CAST(value ->> 0 AS integer) AS size, CAST(value ->> 1 AS bigint) AS first,
    CAST(value ->> 2 AS bigint) AS last FROM json_array_elements(CAST({} AS json))""",
}

_APART = """apart(person_id) AS MATERIALIZED (
  SELECT :requester
  UNION ALL SELECT blocked_id FROM blocks WHERE blocker_id = :requester
  UNION ALL SELECT blocker_id FROM blocks WHERE blocked_id = :requester
  UNION ALL SELECT person_id FROM invitations WHERE need_id = :need AND state <> 'withdrawn')"""

_FITS = """((s.early_hours & :early) | (s.middle_hours & :middle) | (s.late_hours & :late)) <> 0
  AND (:languages = 0 OR s.languages = 0 OR (s.languages & :languages) <> 0)"""
_NOT_APART = "person_id NOT IN (SELECT person_id FROM apart)"

# Each range is searched in turn: SQLite never turns a CROSS JOIN round, PostgreSQL can't with OFFSET 0.
_IN_RANGE = "s.skill = :skill AND s.radius_class = r.size AND s.cell BETWEEN r.first AND r.last"
_ROWS = {
    "sqlite": "offer_skills AS s",
    "postgresql": f"LATERAL (SELECT s.* FROM offer_skills AS s WHERE {_IN_RANGE} OFFSET 0) AS s",
}
_RING = """SELECT person_id, latitude, longitude, squared FROM (
    SELECT s.person_id, s.latitude, s.longitude, {squared} AS squared, {reach} AS reach
    FROM ({ranges}) AS r CROSS JOIN {rows}
    WHERE {in_range} AND {fits}) AS seen
  WHERE {within} AND {not_apart}"""

_PLACED = """WITH {apart},
near AS MATERIALIZED ({near}),
around AS MATERIALIZED ({around}),
far AS ({far})
SELECT person_id, latitude, longitude
FROM (SELECT * FROM near UNION ALL SELECT * FROM around UNION ALL SELECT * FROM far) AS found
ORDER BY squared NULLS LAST, person_id LIMIT :most"""

# Without a place nobody is nearer: each need begins at another person, so that not all ask the same.
_UNPLACED = """WITH {apart}
SELECT s.person_id, s.latitude, s.longitude FROM offer_skills AS s WHERE s.skill = :skill AND {fits}
  AND {not_apart}
ORDER BY s.person_id < :need, s.person_id LIMIT :most"""

_WITHIN = {
    "near": "squared <= :near_edge AND squared <= reach * reach",
    "around": """(SELECT count(*) FROM near) < :most
    AND squared > :near_edge AND squared <= :around_edge AND squared <= reach * reach""",
    "far": """(SELECT count(*) FROM near) + (SELECT count(*) FROM around) < :most
    AND (squared IS NULL OR (squared > :around_edge AND squared <= reach * reach))""",
}

_TYPES: dict[str, Any] = {
    "skill": sa.String(), "need": sa.Uuid(), "requester": sa.Uuid(), "most": sa.Integer(),
    **dict.fromkeys(("early", "middle", "late", "languages"), sa.BigInteger()),
    **dict.fromkeys(("near", "around", "far"), sa.String()),
    **dict.fromkeys(("latitude", "longitude", "narrow", "narrower", "wider"), sa.Double()),
    **dict.fromkeys(("near_edge", "around_edge"), sa.Double()),
}  # fmt: skip


def written(engine: str, *, placed: bool, wraps: bool) -> sa.TextClause:
    """The one statement, in the dialect of an engine; an index search on both, and a test holds it.

    `wraps`: the antimeridian may lie within reach; elsewhere the distance is told with less work.
    """
    parts = {"apart": _APART, "fits": _FITS, "not_apart": _NOT_APART, "rows": _ROWS[engine],
             "in_range": _IN_RANGE}  # fmt: skip
    squared = _SQUARED.format(north=_NORTH, east=_AROUND if wraps else _EAST)
    rings = {
        ring: _RING.format(
            squared=squared, reach=_REACH, within=within, ranges=_RANGES[engine].format(f":{ring}"), **parts
        )
        for ring, within in _WITHIN.items()
    }
    return typed((_PLACED if placed else _UNPLACED).format(**parts, **rings))


def typed(text: str) -> sa.TextClause:
    """A statement with the types of the values that it names."""
    named = [
        sa.bindparam(name, type_=kind) for name, kind in _TYPES.items() if re.search(f":{name}\\b", text)
    ]
    return sa.text(text).bindparams(*named)


@cache
def _statement(engine: str, *, placed: bool, wraps: bool = False) -> sa.TextualSelect:
    kinds: dict[str, Any] = {"person_id": sa.Uuid(), "latitude": sa.Double(), "longitude": sa.Double()}
    return written(engine, placed=placed, wraps=wraps).columns(**kinds)


# --- what is known of those it found ----------------------------------------------------------------


def load(tx: Transaction, now: datetime, search: Search, near: Sequence[Near]) -> list[Candidate]:
    """Those who may be asked now, with their terms and history, in the order of their distance."""
    if not near:
        return []
    ids = [person_id for person_id, _distance in near]
    with tx.asking(Offer):
        terms = {row.person_id: row for row in tx.session.execute(_terms(), {"ids": ids, "now": now})}
    past = of_volunteers(tx, now, search.skill, [each for each in ids if each in terms])
    found = [
        _candidate(search, terms[person_id], distance, past[person_id])
        for person_id, distance in near
        if person_id in terms
    ]
    return sorted(found, key=lambda each: (each.distance is None, each.distance or 0.0))


@cache
def _terms() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            Offer.person_id, Offer.radius, Offer.travel, Offer.hours, Offer.languages, Offer.quiet_from,
            Offer.quiet_until, Offer.wakes_for_urgent, Offer.capacity, Offer.weekly_limit, Offer.not_wanted,
            Person.language, Person.time_zone,
        )
        .join(Person, Person.id == Offer.person_id)
        .where(
            among(Offer.person_id, "ids"),
            sa.or_(Offer.paused_until.is_(None), Offer.paused_until <= sa.bindparam("now")),
            Person.member_since.is_not(None),
            Person.banned_at.is_(None),
            sa.exists().where(Account.person_id == Person.id, Account.reachable.is_(True)),
        )
    )  # fmt: skip


def _candidate(search: Search, terms: Any, distance: float | None, past: Past) -> Candidate:
    return Candidate(
        person_id=terms.person_id,
        language=terms.language,
        languages=frozenset((terms.language, *terms.languages.split())),
        radius=terms.radius,
        distance=distance,
        travel=terms.travel,
        hours=terms.hours,
        zone=terms.time_zone or search.union_zone,
        quiet_from=terms.quiet_from,
        quiet_until=terms.quiet_until,
        wakes_for_urgent=terms.wakes_for_urgent,
        capacity=terms.capacity,
        weekly_limit=terms.weekly_limit,
        not_wanted=frozenset(terms.not_wanted.split()),
        active=past.active,
        pending=past.pending,
        asked_this_week=past.asked_this_week,
        last_asked_at=past.last_asked_at,
        accepted=past.accepted,
        declined=past.declined,
        silent=past.silent,
        verified=past.verified,
        wider=search.wider,
    )
