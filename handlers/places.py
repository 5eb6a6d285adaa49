"""Reading a place: a pin, coordinates in the text, a `geo:` or map link, or plain words."""

from __future__ import annotations

import re
from typing import Any

from handlers.messages import Inbound, Place
from storage import cells

_PAIR = r"(-?\d{1,3}(?:\.\d+)?)\s*[,;/ ]\s*(-?\d{1,3}(?:\.\d+)?)"
_COORDINATES = re.compile(rf"^\s*\(?{_PAIR}\)?\s*$")
_LINKS = (
    re.compile(r"geo:(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)"),
    re.compile(r"[?&#]m?lat=(-?\d+\.\d+)&m?lon=(-?\d+\.\d+)"),
    re.compile(r"#map=\d+/(-?\d+\.\d+)/(-?\d+\.\d+)"),
    re.compile(r"/@(-?\d+\.\d+),(-?\d+\.\d+)"),
    re.compile(r"[?&](?:q|ll|query|daddr)=(-?\d+\.\d+)(?:,|%2C)(-?\d+\.\d+)"),
)
LONGEST_WORDS = 500


def read(inbound: Inbound) -> Place | None:
    """The place that a message tells, None if it tells none or an impossible one."""
    place = inbound.place or _from_text(inbound.text)
    if place is None or not place.has_coordinates:
        return place
    assert place.latitude is not None
    assert place.longitude is not None
    possible = abs(place.latitude) <= 90 and abs(place.longitude) <= 180
    null_island = abs(place.latitude) < 0.01 and abs(place.longitude) < 0.01
    return place if possible and not null_island else None


def _from_text(text: str) -> Place | None:
    for pattern in (_COORDINATES, *_LINKS):
        found = pattern.search(text)
        if found:
            return Place(float(found[1]), float(found[2]))
    words = " ".join(text.split())[:LONGEST_WORDS]
    return Place(words=words) if len(words) >= 2 else None


def to_json(place: Place) -> dict[str, Any]:
    return {"latitude": place.latitude, "longitude": place.longitude, "words": place.words}


def from_json(value: dict[str, Any] | None) -> Place | None:
    return Place(**value) if value else None


def coarse(place: Place | None) -> tuple[float, float] | None:
    """The middle of the cell in which a place lies; None where only words are known."""
    if place is None or place.latitude is None or place.longitude is None:
        return None
    return cells.snap(place.latitude, place.longitude)
