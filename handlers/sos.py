"""An SOS: the first words, the alert, and all that the person says until it is over."""

from __future__ import annotations

from dataclasses import replace

from handlers import alarms, calling, closing, conversing, disclosure, first_words, naming, places, where
from handlers.context import Context
from handlers.messages import Button, Inbound, Lane, Outbound, Place, _, lines
from storage import alerts, conversations
from storage.tables import Alert

PIN = "📍"  # what is written down of a message that is only a place


def sos(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/sos, or words that say it: coordinators are told at once; a second SOS joins the open alert."""
    spoken = replace(inbound, text=argument)
    alert = alerts.unresolved_of(ctx.tx, ctx.person.id, "sos")
    if alert is not None:
        return said(ctx, alert, spoken)
    if ctx.conversation is not None:
        conversations.close_form(ctx.tx, ctx.conversation)
        ctx.conversation = None
    alert = alarms.open_alert(ctx, "sos", person_id=ctx.person.id)
    _write_down(ctx, alert, spoken)
    problem = conversing.fetch(ctx, inbound) if inbound.attachment is not None else []
    pages = alarms.page(ctx, alert)
    first = ctx.reply(
        lines(
            calling.call(ctx),
            first_words.told(alarms.count(pages)),
            _("Where are you? Send your place or write it."),
            _("Write here what is happening. I pass it on to the coordinators."),
        ),
        *_buttons(ctx),
        lane=Lane.CRISIS,
    )
    return [first, *problem, *pages]


def said(ctx: Context, alert: Alert, inbound: Inbound) -> list[Outbound]:
    """What a person with an open alert says: kept for, or passed on to, the one in charge."""
    shown = _write_down(ctx, alert, inbound)
    talk = conversing.talk_about(ctx, alert.id)
    if talk is not None:
        return [*conversing.relay(ctx, talk, inbound), *shown]
    problem = conversing.fetch(ctx, inbound) if inbound.attachment is not None else []
    kept = ctx.reply(
        lines(
            _("I have written this down."),
            first_words.told(alerts.told(ctx.tx, alert.id)),
            calling.call(ctx),
        ),
        *_buttons(ctx),
        lane=Lane.CRISIS,
    )
    return [*(problem or [kept]), *shown]


def moved(ctx: Context, alert: Alert, inbound: Inbound) -> list[Outbound]:
    """A live position goes on: the newest is kept for the one in charge, and nobody is disturbed.

    Only when the rough area is another one do the coordinators' rooms see it.
    """
    place = _place(inbound)
    if place is None:
        return []
    before = disclosure.area(ctx, alert)
    alert.sealed_place = ctx.tx.seal(ctx.person.key_id, "alert place", places.to_json(place))
    return alarms.in_rooms(ctx, alert) if disclosure.area(ctx, alert) != before else []


def at_home(ctx: Context, alert: Alert, kept: naming.Kept) -> list[Outbound]:
    """The person is at home: their saved place is that of the alert."""
    alert.sealed_place = ctx.tx.seal(ctx.person.key_id, "alert place", kept)
    alerts.note(ctx.tx, ctx.now, alert, ctx.person, f"{PIN} {kept.get('words') or ''}".strip())
    answer = ctx.reply(_("I have written this down."), *_buttons(ctx), lane=Lane.CRISIS)
    return [answer, *alarms.in_rooms(ctx, alert)]


def _buttons(ctx: Context) -> tuple[Button, ...]:
    here = (Button(where.home_label(ctx), "/home here"),) if ctx.person.sealed_home is not None else ()
    return (
        Button(where.SEND_MY_PLACE, "", asks_place=True),
        *here,
        Button(_("It was a mistake"), "/mistake"),
    )


def _write_down(ctx: Context, alert: Alert, inbound: Inbound) -> list[Outbound]:
    words, shown = inbound.text, list[Outbound]()
    if _place(inbound) is not None:
        shown = moved(ctx, alert, inbound)
        words = words or PIN
    elif words and alert.sealed_place is None:
        shown = _named(ctx, alert, words)
    if words:
        source = (ctx.account.id, inbound.message_id) if inbound.message_id else None
        alerts.note(ctx.tx, ctx.now, alert, ctx.person, words, source=source)
    return shown


def _named(ctx: Context, alert: Alert, words: str) -> list[Outbound]:
    """Words that name one place near the union beyond doubt say roughly where; nothing is asked."""
    kept = naming.surely(ctx, words)
    if kept is None or kept["far"]:
        return []
    alert.sealed_place = ctx.tx.seal(ctx.person.key_id, "alert place", kept)
    return alarms.in_rooms(ctx, alert)


def _place(inbound: Inbound) -> Place | None:
    """Only a pin or coordinates: other words stay words."""
    place = places.read(inbound)
    return place if place is not None and place.has_coordinates else None


def mistake(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """The person says that it was no emergency: coordinators see it, and the alert ends."""
    alert = alerts.unresolved_of(ctx.tx, ctx.person.id, "sos")
    if alert is None:
        return [ctx.reply(_("You have no open alert."))]
    owner = alert.owner_id
    was_read = closing.WAS_READ if closing.close(ctx, alert.id, alert.reference) else None
    ended = alarms.end(ctx, alert, "called off by the person")
    told = [] if owner is None else [
        Outbound(owner, _("{reference}: the person says it was a mistake.", reference=alert.reference),
                 lane=Lane.CRISIS)
    ]  # fmt: skip
    off = ctx.reply(
        lines(_("All right, I have called it off. You can write SOS at any time."), was_read),
        lane=Lane.CRISIS,
    )
    return [off, *told, *ended]


def offer_coordinator(ctx: Context, words: str) -> Outbound:
    """Words that may be a crisis: help is offered, nothing else changes. The words come along."""
    return ctx.reply(
        _("Are you, or is someone else, in danger? Shall I tell a coordinator now?"),
        Button(_("Yes, tell a coordinator"), f"/sos {words}", means="yes"),
        Button(_("No"), "/no menu", means="no"),
        lane=Lane.CRISIS,
    )
