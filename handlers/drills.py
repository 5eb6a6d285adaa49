"""Drills: every coordinator and room is asked through every channel, and what comes back is measured.

They ride the lane of replies: a drill must never delay a true alert, and what it measures is people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from statistics import median
from uuid import UUID
from zoneinfo import ZoneInfo

from handlers import alert_cards, references
from handlers.context import Context, Moment
from handlers.coordinators import is_coordinator, refused
from handlers.messages import Button, Inbound, Lane, Outbound, Text, Verbatim, _, _n, lines
from handlers.texts import duration, joined
from storage import duty, outside, people, rooms, work
from storage import readiness as stored
from storage.tables import Account, Drill, DrillPage, OutsideCall, Room

LASTS = timedelta(minutes=30)
HOUR = 18  # of the union's day, at which a drill by schedule begins
PUT_OFF = timedelta(hours=1)  # while someone is in danger
I_AM_HERE = _("I am here")


@dataclass(frozen=True, slots=True)
class Figures:
    """What a drill showed: channels tried and answered, and the median time to answer."""

    asked: int
    answered: int
    median: timedelta | None


def drill(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/drill: rehearse now whether all coordinators can be reached."""
    if not is_coordinator(ctx):
        return refused(ctx, "drill")
    if stored.running_drill(ctx.tx) is not None:
        return [ctx.reply(_("A drill is running already."))]
    if stored.in_danger(ctx.tx):
        return [ctx.reply(_("Someone is in danger now, so I don't rehearse."))]
    work.audit(ctx.tx, ctx.now, ctx.person.id, "began a drill")
    return begin(ctx, ctx.person.id)


def begin(moment: Moment, begun_by: UUID | None) -> list[Outbound]:
    """Ask through every channel at once; who rests after a night is left alone."""
    tx, now = moment.tx, moment.now
    reference = references.new(tx, Drill)
    made = stored.begin_drill(tx, now, reference, begun_by, now + LASTS)
    asked = [account for person, account in stored.channels(tx) if not duty.is_resting(person, now)]
    channels: list[Account | Room] = [*asked, *rooms.of_coordinators(tx)]
    for channel in channels:
        stored.page(tx, now, made, channel)
    for way in moment.union.outside_ways:
        outside.add(tx, now, way, drill_id=made.id)
    return [_question(made, channel) for channel in channels]


def _question(made: Drill, channel: Account | Room) -> Outbound:
    is_room = isinstance(channel, Room)
    return Outbound(
        None if isinstance(channel, Room) else channel.person_id,
        lines(_("Nobody is in danger. I test whether I can reach you here. Please press the button.")),
        title=joined(_("DRILL"), made.reference),
        buttons=(Button(I_AM_HERE, f"/present {made.reference}", means="yes"),),
        lane=Lane.REPLY,
        account=None if is_room else channel.id,
        room=channel.id if is_room else None,
        card=f"drill:{made.id}",
    )


def present(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """Someone answers a drill: this channel works."""
    if not is_coordinator(ctx):
        return refused(ctx, "present")
    reference = references.read(argument, "D")
    made = stored.drill_by_reference(ctx.tx, reference) if reference else stored.running_drill(ctx.tx)
    if made is None or made.ended_at is not None:
        return [ctx.reply(_("That drill is over. Thank you all the same."))]
    room = rooms.at(ctx.tx, ctx.account.platform, inbound.room) if inbound.room else None
    pages = stored.pages(ctx.tx, made.id)
    mine = [
        each
        for each in pages
        if (each.room_id == room.id if room is not None else each.account_id == ctx.account.id)
    ]
    for each in mine:
        each.answered_at = each.answered_at or ctx.now
    ctx.tx.session.flush()
    took = duration(ctx.now - made.begun_at)
    said = [] if room is not None else [
        ctx.reply(_("Thank you. This channel works. You answered after {time}.", time=took),
                  title=joined(_("DRILL"), made.reference), card=f"drill:{made.id}", in_place=True)
    ]  # fmt: skip
    return [*said, *(end(ctx, made) if _all_known(ctx, made, pages) else [])]


def _all_known(moment: Moment, made: Drill, pages: Sequence[DrillPage]) -> bool:
    calls = stored.outside_calls(moment.tx, made.id)
    return all(each.answered_at for each in pages) and all(each.due_at is None for each in calls)


def due(moment: Moment, made: Drill) -> list[Outbound]:
    return end(moment, made)


def end(moment: Moment, made: Drill) -> list[Outbound]:
    """Tell all coordinators what the drill showed."""
    made.ended_at, made.next_step_at = moment.now, None
    pages = stored.pages(moment.tx, made.id)
    calls = stored.outside_calls(moment.tx, made.id)
    text = lines(
        *_summary(figures(pages)),
        *(_silent(moment, each) for each in pages if each.answered_at is None),
        *(_outside(each) for each in calls),
    )
    title = joined(_("DRILL"), made.reference, _("result"))
    told = [Outbound(each.id, text, title=title, lane=Lane.REPLY) for each in people.coordinators(moment.tx)]
    work.audit(moment.tx, moment.now, None, "a drill ended", case_id=made.id)
    return told


def figures(pages: Sequence[DrillPage]) -> Figures:
    took = [each.answered_at - each.asked_at for each in pages if each.answered_at is not None]
    middle = timedelta(seconds=median(each.total_seconds() for each in took)) if took else None
    return Figures(len(pages), len(took), middle)


def _summary(found: Figures) -> list[Text]:
    counted = _n(
        "{answered} of {count} channel answered.", "{answered} of {count} channels answered.", found.asked,
        answered=found.answered,
    )  # fmt: skip
    if found.median is None:
        return [counted]
    return [counted, _("Half of them within {time}.", time=duration(found.median))]


def _silent(moment: Moment, page: DrillPage) -> Text:
    platform = Verbatim(page.platform.capitalize())
    if page.person_id is None:
        return _("No answer: the room in {platform}", platform=platform)
    return _(
        "No answer: {name} in {platform}", name=alert_cards.name(moment, page.person_id), platform=platform
    )


def _outside(call: OutsideCall) -> Text:
    if call.state == "done":
        return _("The way outside this chat works: {way}", way=Verbatim(call.way))
    return _("The way outside this chat did not work: {way}", way=Verbatim(call.way))


def next_by_schedule(now: datetime, every_days: int, zone: str) -> datetime:
    """The next moment for a drill: so many days from now, at a decent hour of the union's day."""
    day = now.astimezone(ZoneInfo(zone)).date() + timedelta(days=every_days)
    return datetime.combine(day, time(HOUR), ZoneInfo(zone)).astimezone(now.tzinfo)
