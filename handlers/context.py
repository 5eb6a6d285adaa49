"""What a handler is given: the transaction, the hour, the union's ways, and who is speaking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from handlers.emergency import EmergencyNumbers
from handlers.lexicon import Lexicons
from handlers.messages import Button, Outbound, Text, Words
from handlers.skills import Vocabulary
from handlers.texts import Catalogs
from storage.database import Transaction
from storage.tables import Account, OpenForm, Person

NO_ZONE = "UTC"  # the union's time zone until it sets its own


@dataclass(frozen=True, slots=True)
class Union:
    """The union's own ways, from the settings."""

    country: str = ""  # ISO 3166 code, for the emergency numbers; "" if unknown
    language: str = "en"
    emergency_number: str = ""  # the operator's own word on the number to call; "" for the table's
    centre: tuple[float, float] | None = None  # latitude and longitude of the middle of its area
    area_radius: int = 50_000  # metres from the centre; a place farther out is questioned
    countries: tuple[str, ...] = ()  # whose places are known by name; the first is the union's own
    time_zone: str = NO_ZONE
    alerts_carried: int = 3  # by one coordinator, before others are told first
    drill_every: int = 30  # days from one drill to the next; 0: only when a coordinator begins one
    outside_ways: tuple[str, ...] = ()  # what the operator configured for when no coordinator can be reached
    most_asked: int = 10  # volunteers in one wave, at most
    silence: float = 0.1  # the chance that nobody of a wave accepts, under which the wave is large enough
    wave_wait: timedelta = timedelta(minutes=15)
    urgent_wave_wait: timedelta = timedelta(minutes=5)
    code_life: timedelta = timedelta(days=7)
    keep_events: timedelta = timedelta(hours=48)
    keep_attachments: timedelta = timedelta(days=7)
    largest_attachment: int = 10_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Core:
    """What all turns share and none changes."""

    union: Union
    catalogs: Catalogs
    lexicons: Lexicons
    emergency: Mapping[str, EmergencyNumbers]
    vocabulary: Vocabulary = field(default_factory=Vocabulary)


@dataclass(slots=True)
class Moment:
    """A turn without a speaker: what the clock runs."""

    core: Core
    tx: Transaction
    now: datetime

    @property
    def union(self) -> Union:
        return self.core.union


@dataclass(slots=True)
class Context(Moment):
    """A turn of one person, in one of their accounts."""

    person: Person
    account: Account
    conversation: OpenForm | None = None
    scope: str = ""  # what the pressed button belongs to
    thread: str = ""  # in which they spoke, within their private chat
    regrouped: bool = False  # accounts were joined or set apart: what was loaded of them is out of date

    def reply(self, text: Words, *buttons: Button, **more: Any) -> Outbound:
        """Answer the one who spoke, where they spoke."""
        return Outbound(
            self.person.id, text, buttons=buttons, account=self.account.id, thread=self.thread, **more
        )

    def rendered(self, text: Text) -> str:
        return self.core.catalogs.render(text, self.person.language)
