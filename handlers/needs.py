"""Asking for help: the form, the receipt, the status, stopping."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from handlers import (
    asking,
    cards,
    choosing,
    counting,
    home,
    limits,
    merging,
    minors,
    own,
    places,
    references,
    when,
    where,
)
from handlers.context import Context
from handlers.forms import Again, Answers, Field, Form, Option, start
from handlers.lexicon import Intent, Understanding
from handlers.messages import Inbound, Outbound, Verbatim, Words, _, _n, lines
from handlers.texts import joined, wanted_at
from storage import needs, open_needs
from storage.tables import Need

LONGEST_WORDS = 2_000
MOST_ADDED = 10
# What is said anew after "Change".
FROM_WORDS = ("words", "skill", "skills", "at", "every", "wanted", "for_other", "for_self")


def need(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/need: begin, with whatever was said behind the command already filled in."""
    return start(ctx, NEED, from_words(ctx, argument, inbound) if argument else None)


def from_words(
    ctx: Context, words: str, inbound: Inbound, understood: Understanding | None = None
) -> Answers:
    """What a sentence already answers; the message is kept, because it may be taken back."""
    words = words[:LONGEST_WORDS]
    minors.notice(ctx, words)
    if understood is None:
        understood = ctx.core.lexicons.understand(words, ctx.person.language)
    answers: Answers = {"words": words, "message": inbound.message_id}
    if understood.urgent:
        answers["urgent"] = True
    said = when.read(
        words,
        ctx.core.lexicons.calendars,
        ctx.person.language,
        limits.zone_of(ctx.person, ctx.union),
        ctx.now,
    )
    if said is not None:
        answers |= {"at": said.at.isoformat(), "every": said.every}
    helpers = counting.helpers(words, ctx.core.lexicons.calendars, ctx.person.language)
    if helpers > 1:
        answers["wanted"] = helpers
    if ctx.core.lexicons.for_other(words):
        answers["for_other"] = True
    elif understood.intent is Intent.NEED:
        answers["for_self"] = True
    return {**answers, **choosing.needed(understood.skills)}


def _parse_words(ctx: Context, inbound: Inbound) -> Any:
    text = inbound.text.strip()
    understood = ctx.core.lexicons.understand(text, ctx.person.language)
    if not text or (understood.intent in (Intent.GREETING, Intent.THANKS) and not understood.skills):
        return Again(_("Please write it in a few words."))
    return from_words(ctx, text, inbound, understood)


def _merge(answers: Answers, value: Answers) -> Answers:
    return {**answers, **value}


def _ask_confirm(ctx: Context, answers: Answers) -> Words:
    what = [choosing.what(answers)]
    if answers.get("urgent"):
        what.append(_("urgent"))
    if answers.get("wanted"):
        what.append(_n("{count} helper", "{count} helpers", answers["wanted"]))
    time = wanted_at(_at(answers), answers.get("every"), limits.zone_of(ctx.person, ctx.union))
    return lines(joined(*what), time, _("Is that right?"))


def _confirm_options(ctx: Context, answers: Answers) -> tuple[Option, ...]:
    urgent = () if answers.get("urgent") else (Option("urgent", _("It is urgent")),)
    return (Option("yes", _("Yes")), *urgent, Option("change", _("Change")))


def _parse_confirm(ctx: Context, inbound: Inbound) -> Any:
    if inbound.text in ("yes", "urgent", "change"):
        return inbound.text
    understood = ctx.core.lexicons.understand(inbound.text, ctx.person.language)
    said = ctx.core.lexicons.answer(inbound.text, ctx.person.language)
    if said is not None:
        return "yes" if said else "change"
    if understood.skills:
        return from_words(ctx, inbound.text.strip(), inbound, understood)
    return "urgent" if understood.urgent else Again(_('Please answer "Yes" or "Change".'))


def _accept_confirm(answers: Answers, value: Any) -> Answers:
    if isinstance(value, dict):
        return {**answers, **value}
    if value == "change":
        return {name: kept for name, kept in answers.items() if name not in FROM_WORDS}
    return {**answers, "confirm": True, **({"urgent": True} if value == "urgent" else {})}


def _done(ctx: Context, answers: Answers) -> list[Outbound]:
    """Who has asked for the same already is asked if it is; else the need is made."""
    double = _own_double(ctx, answers)
    return create(ctx, answers) if double is None else start(ctx, SAME, {**answers, "old": double.reference})


def create(ctx: Context, answers: Answers) -> list[Outbound]:
    place = where.chosen(answers)
    cell = places.coarse(places.from_json(place))
    key = ctx.person.key_id
    said = {
        "words": answers["words"],
        "account": str(ctx.account.id),
        "message": answers.get("message", ""),
    }
    made = needs.add(
        ctx.tx,
        parts=_parts(answers),
        reference=references.new(ctx.tx, Need),
        person_id=ctx.person.id,
        skill=answers["skill"],
        urgent=bool(answers.get("urgent")),
        state="open",
        sealed_words=ctx.tx.seal(key, "need words", said),
        sealed_place=ctx.tx.seal(key, "need place", place) if place else None,
        latitude=cell[0] if cell else None,
        longitude=cell[1] if cell else None,
        for_other=bool(answers.get("for_other")),
        needed_at=_at(answers),
        repeats_every=answers.get("every"),
        created_at=ctx.now,
    )
    asked = asking.begin(ctx, made)
    card = cards.need(ctx, made, ctx.person.id)
    card = replace(card, buttons=(*card.buttons, *home.keep_button(ctx, made, answers)))
    return [card, *asked, *merging.notice(ctx, made)]


def _parts(answers: Answers) -> list[tuple[str, int]]:
    """Each kind of help with the number of helpers that were asked for."""
    first, *others = answers.get("skills") or [answers["skill"]]
    return [(first, answers.get("wanted", 1)), *((each, 1) for each in others)]


def _at(answers: Answers) -> datetime | None:
    return datetime.fromisoformat(answers["at"]) if answers.get("at") else None


# --- the same person asks again -------------------------------------------------------------------


def _own_double(ctx: Context, answers: Answers) -> Need | None:
    """An open need of this person for the same help at the same time."""
    same = (answers["skill"], _at(answers))
    open_now = open_needs.of(ctx.tx, ctx.person.id)
    return next((each for each in open_now if (each.skill, each.needed_at) == same), None)


def _parse_same(ctx: Context, inbound: Inbound) -> Any:
    if inbound.text in ("same", "another"):
        return inbound.text
    said = ctx.core.lexicons.answer(inbound.text, ctx.person.language)
    return Again(_("Please choose one of them.")) if said is None else ("same" if said else "another")


def _same_done(ctx: Context, answers: Answers) -> list[Outbound]:
    old = own.mine(ctx, answers["old"])
    if answers["same"] == "another" or old is None or old.state not in open_needs.STATES:
        return create(ctx, answers)
    return _add_words(ctx, old, answers["words"])


def _add_words(ctx: Context, old: Need, words: str) -> list[Outbound]:
    """The old need keeps its place in the queue; who is meeting it reads the new words."""
    said = needs.said(ctx.tx, old)
    added = [*said.get("added", ()), {"words": words, "at": ctx.now.isoformat()}][-MOST_ADDED:]
    needs.keep_said(ctx.tx, old, {**said, "added": added})
    text = lines(_("The one who asked adds:"), Verbatim(f"“{words}”"))
    told = [
        Outbound(each.person_id, text, title=joined(old.reference), discloses=old.id)
        for each in needs.commitments(ctx.tx, old.id)
    ]
    added_to = ctx.reply(_("I have added it to {reference}.", reference=old.reference))
    return [added_to, cards.need(ctx, old, ctx.person.id, in_place=True), *told]


SAME = Form(
    "same",
    (
        Field(
            "same",
            lambda ctx, answers: _(
                "You already asked for this: {reference}. Is it the same?", reference=answers["old"]
            ),
            _parse_same,
            options=lambda ctx, answers: (
                Option("same", _("The same, add my words")),
                Option("another", _("Another one")),
            ),
        ),
    ),
    _same_done,
)


NEED = Form(
    "need",
    (
        Field(
            "words",
            lambda ctx, answers: _("What do you need? Write it in your own words."),
            _parse_words,
            accept=_merge,
        ),
        choosing.ONE,
        Field("confirm", _ask_confirm, _parse_confirm, options=_confirm_options, accept=_accept_confirm),
        *where.fields(
            lambda answers: lines(
                _("Where is help needed? Send the place, or write the address or the area."),
                _("Volunteers see it only when they accept."),
            ),
            whose=True,
        ),
    ),
    _done,
)
