"""Handing an alert over to a named coordinator, or back to all; until someone has it, the first one does."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from handlers import alarms, alert_cards, closing, coordinators, first_words, noting, on_call, taking
from handlers.context import Context, Moment
from handlers.forms import Again, Answers, Field, Form, Option, start
from handlers.messages import Button, Inbound, Lane, Outbound, _
from handlers.texts import joined
from storage import alerts, conversations, duty, in_charge, people, work
from storage.tables import Alert, Person

MOST_SHOWN = 8
NOBODY_ELSE = _("There is no other coordinator whom I can reach now.")


def hand_over(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/handover A-2M9D, perhaps with a name: ask another to take over; "off" takes the question back."""
    alert = coordinators.own(ctx, argument)
    if alert is None:
        return coordinators.not_own(ctx, "hand over")
    said = coordinators.words_behind(argument)
    if said.casefold() == "off":
        return _ask_no_more(ctx, alert)
    if not others(ctx, alert):
        return [ctx.reply(NOBODY_ELSE, Button(_("Hand back"), f"/handback {alert.reference}"),
                          lane=Lane.CRISIS)]  # fmt: skip
    named = _named(ctx, alert, said) if said else None
    answers = {"alert": alert.reference} | ({"to": str(named.id)} if named is not None else {})
    return start(ctx, HAND_OVER, answers)


def others(ctx: Context, alert: Alert) -> list[Person]:
    """The coordinators who could take an alert over: those on duty first, nobody whom it is about."""
    there = {each.id for each in duty.on_duty(ctx.tx, ctx.now)}
    fit = [
        each
        for each in people.coordinators(ctx.tx)
        if each.id not in (ctx.person.id, alert.person_id, alert.about_id)
    ]
    return sorted(fit, key=lambda each: each.id not in there)


def _named(ctx: Context, alert: Alert, said: str) -> Person | None:
    """The one coordinator whom an id or a name means."""
    wanted = said.strip().casefold()
    found = [
        each
        for each in others(ctx, alert)
        if wanted in (str(each.id), people.name_of(ctx.tx, each).casefold())
    ]
    return found[0] if len(found) == 1 else None


def _ask_no_more(ctx: Context, alert: Alert) -> list[Outbound]:
    told = alert_cards.offer_is_over(ctx, alert)
    work.audit(ctx.tx, ctx.now, ctx.person.id, "took a hand-over back", case_id=alert.id)
    kept = _("You stay in charge of {reference}.", reference=alert.reference)
    return [ctx.reply(kept, lane=Lane.CRISIS), *told]


# --- to whom, and what they should know ---------------------------------------------------------------


def _of(ctx: Context, answers: Answers) -> Alert | None:
    return alerts.by_reference(ctx.tx, answers["alert"])


def _options(ctx: Context, answers: Answers) -> tuple[Option, ...]:
    alert = _of(ctx, answers)
    found = others(ctx, alert)[:MOST_SHOWN] if alert is not None else []
    return tuple(Option(str(each.id), joined(alert_cards.name(ctx, each.id))) for each in found)


def _parse_to(ctx: Context, inbound: Inbound) -> Any:
    """Whoever was chosen; that it is not about them is seen when the question is put."""
    wanted = inbound.text.strip().casefold()
    found = [
        each
        for each in people.coordinators(ctx.tx)
        if each.id != ctx.person.id and wanted in (str(each.id), people.name_of(ctx.tx, each).casefold())
    ]
    if len(found) != 1:
        return Again(_("I can't tell whom you mean. Please choose one."))
    return str(found[0].id)


def _done(ctx: Context, answers: Answers) -> list[Outbound]:
    alert = coordinators.own(ctx, answers["alert"])
    if alert is None:
        return coordinators.not_own(ctx, "hand over")
    to = next((each for each in others(ctx, alert) if each.id == UUID(answers["to"])), None)
    if to is None:
        return [ctx.reply(NOBODY_ELSE, lane=Lane.CRISIS)]
    if answers.get("note"):
        in_charge.note(ctx.tx, ctx.now, alert, ctx.person, answers["note"][: noting.LONGEST])
    before = alert_cards.offer_is_over(ctx, alert) if alert.offered_to_id != to.id else []
    alert.offered_to_id = to.id
    work.audit(ctx.tx, ctx.now, ctx.person.id, "offered a hand-over", case_id=alert.id)
    asked = _("I have asked {name}. Until they take over, you stay in charge.",
              name=alert_cards.name(ctx, to.id))  # fmt: skip
    keep = Button(_("I keep it"), f"/handover {alert.reference} off")
    return [
        ctx.reply(asked, keep, title=joined(alert.reference), lane=Lane.CRISIS),
        alert_cards.offered(ctx, alert, to, ctx.person.id),
        *before,
    ]


HAND_OVER = Form(
    "handover",
    (
        Field(
            "to",
            lambda ctx, answers: _("Who shall take over {reference}?", reference=answers["alert"]),
            _parse_to,
            options=_options,
        ),
        Field("note", lambda ctx, answers: noting.WHAT_TO_KNOW, noting.parse, optional=True),
    ),
    _done,
)


# --- the other one answers ----------------------------------------------------------------------------


def take_over(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/takeover A-2M9D, or with "no": the answer of the one who was asked."""
    if not coordinators.is_coordinator(ctx):
        return coordinators.refused(ctx, "take over")
    alert = coordinators.quoted(ctx, argument)
    if alert is None:
        return coordinators.not_found(ctx)
    if coordinators.words_behind(argument).casefold() == "no":
        return _declined(ctx, alert)
    if taking.is_about(ctx, alert):
        return [ctx.reply(taking.ABOUT_YOU, lane=Lane.CRISIS)]
    in_charge.hold(ctx.tx, alert)
    before, offered = alert.owner_id, alert.offered_to_id == ctx.person.id
    rest = on_call.rest_after(ctx, alert) if offered else []
    if not in_charge.take_over(ctx.tx, ctx.now, alert.id, ctx.person.id, taking.asked_at(ctx, alert)):
        return [ctx.reply(alert_cards.alert_title(ctx, alert, ctx.person.language), lane=Lane.CRISIS)]
    ctx.tx.session.refresh(alert)
    work.audit(ctx.tx, ctx.now, ctx.person.id, "took over", case_id=alert.id)
    in_charge.leave(ctx.tx, ctx.person.id, alert.id)
    told = _relieved(ctx, alert, before) if before is not None else []
    handed = first_words.handed_to(alert_cards.name(ctx, ctx.person.id))
    begun = taking.begin(ctx, alert, handed)
    for each in in_charge.merged_into(ctx.tx, alert.id):
        told += _relieved(ctx, each, before, aloud=False) if before is not None else []
        each.owner_id, each.taken_at = ctx.person.id, ctx.now
        ctx.tx.session.flush()
        begun += taking.begin(ctx, each, handed)
    return [*begun, *told, *rest]


def _relieved(ctx: Context, alert: Alert, before: UUID, *, aloud: bool = True) -> list[Outbound]:
    """What was open to the one before is closed, and their talk is over."""
    closing.close(ctx, alert.id, alert.reference, before)
    conversations.close_talks(ctx.tx, ctx.now, alert_id=alert.id, helper_id=before)
    if not aloud:
        return []
    text = _("{name} has taken over. Thank you.", name=alert_cards.name(ctx, ctx.person.id))
    return [Outbound(before, text, title=joined(alert.reference), lane=Lane.CRISIS)]


def _declined(ctx: Context, alert: Alert) -> list[Outbound]:
    owner = alert.owner_id
    thanks = ctx.reply(_("Thank you for telling me."), lane=Lane.CRISIS)
    if not in_charge.decline(ctx.tx, alert.id, ctx.person.id):
        return [thanks]
    work.audit(ctx.tx, ctx.now, ctx.person.id, "declined a hand-over", case_id=alert.id)
    return [thanks, *([_keeps(ctx, alert, ctx.person.id, owner)] if owner is not None else [])]


def _keeps(moment: Moment, alert: Alert, asked: UUID, owner: UUID) -> Outbound:
    """The one in charge hears that the one whom they asked does not take over."""
    text = _("{name} can't take over. You stay in charge.", name=alert_cards.name(moment, asked))
    buttons = (
        Button(_("Hand over"), f"/handover {alert.reference}"),
        Button(_("Hand back"), f"/handback {alert.reference}"),
    )
    return Outbound(owner, text, title=joined(alert.reference), buttons=buttons, lane=Lane.CRISIS)


def out_of_reach(moment: Moment, person: Person) -> list[Outbound]:
    """Someone can take over nothing any more: those who asked them are told."""
    return [
        _keeps(moment, alert, person.id, alert.owner_id)
        for alert in in_charge.offered_to(moment.tx, person.id)
        if in_charge.decline(moment.tx, alert.id, person.id) and alert.owner_id is not None
    ]


# --- back to all --------------------------------------------------------------------------------------


def hand_back(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """The one in charge cannot go on: the escalation begins again at once, and the note can follow."""
    alert = coordinators.own(ctx, argument)
    if alert is None:
        return coordinators.not_own(ctx, "hand back")
    work.audit(ctx.tx, ctx.now, ctx.person.id, "handed back", case_id=alert.id)
    rest = on_call.rest_after(ctx, alert)
    back = _("{reference} goes back to the others. Thank you.", reference=alert.reference)
    told = alarms.back_to_queue(ctx, alert)
    return [*noting.ask_what_to_know(ctx, alert, back), *told, *rest]
