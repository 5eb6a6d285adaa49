"""Escalation as a pure function: there is always a next step, soon, and never a narrower one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import escalation
from handlers.escalation import POLICIES, TIERS, Step, step
from tests.world import NOON

OLD = {  # as the first version wrote them into its alerts
    "steps": [
        {"tier": "on duty", "seconds": 120},
        {"tier": "all", "seconds": 180},
        {"tier": "all", "seconds": 300},
    ],
    "repeat_from": 2,
}
NIGHT = timedelta(hours=12)


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    """Any policy that somebody might write: some tiers, any waits, rounds that begin wider and wider."""
    kinds = sorted(draw(st.sets(st.sampled_from(range(len(TIERS))), min_size=1)))
    begins = sorted(draw(st.lists(st.integers(0, len(kinds) - 1), max_size=5)))
    return {
        "version": 2,
        "steps": [{"tier": TIERS[kind], "seconds": draw(st.integers(1, 7200))} for kind in kinds],
        "begins": [0, *begins],
        "near": draw(st.integers(0, 100_000)),
        "longest": draw(st.integers(0, 90_000)),
    }


shipped = [escalation.policy(kind, severity) for kind in POLICIES for severity in (1, 2, 3)]
any_policy = st.one_of(policies(), st.sampled_from(shipped))
numbers = st.integers(0, 10_000)


def rounds(policy: Mapping[str, Any], steps: int = 60) -> list[list[Step]]:
    taken = [step(policy, number) for number in range(steps)]
    return [list(each) for _round, each in groupby(taken, lambda one: one.round)][:-1]


def width(one: Step) -> tuple[int, int]:
    return TIERS.index(one.tier), one.radius


@given(any_policy, numbers)
def test_there_is_a_next_step_in_bounded_time(policy: dict[str, Any], number: int) -> None:
    longest = max(policy["longest"], *(each["seconds"] for each in policy["steps"]))
    found = step(policy, number)
    assert timedelta(0) < found.wait <= timedelta(seconds=longest)
    assert found.tier in [each["tier"] for each in policy["steps"]]
    assert found.radius <= escalation.FARTHEST


@given(any_policy, numbers)
def test_every_tier_is_reached_again_within_one_round(policy: dict[str, Any], number: int) -> None:
    """The widest has the people of all."""
    within = [step(policy, each) for each in range(number, number + len(policy["steps"]))]
    assert any(each.is_last and each.tier == policy["steps"][-1]["tier"] for each in within)


@given(any_policy)
def test_no_round_is_narrower_than_the_one_before(policy: dict[str, Any]) -> None:
    for before, after in pairwise(rounds(policy)):
        assert len(after) <= len(before)
        assert all(width(new) >= width(old) for old, new in zip(before, after, strict=False))
        assert [width(each) for each in after] == sorted(width(each) for each in after)


@given(any_policy, numbers)
def test_rounds_are_counted_one_by_one(policy: dict[str, Any], number: int) -> None:
    now, following = step(policy, number), step(policy, number + 1)
    assert following.round == now.round + now.is_last


def test_the_rounds_of_an_sos() -> None:
    tiers = [[(each.tier, each.radius) for each in one] for one in rounds(escalation.policy("sos"))[:5]]
    assert [[tier for tier, _radius in one] for one in tiers] == [
        ["near", "on duty", "all", "neighbours"],
        ["near", "on duty", "all", "neighbours"],
        ["on duty", "all", "neighbours"],
        ["all", "neighbours"],
        ["all", "neighbours"],
    ]
    assert [tiers[0][0][1], tiers[1][0][1]] == [10_000, 20_000]


@pytest.mark.parametrize("kind", POLICIES)
def test_where_a_life_is_at_stake_every_deadline_is_shorter(kind: str) -> None:
    grave, other = escalation.policy(kind, 1), escalation.policy(kind, 2)
    for number in range(4):
        assert step(grave, number).wait < step(other, number).wait
    assert escalation.quiet(grave) < escalation.quiet(other)
    assert escalation.grace(grave) < escalation.grace(other)


def test_the_version_before_can_carry_on_an_alert_of_this_one() -> None:
    """It may be at work beside this one while it is upgraded, and reads where a policy repeats."""
    for policy in POLICIES.values():
        repeats = policy["steps"][policy["repeat_from"] :]
        assert [each["tier"] for each in repeats[:1]] == ["all"], "everyone is told again"


def test_an_alert_of_the_first_version_goes_on_as_it_began() -> None:
    taken = [step(OLD, number) for number in range(6)]
    assert [each.tier for each in taken] == ["on duty", *["all"] * 5]
    assert [each.wait.seconds for each in taken] == [120, 180, 300, 300, 300, 300]
    assert escalation.quiet(OLD) == timedelta(hours=1)
    assert escalation.word(OLD) is None
    assert escalation.rings(OLD, NOON, NOON, NOON + timedelta(seconds=300))


@pytest.mark.parametrize(
    ("kind", "severity", "fewest", "most"),
    [("sos", 1, 44, 105), ("sos", 2, 44, 75), ("missed", 2, 22, 36), ("unanswered", 2, 5, 12),
     ("report", 2, 3, 6), ("fault", 2, 1, 2), ("unfinished", 3, 1, 2)],
)  # fmt: skip
def test_a_night_in_which_nobody_answers(kind: str, severity: int, fewest: int, most: int) -> None:
    """Nobody is left in peace while someone waits for them, and nobody's phone rings without end."""
    policy, now, rung = escalation.policy(kind, severity), NOON, list[datetime]()
    for number in range(10_000):
        if now - NOON >= NIGHT:
            break
        if escalation.rings(policy, NOON, rung[-1] if rung else None, now):
            rung.append(now)
        now += step(policy, number).wait
    assert fewest <= len(rung) <= most
    pauses = [after - before for before, after in pairwise(rung) if before - NOON >= timedelta(hours=1)]
    later = timedelta(seconds=policy["ring"][1])
    assert all(pause >= later for pause in pauses)
    assert all(pause <= later + step(policy, 1_000).wait for pause in pauses)


def test_a_ring_in_the_future_was_before_the_clock_was_set_back() -> None:
    policy = escalation.policy("sos")
    assert not escalation.rings(policy, NOON, NOON, NOON + timedelta(seconds=60))
    assert escalation.rings(policy, NOON, NOON + timedelta(hours=1), NOON + timedelta(seconds=60))
