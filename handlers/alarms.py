"""Raising an alert and widening it until a coordinator has taken charge."""

from __future__ import annotations

from uuid import UUID

from handlers import alert_cards, cards, closing, escalation, references
from handlers.context import Moment
from handlers.emergency import numbers_for
from handlers.messages import Button, Lane, Outbound, Text, _, lines
from storage import alerts, conversations, duty, in_charge, outbox, people, rooms
from storage.tables import Alert, Need, Person


def raise_alert(
    moment: Moment,
    kind: str,
    *,
    person_id: UUID | None = None,
    need: Need | None = None,
    about_id: UUID | None = None,
) -> list[Outbound]:
    """Open an alert and page its first tier; returns the pages."""
    alert = open_alert(moment, kind, person_id=person_id, need=need, about_id=about_id)
    return page(moment, alert)


def open_alert(
    moment: Moment,
    kind: str,
    *,
    person_id: UUID | None = None,
    need: Need | None = None,
    about_id: UUID | None = None,
) -> Alert:
    return alerts.add(
        moment.tx,
        reference=references.new(moment.tx.random, "A", lambda text: alerts.reference_taken(moment.tx, text)),
        kind=kind,
        person_id=person_id,
        need_id=need.id if need else None,
        about_id=about_id,
        policy=dict(escalation.POLICIES[kind]),
        opened_at=moment.now,
        owner_asked=False,
    )


def fault(moment: Moment, person_id: UUID | None = None) -> list[Outbound]:
    """Tell coordinators that the bot itself failed; a second fault of the same person, or of none, joins."""
    if any(each.person_id == person_id for each in alerts.unresolved(moment.tx, kind="fault")):
        return []
    return raise_alert(moment, "fault", person_id=person_id)


def page(moment: Moment, alert: Alert, but: UUID | None = None) -> list[Outbound]:
    """Take the next step that reaches someone, and show it in the coordinators' rooms.

    but: someone who has just had it; they are told only when there is nobody else, and the rooms, which
    have its card, see it changed.
    """
    told = _next_tier(moment, alert, but)
    if not told and but is not None:
        told = _next_tier(moment, alert, None)
    pages = [alert_cards.alert(moment, alert, person.id) for person in told]
    return [*pages, *in_rooms(moment, alert, in_place=but is not None)]


def in_rooms(moment: Moment, alert: Alert, *, in_place: bool = True) -> list[Outbound]:
    """The alert's card in each of the coordinators' rooms."""
    return [
        alert_cards.alert_in_room(moment, alert, room.id, in_place=in_place)
        for room in rooms.of_coordinators(moment.tx)
    ]


def count(pages: list[Outbound]) -> int:
    """How many coordinators are told; a room is nobody in particular."""
    return sum(each.room is None for each in pages)


def _next_tier(moment: Moment, alert: Alert, but: UUID | None) -> list[Person]:
    """Take steps until one reaches someone; empty tiers are passed over at once."""
    for _attempt in range(len(alert.policy["steps"])):
        step = escalation.step(alert.policy, alert.step)
        told = [person for person in _tier(moment, step.tier, alert) if person.id != but]
        alert.step += 1
        alert.next_step_at = moment.now + step.wait
        alerts.page(moment.tx, moment.now, alert, step.tier, told)
        if told:
            return told
    return []


def _tier(moment: Moment, tier: str, alert: Alert) -> list[Person]:
    """Coordinators to page; nobody is paged about their own case."""
    found = (
        duty.on_duty(moment.tx, moment.now) if tier == escalation.ON_DUTY else people.coordinators(moment.tx)
    )
    return [person for person in found if person.id not in (alert.person_id, alert.about_id)]


def due(moment: Moment, alert: Alert) -> list[Outbound]:
    """The deadline of a step has passed: widen, and tell the requester where things stand."""
    if alert.state == "taken":
        return _owner_is_quiet(moment, alert)
    pages = page(moment, alert)
    if alert.kind == "sos" and alert.person_id is not None:
        pages.append(_still_waiting(moment, alert, alert.person_id))
    return pages


def _still_waiting(moment: Moment, alert: Alert, person_id: UUID) -> Outbound:
    return Outbound(
        person_id,
        lines(cards.told(len(alerts.paged(moment.tx, alert.id))), call(moment)),
        buttons=(Button(_("It was a mistake"), "/mistake"),),
        lane=Lane.CRISIS,
        alert=alert.id,
    )


def _owner_is_quiet(moment: Moment, alert: Alert) -> list[Outbound]:
    """Ask the coordinator who took charge; if that stays unanswered, everyone is paged again."""
    assert alert.owner_id is not None
    if not alert.owner_asked:
        alert.owner_asked = True
        alert.next_step_at = moment.now + escalation.GRACE
        text = _("Are you still on {reference}? Without an answer it goes back to the others.",
                 reference=alert.reference)  # fmt: skip
        buttons = (
            Button(_("Yes, I am on it"), f"/still {alert.reference}"),
            Button(_("Resolve"), f"/resolve {alert.reference}"),
            Button(_("Hand back"), f"/handback {alert.reference}"),
        )
        return [Outbound(alert.owner_id, text, buttons=buttons, lane=Lane.CRISIS)]
    return back_to_queue(moment, alert)


def back_to_queue(moment: Moment, alert: Alert) -> list[Outbound]:
    """Nobody is in charge any more: the escalation begins again."""
    from_owner = alert.owner_id
    over = alert_cards.offer_is_over(moment, alert)
    closing.close(moment, alert.id, alert.reference)
    conversations.close_talks(moment.tx, moment.now, alert_id=alert.id)
    alert.state, alert.owner_id, alert.taken_at = "open", None, None
    alert.step, alert.owner_asked, alert.merged_into_id = 0, False, None
    moment.tx.session.flush()
    told = [*page(moment, alert, but=from_owner), *over]
    if from_owner is not None and all(message.to != from_owner for message in told):
        told.append(alert_cards.alert(moment, alert, from_owner, in_place=True))
    if alert.kind == "sos" and alert.person_id is not None:
        told.append(_still_waiting(moment, alert, alert.person_id))
    # Those of the same incident have nobody either, and are told of on their own again.
    return told + [
        each for one in in_charge.merged_into(moment.tx, alert.id) for each in back_to_queue(moment, one)
    ]


def keep_current(moment: Moment, alert: Alert, but: UUID | None = None) -> list[Outbound]:
    """Update the alert's card, silently, for everyone who was paged and in the rooms."""
    outbox.drop(moment.tx, moment.now, alert_id=alert.id)
    told = [
        alert_cards.alert(moment, alert, person_id, in_place=True)
        for person_id in alerts.paged(moment.tx, alert.id)
        if person_id != but
    ]
    return [*told, *in_rooms(moment, alert)]


def end(moment: Moment, alert: Alert, outcome: str) -> list[Outbound]:
    """Close an alert and its talk, and bring the cards of all who were paged up to date."""
    over = alert_cards.offer_is_over(moment, alert)
    if not alerts.resolve(moment.tx, moment.now, alert.id, outcome):
        return []
    for each in in_charge.merged_into(moment.tx, alert.id):  # it goes on for the others of the incident
        each.merged_into_id, each.next_step_at = None, moment.now + escalation.QUIET
    closing.close(moment, alert.id, alert.reference)
    conversations.close_talks(moment.tx, moment.now, alert_id=alert.id)
    return [*keep_current(moment, alert), *over]


def settle(moment: Moment, need: Need, outcome: str) -> list[Outbound]:
    """The alerts about a need have no reason any more: close them and bring their cards up to date."""
    told: list[Outbound] = []
    for alert in alerts.of_need(moment.tx, need):
        told += end(moment, alert, outcome)
    return told


def call(moment: Moment) -> Text:
    """Which number to call; the operator's own word goes before the table."""
    union = moment.union
    number = union.emergency_number
    if not number and union.country:
        known = numbers_for(union.country, moment.core.emergency)
        number = known.general or known.ambulance if known else ""
    if number:
        return _("{number} is the emergency number here. If you can, call now: they are the fastest.",
                 number=number)  # fmt: skip
    return _("Call your local emergency number now if you can. 112 works on most mobile phones.")
