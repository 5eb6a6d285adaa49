"""References to quote, such as N-7K3Q: short, easy to say, for display and never an authority."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

# Crockford's base 32: no letter can be mistaken for a digit, and U is left out.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PATTERN = re.compile(r"\b([NACD])[-– ]?([0-9A-Z]{4,6})\b", re.IGNORECASE)
_MISREAD = str.maketrans("OIL", "011")


def new(random: Random, letter: str, taken: Callable[[str], bool]) -> str:
    """A reference that no case bears; it grows a character when the short ones run out."""
    for attempt in range(40):
        length = 4 + attempt // 10
        reference = f"{letter}-" + "".join(random.choices(ALPHABET, k=length))
        if not taken(reference):
            return reference
    raise RuntimeError("no free reference was found")


def read(text: str, letter: str) -> str | None:
    """The reference that a text quotes, as it is written in the database."""
    for found in PATTERN.finditer(text):
        if found[1].upper() == letter:
            return f"{letter}-{found[2].upper().translate(_MISREAD)}"
    return None
