"""Whom to ask about which of many needs that wait together: a minimum-cost flow with capacities, pure.

Each place in a need's wave takes one unit from the source, each volunteer passes on as many as they have
room for. As many questions are placed as can be, evenly among the needs, then at the least cost.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[Any]

Volunteer = TypeVar("Volunteer", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Wish(Generic[Volunteer]):
    """One need that waits: how many it wants to ask, and what asking each of its candidates costs.

    Costs are whole numbers from 0 on, without a unit: the smaller, the better the two fit.
    """

    size: int
    costs: Mapping[Volunteer, int]


def assign(wishes: Sequence[Wish[Volunteer]], room: Mapping[Volunteer, int]) -> list[list[Volunteer]]:
    """For each wish those to ask, the cheapest first; nobody more often than they have room for."""
    import numpy as np

    numbers = {volunteer: number for number, volunteer in enumerate(room)}
    edges = [
        (position, numbers[volunteer], cost)
        for position, wish in enumerate(wishes)
        for volunteer, cost in wish.costs.items()
    ]
    chosen: list[list[Volunteer]] = [[] for _ in wishes]
    if not edges:
        return chosen
    table = np.array(edges, dtype=np.int64)
    sizes = np.array([wish.size for wish in wishes], dtype=np.int64)
    rooms = np.array(list(room.values()), dtype=np.int64)
    volunteers = list(room)
    for edge in solve(table[:, 0], table[:, 1], table[:, 2], sizes, rooms):
        position, number, _cost = edges[edge]
        chosen[position].append(volunteers[number])
    for wish, asked in zip(wishes, chosen, strict=True):
        asked.sort(key=lambda each: wish.costs[each])
    return chosen


def solve(need: Numbers, volunteer: Numbers, cost: Numbers, sizes: Numbers, rooms: Numbers) -> Numbers:
    """The positions of the chosen edges; `need` and `volunteer` number the ends of each from 0.

    OR-tools and NumPy are loaded here and not at the start: together they take half a second, and only
    a union with many needs at once wants them.
    """
    import numpy as np
    from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

    needs, volunteers, edges = len(sizes), len(rooms), len(need)
    source, sink = needs + volunteers, needs + volunteers + 1
    slots = np.repeat(np.arange(needs), sizes)
    rank = np.arange(len(slots)) - np.repeat(_starts(sizes), sizes)
    # A second question for one need counts more than anything that can be saved by it elsewhere, a third
    # more than that: so nobody is asked twice for one need while another could have its first.
    step = (int(cost.max(initial=0)) + 1) * (2 * min(needs, volunteers) + 1)
    flow = SimpleMinCostFlow()
    flow.add_arcs_with_capacity_and_unit_cost(need, needs + volunteer, np.ones(edges, np.int64), cost)
    flow.add_arcs_with_capacity_and_unit_cost(
        np.full(len(slots), source), slots, np.ones(len(slots), np.int64), rank * step
    )
    flow.add_arcs_with_capacity_and_unit_cost(
        needs + np.arange(volunteers), np.full(volunteers, sink), rooms, np.zeros(volunteers, np.int64)
    )
    flow.set_node_supply(source, int(sizes.sum()))
    flow.set_node_supply(sink, -int(sizes.sum()))
    if flow.solve_max_flow_with_min_cost() != flow.OPTIMAL:
        raise ArithmeticError("the flow has no solution")
    chosen: Numbers = np.flatnonzero(flow.flows(np.arange(edges)))
    return chosen


def _starts(sizes: Numbers) -> list[int]:
    return [0, *accumulate(int(size) for size in sizes[:-1])]
