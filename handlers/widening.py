"""The next step of an alert: whom it reaches, whose phone rings, and when it must leave the chats."""

from __future__ import annotations

from uuid import UUID

from handlers import alert_cards, escalation, neighbours, outside, waiting
from handlers.context import Moment
from handlers.escalation import Step
from handlers.messages import Outbound
from handlers.tiers import Crew
from storage import alerts, rooms
from storage.tables import Alert, AlertPage, Person

Pages = dict[UUID, AlertPage]  # by person: who was told of an alert


def widen(moment: Moment, alert: Alert, crew: Crew, pages: Pages, but: UUID | None) -> list[Outbound]:
    """Take the next step that reaches someone other than `but`, or them if there is nobody else."""
    before = alert.step
    step, found = _next_step(alert, crew, pages, but)
    if not found and but is not None:
        alert.step = before
        step, found = _next_step(alert, crew, pages, None)
    alert.widen_at = moment.now + step.wait
    alert.next_step_at = waiting.next_step(alert)
    began_again = step.round > escalation.step(alert.policy, max(0, before - 1)).round
    if not found or (began_again and _was_in_vain(moment, alert, pages)):
        outside.call(moment, alert)
    ringing = {each.id for each in found if _rings(moment, alert, pages.get(each.id))}
    alerts.page(moment.tx, moment.now, alert, step.tier, found, ringing, pages)
    return [neighbours.card(moment, alert, each, in_place=each.id not in ringing) for each in found]


def _next_step(alert: Alert, crew: Crew, pages: Pages, but: UUID | None) -> tuple[Step, list[Person]]:
    """The next step that reaches someone, and whom; those that reach nobody are passed over at once.

    In the first round so are those that reach nobody new, as long as a wider one does.
    """
    known = {person_id for person_id, page in pages.items() if page.rung_at is not None}
    kept: tuple[int, Step, list[Person]] | None = None
    while True:
        step = escalation.step(alert.policy, alert.step)
        alert.step += 1
        found = [person for person in crew.of(step, alert) if person.id != but]
        if found and (step.round > 0 or any(person.id not in known for person in found)):
            return step, found
        if found and kept is None:
            kept = alert.step, step, found
        if step.is_last and kept is not None:
            alert.step = kept[0]
            return kept[1], kept[2]
        if step.is_last:
            return step, []


def _was_in_vain(moment: Moment, alert: Alert, pages: Pages) -> bool:
    """Whether the round that has ended asks for the second way out: with a life at stake it always does.

    Else it does if a platform has taken none of its messages.
    """
    return alert.severity == 1 or (bool(pages) and not alerts.is_delivered(moment.tx, alert))


def _rings(moment: Moment, alert: Alert, page: AlertPage | None) -> bool:
    rung_at = page.rung_at if page is not None else None
    return escalation.rings(alert.policy, alert.opened_at, rung_at, moment.now)


def in_rooms(moment: Moment, alert: Alert, crew: Crew, *, silently: bool) -> list[Outbound]:
    """The card in each room: posted anew as rarely as a phone would ring, in between kept current."""
    told = []
    for room in crew.rooms:
        posted_at = rooms.posted_at(moment.tx, room.id, f"alert:{alert.id}")
        anew = not silently and escalation.rings(alert.policy, alert.opened_at, posted_at, moment.now)
        told.append(alert_cards.alert_in_room(moment, alert, room.id, in_place=not anew))
    return told
