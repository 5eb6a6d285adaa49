"""A wave is as large as measured answers ask for: enough that somebody accepts, and no larger."""

from __future__ import annotations

from itertools import product
from math import isclose, prod
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from handlers.sizing import chance, how_many, union_chance
from storage.candidates import Candidate
from storage.history import Answers

CHANCES = st.lists(st.floats(0.01, 0.99), max_size=12)
SILENCE = st.floats(0.01, 0.9)


def volunteer(accepted: int = 0, declined: int = 0, silent: int = 0) -> Candidate:
    return Candidate(
        UUID(int=1), "en", frozenset(("en",)), radius=5_000, distance=1_000.0, travel="", hours=None,
        zone="UTC", quiet_from=22, quiet_until=8, wakes_for_urgent=False, capacity=1, weekly_limit=7,
        not_wanted=frozenset(), accepted=accepted, declined=declined, silent=silent,
    )  # fmt: skip


def test_a_new_union_asks_seven_and_an_urgent_need_nine() -> None:
    usual = [union_chance(Answers(0, 0))] * 20
    assert how_many(usual, 0.1, 10) == 7
    assert how_many(usual, 0.05, 10) == 9


def test_a_union_whose_volunteers_answer_asks_fewer_people() -> None:
    eager, tired = union_chance(Answers(400, 500)), union_chance(Answers(25, 500))
    assert how_many([eager] * 20, 0.1, 10) == 2
    assert how_many([tired] * 20, 0.1, 10) == 10


def test_someone_who_never_answers_counts_for_little_and_one_who_always_does_for_much() -> None:
    assert chance(0.3, volunteer()) == 0.3
    assert isclose(chance(0.3, volunteer(silent=20)), 0.1)
    assert isclose(chance(0.3, volunteer(accepted=20)), 23 / 30)


@given(st.integers(0, 500), st.integers(0, 500))
def test_the_chance_of_a_union_lies_between_the_prior_and_what_was_measured(yes: int, no: int) -> None:
    measured = yes / (yes + no) if yes + no else 0.3
    assert min(0.3, measured) - 1e-9 <= union_chance(Answers(yes, yes + no)) <= max(0.3, measured) + 1e-9


@given(st.floats(0.05, 0.95), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_a_yes_raises_the_chance_of_a_volunteer_and_a_no_or_silence_lowers_it(
    union: float, yes: int, no: int, silent: int
) -> None:
    now = chance(union, volunteer(yes, no, silent))
    assert chance(union, volunteer(yes + 1, no, silent)) > now
    assert chance(union, volunteer(yes, no + 1, silent)) < now
    assert chance(union, volunteer(yes, no, silent + 1)) < now


@given(CHANCES, SILENCE, st.integers(1, 10))
def test_it_is_the_fewest_with_whom_silence_is_unlikely_enough(
    chances: list[float], silence: float, most: int
) -> None:
    count = how_many(chances, silence, most)
    assert count <= min(most, len(chances))
    if count < min(most, len(chances)):
        assert prod(1 - each for each in chances[:count]) <= silence + 1e-9
    if count:
        assert prod(1 - each for each in chances[: count - 1]) > silence - 1e-9


@given(CHANCES.filter(bool), SILENCE, st.integers(1, 10))
def test_at_least_one_is_asked_where_there_is_anybody(
    chances: list[float], silence: float, most: int
) -> None:
    assert how_many(chances, silence, most) >= 1


@given(st.lists(st.floats(0.01, 0.99), max_size=7), SILENCE, st.integers(1, 3))
def test_for_several_helpers_it_counts_the_chance_that_too_few_accept(
    chances: list[float], silence: float, wanted: int
) -> None:
    count = how_many(chances, silence, 10, wanted)

    def too_few(asked: int) -> float:
        """Over all ways in which those who are asked can answer."""
        return sum(
            prod(c if yes else 1 - c for c, yes in zip(chances[:asked], answers, strict=True))
            for answers in product((True, False), repeat=asked)
            if sum(answers) < wanted
        )

    fits = [asked for asked in range(len(chances) + 1) if too_few(asked) <= silence + 1e-9]
    surely = [asked for asked in range(len(chances) + 1) if too_few(asked) <= silence - 1e-9]
    assert min(fits, default=len(chances)) <= count <= min(surely, default=len(chances))


@given(CHANCES, CHANCES, SILENCE, st.integers(1, 10))
def test_those_who_may_still_answer_are_asked_for(
    waiting: list[float], chances: list[float], silence: float, most: int
) -> None:
    """Nobody is asked beyond what a wave of all of them would have been."""
    whole = how_many(waiting + chances, silence, most)
    assert how_many(chances, silence, most, waiting=waiting) == max(0, whole - len(waiting))
