"""The limits of an offer, when, how and how often: what plain words say of them, how they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date

from handlers import skills, tongues, week
from handlers.context import NO_ZONE, Union
from handlers.forms import Answers
from handlers.messages import Text, _, _n
from handlers.texts import joined
from storage.offers import Terms
from storage.tables import Offer, Person

AS_NEEDED = 1_000  # questions in a week that nobody reaches
NIGHT = (22, 8)  # hours of their day
NOTHING_SAID: Answers = {"hours": None, "languages": [], "travel": ""}


def zone_of(person: Person, union: Union) -> str:
    """The zone of a person's clock; the union's where it is not known."""
    return person.time_zone or union.time_zone


# --- what words and answers say -------------------------------------------------------------------


def understood(words: str, catalogs: Sequence[str]) -> Answers:
    """What a sentence of someone who offers help says of hours, languages and travel."""
    return {
        "hours": week.read(words, catalogs),
        "languages": list(tongues.languages(words, catalogs)),
        "travel": tongues.travel(words),
    }


def told(answers: Answers, language: str) -> Text | None:
    """What was understood, in one line; None where the words said nothing."""
    parts = [
        week.shown(answers["hours"], language) if answers.get("hours") else None,
        tongues.TRAVEL[answers["travel"]] if answers.get("travel") else None,
        tongues.names(answers["languages"], language) if answers.get("languages") else None,
    ]
    said = [each for each in parts if each is not None]
    return joined(*said) if said else None


def summary(offer: Offer, person: Person, union: Union, now: datetime) -> list[Text]:
    """The terms of an offer in a few short lines; what was never said is left out."""
    language, zone = person.language, zone_of(person, union)
    how = {"travel": offer.travel, "languages": offer.languages.split()}
    more = told(how, language)
    avoided = joined(*(skills.label(each) for each in offer.not_wanted.split())) if offer.not_wanted else None
    resting = offer.paused_until if offer.paused_until is not None and offer.paused_until > now else None
    found = [
        _("Paused until {day}.", day=day_name(resting, zone, language)) if resting else None,
        _("{count} km", count=f"{offer.radius / 1000:g}") if offer.latitude is not None else None,
        joined(_("When: {hours}", hours=week.shown(offer.hours, language)), zone),
        more,
        joined(
            _n("{count} person at once", "{count} people at once", offer.capacity), often(offer.weekly_limit)
        ),
        _quiet(offer.quiet_from, offer.quiet_until, wakes=offer.wakes_for_urgent),
        _("Never: {skills}", skills=avoided) if avoided else None,
    ]
    return [each for each in found if each is not None]


def often(weekly_limit: int) -> Text:
    if weekly_limit >= AS_NEEDED:
        return _("asked as often as needed")
    return _n("asked {count} time a week at most", "asked {count} times a week at most", weekly_limit)


def day_name(moment: datetime, zone: str, language: str) -> Text:
    """A day such as "Monday, March 9" on someone's calendar."""
    return Text(format_date(moment.astimezone(ZoneInfo(zone)), "EEEE d MMMM", locale=language))


def _quiet(start: int, end: int, *, wakes: bool) -> Text:
    if start == end:
        return _("No quiet hours.")
    hours = {"start": week.hour_name(start), "end": week.hour_name(end)}
    if wakes:
        return _("Quiet from {start} to {end}, except when it is urgent.", **hours)
    return _("Quiet from {start} to {end}.", **hours)


def terms(answers: Answers) -> dict[str, Any]:
    """The answers that were given, as terms of an offer."""
    given = {name: value for name, value in answers.items() if value is not None}
    plain = ("travel", "capacity", "weekly_limit", "wakes_for_urgent")
    found: dict[str, Any] = {name: given[name] for name in plain if name in given}
    if "hours" in given:
        found["hours"] = None if given["hours"] == week.ALWAYS else given["hours"]
    if "quiet" in given:
        found["quiet_from"], found["quiet_until"] = given["quiet"]
    return found | {name: tuple(given[name]) for name in ("languages", "not_wanted") if name in given}


def first_quiet(zone: str) -> tuple[int, int]:
    """The night, until they say otherwise; none where no zone was set, since it may be day at theirs."""
    return (0, 0) if zone == NO_ZONE else NIGHT


def carried_over(old: Terms, new: Terms) -> Terms:
    """A new offer keeps what an earlier one said of the person, not of the help: quiet, limits and such."""
    return replace(
        new,
        quiet_from=old.quiet_from, quiet_until=old.quiet_until, wakes_for_urgent=old.wakes_for_urgent,
        capacity=old.capacity, weekly_limit=old.weekly_limit, travel=new.travel or old.travel,
        languages=tuple(dict.fromkeys((*old.languages, *new.languages))),
        not_wanted=tuple(each for each in old.not_wanted if each not in new.skills),
    )  # fmt: skip
