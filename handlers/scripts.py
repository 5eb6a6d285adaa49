"""Words of scripts other than Latin as they are compared, however their writers spell them."""

from __future__ import annotations

import re
import unicodedata
from types import MappingProxyType
from typing import Final

# Arabic letters that are written for each other, or by other keyboards; a hamza and a tatweel are left out.
ARABIC: Final = MappingProxyType(
    dict(zip("ةىٱظپچڤیےکگڭہھە", "هياضبجفييكككههه", strict=True)) | dict.fromkeys("ءـ", "")
)
# Devanagari signs that sound alike or nearly so: long and short i and u, foreign e and o, both nasal signs.
DEVANAGARI: Final = MappingProxyType(dict(zip("ईऊऍऑषीूॅॉँ", "इउएआशिुेां", strict=True)) | dict.fromkeys("ःऽ", ""))
INDIC: Final = "\u0900-\u0dff"  # Devanagari to Sinhala, whose vowels are marks
_NO_ACCENT: Final = frozenset({0, 9})  # combining classes: a vowel or a nasal sound, and "no vowel" (virama)
_IN_DEVANAGARI: Final = re.compile("[\u0900-\u097f]")
_NASAL: Final = re.compile("[ङञणनम]\u094d+(?=[क-ह])")
_NASAL_AT_END: Final = re.compile("(?<=[^ ])\u0902+(?= |$)")
_GLIDE: Final = re.compile("(?<=[^ \u094d])य([िे])")
_VOWELS: Final = MappingProxyType({"ि": "इ", "े": "ए"})


def is_vowel(mark: str) -> bool:
    """Whether a combining mark is a letter of its word rather than an accent."""
    return "\u0900" <= mark <= "\u0dff" and unicodedata.combining(mark) in _NO_ACCENT


def one_spelling(text: str) -> str:
    """A text whose letters are folded, with the spellings made one that depend on the letters around.

    Hindi: a nasal before a consonant ("एम्बुलेन्स", "एंबुलेंस"), the one at the end of a word that many leave out
    ("नहीं", "नही"), and the glide between vowels ("गयी", "गई").
    """
    if not _IN_DEVANAGARI.search(text):
        return text
    text = _NASAL_AT_END.sub("", _NASAL.sub("\u0902", text))
    return _GLIDE.sub(lambda glide: _VOWELS[glide[1]], text)
