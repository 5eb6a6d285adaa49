"""The same question, asked in the ways that others ask it: a box of coordinates, and PostGIS."""

from __future__ import annotations

import math
import re
from typing import Any

import asyncpg

from storage import cells, hours
from storage.candidates import Search

FARTHEST = 100_000 + cells.COARSE  # metres that anybody goes
COLUMNS = ("early_hours", "middle_hours", "late_hours")
NEAREST = 80  # as many as our own statement takes from the index

FITS = """v.{word} & {mask} <> 0 AND (v.languages & {languages}) <> 0"""
PLANAR = """((v.latitude - {latitude}) * (v.latitude - {latitude})
  + (v.longitude - {longitude}) * (v.longitude - {longitude}) * {narrow})"""

BOX = (
    """SELECT v.person_id FROM peer_people AS v
WHERE v.latitude BETWEEN {south} AND {north} AND v.longitude BETWEEN {west} AND {east}
  AND EXISTS (SELECT 1 FROM peer_skills AS s WHERE s.person_id = v.person_id AND s.skill = {skill})
  AND """
    + FITS
    + " AND "
    + PLANAR
    + " <= {reach} * {reach} ORDER BY "
    + PLANAR
    + " LIMIT {most}"
)

POINT = "ST_SetSRID(ST_MakePoint({longitude}, {latitude}), 4326)::geography"

KNN = (
    """SELECT v.person_id FROM peer_people AS v
WHERE ST_DWithin(v.place, {point}, {farthest}) AND ST_Distance(v.place, {point}, false) <= v.radius + 500
  AND EXISTS (SELECT 1 FROM peer_skills AS s WHERE s.person_id = v.person_id AND s.skill = {skill})
  AND """
    + FITS
    + " ORDER BY v.place <-> {point} LIMIT {most}"
)

COMPOSITE = (
    """SELECT v.person_id FROM peer_skills AS v
WHERE v.skill = {skill} AND ST_DWithin(v.place, {point}, {farthest})
  AND ST_Distance(v.place, {point}, false) <= v.radius + 500
  AND """
    + FITS
    + " ORDER BY v.place <-> {point} LIMIT {most}"
)

POSTGIS = (
    "CREATE EXTENSION postgis",
    "CREATE EXTENSION btree_gist",
    "ALTER TABLE peer_people ADD COLUMN place geography(Point, 4326)",
    "ALTER TABLE peer_skills ADD COLUMN place geography(Point, 4326)",
    "UPDATE peer_people SET place = ST_SetSRID(ST_MakePoint(longitude, latitude), 4326)::geography",
    "UPDATE peer_skills SET place = ST_SetSRID(ST_MakePoint(longitude, latitude), 4326)::geography",
    "CREATE INDEX peer_place ON peer_people USING gist (place)",
    "CREATE INDEX peer_skill_place ON peer_skills USING gist (skill, place)",
    "VACUUM ANALYZE peer_people",
    "VACUUM ANALYZE peer_skills",
)


def question(form: str, search: Search) -> tuple[str, list[Any]]:
    """A peer's statement with question marks, and the values for them: prepared once, as ours is."""
    assert search.latitude is not None
    assert search.longitude is not None
    word, mask = hours.bit(search.at, search.union_zone)
    north = FARTHEST / cells.METRES_PER_DEGREE
    narrow = math.cos(math.radians(search.latitude))
    values: dict[str, Any] = {
        "skill": search.skill, "latitude": search.latitude, "longitude": search.longitude,
        "mask": mask, "languages": search.languages, "most": NEAREST,
        "south": search.latitude - north, "north": search.latitude + north,
        "west": search.longitude - north / narrow, "east": search.longitude + north / narrow,
        "narrow": narrow**2, "farthest": float(FARTHEST),
    }  # fmt: skip
    reach = f"((v.radius + {cells.COARSE}) / {cells.METRES_PER_DEGREE})"
    text = form.replace("{reach}", reach).replace("{word}", COLUMNS[word]).replace("{point}", POINT)
    given = [values[name] for name in re.findall(r"{(\w+)}", text)]
    return re.sub(r"{\w+}", "?", text), given


async def add_postgis(connection: asyncpg.Connection) -> None:
    for statement in POSTGIS:
        await connection.execute(statement)
