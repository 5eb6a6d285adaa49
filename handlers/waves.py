"""Asking volunteers wave by wave: near, farther, with other skills, and with a coordinator's help; on and on.

How many are asked at once follows from how volunteers have answered; a no is replaced at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from handlers import alarms, assigning, cards, matching, measures, minors, naming, searching, sizing, skills
from handlers.assigning import Wish
from handlers.context import Moment
from handlers.messages import Lane, Outbound, Text
from handlers.searching import COORDINATOR, NEAR, Found, Option
from storage import alerts, history, needs, open_needs, outbox
from storage.candidates import Candidate
from storage.tables import Invitation, Need, Part

FIRST_REST = timedelta(minutes=30)  # until the next look when nobody is left to ask
LONGEST_REST = timedelta(hours=12)
RESTS = [min(LONGEST_REST, FIRST_REST * (1 << idle)) for idle in range(6)]  # by the waves that found nobody

CROWD = 3  # needs opened within LATELY: with more, they are assigned together
LATELY = timedelta(minutes=5)
GATHER = timedelta(seconds=5)  # until the needs that came meanwhile are taken together
SHARE = 8  # of a crowd no need begins with more than one in so many of those who can be asked about it
CHOICE = 32  # the best of a need's candidates between whom a joint assignment chooses
COST_OF_A_POINT = 10  # costs are whole numbers: a tenth of a point of the ranking


def first_wave(moment: Moment, need: Need) -> list[Outbound]:
    """Ask the first volunteers; when many needs come at once, in a moment and together with the others."""
    wait = max(moment.union.wave_wait, moment.union.urgent_wave_wait)
    if open_needs.opened_lately(moment.tx, moment.now - LATELY, moment.now, wait, CROWD + 1) > CROWD:
        need.next_step_at = moment.now + GATHER
        return []
    return next_wave(moment, need)


def next_wave(moment: Moment, need: Need) -> list[Outbound]:
    """Ask the next volunteers for each part that lacks some; when nobody is left, a coordinator is told."""
    if minors.is_minor(moment, need):
        return minors.ask_coordinator(moment, need)
    found = [searching.look(moment, need, part) for part in lacking(moment, need)]
    return _send(moment, need, [(each, each.options[: _size(moment, need, each)]) for each in found])


def lacking(moment: Moment, need: Need) -> list[Part]:
    """The parts of a need that want more helpers than have accepted."""
    return [part for part in needs.parts(moment.tx, need.id) if part.taken < part.wanted]


def _size(moment: Moment, need: Need, found: Found) -> int:
    """How many more have to be asked, so that enough of those who may still answer will accept."""
    union = moment.union
    in_force = measures.of(moment, need)
    most = union.most_asked * in_force.more
    if not need.urgent and _has_gathered(moment, need):  # those who ask after it shall find somebody too
        most = min(most, max(1, len(found.options) // SHARE))
    waiting = [sizing.union_chance(history.answers(moment.tx))] * len(_pending(moment, need, found.part))
    return sizing.how_many(
        [each.chance for each in found.options],
        union.silence * (sizing.URGENT if need.urgent else 1) / in_force.more,
        most,
        found.part.wanted - found.part.taken,
        waiting,
    )


def _has_gathered(moment: Moment, need: Need) -> bool:
    """Whether a need has just waited for the others of a crowd, and begins now."""
    return need.wave == 0 and moment.now - LATELY < need.created_at < moment.now


def _pending(moment: Moment, need: Need, part: Part) -> list[Invitation]:
    return [
        each
        for each in needs.invitations(moment.tx, need.id, "pending")
        if needs.part(moment.tx, need.id, each.part_id) is part
    ]


# --- inviting -------------------------------------------------------------------------------------


def _send(moment: Moment, need: Need, chosen: Sequence[tuple[Found, Sequence[Option]]]) -> list[Outbound]:
    """Send a wave, and say when the next step is; whoever was chosen for two parts is asked about one."""
    unverified = _nobody_verified_near(moment, need, [found for found, _options in chosen])
    need.wave += 1
    need.widened = max(need.widened, min((found.stage for found, _options in chosen), default=0))
    told: list[Outbound] = []
    asked: set[UUID] = set()
    for found, options in chosen:
        told += _invite(moment, need, found.part, [o for o in options if o.candidate.person_id not in asked])
        asked |= {each.candidate.person_id for each in options}
    alone = [found for found, _options in chosen if not _pending(moment, need, found.part)]
    if chosen and len(alone) == len(chosen):
        return _rest(moment, need, alone, unverified=unverified)
    need.next_step_at, need.idle_waves = moment.now + cards.wave_wait(moment, need), 0
    if unverified or alone or need.widened >= COORDINATOR:
        told += _tell_coordinators(moment, need, unverified=unverified)
    return told


def _nobody_verified_near(moment: Moment, need: Need, found: Sequence[Found]) -> bool:
    """Whether a part that only verified people may do found none of them near from the first."""
    return any(
        skills.of(moment.core, each.part.skill).verified_only and (each.stage > NEAR or not each.options)
        for each in found
        if not needs.invitations(moment.tx, need.id)
    )


def _invite(moment: Moment, need: Need, part: Part, options: Sequence[Option]) -> list[Outbound]:
    made = needs.invite(moment.tx, moment.now, need, [each.candidate.person_id for each in options], part.id)
    return [
        cards.invitation(
            need,
            asked,
            option.candidate,
            part.skill,
            option.candidate.zone,
            area=naming.area(moment, need.latitude, need.longitude, option.candidate.language),
            instead=option.skill != part.skill,
        )
        for asked, option in zip(made, options, strict=True)
    ]


def _rest(moment: Moment, need: Need, found: Sequence[Found], *, unverified: bool) -> list[Outbound]:
    """Nobody is left to ask: look again when someone wakes, at the latest after a rest that grows."""
    longest = moment.now + RESTS[min(need.idle_waves, len(RESTS) - 1)]
    need.next_step_at = searching.wakes(found, moment.now, longest) or longest
    need.idle_waves += 1
    return _tell_coordinators(moment, need, unverified=unverified)


def _tell_coordinators(moment: Moment, need: Need, *, unverified: bool) -> list[Outbound]:
    """A coordinator looks after a need for which the search does not suffice; it goes on all the same."""
    if alerts.of_need(moment.tx, need):
        return []
    kind = "unverified" if unverified else "unanswered"
    return alarms.raise_alert(moment, kind, person_id=need.person_id, need=need)


# --- answers, and silence ---------------------------------------------------------------------------


def replace(moment: Moment, need: Need, refused: Invitation) -> list[Outbound]:
    """Someone said no: the next best is asked at once, where those who may still answer are too few.

    When nobody is waited for any more, a whole wave goes out.
    """
    part = needs.part(moment.tx, need.id, refused.part_id)
    if need.state != "open" or part.taken >= part.wanted:
        return []
    if not needs.invitations(moment.tx, need.id, "pending"):
        return [*next_wave(moment, need), cards.need(moment, need, need.person_id)]
    found = searching.look(moment, need, part)
    told = _invite(moment, need, part, found.options[: min(1, _size(moment, need, found))])
    return [*told, cards.need(moment, need, need.person_id, in_place=True)] if told else []


def due(moment: Moment, found: Sequence[Need]) -> list[Outbound]:
    """The waves' time is over: silence counts as no, the next are asked, and the requesters are told."""
    for_minors = [need for need in found if minors.is_minor(moment, need)]
    found = [need for need in found if need not in for_minors]
    gathered = {need.id for need in found if _has_gathered(moment, need)}  # they read a receipt just now
    for need in found:
        _expire(moment, need)
        if need.wave:
            need.widened = min(need.widened + 1, COORDINATOR)
    told = (
        _together(moment, found) if len(found) > 1 else [m for need in found for m in next_wave(moment, need)]
    )
    return [
        *told,
        *(cards.need(moment, need, need.person_id, in_place=need.id in gathered) for need in found),
        *(message for need in for_minors for message in minors.ask_coordinator(moment, need)),
    ]


def _expire(moment: Moment, need: Need) -> None:
    """Who was asked has had their time, but for those who were asked late in the wave, for a no."""
    patience = cards.wave_wait(moment, need) / 2
    for invitation in needs.invitations(moment.tx, need.id, "pending"):
        if moment.now - invitation.asked_at >= patience:
            invitation.state = "expired"
            outbox.drop(moment.tx, moment.now, invitation_id=invitation.id)
    moment.tx.session.flush()


def withdraw(moment: Moment, need: Need, text: Text, part: Part | None = None) -> list[Outbound]:
    """Take the open invitations back, all or those of a part.

    Who has seen one is told, who has not never will be.
    """
    told = []
    for invitation in needs.invitations(moment.tx, need.id, "pending"):
        if part is not None and needs.part(moment.tx, need.id, invitation.part_id) is not part:
            continue
        invitation.state = "withdrawn"
        if outbox.drop(moment.tx, moment.now, invitation_id=invitation.id):
            continue
        filled = Text(text.message, values={"reference": need.reference})
        told.append(Outbound(invitation.person_id, filled, lane=Lane.INVITATION))
    return told


# --- many at once -----------------------------------------------------------------------------------


def _together(moment: Moment, found: Sequence[Need]) -> list[Outbound]:
    """Assign the volunteers to many needs jointly; who gets nobody by that searches alone after it."""
    searches = [
        (need, [searching.look(moment, need, part) for part in lacking(moment, need)]) for need in found
    ]
    parts = [(need, each) for need, of_need in searches for each in of_need]
    best = [{each.candidate.person_id: each for each in part.options[:CHOICE]} for _need, part in parts]
    wishes = [
        Wish(
            _size(moment, need, part),
            {person: round((100 - each.score) * COST_OF_A_POINT) for person, each in options.items()},
        )
        for (need, part), options in zip(parts, best, strict=True)
    ]
    room = {person: _room(each.candidate) for options in best for person, each in options.items()}
    chosen = iter(
        [options[person] for person in asked]
        for asked, options in zip(assigning.assign(wishes, room), best, strict=True)
    )
    told: list[Outbound] = []
    left: list[Need] = []
    for need, of_need in searches:
        asked = [(part, next(chosen)) for part in of_need]
        if any(options for _part, options in asked):
            told += _send(moment, need, asked)
        else:
            left.append(need)
    return [*told, *(message for need in left for message in next_wave(moment, need))]


def _room(candidate: Candidate) -> int:
    """How many questions someone can be asked at once: no more than they could say yes to."""
    free = candidate.capacity - candidate.active - candidate.pending
    week = candidate.weekly_limit - candidate.asked_this_week
    return max(1, min(free, week, matching.MOST_OPEN - candidate.pending))
