"""How fast the union answers: pure figures."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from handlers import figures
from storage.figures import AlertFact
from tests.world import NOON

MINUTE = timedelta(minutes=1)
SPANS = st.lists(st.integers(0, 10_000), min_size=1, max_size=60)


def fact(
    taken: int | None, ended: int | None = None, outcome: str | None = None, kind: str = "sos"
) -> AlertFact:
    """An alert opened at noon, taken and ended so many minutes later."""
    first, last = (None if each is None else NOON + each * MINUTE for each in (taken, ended))
    return AlertFact(kind, NOON, first, last, outcome)


def test_of_nothing_there_are_no_figures() -> None:
    found = figures.of([], NOON)
    assert (found.all.count, found.all.half_within, found.all.most_within, found.ended) == (0, None, None, ())


def test_what_nobody_takes_counts_as_too_late_once_ten_minutes_have_passed() -> None:
    alerts = [
        fact(2), fact(10), fact(11), fact(None),  # the last one is open and waits
        fact(None, ended=3, outcome="called off by the person"), fact(30, 40, "false alarm", kind="missed"),
    ]  # fmt: skip
    early, late = figures.of(alerts, NOON + 9 * MINUTE), figures.of(alerts, NOON + 50 * MINUTE)
    assert (early.sos.count, early.sos.too_late) == (5, 1)
    assert (late.sos.too_late, late.all.too_late) == (2, 3)
    assert (late.sos.half_within, late.sos.most_within) == (10 * MINUTE, 11 * MINUTE)
    assert late.false_alarms == 1
    assert late.ended == (("called off by the person", 1), ("false alarm", 1))


@given(SPANS)
def test_a_rank_is_one_of_the_values_and_most_do_not_exceed_it(spans: list[int]) -> None:
    waits = sorted(each * MINUTE for each in spans)
    for percent in (50, 90):
        found = figures.rank(waits, percent)
        assert found in waits
        assert found is not None
        assert sum(each <= found for each in waits) * 100 >= percent * len(waits)
        assert sum(each < found for each in waits) * 100 < percent * len(waits)
