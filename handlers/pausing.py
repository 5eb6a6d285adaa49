"""Until when someone wants to rest: "3 days", "until Monday", "hasta el 3 de enero"."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from handlers.week_words import fold

LONGEST = timedelta(days=366)
# What the library does not know: words before a date, counted units in words, and "the Monday that comes".
_BEFORE = re.compile(
    r"^(?:(?:me|for|until|till|til|to|hasta|por|durante|the|el|la|on|i rest|this|este|esta)\b ?)+"
)
_REPLACED = (
    (r"\b(?:next|proxim[oa]|que viene|siguiente|please|por favor)\b", ""),
    (r"\bpasado manana\b", "en 2 dias"),
    (r"\bday after tomorrow\b", "in 2 days"),
    (r"^(?:semana|week)$", "1 week"),
    (r"^(?:mes|month)$", "1 month"),
    (r"\b(?:morning|evening|afternoon|night|por la .*)$", ""),
    (r"\b(?:a couple of|un par de|two|dos)\b", "2"),
    *((rf"\b(?:{words})\b", str(number)) for number, words in (
        (1, "one|una|un|a"), (3, "three|tres"), (4, "four|cuatro"), (5, "five|cinco"), (6, "six|seis"),
        (7, "seven|siete"), (8, "eight|ocho"), (9, "nine|nueve"), (10, "ten|diez"), (15, "quince"),
    )),
)  # fmt: skip
_DAY_OF_MONTH = re.compile(r"^(?:dia )?(\d{1,2})(?:st|nd|rd|th|º)?$")
_PLAIN = re.compile(r"^\s*(?:please |por favor )?(?:pause|pausa|pausad?me|pausar)\b(.*)", re.I | re.S)


def asked(text: str) -> str | None:
    """What stands behind "pause" where a text begins with it; None if it does not."""
    found = _PLAIN.match(text)
    return found[1].strip() if found else None


def until(text: str, language: str, now: datetime, zone: str) -> datetime | None:
    """The moment (UTC) until which a text says to pause, read in a language and on the clock of a zone.

    None if it names no moment, or none within the next year. A named day begins at its midnight.
    """
    words = _readable(text)
    local = now.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    day = _DAY_OF_MONTH.match(words)
    found = _next_day(int(day[1]), local) if day else _parsed(words, language, local)
    if found is None:
        return None
    moment = found.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return moment if now < moment <= now + LONGEST else None


def _readable(text: str) -> str:
    words = _BEFORE.sub("", " ".join(fold(text).strip(" .,!?").split()))
    for known, instead in _REPLACED:
        words = re.sub(known, instead, words).strip()
    return words


def _parsed(words: str, language: str, local: datetime) -> datetime | None:
    # Imported here: it takes longer than all else at the start, and few people ever pause.
    import dateparser

    settings = {
        "RELATIVE_BASE": local,  # never the machine's own clock
        "TIMEZONE": "UTC",  # nor its zone: what goes in and comes out is the person's clock
        "RETURN_AS_TIMEZONE_AWARE": False,
        "PREFER_DATES_FROM": "future",
        "PREFER_DAY_OF_MONTH": "first",
        "DATE_ORDER": "DMY",
    }
    languages = list(dict.fromkeys([language, "en"]))
    return dateparser.parse(words, languages=languages, settings=settings) if words else None


def _next_day(day: int, local: datetime) -> datetime | None:
    """The next day with this number in its month."""
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    days = (midnight + timedelta(days=each) for each in range(1, 63))
    return next((each for each in days if each.day == day), None)
