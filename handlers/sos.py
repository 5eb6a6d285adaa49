"""An SOS: the first words, the alert, and all that the person says until it is over."""

from __future__ import annotations

from handlers import alarms, cards, conversing, places
from handlers.context import Context
from handlers.messages import Button, Inbound, Lane, Outbound, Place, _, lines
from storage import alerts, conversations, outbox
from storage.tables import Alert


def sos(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/sos, or words that say it: coordinators are told at once; a second SOS joins the open alert."""
    alert = alerts.unresolved_of(ctx.tx, ctx.person.id, "sos")
    if alert is not None:
        return said(ctx, alert, inbound)
    if ctx.conversation is not None:
        conversations.close_form(ctx.tx, ctx.conversation)
        ctx.conversation = None
    alert = alarms.open_alert(ctx, "sos", person_id=ctx.person.id)
    _write_down(ctx, alert, inbound)
    pages = alarms.page(ctx, alert)
    first = ctx.reply(
        lines(
            alarms.call(ctx),
            cards.told(len(pages)),
            _("Where are you? Send your place or write it. Write here what happens: I pass it on."),
        ),
        Button(_("Send my place"), "", asks_place=True),
        Button(_("It was a mistake"), "/mistake"),
        lane=Lane.CRISIS,
    )
    return [first, *pages]


def said(ctx: Context, alert: Alert, inbound: Inbound) -> list[Outbound]:
    """What a person with an open alert says: kept for, or passed on to, the one in charge."""
    _write_down(ctx, alert, inbound)
    talk = conversing.talk_about(ctx, alert.id)
    if talk is not None:
        return conversing.relay(ctx, talk, inbound)
    problem = conversing.fetch(ctx, inbound) if inbound.attachment is not None else []
    kept = ctx.reply(
        lines(
            _("I have written this down."),
            cards.told(len(alerts.paged(ctx.tx, alert.id))),
            alarms.call(ctx),
        ),
        Button(_("Send my place"), "", asks_place=True),
        Button(_("It was a mistake"), "/mistake"),
        lane=Lane.CRISIS,
    )
    return problem or [kept]


def moved(ctx: Context, alert: Alert, inbound: Inbound) -> list[Outbound]:
    """A live position goes on: the newest is kept for the one in charge, and nobody is disturbed."""
    place = _place(inbound)
    if place is not None:
        alert.sealed_place = ctx.tx.seal(ctx.person.key_id, "alert place", places.to_json(place))
    return []


def _write_down(ctx: Context, alert: Alert, inbound: Inbound) -> None:
    words = inbound.text
    if _place(inbound) is not None:
        moved(ctx, alert, inbound)
        words = words or "📍"
    if words:
        alerts.note(ctx.tx, ctx.now, alert, ctx.person, words)


def _place(inbound: Inbound) -> Place | None:
    """Only a pin or coordinates: other words stay words."""
    place = places.read(inbound)
    return place if place is not None and place.has_coordinates else None


def mistake(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """The person says that it was no emergency: coordinators see it, and the alert ends."""
    alert = alerts.unresolved_of(ctx.tx, ctx.person.id, "sos")
    if alert is None:
        return [ctx.reply(_("There is no open alert of yours."))]
    owner = alert.owner_id
    ended = end(ctx, alert, "called off by the person")
    told = [] if owner is None else [
        Outbound(owner, _("{reference}: the person says it was a mistake.", reference=alert.reference),
                 lane=Lane.CRISIS)
    ]  # fmt: skip
    return [ctx.reply(_("All right, I have called it off. You can write SOS at any time.")), *told, *ended]


def end(ctx: Context, alert: Alert, outcome: str) -> list[Outbound]:
    """Close an alert and its talk, and bring the cards of all who were paged up to date."""
    if not alerts.resolve(ctx.tx, ctx.now, alert.id, outcome):
        return []
    conversations.close_talks(ctx.tx, ctx.now, alert_id=alert.id)
    outbox.drop(ctx.tx, ctx.now, alert_id=alert.id)
    return alarms.keep_current(ctx, alert)


def offer_coordinator(ctx: Context) -> Outbound:
    """Words that may be a crisis: help is offered, nothing else changes."""
    return ctx.reply(
        _("Are you or is someone in danger? Shall I call a coordinator now?"),
        Button(_("Yes, call a coordinator"), "/sos"),
        Button(_("No"), "/no"),
        lane=Lane.CRISIS,
    )
