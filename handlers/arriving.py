"""What a volunteer is asked about their coming, and how their answer is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from handlers import when
from handlers.messages import Button, Clock, Outbound, _, lines
from handlers.texts import duration, joined
from storage.tables import Commitment, Need

ASK = _("When will you be there?")
_MINUTES = re.compile(r"(?:^|\s)([0-9]{1,4})$")
_REFERENCE = re.compile(r"\bN-\w+\s*", re.IGNORECASE)


def read(
    text: str, calendars: Mapping[str, when.Calendar], language: str, zone: str, now: datetime
) -> timedelta | None:
    """How long until they are there, from "30" (minutes), "in 2 hours" or "at 18:00"; None if not said."""
    words = _REFERENCE.sub("", text).strip()
    minutes = _MINUTES.fullmatch(words)
    if minutes:
        return timedelta(minutes=int(minutes[1]))
    said = when.read(words, calendars, language, zone, now)
    return said.at - now if said is not None else None


def time_buttons(reference: str) -> tuple[Button, ...]:
    return tuple(
        Button(duration(timedelta(minutes=each)), f"/eta {reference} {each}") for each in (15, 30, 60)
    )


def volunteer_buttons(reference: str, *, on_way: bool = False, here: bool = False) -> tuple[Button, ...]:
    """What a volunteer may still say about their commitment; withdrawing is always one tap."""
    way = () if on_way else (Button(_("On my way"), f"/onmyway {reference}"),)
    there = () if here else (Button(_("I am here"), f"/here {reference}"),)
    return (
        *way,
        *there,
        Button(_("It is done"), f"/done {reference}"),
        Button(_("I can't after all"), f"/withdraw {reference}"),
        Button(_("Share my contact"), f"/share {reference}"),
    )


def question(need: Need, commitment: Commitment) -> Outbound:
    """Ask when they will be there, or if they are."""
    can_not = Button(_("I can't after all"), f"/withdraw {need.reference}")
    here = Button(_("I am here"), f"/here {need.reference}")
    title = joined(need.reference)
    if commitment.arrives_at is None and commitment.on_my_way_at is None:
        way = Button(_("On my way"), f"/onmyway {need.reference}")
        buttons = (*time_buttons(need.reference), way, here, can_not)
        return Outbound(commitment.person_id, ASK, title=title, buttons=buttons)
    more = Button(_("15 more minutes"), f"/eta {need.reference} 15")
    text = _("Are you there?")
    return Outbound(commitment.person_id, text, title=title, buttons=(here, more, can_not))


def reminder(need: Need, commitment: Commitment, zone: str) -> Outbound:
    """An hour before the time for which the help is wanted."""
    assert need.needed_at is not None
    text = _("You said you would help with this at {time}.", time=Clock(need.needed_at, zone, day=False))
    buttons = (
        Button(_("On my way"), f"/onmyway {need.reference}"),
        Button(_("I can't after all"), f"/withdraw {need.reference}"),
    )
    asked = lines(text, _("Is that still all right?"))
    return Outbound(commitment.person_id, asked, title=joined(need.reference), buttons=buttons)
