"""A need that is not wanted any more, or has become urgent, by its requester's word."""

from __future__ import annotations

from handlers import alarms, cards, closing, merging, own, waves
from handlers.context import Context, Moment
from handlers.messages import Inbound, Outbound, _, lines
from storage import conversations, needs, open_needs
from storage.tables import Need

PLACE_CLOSED = _("Their place is closed again. Please delete it if you wrote it down.")


def stop(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """The requester needs it no longer."""
    case = own.mine(ctx, argument)
    if case is None:
        return own.unknown(ctx)
    if case.state == "merged":
        needs.forsake(ctx.tx, case)
    elif case.state not in open_needs.STATES:
        return [ctx.reply(_("{reference} is already closed.", reference=case.reference))]
    was_read = closing.WAS_READ if closing.close(ctx, case.id, case.reference) else None
    told = end(ctx, case)
    stopped = _("{reference} is stopped. You can ask again at any time.", reference=case.reference)
    if case.repeats_every is not None:
        stopped = _("{reference} is stopped and does not repeat. You can ask again at any time.",
                    reference=case.reference)  # fmt: skip
    return [
        ctx.reply(lines(stopped, was_read)),
        cards.need(ctx, case, ctx.person.id, in_place=True),
        *told,
    ]


def end(ctx: Moment, case: Need) -> list[Outbound]:
    """Close a need that is not wanted any more: everyone who was asked is told."""
    closing.close(ctx, case.id, case.reference)
    told = waves.withdraw(ctx, case, _("{reference} is not needed any more. Thank you."))
    text = _("{reference} is not needed any more. Thank you for your time.", reference=case.reference)
    for helper in needs.commitments(ctx.tx, case.id):
        needs.end_commitment(ctx.tx, ctx.now, helper, "not_done")
        told.append(Outbound(helper.person_id, lines(text, PLACE_CLOSED)))
    needs.close(ctx.tx, ctx.now, case, "cancelled")
    conversations.close_talks(ctx.tx, ctx.now, need_id=case.id)
    return [*told, *alarms.settle(ctx, case, "the need was stopped"), *merging.separate(ctx, case)]


def urgent(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """The need has become urgent: the next wave goes out at once, where helpers are still sought."""
    case = own.mine(ctx, argument)
    if case is None or case.state not in open_needs.STATES:
        return own.unknown(ctx)
    seeks, case.urgent = case.state == "open" and not case.urgent, True
    told = waves.next_wave(ctx, case) if seeks else []
    return [cards.need(ctx, case, ctx.person.id), *told]
