"""Many needs at once: as many questions as can be are placed, evenly, and then at the least cost."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.assigning import Wish, assign

COST = st.integers(0, 1_000)


def wishes(most_needs: int, most_volunteers: int, most_size: int) -> st.SearchStrategy[list[Wish[int]]]:
    costs = st.dictionaries(st.integers(0, most_volunteers - 1), COST, max_size=most_volunteers)
    return st.lists(st.builds(Wish, st.integers(0, most_size), costs), max_size=most_needs)


def rooms(volunteers: int, most: int) -> st.SearchStrategy[dict[int, int]]:
    each = st.integers(0, most)
    return st.lists(each, min_size=volunteers, max_size=volunteers).map(lambda got: dict(enumerate(got)))


def worth(sizes: tuple[int, ...], cost: int) -> tuple[int, int, int]:
    """What is better is smaller: more questions, then more evenly spread, then cheaper."""
    return -sum(sizes), sum(size * size for size in sizes), cost


def by_trying_all(asked: list[Wish[int]], room: dict[int, int]) -> tuple[int, int, int]:
    @cache
    def best(position: int, left: tuple[int, ...], sizes: tuple[int, ...], cost: int) -> tuple[int, int, int]:
        if position == len(asked):
            return worth(sizes, cost)
        free = [volunteer for volunteer in asked[position].costs if left[volunteer]]
        return min(
            best(
                position + 1,
                tuple(space - (number in chosen) for number, space in enumerate(left)),
                (*sizes, size),
                cost + sum(asked[position].costs[each] for each in chosen),
            )
            for size in range(min(asked[position].size, len(free)) + 1)
            for chosen in combinations(free, size)
        )

    return best(0, tuple(room[number] for number in range(len(room))), (), 0)


def greedily(asked: list[Wish[int]], room: dict[int, int]) -> list[list[int]]:
    left = dict(room)
    chosen = []
    for wish in asked:
        free = sorted((each for each in wish.costs if left[each]), key=lambda each: wish.costs[each])
        chosen.append(free[: wish.size])
        for each in chosen[-1]:
            left[each] -= 1
    return chosen


def is_allowed(asked: list[Wish[int]], room: dict[int, int], chosen: list[list[int]]) -> bool:
    load = Counter(volunteer for one in chosen for volunteer in one)
    return all(load[volunteer] <= room[volunteer] for volunteer in load) and all(
        len(one) <= wish.size and len(set(one)) == len(one) and set(one) <= wish.costs.keys()
        for wish, one in zip(asked, chosen, strict=True)
    )


@settings(max_examples=150, deadline=None)
@given(wishes(3, 4, 3), rooms(4, 2))
def test_no_way_of_asking_is_better(asked: list[Wish[int]], room: dict[int, int]) -> None:
    chosen = assign(asked, room)
    assert is_allowed(asked, room, chosen)
    cost = sum(wish.costs[each] for wish, one in zip(asked, chosen, strict=True) for each in one)
    assert worth(tuple(len(one) for one in chosen), cost) == by_trying_all(asked, room)


@settings(max_examples=60, deadline=None)
@given(wishes(40, 30, 7), rooms(30, 2))
def test_never_fewer_questions_or_fewer_needs_than_one_need_after_the_other(
    asked: list[Wish[int]], room: dict[int, int]
) -> None:
    chosen, other = assign(asked, room), greedily(asked, room)
    assert is_allowed(asked, room, chosen)
    assert sum(map(len, chosen)) >= sum(map(len, other))
    assert sum(map(bool, chosen)) >= sum(map(bool, other))


def test_fifty_needs_do_not_all_ask_the_same_five() -> None:
    """Everybody is near everybody, and five are the nearest of all."""
    everyone = {volunteer: 0 if volunteer < 5 else 10 for volunteer in range(100)}
    chosen = assign([Wish(7, everyone)] * 50, dict.fromkeys(everyone, 1))
    assert {len(one) for one in chosen} == {2}
    assert len({volunteer for one in chosen for volunteer in one}) == 100


def test_the_cheapest_is_asked_first() -> None:
    assert assign([Wish(3, {"ben": 30, "carla": 10, "dan": 20})], {"ben": 1, "carla": 1, "dan": 1}) == [
        ["carla", "dan", "ben"]
    ]


def test_nothing_to_choose_from_is_no_fault() -> None:
    nobody: list[Wish[int]] = [Wish(2, {}), Wish(0, {1: 5})]
    assert assign(nobody[:0], {}) == []
    assert assign(nobody, {1: 1}) == [[], []]
