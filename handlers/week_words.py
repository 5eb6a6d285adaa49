"""The words with which people say when: days, parts of the day, and what joins and excludes them.

Names of days come from CLDR, through babel, in all languages that the bot speaks. The rest stands here,
folded (no accents, no capitals), all languages together: hardly a word means something else in another.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from enum import Enum, auto
from functools import cache

from babel.core import Locale


class Kind(Enum):
    """What a word does in a sentence about days and hours."""

    DAY = auto()  # its value: days, 0 is Monday
    SHORT_DAY = auto()  # "mon", "L": a day only beside another, or where days were asked for
    PART = auto()  # its value: hours, from and until; over midnight they are larger than 24
    DAY_PART = auto()  # a part of the day only just behind a day: "lunes tarde", "Friday night"
    TIME = auto()
    FROM = auto()
    TO = auto()
    UNTIL = auto()
    AFTER = auto()
    AND = auto()
    COMMA = auto()
    NOT = auto()
    BUT = auto()
    END = auto()
    NOISE = auto()
    WORD = auto()


WEEKDAYS, WEEKEND, EVERY_DAY = range(5), range(5, 7), range(7)
# A Spanish day is cut as CLDR cuts it; an English evening goes on until people want quiet.
_WORDS: dict[tuple[Kind, tuple[int, ...]], str] = {
    (Kind.DAY, tuple(WEEKDAYS)): (
        "weekday|weekdays|week days|working days|workdays|business days|entre semana|dias laborables|"
        "dias de diario|dias de semana"
    ),
    (Kind.DAY, tuple(WEEKEND)): (
        "weekend|weekends|week end|week ends|fin de semana|fines de semana|finde|findes"
    ),
    (Kind.DAY, tuple(EVERY_DAY)): (
        "every day|everyday|each day|daily|all week|any day|todos los dias|cada dia|toda la semana|"
        "a diario|diariamente|cualquier dia"
    ),
    (Kind.PART, (0, 24)): (
        "any time|anytime|all day|whole day|round the clock|day and night|24/7|24h|todo el dia|"
        "a cualquier hora|cualquier hora|en cualquier momento|cuando sea|dia y noche|a todas horas"
    ),
    (Kind.PART, (6, 12)): (
        "morning|mornings|por la manana|por las mananas|de manana|las mananas|mananas|la manana"
    ),
    (Kind.PART, (12, 18)): "afternoon|afternoons",
    (Kind.PART, (12, 14)): "lunchtime|lunch time|lunch break",
    (Kind.PART, (12, 16)): "al mediodia|los mediodias|a mediodia",
    (Kind.PART, (8, 18)): "daytime|during the day|de dia|durante el dia",
    (Kind.PART, (12, 20)): "por la tarde|por las tardes|de tarde|las tardes|tardes|la tarde",
    (Kind.PART, (18, 22)): "evening|evenings|after work",
    (Kind.PART, (20, 24)): "por la noche|por las noches|las noches|noches",
    (Kind.PART, (21, 30)): "nights|at night|during the night|at nights",
    (Kind.PART, (0, 6)): "de madrugada|madrugadas|por la madrugada",
    (Kind.DAY_PART, (6, 12)): "manana",
    (Kind.DAY_PART, (12, 20)): "tarde",
    (Kind.DAY_PART, (20, 24)): "noche",
    (Kind.DAY_PART, (21, 30)): "night",
    (Kind.FROM, ()): "from|between|desde|entre|de|starting|a partir de",
    (Kind.TO, ()): "to|a|through|thru|al|and until",
    (Kind.UNTIL, ()): "until|till|til|before|hasta|antes de|by|up to",
    (Kind.AFTER, ()): "after|despues de|from about|tras",
    (Kind.AND, ()): "and|or|y|o|e|u|as well as|also|plus|tambien|i|ni|nor",
    (Kind.NOT, ()): (
        "not|no|except|excepto|exceptuando|salvo|menos|nunca|never|don't|dont|can't|cant|cannot|excluding|"
        "apart from|other than|but not|pero no|unless|isn't|tampoco|sin|no puedo|nunca puedo|tampoco puedo|"
        "not free|not available|no estoy disponible|busy|ocupado|ocupada|i work|i'm working|trabajo|estudio"
    ),
    (Kind.BUT, ()): (
        "but|pero|sino|though|aunque|only|solo|solamente|unicamente|just|so|asi que|puedo|i can|free|libre|"
        "libres|available|disponible"
    ),
    (Kind.NOISE, ()): (
        "good morning|good afternoon|good evening|good night|buenos dias|buenas tardes|buenas noches|"
        "buenas|mas tarde|this morning|this afternoon|this evening|tomorrow morning|tomorrow evening|"
        "tomorrow afternoon|esta manana|esta tarde|santo domingo|no problem|no tengo problema|sin problema|"
        "don't mind|dont mind|no me importa|on|the|in|at|during|los|las|el|la|del|en|por|durante|every|each|"
        "cada|todos|todas|most|some|my|mis|of|time|horas|hours|o'clock|about|around|sobre|any|cualquier"
    ),
}  # fmt: skip
_AM, _PM = "de la manana|in the morning|de la madrugada", "de la tarde|de la noche|in the afternoon"
_TIME = (
    r"(?P<hour>\d{1,2})(?:[:.h](?P<minute>[0-5]\d))?(?:\s*(?:(?P<am>a\.?\s?m\b\.?|"
    + _AM
    + r")|(?P<pm>p\.?\s?m\b\.?|"
    + _PM
    + r"|in the evening)|(?P<mark>h(?:rs?|oras?|ours?)?\b|o'clock)))?(?![\w:])"
    r"|(?P<noon>noon|midday|mediodia)\b|(?P<midnight>midnight|medianoche)\b"
)


def fold(text: str) -> str:
    """A text without accents and capitals, with one kind of dash and apostrophe."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(each for each in parts if unicodedata.category(each)[0] != "M")
    return re.sub(r"[‐‑‒–—―−]", "-", bare).replace("’", "'")


@cache
def table(languages: tuple[str, ...]) -> dict[str, tuple[Kind, tuple[int, ...]]]:
    """Every word that says when, in the languages given."""
    words = {word: meant for meant, known in _WORDS.items() for word in known.split("|")}
    for language in languages:
        for word, days in _names(language):
            words.setdefault(word, days)
    return words


@cache
def pattern(languages: tuple[str, ...]) -> re.Pattern[str]:
    """One expression for times, words that say when, other words, dashes and ends of sentences."""
    words = "|".join(re.escape(word) for word in sorted(table(languages), key=len, reverse=True))
    return re.compile(
        rf"(?<!\w)(?P<known>{words})(?!\w|'\w)|(?<![\w:])(?:{_TIME})"
        r"|(?P<dash>-)|(?P<comma>,)|(?P<and>[&+/])|(?P<end>[.;!?\n()]+)|(?P<word>[\w']+)"
    )


def _names(language: str) -> Iterator[tuple[str, tuple[Kind, tuple[int, ...]]]]:
    """A language's names of the days; the plural is the name with an ending, where it has one."""
    days = Locale.parse(language).days
    for form in ("format", "stand-alone"):
        for day, name in days[form]["wide"].items():
            for ending in ("", "s", "es"):
                yield fold(name) + ending, (Kind.DAY, (day,))
        for width in ("abbreviated", "short", "narrow"):
            yield from _short(days[form].get(width, {}).items())


def _short(names: Iterable[tuple[int, str]]) -> Iterator[tuple[str, tuple[Kind, tuple[int, ...]]]]:
    """Abbreviations, unless two days share one."""
    folded = {day: fold(name).rstrip(".") for day, name in names}
    if len(set(folded.values())) == len(folded):
        yield from ((name, (Kind.SHORT_DAY, (day,))) for day, name in folded.items())
