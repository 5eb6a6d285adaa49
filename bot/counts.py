"""What the parts of a process count as they work: outcomes, and how long things took."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import timedelta

# Seconds: from what nobody notices to what an operator must explain.
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200)


class Spread:
    """How many durations fell below each limit, as Prometheus's histograms count them."""

    def __init__(self, limits: Sequence[float] = BUCKETS) -> None:
        self.limits = limits
        self.total = 0.0  # seconds
        self._counts = [0] * (len(limits) + 1)

    def add(self, duration: timedelta) -> None:
        """Count one; what began in the future, because a clock was set, took no time."""
        seconds = max(0.0, duration.total_seconds())
        self.total += seconds
        self._counts[bisect_left(self.limits, seconds)] += 1

    def buckets(self) -> list[tuple[str, float]]:
        """The limits, with how many were not above each."""
        found, below = [], 0
        for limit, count in zip((*self.limits, float("inf")), self._counts, strict=True):
            below += count
            found.append(("+Inf" if limit == float("inf") else f"{limit:g}", float(below)))
        return found
