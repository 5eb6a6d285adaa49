"""Links to maps: OpenStreetMap, Google, Apple, Organic Maps, `geo:`. Pure; nothing is fetched."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit

Coordinates = tuple[float, float]

_LINK = re.compile(r"(?:https?://|geo:|om://|ge0://)[^\s<>\"]+", re.IGNORECASE)
_IN_LINK = tuple(
    re.compile(pattern)
    for pattern in (
        r"!3d(-?\d+(?:\.\d+)?)!4d(-?\d+(?:\.\d+)?)",  # the marked place comes before the middle of the map
        r"(?:/|^)(?:place|search|dir/[^/]*)/(-?\d{1,2}\.\d+),\s*\+?(-?\d{1,3}\.\d+)",
        r"#map=\d+(?:\.\d+)?/(-?\d+\.\d+)/(-?\d+\.\d+)",
        r"/@(-?\d+\.\d+),(-?\d+\.\d+)",
    )
)
_PARAMETERS = ("q", "query", "coordinate", "ll", "destination", "daddr", "sll", "center", "cp", "v")
_IN_PARAMETER = re.compile(r"^(?:loc:)?\s*(-?\d{1,2}(?:\.\d+)?)[,~]\s*(-?\d{1,3}(?:\.\d+)?)(?!\d)")
_QUADS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_~"  # OpenStreetMap's short links
_GE0 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"  # Organic Maps'
# What only the internet can resolve.
_SHORTENED = re.compile(
    r"(?<![\w.])(?:maps\.app\.goo\.gl|goo\.gl/maps|g\.co/kgs|maps\.apple/p|maps\.apple\.com/p/"
    r"|bit\.ly|tinyurl\.com|t\.co|w3w\.co|what3words\.com)/?\S",
    re.IGNORECASE,
)


def is_shortened(text: str) -> bool:
    """Whether a text has a link whose place only the internet knows."""
    return _SHORTENED.search(text) is not None


def coordinates(text: str) -> Coordinates | None:
    """Latitude and longitude of the first link to a map in a text."""
    for found in _LINK.finditer(text):
        link = unquote(found[0].replace("+", " ").rstrip(".,;)]"))
        for reader in (_of_geo, _of_marks, _of_parameters, _of_short_osm, _of_ge0):
            if (place := reader(link)) is not None:
                return place
    return None


def _of_geo(link: str) -> Coordinates | None:
    """RFC 5870, and Android's `geo:0,0?q=…`, which has the place behind."""
    if not link.lower().startswith("geo:"):
        return None
    behind = re.search(r"[?&]q=(-?\d+(?:\.\d+)?),\s*(-?\d+(?:\.\d+)?)", link)
    found = behind or re.match(r"geo:(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)", link, re.IGNORECASE)
    return (float(found[1]), float(found[2])) if found else None


def _of_marks(link: str) -> Coordinates | None:
    # "mlat" is the marker of OpenStreetMap; the map beside it may show something else.
    values = _values(link)
    for latitude, longitude in (("mlat", "mlon"), ("lat", "lon"), ("lat", "lng"), ("latitude", "longitude")):
        if re.fullmatch(r"-?\d+(\.\d+)?", values.get(latitude, "")) and re.fullmatch(
            r"-?\d+(\.\d+)?", values.get(longitude, "")
        ):
            return float(values[latitude]), float(values[longitude])
    found = next((m for pattern in _IN_LINK[:2] if (m := pattern.search(link))), None)
    return (float(found[1]), float(found[2])) if found else None


def _of_parameters(link: str) -> Coordinates | None:
    values = _values(link)
    for name in _PARAMETERS:
        found = _IN_PARAMETER.match(values.get(name, ""))
        if found:
            return float(found[1]), float(found[2])
    middle = next((m for pattern in _IN_LINK[2:] if (m := pattern.search(link))), None)
    return (float(middle[1]), float(middle[2])) if middle else None


def _values(link: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(urlsplit(link).query))
    except ValueError:
        return {}


def _of_short_osm(link: str) -> Coordinates | None:
    """`osm.org/go/…`: six bits a letter, the bits of longitude and latitude in turn."""
    found = re.search(r"(?:osm\.org|openstreetmap\.org)/go/([\w~@]{2,})(-*)", link, re.ASCII)
    if found is None:
        return None
    x = y = bits = 0
    for char in found[1].replace("@", "~"):
        six = _QUADS.find(char)
        if six < 0 or bits >= 60:
            break
        for shift in (5, 3, 1):
            x, y = x << 1 | six >> shift & 1, y << 1 | six >> shift - 1 & 1
        bits += 3
    half = 0.5 / 2**bits
    return 180 * (y / 2**bits + half) - 90, 360 * (x / 2**bits + half) - 180


def _of_ge0(link: str) -> Coordinates | None:
    """`om://`, `ge0://`, `omaps.app/…`, `comaps.at/…`: a letter for the zoom, then six bits a letter."""
    found = re.search(
        r"(?:om://|ge0://|omaps\.app/|ge0\.me/|comaps\.at/)([\w-]{4,10})(?:[/?]|$)", link, re.ASCII
    )
    if found is None:
        return None
    x = y = bits = 0
    for char in found[1][1:10]:
        six = _GE0.index(char)
        for shift in (5, 3, 1):
            y, x = y << 1 | six >> shift & 1, x << 1 | six >> shift - 1 & 1
        bits += 3
    half = 0.5 / 2**bits
    return 180 * (y / 2**bits + half) - 90, 360 * (x / 2**bits + half) - 180
