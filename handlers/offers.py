"""Offering help: the form, and taking the offer back."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice
from typing import Any

from handlers import (
    choosing,
    limiting,
    limits,
    membership,
    needs,
    places,
    skills,
    verifying,
    volunteering,
    where,
)
from handlers.context import Context
from handlers.forms import Again, Answers, Field, Form, Option, start
from handlers.messages import Button, Inbound, Outbound, _, lines
from handlers.texts import joined
from storage import offers

RADII = (1_000, 5_000, 20_000, 50_000)
_METRES = dict.fromkeys(("m", "metres", "meters", "metros", "mts"), 1)
_MILES = dict.fromkeys(("mi", "mile", "miles", "milla", "millas"), 1_609)
_UNITS = {**_METRES, **_MILES, "km": 1_000}
# A number with a unit of time behind it is no distance: "30 minutes" must not become 30 km.
_DISTANCES = re.compile(
    r"(?<![\d.,])(\d{1,6}(?:[.,]\d{1,2})?)(?![\d.,]*\d)(?!\s*(?:min|h\b|hour|hora))\s*"
    r"(km|k|miles?|mi|millas?|metres|meters|metros|mts|m)?\b",
    re.IGNORECASE,
)


def offer(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/offer: begin, with whatever was said behind the command already filled in."""
    return start(ctx, OFFER, from_words(ctx, argument) if argument else None)


def from_words(ctx: Context, words: str) -> Answers:
    answers: Answers = {"words": words[: needs.LONGEST_WORDS]}
    understood = limits.understood(words, ctx.core.catalogs.languages)
    return {**answers, **choosing.offered(ctx, words), **understood}


def _parse_words(ctx: Context, inbound: Inbound) -> Any:
    text = inbound.text.strip()
    begun = choosing.begun(ctx, text)
    if begun is not None:
        return begun
    return from_words(ctx, text) if text else Again(_("Please write it in a few words."))


def _parse_radius(ctx: Context, inbound: Inbound) -> Any:
    found = _DISTANCES.findall(inbound.text)
    if not found:
        return Again(_("Please choose how far you can go."))
    number, unit = found[-1]  # "2-3 km": as far as three
    said = float(number.replace(",", "."))
    scale = _UNITS.get(unit.casefold(), 1 if said >= RADII[0] else 1_000)
    return round(min(max(said * scale, 500), 100_000))


def _radius_options(ctx: Context, answers: Answers) -> tuple[Option, ...]:
    return tuple(Option(str(each), _("{count} km", count=each // 1000)) for each in RADII)


def _done(ctx: Context, answers: Answers) -> list[Outbound]:
    place = places.coarse(where.place_of(answers))
    if place is not None and not where.may_be_at(ctx, place):
        return [ctx.reply(where.TOO_MANY_MOVES)]
    chosen = answers["skills"]
    radius = answers.get("radius") or RADII[1]
    quiet_from, quiet_until = limits.first_quiet(ctx.person.time_zone or ctx.union.time_zone)
    terms = offers.Terms(
        tuple(chosen), answers["words"], place, radius, quiet_from=quiet_from, quiet_until=quiet_until
    )
    terms = replace(terms, **limits.terms({name: answers.get(name) for name in limits.NOTHING_SAID}))
    earlier = offers.of(ctx.tx, ctx.person.id)
    if earlier is not None:
        terms = limits.carried_over(offers.terms_of(ctx.tx, ctx.person, earlier), terms)
    new = verifying.newly_offered(ctx, chosen)
    offers.save(ctx.tx, ctx.now, ctx.person, ctx.union.time_zone, terms)
    what = joined(*(skills.label(each) for each in chosen))
    said = limits.told(answers, ctx.person.language)
    if ctx.person.member_since is None:
        return membership.ask_to_be_let_in(ctx, what, said)
    thanks = lines(
        _("Thank you. I ask you when someone nearby needs this."),
        _("I understood: {terms}.", terms=said) if said else None,
        _("You may always say no. /my shows your offer."),
        verifying.note(ctx, chosen),
    )
    change = (Button(_("Change"), f"/limits {name}") for name in limits.NOTHING_SAID if answers.get(name))
    said_to_them = ctx.reply(thanks, *islice(change, 1), *limiting.change_buttons(), title=what)
    return [said_to_them, *verifying.ask(ctx, ctx.person, new)]


OFFER = Form(
    "offer",
    (
        Field(
            "words",
            lambda ctx, answers: _("What can you do for others? Write it in your own words, or choose."),
            _parse_words,
            options=choosing.first_options,
            accept=lambda answers, value: {**answers, **limits.NOTHING_SAID, **value},
        ),
        choosing.SEVERAL,
        *where.fields(
            lambda answers: lines(
                joined(*(skills.label(each) for each in answers["skills"])),
                _("Where are you usually? I keep only the rough area of half a kilometre."),
            ),
            own=True,
        ),
        Field(
            "radius",
            lambda ctx, answers: _("How far can you go?"),
            _parse_radius,
            options=_radius_options,
            when=lambda answers: bool(answers.get("place")),
        ),
    ),
    _done,
)


def kinds(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/kinds: take kinds of help out of one's offer or add others; all else about it stays."""
    offer = offers.of(ctx.tx, ctx.person.id)
    if offer is None:
        return [ctx.reply(limiting.NO_OFFER)]
    return start(ctx, KINDS, {"chosen": offer.skills.split()})


def _kinds_chosen(ctx: Context, answers: Answers) -> list[Outbound]:
    chosen = tuple(answers["skills"])
    new = verifying.newly_offered(ctx, chosen)
    if offers.change(ctx.tx, ctx.now, ctx.person, ctx.union.time_zone, skills=chosen) is None:
        return [ctx.reply(limiting.NO_OFFER)]
    text = lines(_("Your offer is changed. /my shows it."), verifying.note(ctx, chosen))
    asked = verifying.ask(ctx, ctx.person, new) if ctx.person.member_since is not None else []
    return [ctx.reply(text, title=joined(*(skills.label(each) for each in chosen))), *asked]


KINDS = Form("kinds", (choosing.SEVERAL,), _kinds_chosen)


def remove(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    if not offers.remove(ctx.tx, ctx.person.id):
        return [ctx.reply(_("You have no offer. /offer makes one."))]
    told = volunteering.refuse_all(ctx, ctx.person.id)
    return [ctx.reply(_("Your offer is withdrawn. Thank you for offering.")), *told]
