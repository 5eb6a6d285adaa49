"""How names are spelt for looking them up: keys without accents, case and spaces, and their misspellings.

All functions are pure; texts are in any script.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from zlib import crc32

LONGEST_NAME = 5  # words
LONGEST_UNSPACED = 12  # letters of a name in a script that is written without spaces
_SHORTEST_MISSPELT = 4  # letters; of shorter names every other word is a misspelling
_LONGEST_MISSPELT = 32
_MARKS_MATTER = 0x0900  # from the scripts of India on, marks are vowels; before, they are accents

# Letters that stand for one another, or that decomposition leaves whole.
_FOLDED = str.maketrans({
    "ı": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h", "ŋ": "n",
    "ə": "e", "ё": "е", "і": "и", "є": "е", "ґ": "г", "ј": "й", "ѓ": "г", "ќ": "к", "ћ": "ч", "ђ": "д",
    "ى": "ي", "ی": "ي", "ې": "ي", "ے": "ي", "ة": "ه", "ہ": "ه", "ە": "ه", "ھ": "ه", "ک": "ك", "ٱ": "ا",
    "ך": "כ", "ם": "מ", "ן": "נ", "ף": "פ", "ץ": "צ", "ـ": "", "ء": "",
})  # fmt: skip
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")

# What is left of a word when vowels go and letters that sound alike become one.
_SOUNDS = tuple(
    (re.compile(pattern), put)
    for pattern, put in (
        ("sch|sh|ch|tx|x|z|ts|c(?=[eiy])", "s"), ("ph", "f"), ("qu|ck|kh|q|c", "k"), ("g(?=[eiy])", "j"),
        ("[vw]", "b"), ("th", "t"), ("h", ""), ("^[aeiouy]+", "A"), ("[aeiouy]", ""),
        ("^[аеиоуыэюя]+", "А"), ("[аеиоуыэюяйьъ]", ""), ("^[αεηιουω]+", "Α"), ("[αεηιουω]", ""),
        ("^ال", ""), ("^[او]+", "ا"), ("(?<!^)[اويه]", ""), ("ط", "ت"), ("ص", "س"), ("ض", "د"), ("[ظذ]", "ز"),
        ("ث", "ت"), ("ق", "ك"), ("(?<!^)[אויה]", ""), (r"(.)\1+", r"\1"),
    )
)  # fmt: skip

# A name with something grown onto it: "Antakyada" (in Antakya), "بحلب" (in Aleppo).
_GROWN = (
    (re.compile("^[بولفك](?=[\u0600-\u06ff]{3})"), ""),
    (re.compile("(?<=[a-z]{4})(?:[dt][ae]n?|[dt][ae]ki|y[ae]|n?[iu]n)$"), ""),
)


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a message: how it is looked up, and whether it was written like a name."""

    key: str
    capital: bool  # or in a script that has no capitals
    unspaced: bool


@dataclass(frozen=True, slots=True)
class Span:
    """Words in a row that may be a name: from `first` up to but not including `end`."""

    first: int
    end: int
    key: str
    shorn: bool = False  # of what may have grown onto it

    @property
    def length(self) -> int:
        return self.end - self.first

    def overlaps(self, other: Span) -> bool:
        return self.first < other.end and other.first < self.end


def key(name: str) -> str:
    """The spelling under which a name is kept; "" if it has neither letters nor digits."""
    return "".join(word.key for word in words(name))


def words(text: str) -> list[Word]:
    """The words of a text; of a script without spaces each letter is one."""
    return [
        Word(folded, piece[0].isalpha() and not piece[0].islower(), unspaced)
        for piece, unspaced in _pieces(unicodedata.normalize("NFC", text))
        if (folded := _fold(piece))
    ]


def spans(found: list[Word]) -> list[Span]:
    """Every row of words that may be a name, and what remains of it without what has grown onto it."""
    made = []
    for first, word in enumerate(found):
        longest = LONGEST_UNSPACED if word.unspaced else LONGEST_NAME
        for end in range(first + 1, min(first + longest, len(found)) + 1):
            if found[end - 1].unspaced is not word.unspaced:
                break
            whole = "".join(each.key for each in found[first:end])
            made.append(Span(first, end, whole))
            made += [Span(first, end, each, shorn=True) for each in _shorn(whole)]
    return made


def misspellings(known: str) -> set[int]:
    """The numbers under which a key is found by what may have been typed in its place."""
    if not _SHORTEST_MISSPELT <= len(known) <= _LONGEST_MISSPELT:
        return set()
    return {crc32(left.encode()) for left in (known, *_without_one(known), *_sounds_of(known))}


def by_sound(typed: str) -> set[int]:
    """As `misspellings`, but only those that keep the sound: fewer, for rows of several words."""
    if not _SHORTEST_MISSPELT <= len(typed) <= _LONGEST_MISSPELT:
        return set()
    return {crc32(left.encode()) for left in _sounds_of(typed)}


def allowed(typed: str) -> int:
    """How many letters may differ for a word still to be the name."""
    return 1 if len(typed) < 6 else 2 if len(typed) < 9 else 3


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    piece = ""
    for char in text:
        category = unicodedata.category(char)
        if _UNSPACED.match(char) and category[0] in "LM":
            if piece:
                yield piece, False
            piece = ""
            yield char, True
        elif category[0] in "LN" or category[0] == "M" or category == "Cf":
            piece += char
        elif piece:
            yield piece, False
            piece = ""
    if piece:
        yield piece, False


def _fold(piece: str) -> str:
    if piece.isascii():
        return piece.lower()
    folded = unicodedata.normalize("NFKD", piece.casefold()).casefold().translate(_FOLDED)
    return "".join(
        char
        for char in folded
        if char.isalnum() or (ord(char) >= _MARKS_MATTER and unicodedata.category(char)[0] == "M")
    )


def _shorn(whole: str) -> Iterator[str]:
    for pattern, put in _GROWN:
        shorn = pattern.sub(put, whole)
        if shorn != whole:
            yield shorn


def _without_one(whole: str) -> Iterator[str]:
    return (whole[:at] + whole[at + 1 :] for at in range(len(whole)))


def _sounds_of(whole: str) -> Iterator[str]:
    sound = whole
    for pattern, put in _SOUNDS:
        sound = pattern.sub(put, sound)
    if len(sound) >= 3 and sound != whole:
        yield f"~{sound}"
        if len(sound) >= 5:
            yield from (f"~{left}" for left in _without_one(sound))
