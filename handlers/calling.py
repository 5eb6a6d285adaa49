"""Which number to call in an emergency."""

from __future__ import annotations

from handlers import first_words
from handlers.context import Moment
from handlers.emergency import numbers_for
from handlers.messages import Text


def call(moment: Moment) -> Text:
    """Which number to call; the operator's own word goes before the table."""
    union = moment.union
    number = union.emergency_number
    if not number and union.country:
        known = numbers_for(union.country, moment.core.emergency)
        number = known.general or known.ambulance if known else ""
    return first_words.call(number) if number else first_words.CALL_UNKNOWN
