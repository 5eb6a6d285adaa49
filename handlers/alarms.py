"""Raising an alert and widening it until a coordinator has taken charge."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from handlers import alert_cards, closing, escalation, first_words, neighbours, references, waiting, widening
from handlers.context import Moment
from handlers.messages import Button, Lane, Outbound, _
from handlers.tiers import Crew
from handlers.widening import Pages
from storage import alerts, conversations, in_charge, outbox, rooms
from storage.tables import Alert, Need


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
    severity: int | None = None,
) -> Alert:
    policy = escalation.policy(kind, severity)
    return alerts.add(
        moment.tx,
        reference=references.new(moment.tx, Alert),
        kind=kind,
        person_id=person_id,
        need_id=need.id if need else None,
        about_id=about_id,
        severity=policy["severity"],
        policy=policy,
        writing="freely",
        opened_at=moment.now,
        heard_at=moment.now,
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
    return _page(moment, alert, Crew(moment), alerts.pages(moment.tx, alert.id), but)


def _page(moment: Moment, alert: Alert, crew: Crew, pages: Pages, but: UUID | None = None) -> list[Outbound]:
    told = widening.widen(moment, alert, crew, pages, but)
    return [*told, *widening.in_rooms(moment, alert, crew, silently=but is not None)]


def in_rooms(moment: Moment, alert: Alert, *, in_place: bool = True) -> list[Outbound]:
    """The alert's card in each of the coordinators' rooms."""
    return [
        alert_cards.alert_in_room(moment, alert, room.id, in_place=in_place)
        for room in rooms.of_coordinators(moment.tx)
    ]


def count(pages: list[Outbound]) -> int:
    """How many coordinators are told; a room is nobody in particular."""
    return sum(each.room is None for each in pages)


def weigh(moment: Moment, alert: Alert, severity: int) -> None:
    """How grave it is has become known: from now on the deadlines are those of that severity."""
    alert.severity = severity
    alert.policy = escalation.policy(alert.kind, severity)
    if alert.state == "open" and alert.step > 0:
        wait = escalation.step(alert.policy, alert.step - 1).wait
        alert.widen_at = min(alert.widen_at or moment.now + wait, moment.now + wait)
        alert.next_step_at = waiting.next_step(alert)


def all_due(moment: Moment, found: Sequence[Alert]) -> list[Outbound]:
    """Deadlines of many alerts have passed; whom they can reach is looked up once for all of them."""
    crew, pages = Crew(moment), alerts.pages_of(moment.tx, [each.id for each in found])
    return [message for alert in found for message in _due(moment, alert, crew, pages[alert.id])]


def _due(moment: Moment, alert: Alert, crew: Crew, pages: Pages) -> list[Outbound]:
    """Widen, tell the person in need where things stand, or ask who is in charge."""
    if alert.state == "taken":
        return _owner_is_quiet(moment, alert)
    before = crew.told(pages)
    if alert.widen_at is not None and alert.widen_at > moment.now:
        return waiting.word(moment, alert, told=before, changed=False)
    told = _page(moment, alert, crew, pages)
    after = crew.told(pages)
    more = first_words.TELLING_MORE if 0 < before < after else None
    return [*told, *waiting.word(moment, alert, told=after, first=more, changed=after != before)]


def clock_went_back(moment: Moment) -> None:
    """The clock may have been set back: nothing may be due later than its own wait from now."""
    for alert in alerts.later(moment.tx, moment.now):
        if alert.state == "taken":
            latest = moment.now + escalation.quiet(alert.policy)
            alert.next_step_at = min(alert.next_step_at or latest, latest)
            continue
        if alert.heard_at is not None and alert.heard_at != alert.opened_at:
            alert.heard_at = min(alert.heard_at, moment.now)  # the next word comes when it was promised
        latest = moment.now + escalation.step(alert.policy, max(0, alert.step - 1)).wait
        alert.widen_at = min(alert.widen_at or latest, latest)
        alert.next_step_at = waiting.next_step(alert)


def _owner_is_quiet(moment: Moment, alert: Alert) -> list[Outbound]:
    """Ask the coordinator who took charge; if that stays unanswered, everyone is paged again."""
    assert alert.owner_id is not None
    if not alert.owner_asked:
        alert.owner_asked = True
        alert.next_step_at = moment.now + escalation.grace(alert.policy)
        text = _("Are you still on {reference}? Without an answer it goes back to the others.",
                 reference=alert.reference)  # fmt: skip
        buttons = (
            Button(_("Yes, I am on it"), f"/still {alert.reference}", means="yes"),
            Button(_("Resolve"), f"/resolve {alert.reference}"),
            Button(_("Hand back"), f"/handback {alert.reference}"),
        )
        return [Outbound(alert.owner_id, text, buttons=buttons, lane=Lane.CRISIS)]
    return back_to_queue(moment, alert)


def back_to_queue(moment: Moment, alert: Alert) -> list[Outbound]:
    """Nobody is in charge any more: the escalation begins again, and the person in need is told."""
    from_owner = alert.owner_id
    over = alert_cards.offer_is_over(moment, alert)
    if not alerts.release(moment.tx, moment.now, alert):
        return over
    moment.tx.session.refresh(alert)
    alert.merged_into_id = None
    closing.close(moment, alert.id, alert.reference)
    conversations.close_talks(moment.tx, moment.now, alert_id=alert.id)
    told = [*page(moment, alert, but=from_owner), *over]
    if from_owner is not None and all(message.to != from_owner for message in told):
        told.append(alert_cards.alert(moment, alert, from_owner, in_place=True))
    moment.tx.session.flush()
    told += waiting.word(moment, alert, first=first_words.BACK_TO_OTHERS)
    # Those of the same incident have nobody either, and are told of on their own again.
    return told + [
        each for one in in_charge.merged_into(moment.tx, alert.id) for each in back_to_queue(moment, one)
    ]


def keep_current(moment: Moment, alert: Alert, but: UUID | None = None) -> list[Outbound]:
    """Update the alert's card, silently, for everyone who was paged, in the rooms and for its person."""
    outbox.drop(moment.tx, moment.now, alert_id=alert.id)
    told = [
        neighbours.card(moment, alert, person, in_place=True)
        for person in alerts.paged_people(moment.tx, alert.id)
        if person.id != but
    ]
    return [*told, *in_rooms(moment, alert), *waiting.overtaken(moment, alert)]


def end(moment: Moment, alert: Alert, outcome: str) -> list[Outbound]:
    """Close an alert and its talk, and bring the cards of all who were paged up to date."""
    over = alert_cards.offer_is_over(moment, alert)
    if not alerts.resolve(moment.tx, moment.now, alert.id, outcome):
        return []
    for each in in_charge.merged_into(moment.tx, alert.id):  # it goes on for the others of the incident
        each.merged_into_id, each.next_step_at = None, moment.now + escalation.quiet(each.policy)
    closing.close(moment, alert.id, alert.reference)
    conversations.close_talks(moment.tx, moment.now, alert_id=alert.id)
    return [*keep_current(moment, alert), *over]


def settle(moment: Moment, need: Need, outcome: str) -> list[Outbound]:
    """The alerts about a need have no reason any more: close them and bring their cards up to date."""
    told: list[Outbound] = []
    for alert in alerts.of_need(moment.tx, need):
        told += end(moment, alert, outcome)
    return told
