"""Which of the places that words may name is meant: pure functions. Distances are metres."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log2
from typing import Any

from storage import cells
from storage.spelling import Span, Word

SAME = 2_000  # within which two places of one name are one
WITHIN = 30_000  # how near a place is to the larger one that is named beside it
_NEXT_DOOR = 20_000  # within which distance hardly says which place is meant, and size does


@dataclass(frozen=True, slots=True)
class Found:
    """A place that words may mean."""

    name: str
    latitude: float
    longitude: float
    country: str
    kind: str
    population: int
    own: bool
    exact: bool  # spelt as it is known
    distance: float | None  # metres to the union's centre
    span: Span
    errors: int
    holds_another: bool = False  # named beside a place that lies in it: "Gràcia, Barcelona"
    supported: bool = False  # lies in a place that is named beside it

    def is_near(self, reach: float) -> bool:
        return self.distance is None or self.distance <= reach

    def contains(self, other: Found) -> bool:
        """Whether the other's words are only a part of these."""
        return self.span.overlaps(other.span) and self.span.length > other.span.length


def longest(found: list[Found]) -> list[Found]:
    """Without what is only a part of a longer name, or of a name as it stands."""
    spans = {each.span for each in found}
    kept = {
        span
        for span in spans
        if not any(
            other.overlaps(span) and (other.length > span.length or (span.shorn and not other.shorn))
            for other in spans
        )
    }
    return [each for each in found if each.span in kept]


def least_wrong(found: list[Found], reach: float) -> list[Found]:
    """Of the guesses at the same words only those with the fewest errors, or nearly; the near if any."""
    kinds = {(each.span, each.errors, each.is_near(reach)) for each in found}
    kept = {
        (span, errors, near)
        for span, errors, near in kinds
        if not any(
            other.overlaps(span) and (fewer + 1 < errors or (other_near and not near))
            for other, fewer, other_near in kinds
        )
    }
    return [each for each in found if (each.span, each.errors, each.is_near(reach)) in kept]


def is_meant(found: Found, words: list[Word], reach: float) -> bool:
    """Whether words that are also a name were written as one: "mercado" is a village, too."""
    first, end = found.span.first, found.span.end
    if found.span.length == len(words):
        return True
    if len(found.span.key) < 3 and not words[first].unspaced:
        return False
    if found.own or any(word.capital for word in words[max(first, 1) : end]):
        return True
    if found.distance is not None and found.distance <= reach:
        return True
    if found.exact:
        return len(words) <= 3 or found.population >= 50_000
    return found.distance is None and found.population >= 20_000


def ranked(found: list[Found]) -> list[Found]:
    """The likeliest first; of places that are the same the first only."""
    placed = [
        replace(
            each,
            holds_another=any(_holds(each, other) for other in found),
            supported=any(_holds(other, each) for other in found),
        )
        for each in found
    ]
    placed.sort(key=_order)
    kept: list[Found] = []
    for each in placed:
        if not any(_is_same(each, other) for other in kept):
            kept.append(each)
    return kept


def _holds(larger: Found, smaller: Found) -> bool:
    return (
        not larger.span.overlaps(smaller.span)
        and larger.population > smaller.population
        and cells.distance(larger.latitude, larger.longitude, smaller.latitude, smaller.longitude) < WITHIN
    )


def _order(found: Found) -> tuple[Any, ...]:
    return (
        not found.exact,
        found.holds_another,
        not found.supported,
        found.errors,
        -found.span.length,
        not found.own,
        0 if found.distance is None else round(log2(1 + found.distance / _NEXT_DOOR)),
        -found.population,
        found.distance or 0,
        found.name,
    )


def _is_same(one: Found, other: Found) -> bool:
    return one.span.overlaps(other.span) and (
        cells.distance(one.latitude, one.longitude, other.latitude, other.longitude) < SAME
    )
