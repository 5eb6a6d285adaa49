"""Two people who ask for the same: noticed and offered for merging; nobody learns who the other is."""

from __future__ import annotations

from datetime import timedelta

from rapidfuzz import fuzz

from handlers import alarms, asking, cards, coordinators, references, same_incident, waves
from handlers.context import Context, Moment
from handlers.messages import Button, Inbound, Lane, Outbound, Text, _, lines
from storage import duty, open_needs, people
from storage import needs as stored
from storage.tables import Need
from storage.work import audit

ALIKE = 75  # of 100, by rapidfuzz's token_set_ratio: the same words in another order, and a few more
LATELY = timedelta(days=7)
LOOKED_AT = 20


# --- two people ask for the same ------------------------------------------------------------------


def notice(ctx: Context, made: Need) -> list[Outbound]:
    """If somebody else has asked for the same here, coordinators on duty may merge the two."""
    if made.latitude is None:
        return []
    near = open_needs.like(ctx.tx, made, ctx.now - LATELY, LOOKED_AT)
    words = stored.words_of(ctx.tx, made).casefold()
    double = next((each for each in near if _alike(ctx, each, made, words)), None)
    if double is None:
        return []
    text = lines(
        _("{older} and {newer} ask for the same in the same area. Are they one?",
          older=double.reference, newer=made.reference),
        cards.title(ctx, made, ctx.union.language),
    )  # fmt: skip
    both = f"{double.reference} {made.reference}"
    buttons = (
        Button(_("They are the same"), f"/merge {both}"),
        Button(_("Two needs"), f"/two {both}"),
    )
    return [
        Outbound(each.id, text, buttons=buttons, lane=Lane.BROADCAST)
        for each in duty.on_duty_by_now(ctx.tx, ctx.now)
        if each.id not in (double.person_id, made.person_id)
    ]


def _alike(moment: Moment, one: Need, made: Need, words: str) -> bool:
    """Asked for by somebody else, or in nearly the same words; the words are compared and not kept."""
    if one.needed_at != made.needed_at:
        return False
    if one.for_other or made.for_other:
        return True
    return fuzz.token_set_ratio(stored.words_of(moment.tx, one).casefold(), words) >= ALIKE


def merge(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/merge N-older N-newer: a coordinator says that they are one; both requesters hear the outcome."""
    if references.read(argument, "A") is not None:
        return same_incident.merge(ctx, inbound, argument)
    if not coordinators.is_coordinator(ctx):
        return coordinators.refused(ctx, "merge")
    found = [stored.by_reference(ctx.tx, each) for each in _both(argument)]
    pair = sorted((each for each in found if each is not None), key=lambda each: each.created_at)
    if len(pair) != 2 or pair[0].id == pair[1].id:
        return [ctx.reply(_("I can't find both of them."))]
    kept, newer = pair
    for each in pair:  # or someone accepts one of them meanwhile
        stored.lock(ctx.tx, each)
    if stored.commitments(ctx.tx, newer.id):
        kept, newer = newer, kept
    busy = bool(stored.commitments(ctx.tx, newer.id))
    if busy or kept.state not in open_needs.STATES or not stored.merge(ctx.tx, ctx.now, newer, kept):
        return [ctx.reply(_("These can't be merged any more. Both go on as they are."))]
    audit(ctx.tx, ctx.now, ctx.person.id, "merged", case_id=newer.id)
    text = _("{reference}: someone else asked for the same, so I look after both together. "
             "You will hear how it ends.", reference=newer.reference)  # fmt: skip
    accepted = _("Someone has accepted already.") if stored.commitments(ctx.tx, kept.id) else None
    said = [
        ctx.reply(_("Merged: {reference} goes on.", reference=kept.reference)),
        Outbound(newer.person_id, lines(text, accepted), title=cards.title(ctx, newer)),
        cards.need(ctx, newer, newer.person_id, in_place=True),
    ]
    said += waves.withdraw(ctx, newer, _("{reference} is not needed any more. Thank you."))
    return said + alarms.settle(ctx, newer, "merged into another")


def two(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/two: a coordinator says that they are two; both go on."""
    if not coordinators.is_coordinator(ctx):
        return coordinators.refused(ctx, "two")
    return [ctx.reply(_("Thank you. Both go on."))]


def _both(argument: str) -> list[str]:
    read = (references.read(word, "N") for word in argument.split())
    return [each for each in read if each is not None][:2]


# --- what becomes of the merged ones --------------------------------------------------------------


def pass_on(moment: Moment, need: Need, text: Text) -> list[Outbound]:
    """What the requester hears of their helpers, those of the needs merged into it hear of their own."""
    return [
        Outbound(
            each.person_id,
            Text(text.message, values={**text.values, "reference": each.reference}),
            title=cards.title(moment, each),
        )
        for each in stored.merged_into(moment.tx, need.id)
        if each.person_id != need.person_id
    ]


def outcome(moment: Moment, need: Need) -> list[Outbound]:
    """The need is done: the requesters of those merged into it are told, and may ask again."""
    return [
        Outbound(
            each.person_id,
            lines(
                _("{reference}: what you asked for is done.", reference=each.reference),
                _("If it is not, write to me and I ask again."),
            ),
            buttons=(Button(_("I need help"), "/need"),),
        )
        for each in stored.merged_into(moment.tx, need.id)
        if each.person_id != need.person_id
    ]


def separate(moment: Moment, need: Need) -> list[Outbound]:
    """The need ended without being met: those merged into it stand on their own again."""
    told: list[Outbound] = []
    for each in stored.merged_into(moment.tx, need.id):
        if people.get(moment.tx, each.person_id).banned_at is not None:
            stored.forsake(moment.tx, each)
            continue
        if not stored.unmerge(moment.tx, each):
            continue
        told += asking.begin(moment, each)
        text = _("{reference}: I am asking for it on its own again.", reference=each.reference)
        told += [Outbound(each.person_id, text), cards.need(moment, each, each.person_id)]
    return told
