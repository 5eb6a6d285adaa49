"""How much one chat may say in a minute before others go first; nothing is refused, no crisis waits."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

MOST_A_MINUTE = 30  # messages; who writes on a phone does not reach it
MOST_CHATS = 100_000  # counted in one minute: a bound on memory, about 10 megabytes


class Quota:
    """Counts what each chat says in the present minute; a restart begins anew, which harms nobody."""

    def __init__(self) -> None:
        self._minute = ""
        self._said: Counter[str] = Counter()

    def slows(self, chat: str, now: datetime) -> bool:
        """Count one message; whether it is more than the chat's share of this minute."""
        minute = f"{now:%Y-%m-%dT%H:%M}"
        if minute != self._minute:
            self._minute, self._said = minute, Counter()
        if chat not in self._said and len(self._said) >= MOST_CHATS:
            return False
        self._said[chat] += 1
        return self._said[chat] > MOST_A_MINUTE
