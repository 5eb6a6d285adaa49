"""What crisis mode changes for the needs in its area; the numbers are copied into it when it begins."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from handlers.context import Moment
from storage import crises
from storage.tables import Need


@dataclass(frozen=True, slots=True)
class Measures:
    """How much farther, more at once and sooner volunteers are asked.

    wakes: quiet hours are broken, but only for those who agreed to that for what is urgent.
    """

    widened: int = 0  # times that the search begins wider
    more: int = 1  # times as many in a wave, at most
    sooner: int = 1  # times shorter is the wait for a wave
    wakes: bool = False


ORDINARY = Measures()
IN_CRISIS = Measures(widened=1, more=2, sooner=2, wakes=True)


def to_json(measures: Measures) -> dict[str, Any]:
    return asdict(measures)


def of(moment: Moment, need: Need) -> Measures:
    """The measures that hold for a need now."""
    for crisis in crises.active(moment.tx):
        if crises.covers(crisis, need.latitude, need.longitude):
            return Measures(**crisis.measures)
    return ORDINARY
