"""Needs that come again: when one occurrence has ended, the next is made."""

from __future__ import annotations

from handlers import alarms, asking, cards, closing, merging, own, references, stopping, waves, when
from handlers.context import Context, Moment
from handlers.messages import Button, Clock, Inbound, Outbound, _, lines
from storage import conversations, open_needs
from storage import needs as stored
from storage.tables import Need


def renew(moment: Moment, need: Need) -> list[Outbound]:
    """Make the next occurrence of a need that repeats and of those merged into it, each in one line."""
    both = (need, *stored.merged_into(moment.tx, need.id))
    repeated = [each for each in both if each.repeats_every is not None and each.needed_at is not None]
    return [message for each in repeated for message in _renew(moment, each)]


def _renew(moment: Moment, need: Need) -> list[Outbound]:
    made = _next(moment, need)
    asked = asking.begin(moment, made)
    zone = cards.zone_of(moment, need.person_id)
    text = _("The next time is {reference}, for {time}.", reference=made.reference,
             time=Clock(made.needed_at or moment.now, zone))  # fmt: skip
    stop = Button(_("Stop repeating"), f"/norepeat {made.reference}")
    return [Outbound(made.person_id, text, title=cards.title(moment, made), buttons=(stop,)), *asked]


def _next(moment: Moment, need: Need) -> Need:
    assert need.needed_at is not None
    assert need.repeats_every is not None
    zone = cards.zone_of(moment, need.person_id)
    return stored.add(
        moment.tx,
        parts=[(each.skill, each.wanted) for each in stored.parts(moment.tx, need.id)],
        reference=references.new(moment.tx, Need),
        person_id=need.person_id,
        skill=need.skill,
        urgent=False,
        state="open",
        sealed_words=need.sealed_words,
        sealed_place=need.sealed_place,
        latitude=need.latitude,
        longitude=need.longitude,
        for_other=need.for_other,
        needed_at=when.following(need.needed_at, need.repeats_every, zone, moment.now),
        repeats_every=need.repeats_every,
        created_at=moment.now,
    )


def pass_over(moment: Moment, need: Need) -> list[Outbound]:
    """The time of an occurrence has passed and nobody has said that it is done: the next one is made."""
    if not stored.close(moment.tx, moment.now, need, "expired"):
        return []
    closing.close(moment, need.id, need.reference)
    helpers = _release(moment, need)
    text = _("{reference}: its time has passed and nobody had accepted.", reference=need.reference)
    if helpers:
        text = _("{reference}: its time has passed, so I have closed it.", reference=need.reference)
    told = [Outbound(need.person_id, text), cards.need(moment, need, need.person_id, in_place=True), *helpers]
    told += waves.withdraw(moment, need, _("{reference} is not needed any more. Thank you."))
    told += alarms.settle(moment, need, "its time has passed")
    told += merging.outcome(moment, need) if helpers else merging.separate(moment, need)
    return [*told, *renew(moment, need)]


def _release(moment: Moment, need: Need) -> list[Outbound]:
    """Those who had accepted an occurrence whose time has passed are thanked and free again."""
    conversations.close_talks(moment.tx, moment.now, need_id=need.id)
    thanks = _("{reference}: its time has passed. Thank you for your help.", reference=need.reference)
    told = []
    for each in stored.commitments(moment.tx, need.id):
        stored.end_commitment(moment.tx, moment.now, each, "done" if each.here_at else "not_done")
        told.append(Outbound(each.person_id, lines(thanks, stopping.PLACE_CLOSED)))
    return told


def stop_repeating(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/norepeat: this one stays, and none comes after it."""
    need = own.mine(ctx, argument)
    if need is None:
        return own.unknown(ctx)
    if need.state not in open_needs.STATES:  # another one has followed, with a button of its own
        return [ctx.reply(_("{reference} is already closed.", reference=need.reference))]
    need.repeats_every = None
    said = _("{reference} does not repeat any more. This one stays; /stop ends it.",
             reference=need.reference)  # fmt: skip
    return [ctx.reply(said), cards.need(ctx, need, ctx.person.id, in_place=True)]
