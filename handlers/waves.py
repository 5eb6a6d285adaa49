"""Asking volunteers wave by wave, until someone accepts or a coordinator has it."""

from __future__ import annotations

from datetime import timedelta

from handlers import alarms, cards, matching, where
from handlers.context import Moment
from handlers.messages import Lane, Outbound, Text
from storage import alerts, needs, offers, outbox, people
from storage.tables import Need

CONSIDERED = 64  # candidates that the index returns for one wave
FIRST_REST = timedelta(minutes=30)  # until the next look when nobody is left to ask
LONGEST_REST = timedelta(hours=12)


def next_wave(moment: Moment, need: Need) -> list[Outbound]:
    """Ask the next volunteers; when nobody is left to ask, a coordinator is told."""
    requester = people.get(moment.tx, need.person_id)
    found = offers.candidates(moment.tx, moment.now, need, CONSIDERED)
    chosen = matching.rank(found, requester.language)[: moment.union.most_asked]
    need.wave += 1
    if not chosen:
        return _nobody_left(moment, need)
    need.next_step_at = moment.now + cards.wave_wait(moment, need)
    need.idle_waves = 0
    invitations = needs.invite(moment.tx, moment.now, need, [each.person_id for each in chosen])
    return [
        cards.invitation(need, asked, each, where.area(moment, need.latitude, need.longitude, each.language))
        for asked, each in zip(invitations, chosen, strict=True)
    ]


def _nobody_left(moment: Moment, need: Need) -> list[Outbound]:
    if needs.invitations(moment.tx, need.id, "pending"):
        need.next_step_at = moment.now + cards.wave_wait(moment, need)
        return []
    need.next_step_at = moment.now + min(LONGEST_REST, FIRST_REST * (1 << min(need.idle_waves, 6)))
    need.idle_waves += 1
    if alerts.of_need(moment.tx, need):
        return []
    return alarms.raise_alert(moment, "unanswered", person_id=need.person_id, need=need)


def due(moment: Moment, need: Need) -> list[Outbound]:
    """The wave's time is over: silence counts as no, and the next are asked; the requester is told."""
    for invitation in needs.invitations(moment.tx, need.id, "pending"):
        invitation.state = "expired"
        outbox.drop(moment.tx, moment.now, invitation_id=invitation.id)
    told = next_wave(moment, need)
    return [*told, cards.need(moment, need, need.person_id)]


def withdraw(moment: Moment, need: Need, text: Text) -> list[Outbound]:
    """Take the open invitations back; who has seen one is told, who has not never will be."""
    told = []
    for invitation in needs.invitations(moment.tx, need.id, "pending"):
        invitation.state = "withdrawn"
        if outbox.drop(moment.tx, moment.now, invitation_id=invitation.id):
            continue
        filled = Text(text.message, values={"reference": need.reference})
        told.append(Outbound(invitation.person_id, filled, lane=Lane.INVITATION))
    return told
