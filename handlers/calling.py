"""Whom someone in danger calls, where they are, and how that is said."""

from __future__ import annotations

from handlers import first_words, naming
from handlers.context import Moment
from handlers.emergency import ToCall, numbers_for, to_call
from handlers.messages import Text


def whom(moment: Moment, danger: str, latitude: float | None, longitude: float | None) -> ToCall | None:
    """Whom to call at a place, for a kind of danger; None where no number is known.

    The operator's own number goes first, but not in another country than the union's.
    """
    union = moment.union
    country = naming.country_at(moment, latitude, longitude)
    own = union.emergency_number if country == (union.country or country) else ""
    return to_call(numbers_for(country, moment.core.emergency), danger, own)


def call(
    moment: Moment, danger: str = "other", latitude: float | None = None, longitude: float | None = None
) -> Text:
    """Which number to call; where the place is not known, the one of the union's country."""
    found = whom(moment, danger, latitude, longitude)
    return first_words.call(found.number, certain=found.sure) if found else first_words.CALL_UNKNOWN
