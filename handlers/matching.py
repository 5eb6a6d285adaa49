"""Who is asked, in which order: pure functions over candidates that the index has found."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.messages import Text, _
from storage.cells import COARSE
from storage.offers import Candidate

WALK = 1_200  # metres in about a quarter of an hour
LONG_WALK = 3_000


def rank(candidates: Sequence[Candidate], language: str) -> list[Candidate]:
    """Those whose own radius reaches the need, the nearest cell first, then who shares the language."""
    fitting = [each for each in candidates if each.reaches]
    return sorted(fitting, key=lambda each: (_rings(each), each.language != language, str(each.person_id)))


def _rings(candidate: Candidate) -> int:
    """Distance in cells; an unknown one counts as the volunteer's whole radius."""
    distance = candidate.radius if candidate.distance is None else candidate.distance
    return round(distance / COARSE)


def how_far(candidate: Candidate) -> Text:
    """A rough class of travel, never a distance: from several distances a place could be computed."""
    if candidate.distance is None:
        return _("I don't know how far it is from you.")
    if candidate.distance <= WALK:
        return _("It is a short walk from you.")
    if candidate.distance <= LONG_WALK:
        return _("It is a long walk or a short ride from you.")
    return _("It is too far to walk.")
