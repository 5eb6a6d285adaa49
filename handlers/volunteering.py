"""A volunteer's side of a need: accept, decline, rest."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from handlers import (
    alarms,
    cards,
    commitments,
    inviting,
    limits,
    merging,
    pausing,
    references,
    showing,
    skills,
    waves,
)
from handlers.context import Context, Moment
from handlers.messages import Button, Inbound, Outbound, _
from storage import conversations, offers, open_needs, outbox, people, verifications
from storage import needs as stored
from storage.tables import Invitation, Need, Part

PAUSE = timedelta(days=7)


def _invitation(ctx: Context, argument: str) -> tuple[Need, Invitation] | None:
    """The need that a text quotes and this person's invitation to it, or their only open one."""
    reference = references.read(argument, "N")
    if reference is None:
        pending = stored.pending_of(ctx.tx, ctx.person.id)
        if len(pending) != 1:
            return None
        return stored.get(ctx.tx, pending[0].need_id), pending[0]
    need = stored.by_reference(ctx.tx, reference)
    invitation = stored.invitation(ctx.tx, need.id, ctx.person.id) if need else None
    return (need, invitation) if need and invitation else None


def accept(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """Take a need: exactly one volunteer gets it, and the others are told."""
    found = _invitation(ctx, argument)
    if found is None or ctx.person.banned_at is not None:
        return [ctx.reply(_("I can't find an open question to you there. /my shows what is yours."))]
    need, invitation = found
    if invitation.state == "accepted" and need.state in open_needs.STATES:
        return [ctx.reply(_("{reference} is yours already.", reference=need.reference))]
    apart = need.person_id in people.blocked_with(ctx.tx, ctx.person.id)
    apart = apart or not _may_do(ctx, ctx.person.id, need, invitation.part_id)
    if apart or need.state != "open" or not stored.take_part(ctx.tx, need, invitation.part_id):
        return [ctx.reply(_("{reference} is no longer open. Thank you.", reference=need.reference))]
    invitation.state, invitation.answered_at = "accepted", ctx.now
    commitment = stored.commit(ctx.tx, ctx.now, need, ctx.person.id, invitation.part_id)
    conversations.open_talk(ctx.tx, ctx.now, need.person_id, ctx.person.id, need_id=need.id)
    commitments.begin(ctx, need, commitment)
    others = _filled(ctx, need, stored.part(ctx.tx, need.id, invitation.part_id))
    accepted = _("{reference}: someone has accepted. You will hear how it ends.", reference=need.reference)
    others += [*merging.pass_on(ctx, need, accepted), *inviting.accepted(ctx, need)]
    return [showing.opened(ctx, need, commitment), cards.need(ctx, need, need.person_id), *others]


def _may_do(moment: Moment, person_id: UUID, need: Need, part_id: UUID | None) -> bool:
    """Whether nobody needs to verify that someone can do a part, or a coordinator has."""
    kind = skills.of(moment.core, stored.part(moment.tx, need.id, part_id).skill)
    known = verifications.of(moment.tx, person_id) if kind.verified_only else frozenset()
    return not kind.verified_only or not known.isdisjoint((kind.id, *kind.instead))


def unverified(moment: Moment, person_id: UUID) -> list[Outbound]:
    """A verification was taken back: what they were asked or have accepted on its strength goes to others."""
    told: list[Outbound] = []
    gone: list[Need] = []
    for invitation in stored.pending_of(moment.tx, person_id):
        need = stored.get(moment.tx, invitation.need_id)
        if not _may_do(moment, person_id, need, invitation.part_id):
            unread = outbox.drop(moment.tx, moment.now, invitation_id=invitation.id)
            gone += [] if unread else [need]
            told += _refuse(moment, invitation, "withdrawn")
    for commitment in stored.commitments_of(moment.tx, person_id):
        need = stored.get(moment.tx, commitment.need_id)
        if not _may_do(moment, person_id, need, commitment.part_id):
            gone.append(need)
            told += commitments.give_back(moment, need, commitment, "withdrawn")
    texts = [_("{reference} goes to others now. Thank you.", reference=each.reference) for each in gone]
    return told + [Outbound(person_id, each) for each in texts]


def _filled(ctx: Context, need: Need, part: Part) -> list[Outbound]:
    """Who need not help with this part any more is told; with the last part the search is over."""
    told: list[Outbound] = []
    if part.taken >= part.wanted:
        taken = _("{reference} has been taken by someone else. Thank you.")
        told += waves.withdraw(ctx, need, taken, part)
    if need.state == "taken":
        told += alarms.settle(ctx, need, "taken by a volunteer")
    return told


def decline(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """A no, in one tap and without a reason."""
    found = _invitation(ctx, argument)
    if found is not None and stored.commitment(ctx.tx, found[0].id, ctx.person.id) is not None:
        can_not = Button(_("I can't after all"), f"/withdraw {found[0].reference}")
        return [ctx.reply(_("{reference} is yours already.", reference=found[0].reference), can_not)]
    if found is None or found[1].state != "pending":
        return [ctx.reply(_("Thank you for telling me."))]
    return [ctx.reply(_("Thank you for telling me. Rest well.")), *_refuse(ctx, found[1])]


def _refuse(ctx: Moment, invitation: Invitation, state: str = "declined") -> list[Outbound]:
    """One answer fewer to wait for: the next best is asked at once."""
    invitation.state, invitation.answered_at = state, ctx.now
    outbox.drop(ctx.tx, ctx.now, invitation_id=invitation.id)
    ctx.tx.session.flush()
    return waves.replace(ctx, stored.get(ctx.tx, invitation.need_id), invitation)


def unreachable(ctx: Moment, invitation: Invitation) -> list[Outbound]:
    """The question could not be delivered: someone else is asked."""
    return _refuse(ctx, invitation, "unreachable") if invitation.state == "pending" else []


def refuse_all(moment: Moment, person_id: UUID, state: str = "declined") -> list[Outbound]:
    """Every question that is open to someone counts as answered."""
    told: list[Outbound] = []
    for invitation in stored.pending_of(moment.tx, person_id):
        told += _refuse(moment, invitation, state)
    return told


def give_everything_back(moment: Moment, person_id: UUID) -> list[Outbound]:
    """Someone is gone as a volunteer: what they were asked and what they had accepted goes to others."""
    told = refuse_all(moment, person_id, "unreachable")
    return told + commitments.release_all(moment, person_id)


# --- resting ---------------------------------------------------------------------------------------


def pause(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """No invitations for a week or until the day that is named; open ones count as a friendly no."""
    own = offers.of(ctx.tx, ctx.person.id)
    if own is None:
        return [ctx.reply(_("You have no offer. /offer makes one."))]
    zone = limits.zone_of(ctx.person, ctx.union)
    until = pausing.until(argument, ctx.person.language, ctx.now, zone) if argument else ctx.now + PAUSE
    if until is None:
        return [ctx.reply(_("Until when? Write it such as: /pause 3 days, /pause until Monday."))]
    own.paused_until = until
    told = refuse_all(ctx, ctx.person.id)
    resume_button = Button(_("Ask me again"), "/resume")
    day = limits.day_name(until, zone, ctx.person.language)
    return [ctx.reply(_("Rest well. I don't ask you until {day}.", day=day), resume_button), *told]


def resume(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    own = offers.of(ctx.tx, ctx.person.id)
    if own is None:
        return [ctx.reply(_("You have no offer. /offer makes one."))]
    own.paused_until = None
    return [ctx.reply(_("Thank you. I may ask you again."))]
