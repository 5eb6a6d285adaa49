"""Covering each other's shifts: one offers an occurrence, another takes it, or exchanges one for it."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from handlers import alert_cards, on_call
from handlers.context import Context, Moment
from handlers.coordinators import is_coordinator, refused
from handlers.limits import zone_of
from handlers.messages import Button, Clock, Inbound, Outbound, Text, _, lines
from storage import duty as stored
from storage import people
from storage.duty import Watch
from storage.tables import Person


def _watch(moment: Moment, words: list[str]) -> Watch | None:
    """The coming occurrence that two words name: the shift, and the day on which it begins."""
    try:
        shift_id, day = UUID(words[0]), date.fromisoformat(words[1])
    except (IndexError, ValueError):
        return None
    coming = stored.watches(moment.tx, moment.now, moment.now + 5 * on_call.AHEAD)
    return next((each for each in coming if each.shift.id == shift_id and each.day == day), None)


def cover(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/cover: ask the others to take one's next shift, or the one that the button names."""
    if not is_coordinator(ctx):
        return refused(ctx, "cover")
    coming = stored.watches_of(ctx.tx, ctx.person.id, ctx.now, ctx.now + on_call.AHEAD)
    own = [each for each in coming if each.shift.person_id == ctx.person.id]
    watch = _watch(ctx, argument.split()) if argument else next(iter(own), None)
    if watch is None or watch.shift.person_id != ctx.person.id or watch.holder != ctx.person.id:
        return [ctx.reply(_("I know of no coming shift of yours."), Button(_("Who is on duty?"), "/who"))]
    stored.offer(ctx.tx, ctx.now, watch)
    asked = [_ask_for_cover(ctx, watch, other) for other in people.coordinators(ctx.tx)
             if other.id != ctx.person.id]  # fmt: skip
    when = on_call.stretch(watch.begins, watch.ends, on_call.own_zone(ctx))
    return [
        ctx.reply(
            lines(
                _("I ask the others: {when}.", when=when),
                _("Until someone takes it, it stays yours."),
            )
        ),
        *asked,
    ]


def _ask_for_cover(ctx: Context, watch: Watch, other: Person) -> Outbound:
    when = on_call.stretch(watch.begins, watch.ends, zone_of(other, ctx.union))
    return Outbound(
        other.id,
        _(
            "{name} asks who can take this shift: {when}",
            name=alert_cards.name(ctx, ctx.person.id),
            when=when,
        ),
        buttons=(
            Button(_("I can"), f"/covering {on_call.named(watch)}", means="yes"),
            Button(_("I can, for one of mine"), f"/swap {on_call.named(watch)}"),
            Button(_("Not now"), "/no menu", means="no"),
        ),
        card=f"cover:{watch.shift.id}:{watch.day}",
    )


def covering(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """Someone takes an offered shift; one only."""
    if not is_coordinator(ctx):
        return refused(ctx, "covering")
    watch = _watch(ctx, argument.split())
    if watch is None or not stored.take(ctx.tx, ctx.now, watch.shift.id, watch.day, ctx.person.id):
        return [ctx.reply(_("Thank you. That shift is not free any more."))]
    return _has_taken(ctx, watch, ctx.person.id)


def _has_taken(ctx: Context, watch: Watch, taker: UUID) -> list[Outbound]:
    """Who has it now and who had it are told; the others see their question changed."""
    name = alert_cards.name(ctx, taker)

    def told(person: Person) -> Text:
        when = on_call.stretch(watch.begins, watch.ends, zone_of(person, ctx.union))
        return _("{name} has this shift: {when}", name=name, when=when)

    owner = people.get(ctx.tx, watch.shift.person_id)
    others = [
        Outbound(each.id, told(each), card=f"cover:{watch.shift.id}:{watch.day}", in_place=True)
        for each in people.coordinators(ctx.tx)
        if each.id not in (owner.id, taker)
    ]
    both = dict.fromkeys((taker, owner.id))
    return [*(Outbound(each, told(people.get(ctx.tx, each))) for each in both), *others]


def swap(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """Take an offered shift in exchange for one of one's own; the other one has to agree."""
    if not is_coordinator(ctx):
        return refused(ctx, "swap")
    words = argument.split()
    watch = _watch(ctx, words[:2])
    if watch is None or watch.shift.person_id == ctx.person.id or not watch.offered:
        return [ctx.reply(_("Thank you. That shift is not free any more."))]
    own = _to_give(ctx)
    mine = next((each for each in own if on_call.named(each) == " ".join(words[2:4])), None)
    if mine is None:
        return [_which(ctx, watch, own)]
    if not stored.offer(ctx.tx, ctx.now, mine, to=watch.shift.person_id):
        return [ctx.reply(_("Someone covers that one already."))]
    owner = people.get(ctx.tx, watch.shift.person_id)
    zone = zone_of(owner, ctx.union)
    question = _(
        "{name} takes your shift {yours} if you take {theirs}. Is that all right?",
        name=alert_cards.name(ctx, ctx.person.id),
        yours=on_call.stretch(watch.begins, watch.ends, zone),
        theirs=on_call.stretch(mine.begins, mine.ends, zone),
    )
    buttons = (
        Button(_("Yes"), f"/swapped {on_call.named(watch)} {on_call.named(mine)}", means="yes"),
        Button(_("No"), "/no menu", means="no"),
    )
    return [ctx.reply(_("I have asked them.")), Outbound(owner.id, question, buttons=buttons)]


def _to_give(ctx: Context) -> list[Watch]:
    """The coming occurrences that someone could give for another's."""
    coming = stored.watches_of(ctx.tx, ctx.person.id, ctx.now, ctx.now + 2 * on_call.AHEAD)
    return [each for each in coming if each.begins > ctx.now and each.shift.person_id == ctx.person.id]


def _which(ctx: Context, watch: Watch, own: list[Watch]) -> Outbound:
    wanted = on_call.named(watch)
    if not own:
        return ctx.reply(
            _("You have no coming shift to give for it."), Button(_("I can"), f"/covering {wanted}")
        )
    zone = on_call.own_zone(ctx)
    offered = [
        Button(Text("{at}", values={"at": Clock(each.begins, zone)}), f"/swap {wanted} {on_call.named(each)}")
        for each in own[:6]
    ]
    return ctx.reply(_("Which of your shifts shall they take?"), *offered)


def swapped(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """The other one agrees to an exchange: both change hands in one turn, or neither does."""
    if not is_coordinator(ctx):
        return refused(ctx, "swapped")
    words = argument.split()
    first, second = _watch(ctx, words[:2]), _watch(ctx, words[2:4])
    free = _("Thank you. That shift is not free any more.")
    if (
        first is None
        or second is None
        or first.shift.person_id != ctx.person.id
        or not (first.offered and second.offered)
    ):
        return [ctx.reply(free)]
    other = second.shift.person_id
    if not stored.take(ctx.tx, ctx.now, first.shift.id, first.day, other):
        return [ctx.reply(free)]
    # Offered to just this person, so nobody else can have been faster.
    stored.take(ctx.tx, ctx.now, second.shift.id, second.day, ctx.person.id, proposed_to=ctx.person.id)
    return [*_has_taken(ctx, first, other), *_has_taken(ctx, second, ctx.person.id)]
