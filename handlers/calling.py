"""Whom someone in danger calls, where they are."""

from __future__ import annotations

from handlers import naming
from handlers.context import Moment
from handlers.emergency import ToCall, numbers_for, to_call


def whom(moment: Moment, danger: str, latitude: float | None, longitude: float | None) -> ToCall | None:
    """Whom to call at a place, for a kind of danger; None where no number is known.

    The operator's own number goes first, but not in another country than the union's.
    """
    union = moment.union
    country = naming.country_at(moment, latitude, longitude)
    own = union.emergency_number if country == (union.country or country) else ""
    return to_call(numbers_for(country, moment.core.emergency), danger, own)
