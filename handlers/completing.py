"""The end of a need: the requester confirms that it was met, or it opens again."""

from __future__ import annotations

from datetime import timedelta

from handlers import alarms, cards, closing, needs, volunteering, waves
from handlers.context import Context, Moment
from handlers.messages import Button, Inbound, Outbound, _, lines
from storage import alerts, conversations
from storage import needs as stored
from storage.tables import Need

ASK_AGAIN = timedelta(hours=4)
ASKED_ENOUGH = 3  # unanswered questions until a coordinator looks after it


def done(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/done: the requester's word closes the need; the volunteer's word asks the requester."""
    found = volunteering.committed(ctx, argument)
    if found is not None:
        need, _commitment = found
        asked_before = need.asked_done > 0
        need.asked_done, need.next_step_at = max(need.asked_done, 1), ctx.now + ASK_AGAIN
        thanks = ctx.reply(_("Thank you. I am asking them if all is well."))
        return [thanks] if asked_before else [thanks, ask(need)]
    own = needs.mine(ctx, argument)
    return confirm(ctx, inbound, own.reference) if own else needs.unknown(ctx)


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
    need = needs.mine(ctx, argument)
    if need is None:
        return needs.unknown(ctx)
    helpers = stored.commitments(ctx.tx, need.id)
    if not stored.close(ctx.tx, ctx.now, need, "done"):
        return [ctx.reply(_("{reference} is already closed.", reference=need.reference))]
    conversations.close_talks(ctx.tx, ctx.now, need_id=need.id)
    was_read = closing.WAS_READ if closing.close(ctx, need.id, need.reference) else None
    good = _("Good. {reference} is closed, and your place is closed to others again.",
             reference=need.reference)  # fmt: skip
    said: list[Outbound] = [
        ctx.reply(lines(good, was_read)),
        cards.need(ctx, need, ctx.person.id, in_place=True),
    ]
    for commitment in helpers:
        stored.end_commitment(ctx.tx, ctx.now, commitment, "done")
        thanks = lines(
            _("{reference} is done. Thank you for your help.", reference=need.reference),
            needs.PLACE_CLOSED,
        )
        said.append(Outbound(commitment.person_id, thanks))
    said += waves.withdraw(ctx, need, _("{reference} is not needed any more. Thank you."))
    return said + alarms.settle(ctx, need, "done")


def not_done(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """The requester says no: the volunteer is thanked, and the need opens again."""
    need = needs.mine(ctx, argument)
    if need is None or need.state != "taken":
        return needs.unknown(ctx)
    told: list[Outbound] = []
    for commitment in stored.commitments(ctx.tx, need.id):
        stored.end_commitment(ctx.tx, ctx.now, commitment, "not_done")
        text = _("{reference} was not finished, so I am asking others. Thank you for your time.",
                 reference=need.reference)  # fmt: skip
        told.append(Outbound(commitment.person_id, text))
        told += volunteering.reopen(ctx, need, commitment)
    return [cards.need(ctx, need, ctx.person.id), *told]


def due(moment: Moment, need: Need) -> list[Outbound]:
    """Nobody has said if the need was met: ask, and in the end tell a coordinator."""
    need.asked_done += 1
    need.next_step_at = moment.now + ASK_AGAIN * need.asked_done
    asked = [ask(need)]
    if need.asked_done > ASKED_ENOUGH and not alerts.of_need(moment.tx, need):
        asked += alarms.raise_alert(moment, "unfinished", person_id=need.person_id, need=need)
    return asked
