"""How many helpers someone asks for, read from plain words: "3 people to carry a sofa"."""

from __future__ import annotations

import re
from collections.abc import Mapping

from handlers.when import Calendar, either, plain

MOST = 20


def helpers(text: str, calendars: Mapping[str, Calendar], language: str) -> int:
    """The number of helpers that a text names; 1 if it names none. "Food for 3 people" names none."""
    words = plain(text)
    for name in sorted(calendars, key=lambda each: each != language):
        calendar = calendars[name]
        if not calendar.hints.search(words):
            continue
        own = calendar.words["helpers"]
        between = rf"(?:{either(own['between'])} )?"
        before = rf"(?:\b({either(own['not'])}) )?"
        found = re.search(rf"{before}\b({calendar.number}) {between}{either(own['people'])}\b", words)
        if found and not found[1]:
            return max(1, min(MOST, calendar.value(found[2])))
    return 1
