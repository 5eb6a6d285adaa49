"""Asking for help: the form, the receipt, the status, stopping."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from handlers import alarms, cards, closing, home, places, references, skills, waves, where
from handlers.context import Context, Moment
from handlers.forms import Again, Answers, Field, Form, Option, start
from handlers.lexicon import Intent
from handlers.messages import Inbound, Outbound, Words, _, lines
from handlers.texts import joined
from storage import conversations, needs
from storage.tables import Need

LONGEST_WORDS = 2_000
PLACE_CLOSED = _("Their place is closed again. Please delete it if you wrote it down.")


def need(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/need: begin, with whatever was said behind the command already filled in."""
    return start(ctx, NEED, from_words(ctx, argument, inbound) if argument else None)


def from_words(ctx: Context, words: str, inbound: Inbound) -> Answers:
    """What a sentence already answers; the message is kept, because it may be taken back."""
    words = words[:LONGEST_WORDS]
    understood = ctx.core.lexicons.understand(words, ctx.person.language)
    answers: Answers = {"words": words, "message": inbound.message_id}
    if understood.urgent:
        answers["urgent"] = True
    if understood.skills:
        answers["skill"] = understood.skills[0]
    if ctx.core.lexicons.for_other(words):
        answers["for_other"] = True
    elif understood.intent is Intent.NEED:
        answers["for_self"] = True
    return answers


def _parse_words(ctx: Context, inbound: Inbound) -> Any:
    text = inbound.text.strip()
    understood = ctx.core.lexicons.understand(text, ctx.person.language)
    if not text or (understood.intent in (Intent.GREETING, Intent.THANKS) and not understood.skills):
        return Again(_("Please write it in a few words."))
    return from_words(ctx, text, inbound)


def _merge(answers: Answers, value: Answers) -> Answers:
    return {**answers, **value}


def _skill_options(ctx: Context, answers: Answers) -> tuple[Option, ...]:
    return tuple(Option(skill, label) for skill, label in skills.SKILLS.items())


def _parse_skill(ctx: Context, inbound: Inbound) -> Any:
    if inbound.text in skills.SKILLS:
        return inbound.text
    found = ctx.core.lexicons.skills(inbound.text, ctx.person.language)
    return found[0] if found else Again(_("I did not find that in the list. Please choose one."))


def _ask_confirm(ctx: Context, answers: Answers) -> Words:
    what = skills.label(answers["skill"])
    return lines(joined(what, _("urgent")) if answers.get("urgent") else joined(what), _("Is that right?"))


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
        return from_words(ctx, inbound.text.strip(), inbound)
    return "urgent" if understood.urgent else Again(_('Please answer "Yes" or "Change".'))


def _accept_confirm(answers: Answers, value: Any) -> Answers:
    if isinstance(value, dict):
        return {**answers, **value}
    if value == "change":
        return {name: kept for name, kept in answers.items() if name not in ("words", "skill")}
    return {**answers, "confirm": True, **({"urgent": True} if value == "urgent" else {})}


def _done(ctx: Context, answers: Answers) -> list[Outbound]:
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
        reference=references.new(ctx.tx.random, "N", lambda text: needs.reference_taken(ctx.tx, text)),
        person_id=ctx.person.id,
        skill=answers["skill"],
        urgent=bool(answers.get("urgent")),
        state="open",
        sealed_words=ctx.tx.seal(key, "need words", said),
        sealed_place=ctx.tx.seal(key, "need place", place) if place else None,
        latitude=cell[0] if cell else None,
        longitude=cell[1] if cell else None,
        for_other=bool(answers.get("for_other")),
        created_at=ctx.now,
    )
    asked = waves.next_wave(ctx, made)
    card = cards.need(ctx, made, ctx.person.id)
    return [replace(card, buttons=(*card.buttons, *home.keep_button(ctx, made, answers))), *asked]


def mine(ctx: Context, text: str) -> Need | None:
    """The person's own open need that a text quotes, or their only one."""
    reference = references.read(text, "N")
    if reference is not None:
        found = needs.by_reference(ctx.tx, reference)
        return found if found is not None and found.person_id == ctx.person.id else None
    own = needs.open_of(ctx.tx, ctx.person.id)
    return own[0] if len(own) == 1 else None


def unknown(ctx: Context) -> list[Outbound]:
    return [ctx.reply(_("I can't find that case among yours. /my shows them."))]


def stop(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """The requester needs it no longer."""
    case = mine(ctx, argument)
    if case is None:
        return unknown(ctx)
    if case.state not in needs.OPEN_STATES:
        return [ctx.reply(_("{reference} is already closed.", reference=case.reference))]
    was_read = closing.WAS_READ if closing.close(ctx, case.id, case.reference) else None
    told = end(ctx, case)
    stopped = _("{reference} is stopped. You can ask again at any time.", reference=case.reference)
    return [
        ctx.reply(lines(stopped, was_read)),
        cards.need(ctx, case, ctx.person.id, in_place=True),
        *told,
    ]


def end(ctx: Moment, case: Need) -> list[Outbound]:
    """Close a need that is not wanted any more: everyone who was asked is told."""
    closing.close(ctx, case.id, case.reference)
    told = waves.withdraw(ctx, case, _("{reference} is not needed any more. Thank you."))
    helper = needs.commitment(ctx.tx, case.id)
    if helper is not None:
        needs.end_commitment(ctx.tx, ctx.now, helper, "not_done")
        text = _("{reference} is not needed any more. Thank you for your time.", reference=case.reference)
        told.append(Outbound(helper.person_id, lines(text, PLACE_CLOSED)))
    needs.close(ctx.tx, ctx.now, case, "cancelled")
    conversations.close_talks(ctx.tx, ctx.now, need_id=case.id)
    return told + alarms.settle(ctx, case, "the need was stopped")


def urgent(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """The need has become urgent: the next wave goes out at once."""
    case = mine(ctx, argument)
    if case is None or case.state != "open":
        return unknown(ctx)
    case.urgent = True
    told = waves.next_wave(ctx, case)
    return [cards.need(ctx, case, ctx.person.id), *told]


NEED = Form(
    "need",
    (
        Field(
            "words",
            lambda ctx, answers: _("What do you need? Write it in your own words."),
            _parse_words,
            accept=_merge,
        ),
        Field(
            "skill", lambda ctx, answers: _("What kind of help is it?"), _parse_skill, options=_skill_options
        ),
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
