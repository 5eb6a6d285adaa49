"""A simulated day: people do what they are said to do, and a policy shows its effect."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from math import isclose
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.settings import SettingsError, read_settings
from bot.simulated_figures import gini, percentile
from bot.simulated_people import Plan, asleep, awake, moments, population, readiness
from bot.simulating import day, simulate
from handlers.context import Union
from tests.world import make_core

ROOT = Path(__file__).parent.parent
COUNTS = st.lists(st.integers(0, 1_000), max_size=30)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SMALL = {"people": 60, "volunteers": 40, "needs": 24, "hours": 6}


# --- the figures ----------------------------------------------------------------------------------


@given(COUNTS)
def test_gini_is_half_the_mean_difference_of_all_pairs_over_their_mean(counts: list[int]) -> None:
    pairs = sum(abs(one - other) for one, other in product(counts, counts))
    expected = pairs / (2 * len(counts) * sum(counts)) if sum(counts) else 0
    assert isclose(gini(counts), expected, abs_tol=1e-9)


@given(st.integers(1, 1_000), st.integers(1, 30))
def test_a_load_that_all_bear_alike_is_spread_evenly(count: int, size: int) -> None:
    assert gini([count] * size) == 0
    assert isclose(gini([0] * (size - 1) + [count]), 1 - 1 / size, abs_tol=1e-9)


@given(st.lists(st.integers(1, 1_000), min_size=2, max_size=30))
def test_taking_from_those_who_have_less_makes_it_more_uneven(counts: list[int]) -> None:
    ordered = sorted(counts)
    assert gini([ordered[0] - 1, *ordered[1:-1], ordered[-1] + 1]) > gini(counts)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(
    values: list[float], share: float
) -> None:
    found = percentile(values, share)
    assert found in values
    wanted = share * len(values)
    assert sum(each <= found for each in values) >= wanted - 1e-9
    assert sum(each < found for each in values) < wanted


def test_of_nothing_there_is_no_percentile() -> None:
    assert percentile([], 0.5) is None


# --- the people -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("answer", "ignore"), [(0.3, 0.1), (0.47, 0.0), (0.17, 0.5), (1.0, 0.0), (0.0, 0.0)])
def test_volunteers_answer_as_often_as_is_said(answer: float, ignore: float) -> None:
    random = Random(1)
    chances = [readiness(random, answer, ignore) for _ in range(20_000)]
    assert abs(sum(chances) / len(chances) - answer) < 0.01
    never = sum(each == 0 for each in chances) / len(chances)
    assert never >= ignore - 0.02
    assert max(chances) <= 1


def test_half_of_the_answers_come_within_the_median_time() -> None:
    someone = population(Plan(people=1, volunteers=1), (41.4, 2.2), ["food"])[0]
    hands = [someone.hand(4.0) for _ in range(10_000)]
    assert 0.48 < sum(each < timedelta(minutes=4) for each in hands) / len(hands) < 0.52


@given(st.integers(0, 7 * 24 * 3600))
def test_nobody_acts_in_their_sleep(seconds: int) -> None:
    moment = NOON + timedelta(seconds=seconds)
    then = awake(moment)
    assert not asleep(then)
    assert timedelta(0) <= then - moment < timedelta(hours=9)


def test_needs_come_up_within_the_hours_and_seldom_at_night() -> None:
    found = list(moments(Plan(needs=2_000), NOON))
    assert len(found) == 2_000
    assert found == sorted(found)
    assert found[0] >= NOON
    assert found[-1] < NOON + timedelta(days=1)
    assert 0.05 < sum(asleep(each) for each in found) / 2_000 < 0.15  # 8 of 24 hours, a fifth as busy: 9 %


def test_people_live_around_the_union() -> None:
    everyone = population(Plan(people=2_000), (41.4, 2.2), ["food", "medicine"])
    assert len(everyone) == 2_000
    assert sum(bool(each.skills) for each in everyone) == 200
    assert abs(sum(each.home[0] for each in everyone) / 2_000 - 41.4) < 0.05
    assert max(abs(each.home[1] - 2.2) for each in everyone) < 0.5


# --- the day --------------------------------------------------------------------------------------


def plan(**values: Any) -> Plan:
    return Plan(**{**SMALL, **values})


async def test_where_nobody_answers_coordinators_hear_of_every_need() -> None:
    figures = await day(plan(answer=0.0), make_core())
    assert figures.needs == 6
    assert figures.invitations > 0
    assert (figures.accepted, figures.answered_share, figures.unmatched_share) == (0, 0, 1)
    assert figures.accept_minutes_p50 is None
    assert figures.alerts >= figures.needs


async def test_where_everybody_says_no_nothing_is_accepted() -> None:
    figures = await day(plan(answer=1.0, ignore=0.0, decline=1.0), make_core())
    assert (figures.accepted, figures.answered_share) == (0, 1)


async def test_where_everybody_helps_it_is_done() -> None:
    willing = {"answer": 1.0, "ignore": 0.0, "decline": 0.0, "withdraw": 0.0, "confirm": 1.0}
    figures = await day(plan(**willing, hours=5), make_core())
    assert figures.answered_share == 1
    assert figures.accepted >= 4
    assert figures.withdrawn == 0
    assert figures.done > 0
    assert figures.accept_minutes_p50 is not None
    assert 0 < figures.accept_minutes_p50 < 15


async def test_where_everybody_takes_it_back_nothing_is_done() -> None:
    fickle = {"answer": 1.0, "ignore": 0.0, "decline": 0.0, "withdraw": 1.0}
    figures = await day(plan(**fickle), make_core())
    assert figures.withdrawn >= figures.accepted > 0
    assert figures.done == 0


async def test_a_changed_policy_changes_the_figures() -> None:
    one = await day(plan(), make_core(Union(most_asked=1)))
    many = await day(plan(), make_core(Union(most_asked=20)))
    assert one.accept_minutes_p50 is not None
    assert many.accept_minutes_p50 is not None
    assert many.accept_minutes_p50 < one.accept_minutes_p50  # who asks one after the other waits longer
    assert many.accepted >= one.accepted


@pytest.mark.parametrize("change", ["database_url=x", "most_asked", "most_asked=0", "wave_minutes=soon"])
async def test_a_wrong_change_is_one_sentence(change: str) -> None:
    with pytest.raises(SettingsError, match=r"most_asked|MOST_ASKED|WAVE_MINUTES"):
        await simulate(read_settings(None), plan(), [change])


# --- the command ----------------------------------------------------------------------------------


def simulated(folder: Path, *arguments: str, hash_seed: str) -> Sequence[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed}
    options = [part for name, value in SMALL.items() for part in (f"--{name}", str(value))]
    ended = subprocess.run(
        [sys.executable, "-m", "bot", "simulate", *options, *arguments], cwd=folder, env=environment,
        text=True, capture_output=True, timeout=300, check=True,
    )  # fmt: skip
    return ended.stdout.splitlines()


def test_the_same_seed_prints_the_same_day_and_touches_nothing(tmp_path: Path) -> None:
    first = simulated(tmp_path, "--change", "most_asked=1", hash_seed="1")
    again = simulated(tmp_path, "--change", "most_asked=1", hash_seed="2")
    assert first == again
    assert list(tmp_path.iterdir()) == []
    figures = json.loads(first[-1])
    assert set(figures) == {"present", "changed"}
    assert figures["present"]["needs"] == 6
    assert "present" in first[0]
    assert any("spread of invitations (Gini)" in line for line in first)


async def test_another_seed_is_another_day() -> None:
    first, other = [await day(plan(seed=seed, hours=2), make_core()) for seed in (1, 2)]
    assert first != other
