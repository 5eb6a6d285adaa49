"""What the bot says and understands, read once for all tests of a process: that takes a second.

Whoever needs others, or changes them, loads their own.
"""

from __future__ import annotations

from functools import cache

from handlers.lexicon import Lexicons
from handlers.texts import Catalogs
from tests.catalogs import LOCALES


@cache
def catalogs() -> Catalogs:
    return Catalogs.load(LOCALES)


@cache
def lexicons() -> Lexicons:
    return Lexicons.load(LOCALES)
