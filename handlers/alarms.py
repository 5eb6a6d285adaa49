"""Raising an alert and widening it until a coordinator has taken charge."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from handlers import alert_cards, closing, escalation, first_words, neighbours, outside, references, waiting
from handlers.context import Moment
from handlers.escalation import Step
from handlers.messages import Button, Lane, Outbound, _
from handlers.tiers import Reach
from storage import alerts, conversations, outbox, rooms
from storage.tables import Alert, AlertPage, Need, Person


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
        reference=references.new(moment.tx.random, "A", lambda text: alerts.reference_taken(moment.tx, text)),
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
    before = alert.step
    pages = _pages(moment, alert, but)
    if not pages and but is not None:
        alert.step = before
        pages = _pages(moment, alert, None)
    return [*pages, *_in_rooms_anew(moment, alert, silently=but is not None)]


def _pages(moment: Moment, alert: Alert, but: UUID | None) -> list[Outbound]:
    """The cards of those whom the next step reaches: new where a phone rings again, else changed in place."""
    before = escalation.step(alert.policy, max(0, alert.step - 1)).round
    known = alerts.pages(moment.tx, alert.id)
    step, found = _next_step(moment, alert, but, known)
    ringing = {person.id for person in found if _rings(moment, alert, known.get(person.id))}
    alert.widen_at = moment.now + step.wait
    alert.next_step_at = waiting.next_step(alert)
    if not found and but is not None:
        return []
    if not found or (step.round > before and _was_in_vain(moment, alert, known)):
        outside.call(moment, alert)
    alerts.page(moment.tx, moment.now, alert, step.tier, found, ringing)
    return [neighbours.card(moment, alert, each, in_place=each.id not in ringing) for each in found]


def _was_in_vain(moment: Moment, alert: Alert, known: Mapping[UUID, AlertPage]) -> bool:
    """Whether the round that has ended asks for the second way out: with a life at stake it always does.

    Else it does if a platform has taken none of its messages.
    """
    return alert.severity == 1 or (bool(known) and not alerts.is_delivered(moment.tx, alert))


def _rings(moment: Moment, alert: Alert, before: AlertPage | None) -> bool:
    return escalation.rings(
        alert.policy, alert.opened_at, before.rung_at if before is not None else None, moment.now
    )


def _next_step(
    moment: Moment, alert: Alert, but: UUID | None, pages: Mapping[UUID, AlertPage]
) -> tuple[Step, list[Person]]:
    """The next step that reaches someone, and whom; those that reach nobody are passed over at once.

    In the first round so are those that reach nobody new, as long as a wider one does.
    """
    reach = Reach(moment, alert)
    known = {person_id for person_id, page in pages.items() if page.rung_at is not None}
    kept: tuple[int, Step, list[Person]] | None = None
    while True:
        step = escalation.step(alert.policy, alert.step)
        alert.step += 1
        found = [person for person in reach.of(step) if person.id != but]
        if found and (step.round > 0 or any(person.id not in known for person in found)):
            return step, found
        if found and kept is None:
            kept = alert.step, step, found
        if step.is_last and kept is not None:
            alert.step = kept[0]
            return kept[1], kept[2]
        if step.is_last:
            return step, []


def in_rooms(moment: Moment, alert: Alert, *, in_place: bool = True) -> list[Outbound]:
    """The alert's card in each of the coordinators' rooms."""
    return [
        alert_cards.alert_in_room(moment, alert, room.id, in_place=in_place)
        for room in rooms.of_coordinators(moment.tx)
    ]


def _in_rooms_anew(moment: Moment, alert: Alert, *, silently: bool) -> list[Outbound]:
    """The card in each room: posted anew as rarely as a phone would ring, in between kept current."""
    told = []
    for room in rooms.of_coordinators(moment.tx):
        posted_at = rooms.posted_at(moment.tx, room.id, f"alert:{alert.id}")
        anew = not silently and escalation.rings(alert.policy, alert.opened_at, posted_at, moment.now)
        told.append(alert_cards.alert_in_room(moment, alert, room.id, in_place=not anew))
    return told


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


def due(moment: Moment, alert: Alert) -> list[Outbound]:
    """A deadline has passed: widen, tell the person in need where things stand, or ask who is in charge."""
    if alert.state == "taken":
        return _owner_is_quiet(moment, alert)
    if alert.widen_at is not None and alert.widen_at > moment.now:
        return waiting.word(moment, alert, changed=False)
    before = alerts.told(moment.tx, alert.id)
    pages = page(moment, alert)
    moment.tx.session.flush()
    after = alerts.told(moment.tx, alert.id)
    if after == before:
        return [*pages, *waiting.word(moment, alert, changed=False)]
    more = first_words.TELLING_MORE if 0 < before < after else None
    return [*pages, *waiting.word(moment, alert, first=more)]


def clock_went_back(moment: Moment) -> None:
    """The clock may have been set back: nothing may be due later than its own wait from now."""
    for alert in alerts.later(moment.tx, moment.now):
        if alert.state == "taken":
            latest = moment.now + escalation.quiet(alert.policy)
            alert.next_step_at = min(alert.next_step_at or latest, latest)
            continue
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
            Button(_("Yes, I am on it"), f"/still {alert.reference}"),
            Button(_("Resolve"), f"/resolve {alert.reference}"),
            Button(_("Hand back"), f"/handback {alert.reference}"),
        )
        return [Outbound(alert.owner_id, text, buttons=buttons, lane=Lane.CRISIS)]
    return back_to_queue(moment, alert)


def back_to_queue(moment: Moment, alert: Alert) -> list[Outbound]:
    """Nobody is in charge any more: the escalation begins again, and the person in need is told."""
    from_owner = alert.owner_id
    if not alerts.release(moment.tx, alert):
        return []
    moment.tx.session.refresh(alert)
    closing.close(moment, alert.id, alert.reference)
    conversations.close_talks(moment.tx, moment.now, alert_id=alert.id)
    told = page(moment, alert, but=from_owner)
    if from_owner is not None and all(message.to != from_owner for message in told):
        told.append(alert_cards.alert(moment, alert, from_owner, in_place=True))
    moment.tx.session.flush()
    return [*told, *waiting.word(moment, alert, first=first_words.BACK_TO_OTHERS)]


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
    if not alerts.resolve(moment.tx, moment.now, alert.id, outcome):
        return []
    closing.close(moment, alert.id, alert.reference)
    conversations.close_talks(moment.tx, moment.now, alert_id=alert.id)
    return keep_current(moment, alert)


def settle(moment: Moment, need: Need, outcome: str) -> list[Outbound]:
    """The alerts about a need have no reason any more: close them and bring their cards up to date."""
    told: list[Outbound] = []
    for alert in alerts.of_need(moment.tx, need):
        told += end(moment, alert, outcome)
    return told
