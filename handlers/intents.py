"""What a message may be for."""

from __future__ import annotations

from enum import StrEnum


class Intent(StrEnum):
    """What a message is for, as far as its words tell."""

    SOS = "sos"
    MAYBE_SOS = "maybe_sos"
    NEED = "need"
    OFFER = "offer"
    THANKS = "thanks"
    GREETING = "greeting"
    NONE = "none"
