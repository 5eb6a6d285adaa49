"""How an alert widens: policies as data, and the pure function that says what comes next.

A policy is copied into the alert when it opens, so that a change never bends a running escalation.
After its last step it starts again at `repeat_from`, for ever: it cannot run out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

ON_DUTY, ALL = "on duty", "all"


@dataclass(frozen=True, slots=True)
class Step:
    """Whom to tell, and how long to wait for one of them."""

    tier: str
    wait: timedelta


def _policy(*steps: tuple[str, int], repeat_from: int = 0) -> dict[str, Any]:
    return {"steps": [{"tier": tier, "seconds": s} for tier, s in steps], "repeat_from": repeat_from}


POLICIES: Mapping[str, dict[str, Any]] = {
    "sos": _policy((ON_DUTY, 120), (ALL, 180), (ALL, 300), repeat_from=2),
    "unanswered": _policy((ON_DUTY, 900), (ALL, 1800), (ALL, 7200), repeat_from=2),
    "unverified": _policy((ON_DUTY, 900), (ALL, 1800), (ALL, 7200), repeat_from=2),
    "unfinished": _policy((ON_DUTY, 3600), (ALL, 14400), (ALL, 86400), repeat_from=2),
    "missed": _policy((ON_DUTY, 300), (ALL, 600), (ALL, 1800), repeat_from=2),
    "report": _policy((ON_DUTY, 1800), (ALL, 3600), (ALL, 14400), repeat_from=2),
    "fault": _policy((ON_DUTY, 3600), (ALL, 86400), repeat_from=1),
}

# How long a coordinator who took charge may be quiet before they are asked, and then before it
# goes back to the others.
QUIET = timedelta(minutes=60)
GRACE = timedelta(minutes=15)


def step(policy: Mapping[str, Any], number: int) -> Step:
    """The step with this number, counted from 0; there is one for every number."""
    steps, start = policy["steps"], policy["repeat_from"]
    if number >= len(steps):
        number = start + (number - start) % (len(steps) - start)
    return Step(steps[number]["tier"], timedelta(seconds=steps[number]["seconds"]))
