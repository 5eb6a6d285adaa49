"""When coordinators are on duty, by hand or by a weekly roster; who is there, limits and rest."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from handlers import alert_cards, pausing, week
from handlers.context import Context, Moment
from handlers.coordinators import is_coordinator, refused
from handlers.limits import zone_of
from handlers.messages import Button, Clock, Inbound, Outbound, Text, Verbatim, Words, _, _n, lines
from handlers.texts import joined
from storage import duty as stored
from storage import people
from storage.duty import DAY_MINUTES, Watch
from storage.tables import Alert, Person

AHEAD = timedelta(days=7)
NIGHT = (22, 7)  # hours of a coordinator's day between which taking charge of a crisis is a night call
REST = timedelta(hours=8)
MOST_CARRIED = 20
_HOURS = re.compile(r"^(?:on|for|por|durante)?\s*(\d{1,2})\s*(?:h|hours?|horas?)$", re.IGNORECASE)


def duty(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/duty: on duty means to be told first. With hours: the weekly roster; with a length: so long."""
    if not is_coordinator(ctx):
        return refused(ctx, "duty")
    said = argument.strip().lower()
    if said in ("", "on", "off"):
        now_on = on_duty_now(ctx, ctx.person)
        return _go_on(ctx) if said == "on" or (not said and not now_on) else _go_off(ctx)
    if said in ("roster off", "none"):
        stored.set_shifts(ctx.tx, ctx.now, ctx.person, (), "UTC")
        return [_standing(ctx, _("You are not in the weekly roster any more."))]
    hours = _HOURS.match(said.removeprefix("on "))
    if hours:
        return _go_on(ctx, ctx.now + timedelta(hours=int(hours[1])))
    if said.startswith(("on until", "until", "hasta")):
        until = pausing.until(said.removeprefix("on "), ctx.person.language, ctx.now, own_zone(ctx))
        return _go_on(ctx, until) if until is not None else [_how(ctx)]
    return _roster(ctx, argument)


def on_duty_now(moment: Moment, person: Person) -> bool:
    holds = bool(_now(moment, person))
    return stored.is_on_duty(person, moment.now, holds)


def _now(moment: Moment, person: Person) -> list[Watch]:
    found = stored.watches_of(moment.tx, person.id, moment.now, moment.now + timedelta(microseconds=1))
    return [each for each in found if each.lasts_at(moment.now)]


def _go_on(ctx: Context, until: datetime | None = None) -> list[Outbound]:
    ctx.person.on_duty, ctx.person.on_duty_until = True, until
    ctx.person.off_duty_until = None
    stored.end_rest(ctx.person)
    ctx.tx.session.flush()
    if until is None:
        return [_standing(ctx, _("You are on duty."))]
    return [_standing(ctx, _("You are on duty until {time}.", time=Clock(until, own_zone(ctx))))]


def _go_off(ctx: Context) -> list[Outbound]:
    """Off duty now; where the roster says otherwise, until the present shift ends."""
    ctx.person.on_duty, ctx.person.on_duty_until = False, None
    lasting = _now(ctx, ctx.person)
    ctx.person.off_duty_until = max((each.ends for each in lasting), default=None)
    ctx.tx.session.flush()
    return [_standing(ctx, _("You are off duty."))]


def _roster(ctx: Context, argument: str) -> list[Outbound]:
    hours = week.read(argument, ctx.core.catalogs.languages, asked=True)
    if hours is None:
        return [_how(ctx)]
    zone = own_zone(ctx)
    stored.set_shifts(ctx.tx, ctx.now, ctx.person, stretches(hours), zone)
    # From now on the roster decides; a shift that begins later must not find them on duty by hand.
    ctx.person.on_duty, ctx.person.on_duty_until, ctx.person.off_duty_until = False, None, None
    ctx.tx.session.flush()
    shown = week.shown(hours, ctx.person.language)
    return [_standing(ctx, _("Each week you are on duty: {hours}. The clock of {zone} counts.",
                             hours=shown, zone=Verbatim(zone)))]  # fmt: skip


def stretches(hours: str) -> list[tuple[int, int, int]]:
    """The shifts of a week of 168 hours: weekday, begin and end in minutes of the day, a day long at most.

    A stretch over midnight, also from Sunday to Monday, is one shift.
    """
    runs = [[at for at, _on in group] for on, group in groupby(enumerate(hours), lambda each: each[1])
            if on == "1"]  # fmt: skip
    if len(runs) > 1 and hours[0] == hours[-1] == "1":
        runs[0] = runs.pop() + runs[0]
    found = []
    for run in runs:
        for start in range(0, len(run), 24):
            part = run[start : start + 24]
            begins = part[0] % 24 * 60
            found.append((part[0] // 24, begins, (begins + len(part) * 60) % DAY_MINUTES))
    return sorted(found)


def own_zone(ctx: Context) -> str:
    return zone_of(ctx.person, ctx.union)


def _how(ctx: Context) -> Outbound:
    return ctx.reply(
        lines(
            _("Write /duty on, /duty off or /duty on 4 hours."),
            _("For each week write the days and hours, such as: /duty Monday 20-24, Saturday 8-20"),
        )
    )


def _standing(ctx: Context, first: Text) -> Outbound:
    nobody = not stored.on_duty(ctx.tx, ctx.now)
    warning = _("Nobody is on duty now: alerts go to all coordinators.") if nobody else None
    change = (
        Button(_("Go off duty"), "/duty off")
        if on_duty_now(ctx, ctx.person)
        else Button(_("Go on duty"), "/duty on")
    )
    return ctx.reply(lines(first, warning), change, Button(_("Who is on duty?"), "/who"))


# --- who ----------------------------------------------------------------------------------------------


def who(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/who: who is on duty now, the roster of the next seven days, and where nobody is."""
    if not is_coordinator(ctx):
        return refused(ctx, "who")
    there = stored.on_duty(ctx.tx, ctx.now)
    coming = stored.watches(ctx.tx, ctx.now, ctx.now + AHEAD)
    always = any(person.on_duty and person.on_duty_until is None for person in there)
    zone = own_zone(ctx)
    now: list[Words | None] = [
        _("On duty now: {names}", names=tuple(alert_cards.name(ctx, each.id) for each in there))
        if there
        else _("Nobody is on duty now: alerts go to all coordinators.")
    ]
    planned = [_planned(ctx, each, zone) for each in coming[:30]]
    free = [] if always or not coming else stored.gaps(coming, ctx.now, ctx.now + AHEAD)
    missing = [_("Nobody: {stretch}", stretch=stretch(*each, zone)) for each in free[:10]]
    texts = [each for each in (*now, *planned, *missing) if isinstance(each, Text)]
    return [ctx.reply(lines(*texts), *_own_buttons(ctx, coming, zone))]


def _planned(moment: Moment, watch: Watch, zone: str) -> Text:
    name = alert_cards.name(moment, watch.holder)
    when = stretch(watch.begins, watch.ends, zone)
    return joined(when, name, _("looks for cover")) if watch.offered else joined(when, name)


def stretch(begins: datetime, ends: datetime, zone: str) -> Text:
    return Text("{begins} – {ends}", values={"begins": Clock(begins, zone), "ends": Clock(ends, zone)})


def named(watch: Watch) -> str:
    """How a command names an occurrence: the shift, and the day on which it begins."""
    return f"{watch.shift.id} {watch.day.isoformat()}"


def _own_buttons(ctx: Context, coming: list[Watch], zone: str) -> list[Button]:
    own = [each for each in coming if each.holder == each.shift.person_id == ctx.person.id]
    later = [each for each in own if each.begins > ctx.now and not each.offered]
    return [
        Button(_("I can't on {time}", time=Clock(each.begins, zone)), f"/cover {named(each)}")
        for each in later[:3]
    ]


# --- limits and rest --------------------------------------------------------------------------------------


def carries(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/carries 2: how many alerts someone takes charge of before others are told first."""
    if not is_coordinator(ctx):
        return refused(ctx, "carries")
    if not argument.isascii() or not argument.isdigit() or not 1 <= int(argument) <= MOST_CARRIED:
        return [ctx.reply(_("Write how many alerts you can carry at once, for example /carries 2."))]
    ctx.person.carries = int(argument)
    return [ctx.reply(_n("While you carry {count} alert, others are told before you.",
                         "While you carry {count} alerts, others are told before you.",
                         ctx.person.carries))]  # fmt: skip


def rest_after(moment: Moment, alert: Alert) -> list[Outbound]:
    """A night call is over: who had it is told last for some hours, and can end that rest."""
    if alert.owner_id is None or alert.taken_at is None:
        return []
    owner = people.get(moment.tx, alert.owner_id)
    zone = zone_of(owner, moment.union)
    if not is_night_call(alert, zone, moment.now):
        return []
    owner.resting_until = moment.now + REST
    until = Clock(owner.resting_until, zone)
    return [
        Outbound(
            owner.id,
            _("That was at night. Until {time} I tell the others first. Rest well.", time=until),
            buttons=(Button(_("I need no rest"), "/duty on"),),
        )
    ]


def is_night_call(alert: Alert, zone: str, now: datetime) -> bool:
    """Whether a crisis was carried in the night, by the clock of the one who carried it.

    An alert counts that was taken at night, or whose end comes in a night.
    """
    if alert.severity > 1 and alert.kind != "sos":
        return False
    begins, ends = NIGHT
    taken = alert.taken_at or now
    hours = (each.astimezone(ZoneInfo(zone)).hour for each in (taken.astimezone(UTC), now))
    return any(hour >= begins or hour < ends for hour in hours)
