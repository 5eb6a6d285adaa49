"""How much a homeserver lets us say, as far as it shows: a courtesy must never cost a message its turn."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

# Synapse's default (rc_message): ten events at once, then one in five seconds.
WINDOW = timedelta(seconds=50)
SPARED = 5  # of the ten, kept for words
UNLIMITED = 20  # events within the window without a refusal: the operator has lifted the limit
CAREFUL = timedelta(minutes=10)


class Allowance:
    """A pure account of what was sent and refused, asked with the time as an argument."""

    def __init__(self) -> None:
        self._sent: deque[datetime] = deque()
        self._careful_until: datetime | None = None

    def sends(self, now: datetime) -> None:
        """Account for an event that leaves now."""
        self._sent.append(now)

    def refused(self, now: datetime, wait: timedelta) -> None:
        """The homeserver asked to wait: no courtesies for a while."""
        self._careful_until = now + max(wait, CAREFUL)

    def has_room_for(self, now: datetime, more: int) -> bool:
        """Whether so many events can leave beside the words that may come."""
        while self._sent and self._sent[0] <= now - WINDOW:
            self._sent.popleft()
        if self._careful_until is not None and now < self._careful_until:
            return False
        return len(self._sent) >= UNLIMITED or len(self._sent) + more <= SPARED + 1
