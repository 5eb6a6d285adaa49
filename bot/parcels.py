"""What the courier has in hand: a claimed message, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.adapters import Outgoing


@dataclass(frozen=True, slots=True)
class Parcel:
    """A claimed message, opened."""

    row_id: int
    lane: int
    attempts: int
    recipient: bytes
    created_at: datetime
    is_relay: bool
    message: Outgoing


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a parcel: sent, refused, uncertain, or to be tried again."""

    parcel: Parcel
    state: str
    message_ids: tuple[str, ...] = ()
    reason: str | None = None
    unreachable: bool = False
    retry_after: timedelta | None = None
    moved_to: str | None = None
