"""What fails again and again is said once a minute, with how often: an outage must not flood the log."""

from __future__ import annotations

from datetime import datetime, timedelta

SAID_EVERY = timedelta(minutes=1)
MOST = 200  # different failures that are remembered


class Repeats:
    """Which failures were said lately."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[datetime, int]] = {}  # when, and how often it came since

    def heard(self, failure: str, now: datetime) -> str | None:
        """What to say behind this failure; None: nothing of it now, for it was said a moment ago."""
        if failure not in self._said:
            if len(self._said) >= MOST:
                self._said.clear()
            self._said[failure] = (now, 0)
            return ""
        at, unsaid = self._said[failure]
        if timedelta() <= now - at < SAID_EVERY:
            self._said[failure] = (at, unsaid + 1)
            return None
        self._said[failure] = (now, 0)
        return f" (and {unsaid} times more since it was last said)" if unsaid else ""
