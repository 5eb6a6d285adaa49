"""Names of places: looking words up, and what the surroundings of a place are called on cards."""

from __future__ import annotations

import re
from typing import Any

from babel.core import Locale

from handlers.context import Context, Moment
from handlers.messages import Place, Verbatim
from storage import cells, gazetteer
from storage.likelihood import Found

# Streets bear the names of towns: in "calle Valencia 20" nobody speaks of Valencia.
_STREET = re.compile(
    r"\b(?:calle|c/|avenida|avda\.?|av\.|plaza|pza\.?|paseo|camino|carrer|avinguda|plaça|rambla|rue|place|via|street)"
    r" (?:de la |de los |del |de |d'|la )?[\w'’]+",
    re.IGNORECASE,
)
Kept = dict[str, Any]  # a place as it is kept: of `places.to_json`, and how it was said


def look_up(moment: Moment, words: str) -> list[Found]:
    """The places that words may name, the likeliest first; none where no gazetteer is loaded."""
    found = _find(moment, words)
    town = _STREET.sub(" ", words)
    if town == words or not any(_is_abroad(moment, each) for each in found):
        return found
    besides = {each.name for each in _find(moment, town)} if town.strip() else set()
    return [each for each in found if each.name in besides or not _is_abroad(moment, each)]


def _find(moment: Moment, words: str) -> list[Found]:
    return gazetteer.find(moment.tx, words, moment.union.centre, moment.union.area_radius)


def _is_abroad(moment: Moment, place: Found) -> bool:
    """Whether a place is neither the union's own nor near it; only then may a street be meant instead."""
    return not place.own and not place.is_near(moment.union.area_radius)


def surely(moment: Moment, words: str) -> Kept | None:
    """The place that words name beyond doubt: rightly spelt, and the only one near the union."""
    found = the_one(moment, look_up(moment, words))
    return None if found is None else {"words": words, **kept(moment, found)}


def area(moment: Moment, latitude: float | None, longitude: float | None, language: str) -> Verbatim | None:
    """What the surroundings of a cell are called; None where that is not known."""
    if latitude is None or longitude is None:
        return None
    found = gazetteer.nearest(moment.tx, *cells.snap(latitude, longitude))
    return None if found is None else Verbatim(found.called(language))


def country_at(moment: Moment, latitude: float | None, longitude: float | None) -> str:
    """The country of the nearest named place within thirty kilometres, else the union's own; "" if unknown.

    Asks the database no more than `area` for the same place; near a border it may be the neighbour's.
    """
    if latitude is None or longitude is None:
        return moment.union.country
    found = gazetteer.nearest(moment.tx, *cells.snap(latitude, longitude))
    return (found.country if found else "") or moment.union.country


def the_one(moment: Moment, found: list[Found]) -> Found | None:
    fitting = [each for each in found if each.exact and not each.holds_another]
    near = [each for each in fitting if each.is_near(moment.union.area_radius)]
    supported = [each for each in fitting if each.supported]
    for some in (near, supported, fitting):
        if some:
            return some[0] if len(some) == 1 else None
    return None


def kept(moment: Moment, found: Found) -> Kept:
    place = Place(found.latitude, found.longitude)
    # The middle of a town is good for matching, and wrong as a pin for someone who goes there.
    rough = not (found.own and found.kind in gazetteer.POINTS)
    place_kept = {"latitude": found.latitude, "longitude": found.longitude, "rough": rough}
    return {**place_kept, "name": found.name, "far": is_far(moment, place)}


def labelled(ctx: Context, found: list[Found]) -> list[tuple[Found, str]]:
    """Names, with what tells two of one name apart: the country, or the larger town nearby."""
    named = []
    for each in found:
        same = [other for other in found if other.name == each.name]
        abroad = len({other.country for other in found}) > 1
        parts = [each.name]
        if len(same) > 1 and len({other.country for other in same}) < len(same):
            parts.append(gazetteer.larger(ctx.tx, each) or "")
        if abroad and each.country:
            parts.append(_country(each.country, ctx.person.language))
        named.append((each, ", ".join(filter(None, parts))))
    return named


def _country(code: str, language: str) -> str:
    return str(Locale.parse(language).territories.get(code, code))


def is_far(moment: Moment, place: Place) -> bool:
    """Whether a place lies outside the union's area; without a known centre nothing does."""
    centre = moment.union.centre
    if centre is None or place.latitude is None or place.longitude is None:
        return False
    return cells.distance(*centre, place.latitude, place.longitude) > moment.union.area_radius
