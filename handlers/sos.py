"""An SOS: the first words, the alert, and all that the person says until it is over."""

from __future__ import annotations

from dataclasses import replace

from handlers import (
    alarms,
    calling,
    closing,
    conversing,
    dangers,
    disclosure,
    first_words,
    minors,
    naming,
    places,
    watched,
    where,
)
from handlers.context import Context
from handlers.messages import Button, Inbound, Lane, Outbound, Place, Text, _, lines
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
    minors.notice(ctx, argument)
    alert = _open(ctx, ctx.core.lexicons.crisis_words.danger(argument) if argument else None)
    _write_down(ctx, alert, spoken)
    problem = conversing.fetch(ctx, inbound) if inbound.attachment is not None else []
    pages = alarms.page(ctx, alert)
    return [_first(ctx, alert, alarms.count(pages)), *problem, *pages]


def answer_in_their_language(ctx: Context, inbound: Inbound) -> None:
    """Nobody in danger should have to choose one: where nothing else tells it, that of their cry counts."""
    person = ctx.person
    if inbound.language or person.language != ctx.union.language or person.coordinator_since is not None:
        return
    spoken = ctx.core.lexicons.crisis_words.language(inbound.text)
    if spoken is not None:
        person.language = ctx.core.catalogs.closest([spoken], person.language)


def _open(ctx: Context, danger: str | None) -> Alert:
    severity = dangers.severity(danger)
    alert = alarms.open_alert(ctx, "sos", person_id=ctx.person.id, severity=severity)
    alert.danger, alert.question = danger, dangers.question(danger)
    if danger == "violence":
        watched.begin(alert)
    return alert


def _first(ctx: Context, alert: Alert, told: int) -> Outbound:
    """The first words: whom to call, what to do, what has been done; then at most one question."""
    asked = dangers.ASKED.get(alert.question)
    answers = dangers.answers(alert.question)
    if alert.question == dangers.MOMENT:  # nothing else may stand on their screen before they have answered
        return ctx.reply(lines(asked), *answers, lane=Lane.CRISIS)
    return ctx.reply(
        lines(
            *_what_to_do(ctx, alert),
            first_words.told(told),
            first_words.FOR_MINORS if ctx.person.minor_since is not None else None,
            asked,
            first_words.WHERE if alert.sealed_place is None else None,
            first_words.WRITE,
        ),
        *answers,
        *_buttons(ctx),
        lane=Lane.CRISIS,
    )


def _what_to_do(ctx: Context, alert: Alert) -> list[Text]:
    """The number for the place and the kind of danger, and the published guidance for it."""
    danger = alert.danger or "other"
    area = disclosure.area(ctx, alert) or (None, None)
    found = calling.whom(ctx, danger, *area)
    line = [first_words.crisis_line(found.crisis_line)] if found is not None and found.crisis_line else []
    guidance = first_words.WHAT_TO_DO[danger] if alert.danger is not None else ()
    return [calling.call(ctx, danger, *area), *line, *guidance]


# --- what is answered ---------------------------------------------------------------------------------


def danger(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """They say what kind of danger it is: what to do for that follows."""
    alert = alerts.unresolved_of(ctx.tx, ctx.person.id, "sos")
    if alert is None:
        return [ctx.reply(first_words.NO_OPEN_ALERT)]
    if argument not in first_words.KINDS:
        return [ctx.reply(first_words.WHAT_IS_IT, *dangers.answers(dangers.KIND), lane=Lane.CRISIS)]
    return _is_about(ctx, alert, argument)


def _is_about(ctx: Context, alert: Alert, kind: str) -> list[Outbound]:
    """The kind has become known. Nothing more is asked but, where they may be watched, for a good moment."""
    alert.danger, alert.question = kind, ""
    alarms.weigh(ctx, alert, min(alert.severity, dangers.severity(kind)))
    current = alarms.keep_current(ctx, alert)
    if kind == "violence" and not watched.is_watched(alert):
        watched.begin(alert)
        alert.question = dangers.MOMENT
        asked = ctx.reply(lines(first_words.GOOD_MOMENT), *dangers.answers(dangers.MOMENT), lane=Lane.CRISIS)
        return [asked, *current]
    told = first_words.told(alerts.told(ctx.tx, alert.id)) if alert.owner_id is None else None
    known = ctx.reply(lines(*_what_to_do(ctx, alert), told), *_buttons(ctx), lane=Lane.CRISIS)
    return [known, *current]


def life(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """They say if a life is in danger now; who doesn't know is taken to mean yes."""
    alert = alerts.unresolved_of(ctx.tx, ctx.person.id, "sos")
    if alert is None:
        return [ctx.reply(first_words.NO_OPEN_ALERT)]
    alert.question = ""
    alarms.weigh(ctx, alert, dangers.GRAVE if argument == "no" else dangers.LIFE)
    return [_written_down(ctx, alert), *alarms.keep_current(ctx, alert)]


# --- what is said meanwhile ------------------------------------------------------------------------------


def said(ctx: Context, alert: Alert, inbound: Inbound) -> list[Outbound]:
    """What a person with an open alert says: kept for, or passed on to, the one in charge."""
    minors.notice(ctx, inbound.text)
    shown = _write_down(ctx, alert, inbound)
    kind = _kind(ctx, alert, inbound.text)
    if kind is not None:
        shown = [*_is_about(ctx, alert, kind), *shown]
    talk = conversing.talk_about(ctx, alert.id)
    if talk is not None:
        return [*conversing.relay(ctx, talk, inbound), *shown]
    problem = conversing.fetch(ctx, inbound) if inbound.attachment is not None else []
    if kind is not None:
        return [*problem, *shown]
    return [*(problem or [_written_down(ctx, alert)]), *shown]


def _kind(ctx: Context, alert: Alert, words: str) -> str | None:
    """The kind of danger that words name, where it is not known yet; in a talk only by a cry of its own."""
    if alert.danger is not None or not words:
        return None
    known = ctx.core.lexicons.crisis_words
    return known.danger(words) if alert.owner_id is None else known.cry(words).danger


def _written_down(ctx: Context, alert: Alert) -> Outbound:
    """Their words are kept; who thinks of ending their life is not left with that alone."""
    area = disclosure.area(ctx, alert) or (None, None)
    stays = first_words.WHAT_TO_DO["self_harm"][0] if alert.danger == "self_harm" else None
    return ctx.reply(
        lines(
            first_words.WRITTEN_DOWN,
            stays,
            first_words.told(alerts.told(ctx.tx, alert.id)) if alert.owner_id is None else None,
            calling.call(ctx, alert.danger or "other", *area),
        ),
        *dangers.answers(alert.question),
        *_buttons(ctx),
        lane=Lane.CRISIS,
    )


def moved(ctx: Context, alert: Alert, inbound: Inbound) -> list[Outbound]:
    """A live position goes on: the newest is kept for the one in charge, and nobody is disturbed.

    Only when the rough area is another one do the coordinators' rooms see it.
    """
    place = _place(inbound)
    if place is None:
        return []
    return _placed(ctx, alert, places.to_json(place))


def at_home(ctx: Context, alert: Alert, kept: naming.Kept) -> list[Outbound]:
    """The person is at home: their saved place is that of the alert."""
    shown = _placed(ctx, alert, kept)
    alerts.note(ctx.tx, ctx.now, alert, ctx.person, f"{PIN} {kept.get('words') or ''}".strip())
    answer = ctx.reply(first_words.WRITTEN_DOWN, *_buttons(ctx), lane=Lane.CRISIS)
    return [answer, *shown]


def _placed(ctx: Context, alert: Alert, kept: naming.Kept) -> list[Outbound]:
    """Where they are: sealed, and roughly in clear. In another country another number is told."""
    area, number = disclosure.area(ctx, alert), _number(ctx, alert)
    alert.sealed_place = ctx.tx.seal(ctx.person.key_id, "alert place", kept)
    now = disclosure.area(ctx, alert)
    alert.latitude, alert.longitude = now or (None, None)
    shown = alarms.in_rooms(ctx, alert) if now != area else []
    if _number(ctx, alert) == number or alert.question == dangers.MOMENT:
        return shown
    return [
        ctx.reply(calling.call(ctx, alert.danger or "other", *(now or (None, None))), lane=Lane.CRISIS),
        *shown,
    ]


def _number(ctx: Context, alert: Alert) -> str:
    found = calling.whom(ctx, alert.danger or "other", *(disclosure.area(ctx, alert) or (None, None)))
    return found.number if found is not None else ""


def _buttons(ctx: Context) -> tuple[Button, ...]:
    here = (Button(where.home_label(ctx), "/home here"),) if ctx.person.sealed_home is not None else ()
    return (
        Button(first_words.SEND_MY_PLACE, "", asks_place=True),
        *here,
        Button(first_words.MISTAKE, "/mistake"),
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
    return _placed(ctx, alert, kept)


def _place(inbound: Inbound) -> Place | None:
    """Only a pin or coordinates: other words stay words."""
    place = places.read(inbound)
    return place if place is not None and place.has_coordinates else None


# --- the end ------------------------------------------------------------------------------------------------


def mistake(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """The person says that it was no emergency: coordinators see it, and the alert ends."""
    alert = alerts.unresolved_of(ctx.tx, ctx.person.id, "sos")
    if alert is None:
        return [ctx.reply(first_words.NO_OPEN_ALERT)]
    owner = alert.owner_id
    was_read = closing.WAS_READ if closing.close(ctx, alert.id, alert.reference) else None
    ended = alarms.end(ctx, alert, "called off by the person")
    told = [] if owner is None else [
        Outbound(owner, _("{reference}: the person says it was a mistake.", reference=alert.reference),
                 lane=Lane.CRISIS)
    ]  # fmt: skip
    off = ctx.reply(lines(first_words.CALLED_OFF, was_read), lane=Lane.CRISIS)
    return [off, *told, *ended]


def offer_coordinator(ctx: Context, words: str) -> Outbound:
    """Words that may be a crisis: help is offered, nothing else changes. The words come along."""
    return ctx.reply(
        first_words.OFFER,
        Button(first_words.YES_TELL, f"/sos {words}", means="yes"),
        Button(first_words.NO, "/no menu", means="no"),
        lane=Lane.CRISIS,
    )
