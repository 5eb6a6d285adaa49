"""References to quote, such as N-7K3Q: short, easy to say, for display and never an authority."""

from __future__ import annotations

import re

from storage import references as stored
from storage.database import Transaction
from storage.references import Case
from storage.tables import Alert, Crisis, Drill, Need

# Crockford's base 32: no letter can be mistaken for a digit, and U is left out.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LETTERS: dict[Case, str] = {Need: "N", Alert: "A", Crisis: "C", Drill: "D"}
SHORTEST, LONGEST = 4, 7  # characters behind the letter
DRAWN = 32  # and looked up together, for all turns of a batch
PATTERN = re.compile(r"\b([NACD])[-– ]?([0-9A-Z]{4,6})\b", re.IGNORECASE)
_MISREAD = str.maketrans("OIL", "011")


def new(tx: Transaction, case: Case) -> str:
    """A reference that no case bears; it grows a character when the short ones run out."""
    letter = LETTERS[case]
    free = tx.loaded.references.setdefault(letter, [])
    for length in range(SHORTEST, LONGEST + 1):
        if not free:
            drawn = [f"{letter}-" + "".join(tx.random.choices(ALPHABET, k=length)) for _ in range(DRAWN)]
            # Those of this transaction may not be written yet.
            taken = stored.taken(tx, case, drawn) | tx.loaded.drawn
            free += [each for each in dict.fromkeys(drawn) if each not in taken]
            tx.loaded.drawn.update(drawn)
        if free:
            return free.pop()
    raise RuntimeError("no free reference was found")


def read(text: str, letter: str) -> str | None:
    """The reference that a text quotes, as it is written in the database."""
    for found in PATTERN.finditer(text):
        if found[1].upper() == letter:
            return f"{letter}-{found[2].upper().translate(_MISREAD)}"
    return None
