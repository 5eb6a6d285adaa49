"""Reading a place: a pin, coordinates in any usual form, plus codes, `geo:` and map links, or plain words.

Pure: nothing is looked up here, and nothing is asked for over a network.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from openlocationcode import openlocationcode as plus_codes

from handlers import map_links
from handlers.messages import Inbound, Place
from storage import cells

LONGEST_WORDS = 500
_NULL_ISLAND = 0.01  # degrees around (0, 0): what broken senders give instead of nothing

_NUMBER = r"\d{1,3}(?:[.,]\d{1,15})?"
_PAIR = re.compile(
    r"(?P<lat>[-+−]?\d{1,3}(?:\.\d{1,15})?)\s*[,;/\s]\s*(?P<lon>[-+−]?\d{1,3}(?:\.\d{1,15})?)"
    r"|(?P<lat2>[-+−]?\d{1,3},\d{1,15})(?:\s*[;/]\s*|\s*,\s+|\s+)(?P<lon2>[-+−]?\d{1,3},\d{1,15})"
)
# Within other words only numbers with at least three decimals are coordinates, not prices or hours.
_PAIR_AMONG_WORDS = re.compile(
    r"(?<![\w.,+−-])(?:(?P<lat>[-+−]?\d{1,2}\.\d{3,15})\s*[,;/\s]\s*(?P<lon>[-+−]?\d{1,3}\.\d{3,15})"
    r"|(?P<lat2>[-+−]?\d{1,2},\d{3,15})(?:\s*[;/]\s*|,?\s+)(?P<lon2>[-+−]?\d{1,3},\d{3,15}))(?!\w|[.,]\d)"
)
_ANGLE = (
    rf"({_NUMBER})\s*(?:[°º]|deg\b)?\s*(?:({_NUMBER})\s*(?:['′’´]|min\b)?\s*"
    rf"(?:({_NUMBER})\s*(?:['′’´]{{2}}|[\"″”“]|sec\b)?\s*)?)?"
)
_SAILED = (  # the letters of the compass stand either before or behind both halves
    re.compile(rf"(?<![\w.,])([NSEWO])\s*{_ANGLE}[\s,;/]*([NSEWO])\s*{_ANGLE}(?!\w)", re.IGNORECASE),
    re.compile(rf"(?<![\w.,+−-]){_ANGLE}([NSEWO])\b[\s,;/]*{_ANGLE}([NSEWO])(?!\w)", re.IGNORECASE),
)
_SURELY_ANGLES = re.compile(r"[°º]|\d[.,]\d{3}")
_SIGNS = {"N": ("lat", 1), "S": ("lat", -1), "E": ("lon", 1), "W": ("lon", -1), "O": ("lon", -1)}

_PLUS_CODE = re.compile(
    r"(?<![\w+])([23456789CFGHJMPQRVWX]{2,8}\+[23456789CFGHJMPQRVWX]{2,7})(?![\w+])", re.I
)
Coordinates = tuple[float, float]


def read(inbound: Inbound) -> Place | None:
    """The place that a message tells, None if it tells none or an impossible one."""
    place = inbound.place or _from_text(inbound.text)
    return None if place is None or is_impossible(place) else place


def is_impossible(place: Place) -> bool:
    """Whether coordinates lie outside the world, or at (0, 0), where broken devices are."""
    if place.latitude is None or place.longitude is None:
        return False
    inside = abs(place.latitude) <= 90 and abs(place.longitude) <= 180
    return not inside or max(abs(place.latitude), abs(place.longitude)) < _NULL_ISLAND


def tells_impossible(inbound: Inbound) -> bool:
    """Whether a message has coordinates that can't be right."""
    place = inbound.place or _from_text(inbound.text)
    return place is not None and is_impossible(place)


def is_shortened(text: str) -> bool:
    """Whether a text has a link whose place only the internet knows."""
    return coordinates(text) is None and map_links.is_shortened(text)


def short_code(text: str) -> tuple[str, str] | None:
    """A plus code that is relative to some place, and the words beside it that may name the place."""
    found = _PLUS_CODE.search(text)
    if found is None or not plus_codes.isShort(found[1].upper()):
        return None
    return found[1].upper(), " ".join((text[: found.start()] + " " + text[found.end() :]).split()).strip(" ,")


def recovered(code: str, near: Coordinates) -> Place:
    """The place of a short plus code, nearest to a place in its surroundings."""
    return Place(*_middle(plus_codes.recoverNearest(code, *near)))


def coordinates(text: str) -> Coordinates | None:
    """Latitude and longitude in degrees that a text tells in any usual form, be they possible or not."""
    text = text[: 4 * LONGEST_WORDS]
    if not any(char.isdigit() for char in text) and not any(sign in text for sign in ("+", "/go/", "://")):
        return None
    readers: tuple[Callable[[str], Coordinates | None], ...] = (
        map_links.coordinates, _of_pair, _of_angles, _of_plus_code
    )  # fmt: skip
    return next((found for each in readers if (found := each(text)) is not None), None)


def _from_text(text: str) -> Place | None:
    found = coordinates(text)
    if found is not None:
        return Place(*found)
    words = " ".join(text.split())[:LONGEST_WORDS]
    return Place(words=words) if len(words) >= 2 else None


# --- numbers --------------------------------------------------------------------------------------


def _of_pair(text: str) -> Coordinates | None:
    """Decimal degrees: alone, or with enough decimals among other words."""
    alone = _PAIR.fullmatch(text.strip().strip("()[]").strip())
    found = alone or _PAIR_AMONG_WORDS.search(text)
    if found is None or not re.search(r"\d[.,]\d|^\W*0\W+0\W*$", found[0]):
        return None  # "12, 3" is a number of a house, or a date
    latitude, longitude = found["lat"] or found["lat2"], found["lon"] or found["lon2"]
    return _number(latitude), _number(longitude)


def _number(text: str) -> float:
    return float(text.replace(",", ".").replace("−", "-"))


def _of_angles(text: str) -> Coordinates | None:
    """Degrees with N, S, E, W or O (oeste, ouest) and, if any, minutes and seconds."""
    alone = text.strip().strip("()[]").strip()
    for pattern, letters, first, second in zip(_SAILED, ((0, 4), (3, 7)), (1, 0), (5, 4), strict=True):
        for found in pattern.finditer(alone):
            groups = found.groups()
            whole = found[0] == alone and groups[first + 1] is not None
            if not whole and not _SURELY_ANGLES.search(found[0]):
                continue  # "flat 4 S 5 W" is an address
            signs = [_SIGNS[groups[at].upper()] for at in letters]
            halves = [_degrees(groups[at : at + 3]) for at in (first, second)]
            if signs[0][0] != signs[1][0] and None not in halves:
                by_axis = {axis: sign * (half or 0) for (axis, sign), half in zip(signs, halves, strict=True)}
                return by_axis["lat"], by_axis["lon"]
    return None


def _degrees(parts: tuple[str | None, ...]) -> float | None:
    degrees, minutes, seconds = (_number(part or "0") for part in parts)
    return None if minutes >= 60 or seconds >= 60 else degrees + minutes / 60 + seconds / 3600


def _of_plus_code(text: str) -> Coordinates | None:
    found = _PLUS_CODE.search(text)
    if found is None or not plus_codes.isFull(found[1].upper()):
        return None
    return _middle(found[1].upper())


def _middle(code: str) -> Coordinates:
    area = plus_codes.decode(code)
    return area.latitudeCenter, area.longitudeCenter


# --- keeping --------------------------------------------------------------------------------------


def to_json(place: Place) -> dict[str, Any]:
    return {"latitude": place.latitude, "longitude": place.longitude, "words": place.words}


def from_json(value: dict[str, Any] | None) -> Place | None:
    """A kept place; what else was kept beside it is of no concern here."""
    if not value:
        return None
    return Place(value.get("latitude"), value.get("longitude"), value.get("words") or "")


def shown(value: dict[str, Any] | None) -> Place | None:
    """A kept place as others see it: no pin where only the middle of a town is known of it."""
    place = from_json(value)
    if place is not None and value is not None and value.get("rough") and place.words:
        return Place(words=place.words)
    return place


def coarse(place: Place | None) -> Coordinates | None:
    """The middle of the cell in which a place lies; None where only words are known."""
    if place is None or place.latitude is None or place.longitude is None:
        return None
    return cells.snap(place.latitude, place.longitude)
