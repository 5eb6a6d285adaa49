"""A volunteer's side of a need: accept or decline, say when, withdraw, rest."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from handlers import alarms, cards, closing, limits, needs, pausing, references, skills, waves
from handlers import disclosure as opening
from handlers.context import Context, Moment
from handlers.messages import Button, Inbound, Outbound, Verbatim, _, lines
from handlers.texts import duration, joined
from storage import conversations, offers, outbox, people
from storage import needs as stored
from storage.tables import Commitment, Invitation, Need, Part

PAUSE = timedelta(days=7)
FIRST_CHECK = timedelta(hours=3)  # until the requester is asked, when the volunteer named no time
AFTER_ARRIVAL = timedelta(hours=1)


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
    if invitation.state == "accepted" and need.state in stored.OPEN_STATES:
        return [ctx.reply(_("{reference} is yours already.", reference=need.reference))]
    apart = need.person_id in people.blocked_with(ctx.tx, ctx.person.id)
    if apart or need.state != "open" or not stored.take_part(ctx.tx, need, invitation.part_id):
        return [ctx.reply(_("{reference} is no longer open. Thank you.", reference=need.reference))]
    invitation.state, invitation.answered_at = "accepted", ctx.now
    stored.commit(ctx.tx, ctx.now, need, ctx.person.id, invitation.part_id)
    conversations.open_talk(ctx.tx, ctx.now, need.person_id, ctx.person.id, need_id=need.id)
    ctx.tx.session.flush()
    others = _filled(ctx, need, stored.part(ctx.tx, need.id, invitation.part_id))
    return [_opened(ctx, need), cards.need(ctx, need, need.person_id), *others]


def _filled(ctx: Context, need: Need, part: Part) -> list[Outbound]:
    """Who need not help with this part any more is told; with the last part the search is over."""
    told: list[Outbound] = []
    if part.taken >= part.wanted:
        taken = _("{reference} has been taken by someone else. Thank you.")
        told += waves.withdraw(ctx, need, taken, part)
    if need.state == "taken":
        need.next_step_at, need.asked_done = ctx.now + FIRST_CHECK, 0
        told += alarms.settle(ctx, need, "taken by a volunteer")
    return told


def _opened(ctx: Context, need: Need) -> Outbound:
    """What the volunteer may now know, and the question when they will be there."""
    opened = opening.open_need(ctx, ctx.person.id, need)
    assert opened is not None
    place = opened.place
    return ctx.reply(
        lines(
            _("Thank you. The place and the words are open to you until this is done."),
            *(Verbatim(f"“{words}”") for words in opened.words),
            Verbatim(f"📍 {place.words}") if place and place.words else None,
            None if place else _("They gave no place. You can ask them here."),
            _("Write here and I pass it on. They don't see your name or number unless you both agree."),
            _("When will you be there?"),
        ),
        *(
            Button(duration(timedelta(minutes=each)), f"/eta {need.reference} {each}")
            for each in (15, 30, 60)
        ),
        *volunteer_buttons(need),
        title=joined(need.reference, skills.label(need.skill)),
        place=place if place and place.has_coordinates else None,
        discloses=need.id,
    )


def volunteer_buttons(need: Need) -> tuple[Button, ...]:
    return (
        Button(_("It is done"), f"/done {need.reference}"),
        Button(_("I can't after all"), f"/withdraw {need.reference}"),
        Button(_("Share my contact"), f"/share {need.reference}"),
    )


def decline(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """A no, in one tap and without a reason."""
    found = _invitation(ctx, argument)
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


# --- the commitment -------------------------------------------------------------------------------


def committed(ctx: Context, argument: str) -> tuple[Need, Commitment] | None:
    """The need that this person has accepted: the quoted one, or their only one."""
    reference = references.read(argument, "N")
    own = stored.commitments_of(ctx.tx, ctx.person.id)
    found = [(stored.get(ctx.tx, each.need_id), each) for each in own]
    if reference is not None:
        found = [pair for pair in found if pair[0].reference == reference]
    return found[0] if len(found) == 1 else None


def eta(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """When the volunteer will be there; the requester is told, and asked an hour after it."""
    found = committed(ctx, argument)
    digits = argument.split()[-1] if argument else ""
    if found is None or not (digits.isascii() and digits.isdigit()) or len(digits) > 4:
        return needs.unknown(ctx)
    need, commitment = found
    length = timedelta(minutes=int(digits))
    commitment.arrives_at = ctx.now + length
    need.next_step_at = commitment.arrives_at + AFTER_ARRIVAL
    told = _("{reference}: your volunteer says they will be there in about {time}.",
             reference=need.reference, time=duration(length))  # fmt: skip
    return [
        ctx.reply(_('I have told them. Press "It is done" when it is.'), *volunteer_buttons(need)),
        Outbound(need.person_id, told),
    ]


def withdraw(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """The volunteer can't after all: the need goes back to the queue, and nobody is blamed."""
    found = committed(ctx, argument)
    if found is None:
        return needs.unknown(ctx)
    need, commitment = found
    stored.end_commitment(ctx.tx, ctx.now, commitment, "withdrawn")
    thanks = ctx.reply(_("Thank you for telling me. I ask others now."))
    reopened = reopen(ctx, need, commitment)
    return [thanks, *reopened, _cannot_come(need), cards.need(ctx, need, need.person_id, in_place=True)]


def reopen(ctx: Moment, need: Need, commitment: Commitment) -> list[Outbound]:
    """Put a helper's part back into the queue, close to them what was open, and ask others at once."""
    closing.close(ctx, need.id, need.reference, commitment.person_id)
    conversations.close_talks(ctx.tx, ctx.now, need_id=need.id, helper_id=commitment.person_id)
    ctx.tx.session.flush()
    if not stored.give_back(ctx.tx, need, commitment.part_id):
        return []
    need.asked_done = 0
    return waves.next_wave(ctx, need)


def refuse_all(moment: Moment, person_id: UUID, state: str = "declined") -> list[Outbound]:
    """Every question that is open to someone counts as answered."""
    told: list[Outbound] = []
    for invitation in stored.pending_of(moment.tx, person_id):
        told += _refuse(moment, invitation, state)
    return told


def give_everything_back(moment: Moment, person_id: UUID) -> list[Outbound]:
    """Someone is gone as a volunteer: what they were asked and what they had accepted goes to others."""
    told = refuse_all(moment, person_id, "unreachable")
    for commitment in stored.commitments_of(moment.tx, person_id):
        stored.end_commitment(moment.tx, moment.now, commitment, "withdrawn")
        need = stored.get(moment.tx, commitment.need_id)
        told += reopen(moment, need, commitment)
        told += [_cannot_come(need), cards.need(moment, need, need.person_id, in_place=True)]
    return told


def _cannot_come(need: Need) -> Outbound:
    text = _("{reference}: your volunteer can't come after all. I am asking others now.",
             reference=need.reference)  # fmt: skip
    return Outbound(need.person_id, text, title=cards.need_title(need))


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
