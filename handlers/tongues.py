"""Languages and ways of getting around, as people name them. Names come from CLDR, through babel."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from babel.core import Locale

from handlers.messages import Text, _
from handlers.texts import own_name
from handlers.week_words import fold
from storage.offers import LANGUAGES

# What a language is called besides its name in CLDR.
_ALSO = {
    "farsi": "fa", "dari": "fa", "mandarin": "zh", "mandarin chinese": "zh", "chino mandarin": "zh",
    "tagalog": "fil", "castellano": "es", "castilian": "es", "kurmanji": "ku", "sorani": "ckb",
    "tamazight": "zgh", "amazigh": "zgh", "berber": "zgh", "bereber": "zgh", "valenciano": "ca",
    "valencian": "ca", "norwegian": "nb", "noruego": "nb", "pulaar": "ff", "fulani": "ff", "bengali": "bn",
    "moldovan": "ro", "flemish": "nl", "flamenco": "nl", "panyabi": "pa", "brasileno": "pt", "pastun": "ps",
    "pashto": "ps", "vasco": "eu", "kiswahili": "sw", "persa": "fa",
}  # fmt: skip
# A language counts only where somebody speaks it: "French food" is no French.
_SPOKEN = (
    r"speak|speaks|speaking|fluent in|languages?|interpret\w*|translat\w*|native|hablo|hablamos|hablar|"
    r"habla|hablando|domino|idiomas?|entiendo|traduc\w*|traduzco|interprete|parlo|se hablar"
)
_BETWEEN = (
    r"and|or|y|e|o|u|i|,|/|&|a|an|some|little|bit|of|un|poco|algo|de|bien|muy|very|good|well|fluent|fluently|"
    r"also|tambien|perfect|perfectly|basic|basico|fluido|to|into|from|del|al|en|in|both"
)
_NO = r"\b(?:no|not|don't|dont|doesn't|can't|cannot|without|sin|ni|nor|never|nunca)"
_NEAR = 60  # letters before it in which a "no" is looked for
_FAR = 2  # other words between "speak" and the language

CAR, BICYCLE, FOOT, BUS = "car", "bicycle", "foot", "bus"
TRAVEL = {
    FOOT: _("On foot"),
    BICYCLE: _("Bicycle"),
    CAR: _("Car"),
    BUS: _("Bus or train"),
}
_THINGS = {
    CAR: "car|van|minivan|minibus|truck|lorry|pickup|motorbike|motorcycle|scooter|coche|carro|furgoneta|"
    "furgo|camioneta|camion|auto|moto|cotxe",
    BICYCLE: "bike|bicycle|e-bike|ebike|cargo bike|bici|bicicleta|bicis",
    BUS: "bus|train|metro|tram|subway|underground|public transport|autobus|tren|tranvia|transporte publico",
    FOOT: "foot|feet|pie|walking|andando|caminando|walk",
}
_HAVE = r"\b(?:have|got|with|own|by|use|tengo|tenemos|con|uso|in|en)(?: (?!no\b)\w+){0,3}?"
_PHRASES = {
    CAR: rf"{_HAVE} (?:{_THINGS[CAR]})\b|\bmy (?:car|van)\b|\bi (?:can )?drive\b"
    r"|\bpuedo conducir\b|\bconduzco\b|\bsoy conductora?\b|\bi(?:'m| am) a driver\b",
    BICYCLE: rf"{_HAVE} (?:{_THINGS[BICYCLE]})\b|\bmy (?:bike|bicycle)\b|\bi cycle\b",
    BUS: rf"\b(?:by|use|con|uso|en) (?:{_THINGS[BUS]})\b",
    FOOT: r"\b(?:on|by) foot\b|\ba pie\b|\bandando\b|\bcaminando\b|\bi (?:only )?walk\b(?! \w+ (?:dog|pet))",
}


def languages(text: str, catalogs: Sequence[str], *, asked: bool = False) -> tuple[str, ...]:
    """The languages that someone says they speak; with `asked`, all that they name."""
    names = _names(tuple(catalogs))
    folded = fold(text)
    if asked:
        found = [names[each[0]] for each in _pattern(tuple(catalogs)).finditer(folded)]
        found = found or [code for code in LANGUAGES if fold(own_name(code)) in folded]
        return tuple(dict.fromkeys(found))
    said: dict[str, None] = {}
    for cue in re.finditer(rf"(?<!\w)(?:{_SPOKEN})(?!\w)", folded):
        if not re.search(rf"{_NO}(?: \w+)? $", folded[max(0, cue.start() - _NEAR) : cue.start()]):
            said |= dict.fromkeys(_chain(folded, cue.end(), tuple(catalogs)))
    for cue in re.finditer(r"\b(\w+)[- ](?:speaking|speakers?)\b", folded):
        if cue[1] in names:
            said[names[cue[1]]] = None
    return tuple(said)


def travel(text: str, *, asked: bool = False) -> str:
    """How someone says that they get around: foot, bicycle, car, bus; "" where they don't say."""
    folded = fold(text)
    for way, phrase in _PHRASES.items():
        found = re.search(rf"\b(?:{_THINGS[way]})\b" if asked else phrase, folded)
        if found and not re.search(
            rf"{_NO}(?: \w+){{0,2}} $", folded[max(0, found.start() - _NEAR) : found.start()]
        ):
            return way
    return ""


def names(codes: Sequence[str], language: str) -> Text:
    """Some languages, named in one of them."""
    known = Locale.parse(language).languages
    return Text(", ".join(known.get(code, code) for code in codes))


def _chain(folded: str, start: int, catalogs: tuple[str, ...]) -> list[str]:
    """The languages named one after the other behind "speak", until the sentence goes on."""
    known = _names(catalogs)
    pieces = re.compile(rf"{_pattern(catalogs).pattern}|[\w']+|[,/&.;!?\n]")
    found: list[str] = []
    far = 0
    for each in pieces.finditer(folded, start):
        piece = each[0]
        if piece in known:
            found.append(known[piece])
            far = 0
        elif piece in ".;!?\n":
            break
        elif not re.fullmatch(_BETWEEN, piece):
            far += 1
            if far > (0 if found else _FAR):
                break
    return found


@cache
def _names(catalogs: tuple[str, ...]) -> dict[str, str]:
    """Every folded name of a language that we know, and its code."""
    known = dict(_ALSO)
    for catalog in catalogs:
        called = Locale.parse(catalog).languages
        known |= {fold(called[code]): code for code in LANGUAGES if code in called}
    return known


@cache
def _pattern(catalogs: tuple[str, ...]) -> re.Pattern[str]:
    known = sorted(_names(catalogs), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, known))})(?!\w)")
