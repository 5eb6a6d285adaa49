"""Taking charge of an alert, what opens then, and how it is kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from handlers import (
    alarms,
    alert_cards,
    cards,
    coordinators,
    disclosure,
    escalation,
    first_words,
    neighbours,
    outcomes,
    waiting,
)
from handlers.context import Context, Moment
from handlers.messages import Button, Inbound, Lane, Outbound, Text, Verbatim, Words, _, _n, lines
from handlers.texts import joined, own_name
from storage import alerts, conversations, in_charge, open_needs, people, work
from storage import needs as stored
from storage.tables import Alert, Need

SAME_WITHIN = timedelta(hours=2)  # alerts nearby that may be the same incident
MOST_SAME = 2
REMEMBERED = timedelta(days=365)
MOST_CASES = 3


def take(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """Take charge: one owner, the others' cards say who it is, the person is told."""
    alert = coordinators.quoted(ctx, argument)
    if not coordinators.is_coordinator(ctx) and not neighbours.may_take(ctx, alert):
        return coordinators.refused(ctx, "take")
    if alert is None:
        return coordinators.not_found(ctx)
    if is_about(ctx, alert):
        return [ctx.reply(ABOUT_YOU, lane=Lane.CRISIS)]
    if not alerts.take(ctx.tx, ctx.now, alert.id, ctx.person.id, asked_at(ctx, alert)):
        ctx.tx.session.refresh(alert)
        return [ctx.reply(alert_cards.alert_title(ctx, alert, ctx.person.language), lane=Lane.CRISIS)]
    ctx.tx.session.refresh(alert)
    in_charge.dismiss(ctx.tx, alert.id)  # who helped the one before
    work.audit(ctx.tx, ctx.now, ctx.person.id, "took charge", case_id=alert.id)
    return begin(ctx, alert, first_words.taken_by(alert_cards.name(ctx, ctx.person.id)))


ABOUT_YOU = _("This one is about you, so someone else must take it.")


def is_about(ctx: Context, alert: Alert) -> bool:
    """Nobody is in charge of what is about themselves."""
    return ctx.person.id in (alert.person_id, alert.about_id)


def asked_at(moment: Moment, alert: Alert) -> datetime:
    """When the one in charge is asked if they are still there, unless something happens before."""
    return moment.now + escalation.quiet(alert.policy)


def begin(ctx: Context, alert: Alert, told: Text) -> list[Outbound]:
    """The speaker is in charge from now on: what opens to them, the talk, and what the others are told."""
    others = alarms.keep_current(ctx, alert)
    person: list[Outbound] = []
    if alert.person_id is not None:
        conversations.open_talk(ctx.tx, ctx.now, alert.person_id, ctx.person.id, alert_id=alert.id)
        person = to_person(ctx, alert, told)
    return [details(ctx, alert), *attachments(ctx, alert), *person, *others]


def to_person(
    moment: Moment, alert: Alert, text: Words, *buttons: Button, titled: bool = True
) -> list[Outbound]:
    """Tell the person of an alert what has changed, where it is safe to write to them unasked."""
    if alert.person_id is None or not waiting.may_hear(alert):
        return []
    about = joined(alert.reference) if titled else None
    if titled and alert.need_id is not None:
        about = cards.title(moment, stored.get(moment.tx, alert.need_id))
    return [Outbound(alert.person_id, text, title=about, buttons=buttons, lane=Lane.CRISIS)]


# --- what opens to the one in charge ------------------------------------------------------------------


def attachments(ctx: Context, alert: Alert) -> list[Outbound]:
    """Photos and recordings that the person sent before anyone was in charge."""
    return [
        ctx.reply(
            Verbatim(""),
            title=joined(alert.reference),
            attachment=note.attachment_id,
            lane=Lane.CRISIS,
            discloses=alert.id,
        )
        for note in alerts.notes(ctx.tx, alert.id)
        if note.attachment_id is not None
    ]


def details(ctx: Context, alert: Alert) -> Outbound:
    """What opens to the one in charge: the words, the place, who knows, the person's other cases."""
    talk = _("What you write here reaches them, and what they write reaches you.")
    return view(
        ctx, alert, _("You are in charge of this now."), talk if alert.person_id is not None else None,
        *owner_buttons(ctx, alert),
    )  # fmt: skip


def view(ctx: Context, alert: Alert, first: Text, last: Text | None, *buttons: Button) -> Outbound:
    """All that whoever is in charge or helps may see of an alert."""
    opened = disclosure.open_alert(ctx, ctx.person.id, alert)
    place = opened.place if opened else None
    need = stored.get(ctx.tx, alert.need_id) if alert.need_id is not None else None
    of_need = disclosure.open_need(ctx, ctx.person.id, need) if need is not None else None
    if of_need is not None:
        place = place or of_need.place
    words = [*(opened.words if opened else ()), *(of_need.words if of_need else ())]
    parts: list[Text | Verbatim | None] = [
        first,
        *(Verbatim(f"“{each}”") for each in words),
        Verbatim(f"📍 {place.words}") if place is not None and place.words else None,
        *_notes(ctx, opened),
        _who_knows(ctx, alert),
        *_about(ctx, alert, need),
        last,
    ]
    return ctx.reply(
        lines(*parts),
        *buttons,
        title=alert_cards.alert_title(ctx, alert, ctx.person.language),
        place=place if place is not None and place.has_coordinates else None,
        lane=Lane.CRISIS,
        discloses=alert.id,
    )


def _notes(ctx: Context, opened: disclosure.Opened | None) -> Iterable[Text]:
    """What coordinators noted, the oldest first."""
    for note in opened.notes if opened else ():
        yield _("Note of {name}: {words}", name=alert_cards.name(ctx, note.author_id),
                words=Verbatim(note.words))  # fmt: skip


def _who_knows(ctx: Context, alert: Alert) -> Text | None:
    told = len(alerts.paged(ctx.tx, alert.id))
    return _n("{count} coordinator was told.", "{count} coordinators were told.", told) if told else None


def _about(ctx: Context, alert: Alert, need: Need | None) -> list[Text | Verbatim | None]:
    """The person's open needs, their language, and how their last alert of this kind ended."""
    if alert.person_id is None:
        return []
    shown = [need] if need is not None else open_needs.of(ctx.tx, alert.person_id)[:MOST_CASES]
    language = people.get(ctx.tx, alert.person_id).language
    other = language != ctx.person.language
    return [
        *(cards.title(ctx, each, ctx.person.language) for each in shown),
        _("They write {language}.", language=Verbatim(own_name(language))) if other else None,
        _before(ctx, alert),
    ]


def _before(ctx: Context, alert: Alert) -> Text | None:
    last = in_charge.last_before(ctx.tx, alert)
    if last is None or last.resolved_at is None or ctx.now - last.resolved_at > REMEMBERED:
        return None
    day = f"{last.opened_at:%Y-%m-%d}"
    return _("Their last alert: {day}, {outcome}", day=day, outcome=outcomes.label(last.outcome))


def owner_buttons(ctx: Context, alert: Alert) -> tuple[Button, ...]:
    """In the order in which they will be used."""
    reference = alert.reference
    buttons = []
    if alert.kind == "report" and alert.about_id is not None:
        buttons.append(Button(_("Ban the reported person"), f"/ban {reference}"))
    if alert.person_id is not None and alert.kind != "report":
        buttons.append(Button(_("Ask a volunteer"), f"/ask {reference}"))
    buttons += [
        Button(_("More hands"), f"/hands {reference}"),
        Button(_("Add a note"), f"/note {reference}"),
        *_same_buttons(ctx, alert),
        Button(_("Hand over"), f"/handover {reference}"),
        Button(_("Hand back"), f"/handback {reference}"),
        Button(_("Resolve"), f"/resolve {reference}"),
    ]
    return tuple(buttons)


def _same_buttons(ctx: Context, alert: Alert) -> list[Button]:
    """Alerts of the same surroundings that may be the same incident."""
    if alert.kind != "sos":
        return []
    near = in_charge.nearby(ctx.tx, alert, alert.opened_at - SAME_WITHIN, MOST_SAME)
    return [
        Button(
            _("Same as {reference}", reference=each.reference), f"/merge {alert.reference} {each.reference}"
        )
        for each in near
        if each.kind == "sos" and each.owner_id in (None, ctx.person.id)
    ]


# --- keeping it ---------------------------------------------------------------------------------------


def still(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """The one in charge is awake and on it."""
    alert = coordinators.own(ctx, argument)
    if alert is None:
        return coordinators.not_own(ctx, "still")
    touch(ctx, alert)
    return [ctx.reply(_("Thank you."), lane=Lane.CRISIS)]


def touch(ctx: Context, alert: Alert) -> None:
    """The one in charge has done something: the question if they are still there starts anew."""
    if alert.merged_into_id is not None:  # the deadline is that of the incident
        alert = alerts.get(ctx.tx, alert.merged_into_id)
    alert.owner_asked = False
    alert.next_step_at = asked_at(ctx, alert)
