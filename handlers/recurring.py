"""Needs that come again: when one occurrence has ended, the next is made."""

from __future__ import annotations

from handlers import alarms, asking, cards, closing, own, references, waves, when
from handlers.context import Context, Moment
from handlers.messages import Button, Clock, Inbound, Outbound, _
from storage import needs as stored
from storage.tables import Need


def renew(moment: Moment, need: Need) -> list[Outbound]:
    """Make the next occurrence of a need that repeats, and say so in one line."""
    if need.repeats_every is None or need.needed_at is None:
        return []
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
        reference=references.new(moment.tx.random, "N", lambda text: stored.reference_taken(moment.tx, text)),
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
    """The time of an occurrence has passed and nobody had taken it: the next one is made."""
    if not stored.close(moment.tx, moment.now, need, "expired"):
        return []
    closing.close(moment, need.id, need.reference)
    text = _("{reference}: its time has passed and nobody had accepted.", reference=need.reference)
    told = [Outbound(need.person_id, text), cards.need(moment, need, need.person_id, in_place=True)]
    told += waves.withdraw(moment, need, _("{reference} is not needed any more. Thank you."))
    return [*told, *alarms.settle(moment, need, "its time has passed"), *renew(moment, need)]


def stop_repeating(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/norepeat: this one stays, and none comes after it."""
    need = own.mine(ctx, argument)
    if need is None:
        return own.unknown(ctx)
    need.repeats_every = None
    said = _("{reference} does not repeat any more. This one stays; /stop ends it.",
             reference=need.reference)  # fmt: skip
    return [ctx.reply(said), cards.need(ctx, need, ctx.person.id, in_place=True)]
