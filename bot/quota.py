"""How much one chat may say in a minute before others go first; nothing is refused, no crisis waits.

A process counts what comes through it. Where several gateways take in, a flooder comes through all of them;
so from a few messages in a minute on, the inbox looks also at how much of theirs waits (`storage.inbox`).
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

MOST_A_MINUTE = 30  # messages; who writes on a phone does not reach it
OFTEN = 3  # messages in a minute through one gateway; most people who write stay below it
MOST_CHATS = 100_000  # counted in one minute: a bound on memory, about 10 megabytes


class Quota:
    """Counts what each chat says in the present minute; a restart begins anew, which harms nobody."""

    def __init__(self) -> None:
        self._minute = ""
        self._said: Counter[str] = Counter()

    def count(self, chat: str, now: datetime) -> int:
        """Count one message; how many it makes in this minute (1 in chats beyond the bound)."""
        minute = f"{now:%Y-%m-%dT%H:%M}"
        if minute != self._minute:
            self._minute, self._said = minute, Counter()
        if chat not in self._said and len(self._said) >= MOST_CHATS:
            return 1
        self._said[chat] += 1
        return self._said[chat]
