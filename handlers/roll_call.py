"""The roll-call in the area of an emergency: one message to each member, whose answer is acted on."""

from __future__ import annotations

from handlers import first_words, needs, offers, references, volunteering
from handlers.context import Context, Moment
from handlers.messages import Button, Inbound, Lane, Outbound, Verbatim
from storage import crises
from storage import offers as stored_offers
from storage.tables import Crisis

BATCH = 100  # asked in one transaction
SAFE, NEED, HELP = "safe", "need", "help"


def ask(moment: Moment, crisis: Crisis) -> list[Outbound]:
    """Ask the next members, each once, whatever happens to the process; none are left where none is asked."""
    found = crises.to_ask(moment.tx, crisis.id, BATCH)
    what = Verbatim(crises.words(moment.tx, crisis))
    told = []
    for each in found:
        each.asked_at = moment.now
        told.append(
            Outbound(
                each.person_id,
                first_words.roll_call(what),
                buttons=(
                    Button(first_words.I_AM_SAFE, f"/rollcall {crisis.reference} {SAFE}"),
                    Button(first_words.I_NEED_HELP, f"/rollcall {crisis.reference} {NEED}"),
                    Button(first_words.I_CAN_HELP, f"/rollcall {crisis.reference} {HELP}"),
                ),
                lane=Lane.BROADCAST,
            )
        )
    return told


def answer(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """How someone is; it may change. Who needs or can give help goes on with just that."""
    reference, said = references.read(argument, "C"), argument.rpartition(" ")[2]
    crisis = crises.by_reference(ctx.tx, reference) if reference else None
    asked = crises.of_person(ctx.tx, crisis.id, ctx.person.id) if crisis is not None else None
    if asked is not None and said in (SAFE, NEED, HELP):
        asked.answer, asked.answered_at = said, ctx.now
    if said == NEED:
        return needs.need(ctx, inbound, "")
    if said == HELP:
        return _can_help(ctx, inbound)
    return [ctx.reply(first_words.NOTED_SAFE)]


def _can_help(ctx: Context, inbound: Inbound) -> list[Outbound]:
    """Who has an offer rests no longer; who has none makes one."""
    if stored_offers.of(ctx.tx, ctx.person.id) is None:
        return offers.offer(ctx, inbound, "")
    return volunteering.resume(ctx, inbound, "")


def is_over(moment: Moment, crisis: Crisis) -> list[Outbound]:
    """The next of those who were asked hear that it has ended; none are left where none is told."""
    told = []
    for each in crises.to_tell_over(moment.tx, crisis.id, BATCH):
        each.told_over_at = moment.now
        told.append(Outbound(each.person_id, first_words.EMERGENCY_OVER, lane=Lane.BROADCAST))
    return told
