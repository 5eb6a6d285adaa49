"""Still needed? Asked on a schedule; what nobody confirms expires kindly."""

from __future__ import annotations

from datetime import timedelta

from handlers import alarms, asking, cards, closing, completing, merging, own, recurring, waves
from handlers.context import Context, Moment
from handlers.messages import Button, Inbound, Outbound, _, lines
from storage import alerts, open_needs
from storage import needs as stored
from storage.tables import Need

AGAIN = timedelta(days=3)
ANSWER = timedelta(hours=24)  # to answer in
ANSWER_URGENT = timedelta(hours=6)
QUESTIONS = 2  # without an answer until it expires


def due(moment: Moment, need: Need) -> list[Outbound]:
    """Ask, wait while there is something graver, or let it expire."""
    passed = need.needed_at is not None and need.needed_at + asking.PASSED <= moment.now
    helpers = stored.commitments(moment.tx, need.id)
    if passed and need.repeats_every is not None and (not helpers or need.confirm_asked >= QUESTIONS):
        return recurring.pass_over(moment, need)
    wait = ANSWER_URGENT if need.urgent else ANSWER
    in_danger = alerts.unresolved_of(moment.tx, need.person_id, "sos") is not None
    busy = bool(helpers) and not passed and any(each.here_at is None for each in helpers)
    if in_danger or busy:
        need.confirm_at = moment.now + wait
        return []
    if helpers:  # others are still looked for, but it may be done without them
        need.confirm_asked += 1
        need.confirm_at = moment.now + (wait if need.confirm_asked <= QUESTIONS else AGAIN)
        return [completing.ask(need)]
    if need.confirm_asked >= QUESTIONS and not _is_in_hand(moment, need):
        return _expire(moment, need)
    need.confirm_asked += 1
    need.confirm_at = moment.now + (wait if need.confirm_asked <= QUESTIONS else AGAIN)
    return [_ask(moment, need)]


def _is_in_hand(moment: Moment, need: Need) -> bool:
    """Whether coordinators are being told about this person: nothing ends silently meanwhile."""
    return any(each.person_id == need.person_id for each in alerts.unresolved(moment.tx))


def _ask(moment: Moment, need: Need) -> Outbound:
    return Outbound(
        need.person_id,
        _("Do you still need this?"),
        title=cards.title(moment, need),
        buttons=(
            Button(_("Yes, still"), f"/needed {need.reference}", means="yes"),
            Button(_("No, not any more"), f"/stop {need.reference}", means="no"),
        ),
    )


def needed(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/needed: yes, still."""
    need = own.mine(ctx, argument)
    if need is None or need.state not in open_needs.STATES:
        return own.unknown(ctx)
    need.confirm_asked, need.confirm_at = 0, ctx.now + AGAIN
    if need.needed_at is not None:
        need.confirm_at = max(need.needed_at + asking.PASSED, ctx.now + ANSWER)
    return [ctx.reply(_("Thank you. I keep looking.")), cards.need(ctx, need, ctx.person.id, in_place=True)]


def _expire(moment: Moment, need: Need) -> list[Outbound]:
    if not stored.close(moment.tx, moment.now, need, "expired"):
        return []
    closing.close(moment, need.id, need.reference)
    text = lines(
        _("{reference}: I had no answer, so I have stopped asking for it.", reference=need.reference),
        _("If you still need it, write to me and I ask again."),
    )
    told = [
        Outbound(need.person_id, text, buttons=(Button(_("I need help"), "/need"),)),
        cards.need(moment, need, need.person_id, in_place=True),
    ]
    told += waves.withdraw(moment, need, _("{reference} is not needed any more. Thank you."))
    told += alarms.settle(moment, need, "nobody confirmed it")
    return [*told, *merging.separate(moment, need)]
