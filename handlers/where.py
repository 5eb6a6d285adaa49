"""Saying where: the questions about a place in a form, names looked up, far places and pins questioned.

A pin is often where the writer is, not where help is needed: unless the words say for whom it is, that is
asked once, after a pin has arrived, because only then does it matter; nobody else meets the question.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from handlers import naming, places
from handlers.context import Context, Moment
from handlers.forms import Again, Answers, Field, Option
from handlers.lexicon import Intent
from handlers.messages import Inbound, Kind, Lines, Place, Text, Verbatim, Words, _, lines
from handlers.naming import Kept
from handlers.texts import joined
from storage import offers, people
from storage.tables import Person

SEND_MY_PLACE = _("Send my place")
AT_HOME = "(home)"  # what the button says; nobody types it
MOST_CHOICES = 4
_SHORT_NUMBER = re.compile(
    r"[\W\d_]{1,3}"
)  # the number of a button that is not there; a postal code is longer
UNREADABLE = _("I could not read that place. Send your position, or write the address or the area.")
NO_HOME = _("I don't know where your home is. Please send the place, or write the address or the area.")
TOO_MANY_MOVES = _("You have changed your place often today. Please try again tomorrow, or skip this.")


# --- the fields of a form -------------------------------------------------------------------------


def fields(ask: Callable[[Answers], Words], *, whose: bool = False, own: bool = False) -> tuple[Field, ...]:
    """The questions about a place; `chosen` reads their answer.

    whose: the place is where help is needed, perhaps by someone else. own: it is where the person lives or
    stays, which may be changed only a few times a day.
    """
    place = Field(
        "place",
        lambda ctx, answers: _elsewhere(ask(answers)) if answers.get("for_other") else ask(answers),
        _parse_own if own else _parse,
        options=_options,
        accept=lambda answers, value: {**answers, **value},
        optional=True,
    )
    which = Field(
        "which", _ask_which, _parse_which, options=_which_options, accept=_accept_which,
        when=lambda answers: bool((answers.get("place") or {}).get("choices")),
    )  # fmt: skip
    for_whom = Field(
        "whose", _ask_whose, _parse_whose, options=_whose_options, accept=_accept_whose,
        when=lambda answers: bool((chosen(answers) or {}).get("pin")) and not answers.get("for_self"),
    )  # fmt: skip
    far = Field(
        "far", _ask_far, _parse_far, options=_far_options, accept=_accept_far,
        when=lambda answers: bool((chosen(answers) or {}).get("far")),
    )  # fmt: skip
    return (place, which, *((for_whom,) if whose else ()), far)


def chosen(answers: Answers) -> Kept | None:
    """The place that the answers come to, as it may be sealed; None if none was said."""
    place: Kept | None = answers.get("place")
    if not place or not place.get("choices"):
        return place
    which = answers.get("which")
    if which is None or which == "none":
        return {**place, "choices": []} if which else None
    return {**place, **place["choices"][int(which)], "choices": []}


def place_of(answers: Answers) -> Place | None:
    return places.from_json(chosen(answers))


def _elsewhere(ask: Words) -> Words:
    return lines(
        _("Where is help needed? Write the address or the area, or put a pin there on the map."),
        *(ask.parts[1:] if isinstance(ask, Lines) else ()),
    )


def _options(ctx: Context, answers: Answers) -> tuple[Option, ...]:
    if answers.get("for_other"):
        return ()
    at_home = (Option(AT_HOME, home_label(ctx)),) if ctx.person.sealed_home else ()
    return (Option("", SEND_MY_PLACE, asks_place=True), *at_home)


def _parse_own(ctx: Context, inbound: Inbound) -> Any:
    return _parse(ctx, inbound) if people.may_move(ctx.now, ctx.person) else Again(TOO_MANY_MOVES)


def _parse(ctx: Context, inbound: Inbound) -> Any:
    """What the form shall remember of a place, or why it is asked again."""
    if inbound.text == AT_HOME:
        return _at_home(ctx)
    if places.tells_impossible(inbound):
        return Again(
            _("Those coordinates can't be right. Please send the place again, or write the address.")
        )
    if inbound.place is None and places.is_shortened(inbound.text):
        return Again(
            _("I can't open a shortened link. Please send the place as a pin, or write the address.")
        )
    if inbound.place is None and ctx.core.lexicons.is_home(inbound.text):
        return _at_home(ctx)
    place = places.read(inbound)
    says_nothing = inbound.place is None and (
        ctx.core.lexicons.answer(inbound.text, ctx.person.language) is not None
        or inbound.text.strip().endswith("?")
        or _SHORT_NUMBER.fullmatch(inbound.text.strip()) is not None
        or inbound.text.strip() == ctx.rendered(SEND_MY_PLACE)
    )
    if place is None or (says_nothing and not place.has_coordinates):
        return Again(UNREADABLE)
    if place.has_coordinates:
        pin = inbound.place is not None and not place.words
        said = {"message": inbound.message_id, "live": inbound.kind is Kind.EDIT}
        return {"place": {**places.to_json(place), "pin": pin, **said, "far": naming.is_far(ctx, place)}}
    return _of_words(ctx, place)


def _at_home(ctx: Context) -> Any:
    if ctx.person.sealed_home is None:
        return Again(NO_HOME)
    return {"place": {**home(ctx, ctx.person), "pin": False, "at_home": True}}


def _of_words(ctx: Context, said: Place) -> Any:
    """Words, with the place that they surely name, or with those among which to choose."""
    code = places.short_code(said.words)
    found = naming.look_up(ctx, code[1] if code else said.words)
    if code is not None:
        near = (found[0].latitude, found[0].longitude) if found else ctx.union.centre
        if near is None:
            return Again(_("Please write the town beside that code, or send the place as a pin."))
        place = replace(places.recovered(code[0], near), words=said.words)
        return {"place": {**places.to_json(place), "far": naming.is_far(ctx, place)}}
    sure = naming.the_one(ctx, found)
    understood = ctx.core.lexicons.understand(said.words, ctx.person.language)
    if sure is None and understood.intent in (Intent.THANKS, Intent.GREETING):
        return Again(UNREADABLE)
    if sure is not None:
        return {"place": {**places.to_json(said), **naming.kept(ctx, sure)}}
    choices = [
        {**naming.kept(ctx, each), "label": label}
        for each, label in naming.labelled(ctx, found[:MOST_CHOICES])
    ]
    return {"place": {**places.to_json(said), "choices": choices}}


# --- several fit ----------------------------------------------------------------------------------


def _ask_which(ctx: Context, answers: Answers) -> Words:
    only_one = len(answers["place"]["choices"]) == 1
    return _("Do you mean this place?") if only_one else _("Which of these places do you mean?")


def _which_options(ctx: Context, answers: Answers) -> tuple[Option, ...]:
    named = [
        Option(str(number), joined(Verbatim(each["label"])))
        for number, each in enumerate(answers["place"]["choices"])
    ]
    return (*named, Option("none", _("None of these")))


def _parse_which(ctx: Context, inbound: Inbound) -> Any:
    if inbound.text in ("none", *(str(number) for number in range(MOST_CHOICES))):
        return inbound.text
    said = ctx.core.lexicons.answer(inbound.text, ctx.person.language)
    if said is not None:
        return "0" if said else "none"
    return _parse(ctx, inbound)


def _accept_which(answers: Answers, value: Any) -> Answers:
    if isinstance(value, dict):  # another place was said instead
        return {**answers, **value}
    fits = value == "none" or int(value) < len(answers["place"]["choices"])
    return {**answers, "which": value} if fits else answers


# --- whose place a pin is -------------------------------------------------------------------------


def _ask_whose(ctx: Context, answers: Answers) -> Words:
    if answers.get("for_other"):
        return _("Is that where help is needed, or only where you are?")
    return _("Is this for you or for someone else?")


def _whose_options(ctx: Context, answers: Answers) -> tuple[Option, ...]:
    if answers.get("for_other"):
        return (Option("there", _("Help is needed there")), Option("elsewhere", _("Only I am there")))
    return (Option("there", _("For me")), Option("elsewhere", _("For someone else")))


def _parse_whose(ctx: Context, inbound: Inbound) -> Any:
    if inbound.place is not None:
        return _parse(ctx, inbound)
    if inbound.text in ("there", "elsewhere"):
        return inbound.text
    if ctx.core.lexicons.for_other(inbound.text):
        return "elsewhere"
    said = ctx.core.lexicons.answer(inbound.text, ctx.person.language)
    return Again(_("Please choose one.")) if said is None else "there" if said else "elsewhere"


def _accept_whose(answers: Answers, value: Any) -> Answers:
    if isinstance(value, dict):
        return {**answers, **value}
    if value == "there":
        return {**answers, "whose": value}
    return {**_without_place(answers), "for_other": True}


def _without_place(answers: Answers) -> Answers:
    return {name: kept for name, kept in answers.items() if name not in ("place", "which", "whose", "far")}


# --- far away -------------------------------------------------------------------------------------


def _ask_far(ctx: Context, answers: Answers) -> Words:
    place = chosen(answers) or {}
    name = naming.area(ctx, place.get("latitude"), place.get("longitude"), ctx.person.language)
    far = _("That is far from here.") if name is None else _("{place} is far from here.", place=name)
    return lines(far, _("Is it right?"))


def _far_options(ctx: Context, answers: Answers) -> tuple[Option, ...]:
    return (Option("yes", _("Yes")), Option("no", _("Another place")))


def _parse_far(ctx: Context, inbound: Inbound) -> Any:
    if inbound.place is None:
        said = ctx.core.lexicons.answer(inbound.text, ctx.person.language)
        if inbound.text in ("yes", "no") or said is not None:
            return "yes" if inbound.text == "yes" or said else "no"
    return _parse(ctx, inbound)


def _accept_far(answers: Answers, value: Any) -> Answers:
    if isinstance(value, dict):
        return {**_without_place(answers), **value}
    return {**answers, "far": True} if value == "yes" else _without_place(answers)


# --- the place of a person ------------------------------------------------------------------------


def may_be_at(ctx: Context, cell: tuple[float, float]) -> bool:
    """Count a change of the place from which someone offers help; False if it is one too many."""
    before = offers.of(ctx.tx, ctx.person.id)
    if before is not None and (before.latitude, before.longitude) == cell:
        return True
    return people.move(ctx.now, ctx.person)


# --- home -----------------------------------------------------------------------------------------


def home(moment: Moment, person: Person) -> Kept:
    """The saved home of a person who has one."""
    assert person.sealed_home is not None
    kept: Kept = moment.tx.open(person.key_id, "home", person.sealed_home)
    return kept


def home_label(ctx: Context) -> Text:
    kept = home(ctx, ctx.person)
    name = naming.area(ctx, kept.get("latitude"), kept.get("longitude"), ctx.person.language)
    return _("At home") if name is None else _("At home, {area}", area=name)
