"""How an alert widens: policies as data, and the pure functions that say what comes next.

A policy is copied into the alert when it opens, so that a change never bends a running escalation. It goes in
rounds: each tier reaches all whom the one before it reaches, each round begins wider than the one before, and
there is always a next one: it cannot run out. docs/escalation.md says what that means for a night.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

# From the narrowest to the widest: on duty near the place, on duty, every coordinator, and with them the
# contacts in neighbouring unions.
NEAR, ON_DUTY, ALL, NEIGHBOURS = TIERS = ("near", "on duty", "all", "neighbours")

FIRST_HOUR = timedelta(hours=1)
SHORTEST = 30  # seconds: no step waits less
FARTHEST = 20_040_000  # metres: half around the earth
_CALM_ROUNDS = 4  # after so many the waits double with each round
# What an alert of the first version lacks: it had only steps, of which the last ones were repeated.
_OLD = {"near": 0, "longest": 0, "ring": [0, 0], "word": None, "quiet": 3600, "grace": 900}


@dataclass(frozen=True, slots=True)
class Step:
    """Whom to tell, how long to wait for one of them, and where in the escalation this is."""

    tier: str
    wait: timedelta
    round: int = 0
    is_last: bool = False  # of its round: the widest
    radius: int = 0  # metres: how far away is near, in this round


def _policy(
    *seconds: int,
    ring: tuple[int, int],
    longest: int,
    word: int | None = None,
    severity: int = 2,
    tiers: Sequence[str] = TIERS,
) -> dict[str, Any]:
    """One for each tier: how long to wait for someone in it.

    ring: a person's phone rings for one alert at most so often (seconds), in the first hour and after it; in
    between their card is only kept current. longest: no wait grows beyond it. word: so often at least the
    person in need hears where things stand.
    """
    wide = next(number for number, tier in enumerate(tiers) if tier == ALL)
    return {
        "version": 2,
        "steps": [{"tier": tier, "seconds": each} for tier, each in zip(tiers, seconds, strict=True)],
        "begins": [0, *range(wide + 1)],
        "repeat_from": wide,  # what the first version reads instead, which may be at work beside this one
        "near": 10_000,
        "longest": longest,
        "ring": list(ring),
        "word": word,
        "severity": severity,
        "quiet": 3600,
        "grace": 900,
    }


_INSIDE = (ON_DUTY, ALL)  # what stays within the union
# An alarm that somebody confirmed after their words hinted at it is an SOS like any other.
POLICIES: Mapping[str, dict[str, Any]] = {
    "sos": _policy(60, 120, 180, 300, ring=(120, 900), longest=900, word=300),
    "missed": _policy(120, 300, 600, 1800, ring=(300, 1800), longest=1800),
    "unreachable": _policy(120, 300, 600, 1800, ring=(300, 1800), longest=1800),
    "unanswered": _policy(300, 900, 1800, 7200, ring=(900, 7200), longest=7200),
    "minor": _policy(300, 900, 1800, 7200, ring=(900, 7200), longest=7200),
    "unverified": _policy(300, 900, 1800, 7200, ring=(900, 7200), longest=7200),
    "report": _policy(1800, 3600, ring=(1800, 14400), longest=14400, tiers=_INSIDE),
    "fault": _policy(3600, 14400, ring=(3600, 86400), longest=86400, tiers=_INSIDE),
    "unfinished": _policy(3600, 14400, ring=(3600, 86400), longest=86400, tiers=_INSIDE, severity=3),
}


def policy(kind: str, severity: int | None = None) -> dict[str, Any]:
    """The policy of a kind of alert, a copy; where a life is at stake all its deadlines are shorter."""
    found = {**POLICIES[kind], "severity": severity or POLICIES[kind]["severity"]}
    if found["severity"] > 1:
        return found
    halved = [{**each, "seconds": max(SHORTEST, each["seconds"] // 2)} for each in found["steps"]]
    first, later = found["ring"]
    return {**found, "steps": halved, "ring": [first // 2, later], "quiet": 900, "grace": 300}


def _rules(policy: Mapping[str, Any]) -> dict[str, Any]:
    return {**_OLD, **policy}


def step(policy: Mapping[str, Any], number: int) -> Step:
    """The step with this number, counted from 0; there is one for every number."""
    steps, rules = policy["steps"], _rules(policy)
    begins = rules["begins"] if "begins" in rules else [0, rules["repeat_from"]]
    turn, position = _turn(begins, len(steps), number)
    seconds: int = steps[position]["seconds"]
    doublings = min(max(0, turn - _CALM_ROUNDS + 1), 16)
    return Step(
        steps[position]["tier"],
        timedelta(seconds=max(seconds, min(seconds << doublings, rules["longest"]))),
        turn,
        position == len(steps) - 1,
        min(rules["near"] << min(turn, 16), FARTHEST),
    )


def _turn(begins: Sequence[int], steps: int, number: int) -> tuple[int, int]:
    """The round of a step, and which of the tiers it is; the last of `begins` holds for all later rounds."""
    for turn, begin in enumerate(begins[:-1]):
        if number < steps - begin:
            return turn, begin + number
        number -= steps - begin
    turns, position = divmod(number, steps - begins[-1])
    return len(begins) - 1 + turns, begins[-1] + position


def rings(policy: Mapping[str, Any], opened_at: datetime, rung_at: datetime | None, now: datetime) -> bool:
    """Whether somebody's phone rings again, or only their card is kept current.

    A time in the future was written before the clock was set back and says nothing.
    """
    if rung_at is None:
        return True
    first, later = _rules(policy)["ring"]
    pause = timedelta(seconds=first if now - opened_at < FIRST_HOUR else later)
    return not timedelta(0) <= now - rung_at < pause


def word(policy: Mapping[str, Any]) -> timedelta | None:
    """How often at least the person in need hears where things stand, while nobody has taken charge."""
    seconds = _rules(policy)["word"]
    return None if seconds is None else timedelta(seconds=seconds)


def quiet(policy: Mapping[str, Any]) -> timedelta:
    """How long a coordinator who took charge may be quiet before they are asked."""
    return timedelta(seconds=_rules(policy)["quiet"])


def grace(policy: Mapping[str, Any]) -> timedelta:
    """How long they may leave that question unanswered before it goes back to the others."""
    return timedelta(seconds=_rules(policy)["grace"])
