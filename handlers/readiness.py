"""Is the union ready for a crisis? What is amiss is told before, not when somebody is in danger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from handlers import alert_cards, calling, drills
from handlers.context import Context, Moment
from handlers.coordinators import is_coordinator, refused
from handlers.messages import Button, Clock, Inbound, Outbound, Text, Verbatim, _, _n, lines
from handlers.skills import SKILLS
from handlers.texts import duration, joined
from storage import duty, people, verifications
from storage import readiness as stored
from storage.tables import Routine

EVERY = timedelta(hours=1)
TOLD_AGAIN = timedelta(days=1)
AHEAD = timedelta(days=1)  # in which a gap of the roster is told
ENOUGH = 2  # coordinators who can be reached: one may be asleep
TEST_HOLDS = timedelta(days=60)  # so long a way outside the chats counts as tried
CARD = "readiness"


@dataclass(frozen=True, slots=True)
class Facts:
    """All that says how ready the union is; times are UTC."""

    reachable: int
    unreachable: tuple[Text | Verbatim, ...]  # coordinators, by name
    on_duty: int
    gap: tuple[datetime, datetime] | None  # the next stretch in which nobody is on duty
    lost_rooms: tuple[str, ...]  # platforms
    ways: tuple[str, ...]  # outside the chats
    untested: tuple[str, ...]  # of these ways
    number: str  # to call in an emergency; "" if none is known
    number_is_sure: bool
    verified: frozenset[str]  # families of skills for which somebody is verified


def warnings(facts: Facts, zone: str) -> dict[str, Text]:
    """What is amiss, by name, the most pressing first."""
    found = {"few coordinators": _few(facts.reachable), "nobody on duty": _nobody(facts, zone)}
    for number, name in enumerate(facts.unreachable):
        found[f"coordinator {number}"] = _(
            "I can't reach {name} in any account. They should write to me.", name=name
        )
    for platform in facts.lost_rooms:
        where = Verbatim(platform.capitalize())
        found[stored.lost_room(platform)] = _(
            "I was removed from the coordinators' room in {platform}.", platform=where
        )
    found |= {"number": _number(facts), "way outside": _way_outside(facts)}
    for way in facts.untested:
        found[f"untested {way}"] = _(
            "The way outside this chat was not tried lately: {way}. /drill tries it.", way=Verbatim(way)
        )
    if not facts.verified >= {"medical", "people"}:
        found["nobody verified"] = _(
            "Nobody is verified for medical help or for children yet. /verified shows who waits."
        )
    return {name: text for name, text in found.items() if text is not None}


def _number(facts: Facts) -> Text | None:
    if not facts.number:
        return _(
            "I know no emergency number for this country. The operator should set ONECLOAK_EMERGENCY_NUMBER."
        )
    if facts.number_is_sure:
        return None
    return _(
        "I am not sure that {number} is the emergency number here. Please check it.", number=facts.number
    )


def _way_outside(facts: Facts) -> Text | None:
    if facts.ways:
        return None
    return _("If nobody reads this chat I have no other way to reach you. The operator can set one.")


def _few(reachable: int) -> Text | None:
    if reachable >= ENOUGH:
        return None
    return _n("I can reach only {count} coordinator. Two or more are needed.",
              "I can reach only {count} coordinators. Two or more are needed.", reachable)  # fmt: skip


def _nobody(facts: Facts, zone: str) -> Text | None:
    if not facts.on_duty:
        return _("Nobody is on duty now: alerts go to all coordinators.")
    if facts.gap is None:
        return None
    begins, ends = (Clock(each, zone) for each in facts.gap)
    return _("Nobody is on duty from {begins} to {ends}.", begins=begins, ends=ends)


def gather(moment: Moment) -> Facts:
    tx, now, union = moment.tx, moment.now, moment.union
    reachable = people.coordinators(tx)
    there = {person.id for person in reachable}
    everyone = people.all_coordinators(tx)
    missing = [each for each in everyone if each.id not in there and each.banned_at is None]
    found = calling.whom(moment, "other", None, None)
    on_duty = duty.on_duty(tx, now)
    verified = {SKILLS[each.skill].family for each in verifications.all_of(tx, 1_000) if each.skill in SKILLS}
    return Facts(
        len(reachable),
        tuple(alert_cards.name(moment, each.id) for each in missing),
        len(on_duty),
        _gap(moment, always=any(each.on_duty and each.on_duty_until is None for each in on_duty)),
        tuple(stored.lost_rooms(tx)),
        union.outside_ways,
        tuple(way for way in union.outside_ways if not _tried(moment, way)),
        found.number if found else "",
        found is not None and found.sure,
        frozenset(verified),
    )


def _gap(moment: Moment, *, always: bool) -> tuple[datetime, datetime] | None:
    if always:
        return None
    until = moment.now + AHEAD
    free = duty.gaps(duty.watches(moment.tx, moment.now, until), moment.now, until)
    return free[0] if free else None


def _tried(moment: Moment, way: str) -> bool:
    last = stored.last_outside_test(moment.tx, way)
    return last is not None and moment.now - last < TEST_HOLDS


# --- telling ------------------------------------------------------------------------------------------


def due(moment: Moment, found: Sequence[Routine]) -> list[Outbound]:
    """What the bot does for itself: look if the union is ready, and rehearse by schedule."""
    told: list[Outbound] = []
    for routine in found:
        told += _look(moment, routine) if routine.name == "readiness" else _rehearse(moment, routine)
    return told


def _look(moment: Moment, routine: Routine) -> list[Outbound]:
    routine.next_step_at = moment.now + EVERY
    amiss = warnings(gather(moment), moment.union.time_zone)
    if not people.all_coordinators(moment.tx):
        return []  # nobody to tell: the operator reads it from the doctor
    to_tell, some_ended = stored.keep_warnings(moment.tx, moment.now, list(amiss), TOLD_AGAIN)
    if not to_tell and not some_ended:
        return []
    text = lines(*(_shown(amiss) or [_("All is well again.")]))
    button = Button(_("Begin a drill"), "/drill")
    # New ones deserve a sound; that some have ended is only shown on the message that named them.
    return [
        Outbound(each.id, text, title=_title(amiss), buttons=(button,), card=CARD, in_place=not to_tell)
        for each in people.coordinators(moment.tx)
    ]


def _rehearse(moment: Moment, routine: Routine) -> list[Outbound]:
    days = moment.union.drill_every
    if not days:
        routine.next_step_at = moment.now + AHEAD  # asked again: the setting may change
        return []
    if stored.in_danger(moment.tx) or stored.running_drill(moment.tx) is not None:
        routine.next_step_at = moment.now + drills.PUT_OFF
        return []
    routine.next_step_at = drills.next_by_schedule(moment.now, days, moment.union.time_zone)
    return drills.begin(moment, None)


def _title(amiss: dict[str, Text]) -> Text:
    return joined(_("Before a crisis"), _n("{count} thing to mend", "{count} things to mend", len(amiss)))


def _shown(amiss: dict[str, Text]) -> list[Text]:
    return [Text("– {text}", values={"text": each}) for each in amiss.values()]


def ready(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/ready: what should be mended before a crisis, and what the last drill showed."""
    if not is_coordinator(ctx):
        return refused(ctx, "ready")
    facts = gather(ctx)
    amiss = warnings(facts, ctx.person.time_zone or ctx.union.time_zone)
    reached = _n(
        "{count} coordinator can be reached.", "{count} coordinators can be reached.", facts.reachable
    )
    on_duty = _n("{count} of them is on duty.", "{count} of them are on duty.", facts.on_duty)
    shown = _shown(amiss) or [_("I see nothing to mend.")]
    return [ctx.reply(lines(reached, on_duty, *shown, _last(ctx)), Button(_("Begin a drill"), "/drill"))]


def _last(ctx: Context) -> Text:
    last = stored.last_drill(ctx.tx)
    if last is None:
        return _("There was no drill yet.")
    found = drills.figures(stored.pages(ctx.tx, last.id))
    ago = duration(ctx.now - last.begun_at)
    return _(
        "The last drill, {time} ago: {answered} of {asked} channels answered.",
        time=ago, answered=found.answered, asked=found.asked,
    )  # fmt: skip
