"""Who is asked first, who is left in peace, and what is said of it: pure functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import matching
from handlers.matching import Request
from storage.candidates import Candidate
from tests.world import NOON

BEN = Candidate(
    UUID(int=1), "en", frozenset({"en"}), 5_000, 1_000.0, "foot", None, "UTC", 22, 8, False, 1, 7, frozenset()
)
REQUEST = Request("medicine", "en", False, NOON, NOON, "UTC")
NIGHT = replace(REQUEST, now=NOON + timedelta(hours=12), at=NOON + timedelta(hours=12))
HOUR = timedelta(hours=1)


def refusal(request: Request, candidate: Candidate) -> str:
    said = matching.judge(request, candidate).refusal
    return said.message if said is not None else ""


@pytest.mark.parametrize(
    ("request_", "candidate", "reason"),
    [
        (REQUEST, replace(BEN, distance=5_501.0), "farther"),
        (REQUEST, replace(BEN, not_wanted=frozenset({"medicine"})), "don't want"),
        (replace(REQUEST, verified_only=True), BEN, "verified"),
        (REQUEST, replace(BEN, hours="0" * 168), "not free"),
        (REQUEST, replace(BEN, active=1), "promised"),
        (REQUEST, replace(BEN, asked_this_week=7), "this week"),
        (REQUEST, replace(BEN, pending=2), "other questions"),
        (REQUEST, replace(BEN, last_asked_at=NOON - HOUR / 10), "a few minutes ago"),
        (NIGHT, BEN, "quiet"),
        (replace(NIGHT, urgent=True), BEN, "quiet"),
        (NIGHT, replace(BEN, wakes_for_urgent=True), "quiet"),
    ],
)
def test_each_reason_to_leave_someone_in_peace(request_: Request, candidate: Candidate, reason: str) -> None:
    assert reason in refusal(request_, candidate)


@pytest.mark.parametrize(
    ("request_", "candidate"),
    [
        (REQUEST, BEN),
        (REQUEST, replace(BEN, distance=5_500.0)),  # both places are known to half a cell
        (REQUEST, replace(BEN, distance=7_900.0, wider=1.5)),
        (replace(REQUEST, verified_only=True), replace(BEN, verified=True)),
        (REQUEST, replace(BEN, active=1, capacity=2)),
        (REQUEST, replace(BEN, last_asked_at=NOON - HOUR)),
        (replace(REQUEST, urgent=True), replace(BEN, last_asked_at=NOON)),
        (replace(NIGHT, urgent=True), replace(BEN, wakes_for_urgent=True)),
        (NIGHT, replace(BEN, quiet_from=8, quiet_until=8)),
    ],
)
def test_just_inside_every_limit_they_are_asked(request_: Request, candidate: Candidate) -> None:
    assert refusal(request_, candidate) == ""


@pytest.mark.parametrize(
    "better",
    [
        lambda each: replace(each, distance=each.distance / 2),
        lambda each: replace(each, radius=each.radius * 2),
        lambda each: replace(each, travel="car"),
        lambda each: replace(each, languages=each.languages | {"en"}),
        lambda each: replace(each, active=0),
        lambda each: replace(each, last_asked_at=None),
        lambda each: replace(each, accepted=each.accepted + 1),
        lambda each: replace(each, silent=each.silent - 1),
        lambda each: replace(each, verified=True),
    ],
)
def test_whoever_is_better_in_one_thing_and_equal_in_all_others_comes_first(
    better: Callable[[Candidate], Candidate],
) -> None:
    plain = replace(
        BEN, language="es", languages=frozenset({"es"}), capacity=2, active=1, silent=2, accepted=1,
        last_asked_at=NOON - 2 * HOUR,
    )  # fmt: skip
    preferred = replace(better(plain), person_id=UUID(int=2))
    ranked = matching.rank(REQUEST, [plain, preferred])
    assert [each.candidate.person_id.int for each in ranked] == [2, 1]


candidates = st.builds(
    Candidate,
    st.uuids(), st.just("en"), st.sampled_from([frozenset({"en"}), frozenset({"es"})]),
    st.integers(500, 100_000), st.none() | st.floats(0, 100_000),
    st.sampled_from(["", "foot", "bicycle", "bus", "car"]),
    st.none(), st.just("UTC"), st.just(22), st.just(8), st.booleans(), st.integers(1, 5), st.integers(1, 20),
    st.just(frozenset()), active=st.integers(0, 5), pending=st.integers(0, 3),
    asked_this_week=st.integers(0, 20),
    last_asked_at=st.none() | st.datetimes().map(lambda each: min(NOON, each.replace(tzinfo=NOON.tzinfo))),
    accepted=st.integers(0, 50), declined=st.integers(0, 50), silent=st.integers(0, 50),
    verified=st.booleans(),
)  # fmt: skip


@given(st.lists(candidates, max_size=8, unique_by=lambda each: each.person_id))
def test_the_order_does_not_depend_on_the_order_in_which_they_were_found(found: list[Candidate]) -> None:
    shuffled = list(reversed(found))
    assert matching.rank(REQUEST, found) == matching.rank(REQUEST, shuffled)


@given(candidates)
def test_points_stay_within_a_hundred_and_each_has_its_reason(candidate: Candidate) -> None:
    judged = matching.judge(REQUEST, candidate)
    assert 0 <= judged.score <= 100
    assert (len(judged.reasons) == 7) == (judged.refusal is None)


@given(candidates)
def test_how_far_is_one_of_three_classes_and_never_a_number(candidate: Candidate) -> None:
    said = matching.how_far(candidate)
    assert not said.values
    assert not any(letter.isdigit() for letter in said.message)
