"""The end of a need: the requester confirms that it was met, or it opens again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from handlers import alarms, cards, closing, commitments, merging, own, recurring, stopping, waves
from handlers.context import Context, Moment
from handlers.messages import Button, Inbound, Outbound, _, lines
from storage import alerts, conversations, people
from storage import commitments as stored_commitments
from storage import needs as stored
from storage.tables import Need

ASK_AGAIN = timedelta(hours=4)
ASKED_ENOUGH = 3  # unanswered questions until a coordinator looks after it


def done(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/done: the requester's word closes the need; the volunteer's word asks the requester."""
    found = commitments.committed(ctx, argument)
    if found is not None:
        need, commitment = found
        commitment.check_at, commitment.here_at = None, commitment.here_at or ctx.now
        asked_before = need.asked_done > 0
        need.asked_done = max(need.asked_done, 1)
        if need.state == "taken":
            need.next_step_at = ctx.now + ASK_AGAIN
        thanks = ctx.reply(_("Thank you. I am asking them if all is well."))
        return [thanks] if asked_before else [thanks, ask(need)]
    asked_for = own.mine(ctx, argument)
    return confirm(ctx, inbound, asked_for.reference) if asked_for else own.unknown(ctx)


def ask(need: Need) -> Outbound:
    return Outbound(
        need.person_id,
        _("Is {reference} done?", reference=need.reference),
        buttons=(
            Button(_("Yes, it is done"), f"/confirm {need.reference}", means="yes"),
            Button(_("No"), f"/notdone {need.reference}", means="no"),
        ),
    )


def confirm(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """The requester says that it is done: the case and the access to it close."""
    need = own.mine(ctx, argument)
    if need is None:
        return own.unknown(ctx)
    if not stored.close(ctx.tx, ctx.now, need, "done"):
        return [ctx.reply(_("{reference} is already closed.", reference=need.reference))]
    conversations.close_talks(ctx.tx, ctx.now, need_id=need.id)
    was_read = closing.WAS_READ if closing.close(ctx, need.id, need.reference) else None
    good = _("Good. {reference} is closed, and your place is closed to others again.",
             reference=need.reference)  # fmt: skip
    said = [ctx.reply(lines(good, was_read)), cards.need(ctx, need, ctx.person.id, in_place=True)]
    said += _thanks(ctx, need)
    said += waves.withdraw(ctx, need, _("{reference} is not needed any more. Thank you."))
    said += alarms.settle(ctx, need, "done")
    said += merging.outcome(ctx, need)
    return said + recurring.renew(ctx, need)


def _thanks(ctx: Context, need: Need) -> list[Outbound]:
    """The outcome goes once to everyone who committed at some time, and to coordinators who took charge."""
    helpers: set[UUID] = set()
    for commitment in stored.commitments(ctx.tx, need.id):
        stored.end_commitment(ctx.tx, ctx.now, commitment, "done")
        helpers.add(commitment.person_id)
    thanks = lines(
        _("{reference} is done. Thank you for your help.", reference=need.reference), stopping.PLACE_CLOSED
    )
    said = [Outbound(each, thanks) for each in sorted(helpers)]
    told = {*helpers, ctx.person.id, *people.blocked_with(ctx.tx, ctx.person.id)}
    outcome = _("{reference} is done. Thank you for your part in it.", reference=need.reference)
    return said + [Outbound(each, outcome) for each in _others(ctx, need, told)]


def _others(ctx: Context, need: Need, told: Collection[UUID]) -> list[UUID]:
    """Those who had accepted before, and the coordinators who were in charge of an alert about it."""
    once = [each.person_id for each in stored_commitments.ever(ctx.tx, need.id)]
    once += alerts.owners_of(ctx.tx, need.id)
    return [each for each in dict.fromkeys(once) if each not in told]


def not_done(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """The requester says no: the volunteers are thanked, and the need opens again."""
    need = own.mine(ctx, argument)
    active = stored.commitments(ctx.tx, need.id) if need else []
    if need is None or not active:
        return own.unknown(ctx)
    asked = commitments.reopen(ctx, need, active, "not_done")
    text = _("{reference} was not finished, so I am asking others. Thank you for your time.",
             reference=need.reference)  # fmt: skip
    told = [Outbound(each.person_id, text) for each in active]
    again = _("{reference}: it was not finished, so I am asking others.", reference=need.reference)
    return [cards.need(ctx, need, ctx.person.id), *asked, *told, *merging.pass_on(ctx, need, again)]


def due(moment: Moment, need: Need) -> list[Outbound]:
    """Nobody has said if the need was met: ask, and in the end tell a coordinator.

    One that repeats ends by itself, or the help of the weeks after it would end with it.
    """
    if need.repeats_every is not None and need.asked_done >= ASKED_ENOUGH:
        return recurring.pass_over(moment, need)
    need.asked_done += 1
    need.next_step_at = moment.now + ASK_AGAIN * need.asked_done
    asked = [ask(need)]
    if need.asked_done > ASKED_ENOUGH and not alerts.of_need(moment.tx, need):
        asked += alarms.raise_alert(moment, "unfinished", person_id=need.person_id, need=need)
    return asked
