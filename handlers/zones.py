"""Time zones by the names of cities and countries, as CLDR has them in the languages of the bot."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from zoneinfo import available_timezones

from babel.core import Locale, get_global
from rapidfuzz import fuzz, process

from handlers.week_words import fold

MOST = 6  # zones to choose from
ALIKE = 80  # of 100: likeness from which a misspelled city is taken for the known one
SHORTEST = 4  # letters of a name that is looked for inside a sentence, or misspelled


def find(text: str, languages: Sequence[str]) -> tuple[str, ...]:
    """The zones that a text names, the likeliest first; empty if it names none."""
    wanted = fold(text).replace("_", " ").strip(" .,!?")
    known = _known(tuple(languages))
    if wanted in known:
        return known[wanted][:MOST]
    words = [name for name in known if len(name) >= SHORTEST and f" {name} " in f" {wanted} "]
    if words:
        return known[max(words, key=len)][:MOST]
    if len(wanted) < SHORTEST:
        return ()
    alike = process.extractOne(wanted, list(known), scorer=fuzz.ratio, score_cutoff=ALIKE)
    return known[alike[0]][:MOST] if alike else ()


@cache
def _known(languages: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Folded names of zones, their cities and their countries."""
    there, newer = available_timezones(), get_global("zone_aliases")
    found: dict[str, list[str]] = {}

    def add(name: str, zone: str) -> None:
        zones = found.setdefault(fold(name).replace("_", " "), [])
        zone = newer.get(zone, zone)
        if zone in there and zone not in zones:
            zones.append(zone)

    for zone in sorted(each for each in there if "/" in each and not each.startswith(("Etc/", "SystemV/"))):
        add(zone, zone)
        add(zone.split("/")[-1], zone)
    for language in languages:
        locale = Locale.parse(language)
        for zone, names in locale.time_zones.items():
            if "city" in names:
                add(names["city"], zone)
        for country, zones in get_global("territory_zones").items():
            if country in locale.territories:
                for zone in zones:
                    add(locale.territories[country], zone)
    found["utc"] = ["UTC"]  # which is called Etc/UTC otherwise
    return {name: tuple(zones) for name, zones in found.items() if zones}
