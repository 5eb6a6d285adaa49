"""Crisis mode: one coordinator declares an emergency, a second confirms it; it ends by itself."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from handlers import alert_cards, measures, naming, places, references, roll_call, skills, where
from handlers.context import Context, Moment
from handlers.coordinators import is_coordinator, refused
from handlers.forms import Again, Answers, Field, Form, Option, start
from handlers.messages import Button, Clock, Inbound, Lane, Outbound, Text, Verbatim, _, _n, lines
from handlers.texts import joined
from storage import crises, people, rooms, work
from storage.tables import Crisis

TO_CONFIRM = timedelta(hours=1)
HOURS = (6, 24, 72)
LONGEST = 14 * 24  # hours
RADII = (5, 20, 50, 200)  # kilometres
LONGEST_WORDS = 200
REPORT_EVERY = timedelta(hours=1)
AT_ONCE = timedelta(seconds=1)  # between two batches of the roll-call


# --- declaring ----------------------------------------------------------------------------------------


def declare(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/crisis: begin to declare an emergency, with whatever was said behind the command."""
    if not is_coordinator(ctx):
        return refused(ctx, "crisis")
    known = crises.under_way(ctx.tx)
    if known:
        return [ctx.reply(lines(*(_shown(ctx, each) for each in known)), *_buttons(known[0]))]
    return start(ctx, CRISIS, {"words": argument[:LONGEST_WORDS]} if argument else None)


def _number(words: str, choices: tuple[int, ...], most: int) -> int | Again:
    digits = "".join(each for each in words if each.isdigit())
    if not digits or not 1 <= int(digits[:4]) <= most:
        return Again(_("Please write a number, for example {count}.", count=choices[0]))
    return int(digits[:4])


def _declared(ctx: Context, answers: Answers) -> list[Outbound]:
    if not is_coordinator(ctx):
        return refused(ctx, "crisis")
    area = places.coarse(where.place_of(answers)) or ctx.union.centre
    if area is None:
        return [ctx.reply(_("I need to know where it is. Write /crisis again and send the place."))]
    taken = references.new(ctx.tx, Crisis)
    crisis = crises.add(
        ctx.tx, ctx.now, answers["words"], reference=taken, latitude=area[0], longitude=area[1],
        radius=answers["radius"] * 1_000, hours=answers["hours"], declared_by=ctx.person.id,
        measures=measures.to_json(measures.IN_CRISIS), next_step_at=ctx.now + TO_CONFIRM,
    )  # fmt: skip
    work.audit(ctx.tx, ctx.now, ctx.person.id, "declared a crisis", case_id=crisis.id)
    others = [each for each in people.coordinators(ctx.tx) if each.id != ctx.person.id]
    asked = [_ask_to_confirm(ctx, crisis, each.id, each.language) for each in others]
    if not others:
        alone = _("There is no other coordinator whom I can ask. A second one has to confirm it.")
        return [ctx.reply(alone, title=joined(crisis.reference))]
    return [
        ctx.reply(
            lines(
                _n("I have asked {count} coordinator to confirm it.",
                   "I have asked {count} coordinators to confirm it.", len(others)),
                _("Without a second one it lapses in an hour."),
            ),
            Button(_("Take it back"), f"/endcrisis {crisis.reference}"),
            title=joined(crisis.reference),
        ),
        *asked,
    ]  # fmt: skip


def _ask_to_confirm(ctx: Context, crisis: Crisis, to: Any, language: str) -> Outbound:
    return Outbound(
        to,
        lines(
            _("{name} declares an emergency:", name=alert_cards.name(ctx, ctx.person.id)),
            Verbatim(crises.words(ctx.tx, crisis)),
            _scope(ctx, crisis, language),
            _("Then more people are asked, farther away and sooner, and members there how they are."),
        ),
        title=joined("🔴", crisis.reference),
        buttons=(
            Button(_("Confirm"), f"/confirmcrisis {crisis.reference}", means="yes"),
            Button(_("No"), "/no menu", means="no"),
        ),
        lane=Lane.CRISIS,
        card=f"crisis:{crisis.id}",
    )


def _scope(moment: Moment, crisis: Crisis, language: str) -> Text:
    area = naming.area(moment, crisis.latitude, crisis.longitude, language)
    around = area or Verbatim(f"{crisis.latitude:.2f}, {crisis.longitude:.2f}")
    hours = _n("{count} hour", "{count} hours", crisis.hours)
    return joined(around, _("{count} km", count=crisis.radius // 1_000), hours)


CRISIS = Form(
    "crisis",
    (
        Field(
            "words",
            lambda ctx, answers: _("What has happened? Members will read it. A few words, no names."),
            lambda ctx, inbound: (
                inbound.text.strip()[:LONGEST_WORDS] or Again(_("Please write it in a few words."))
            ),
        ),
        *where.fields(lambda answers: _("Where is the middle of it?")),
        Field(
            "radius",
            lambda ctx, answers: _("How many kilometres around there?"),
            lambda ctx, inbound: _number(inbound.text, RADII, 1_000),
            options=lambda ctx, answers: tuple(
                Option(str(each), _("{count} km", count=each)) for each in RADII
            ),
        ),
        Field(
            "hours",
            lambda ctx, answers: _("For how many hours? It ends by itself then."),
            lambda ctx, inbound: _number(inbound.text, HOURS, LONGEST),
            options=lambda ctx, answers: tuple(
                Option(str(each), _n("{count} hour", "{count} hours", each)) for each in HOURS
            ),
        ),
    ),
    _declared,
)


# --- confirming and ending ----------------------------------------------------------------------------


def _quoted(ctx: Context, argument: str) -> Crisis | None:
    reference = references.read(argument, "C")
    known = crises.under_way(ctx.tx)
    return next((each for each in known if reference in (None, each.reference)), None)


def confirm(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """A second coordinator confirms: it begins, and the members in the area are asked how they are."""
    if not is_coordinator(ctx):
        return refused(ctx, "confirmcrisis")
    crisis = _quoted(ctx, argument)
    if crisis is None:
        return [ctx.reply(_("No emergency is declared now."))]
    if crisis.declared_by == ctx.person.id:
        return [ctx.reply(_("A second coordinator has to confirm it."))]
    ends = ctx.now + timedelta(hours=crisis.hours)
    if not crises.move(ctx.tx, crisis, "declared", "active", confirmed_by=ctx.person.id, confirmed_at=ctx.now,
                       ends_at=ends, next_step_at=ctx.now):  # fmt: skip
        return [ctx.reply(_shown(ctx, crisis))]
    work.audit(ctx.tx, ctx.now, ctx.person.id, "confirmed a crisis", case_id=crisis.id)
    count = crises.call_the_roll(ctx.tx, crisis)
    begun = _n("I ask {count} member how they are.", "I ask {count} members how they are.", count)
    return _to_coordinators(ctx, crisis, lines(_shown(ctx, crisis), begun))


def end(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """A coordinator ends it, or takes back what is not confirmed yet."""
    if not is_coordinator(ctx):
        return refused(ctx, "endcrisis")
    crisis = _quoted(ctx, argument)
    if crisis is None:
        return [ctx.reply(_("No emergency is declared now."))]
    work.audit(ctx.tx, ctx.now, ctx.person.id, "ended a crisis", case_id=crisis.id)
    return _end(ctx, crisis, ctx.person.id)


def _end(moment: Moment, crisis: Crisis, by: Any) -> list[Outbound]:
    after = "ended" if crisis.state == "active" else "lapsed"
    again = moment.now if after == "ended" else None  # those who were asked hear of it, batch by batch
    if not crises.move(moment.tx, crisis, crisis.state, after, ended_at=moment.now, ended_by=by,
                       next_step_at=again):  # fmt: skip
        return []
    return _to_coordinators(moment, crisis, lines(_shown(moment, crisis), *situation(moment, crisis)))


def due(moment: Moment, crisis: Crisis) -> list[Outbound]:
    """A declared one lapses, an active one ends, asks the next members or is reported on; then it is told."""
    if crisis.state == "ended":
        told = roll_call.is_over(moment, crisis)
        crisis.next_step_at = moment.now + AT_ONCE if told else None
        return told
    if crisis.state == "declared" or (crisis.ends_at is not None and crisis.ends_at <= moment.now):
        return _end(moment, crisis, None)
    asked = roll_call.ask(moment, crisis)
    pause = AT_ONCE if asked else REPORT_EVERY
    crisis.next_step_at = min(moment.now + pause, crisis.ends_at or moment.now + pause)
    return asked or _in_rooms(moment, crisis)


# --- how it stands ------------------------------------------------------------------------------------


def show(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/situation: how many are safe, need help, can help or are silent, and what is open; no names."""
    if not is_coordinator(ctx):
        return refused(ctx, "situation")
    known = crises.under_way(ctx.tx)
    if not known:
        return [ctx.reply(_("No emergency is declared now."))]
    return [ctx.reply(lines(_shown(ctx, each), *situation(ctx, each)), *_buttons(each)) for each in known]


def situation(moment: Moment, crisis: Crisis) -> list[Text]:
    """The figures of an emergency at this moment."""
    answers, needs = crises.answers(moment.tx, crisis.id), crises.open_needs(moment.tx, crisis)
    open_alerts, untaken = crises.open_alerts(moment.tx)
    kinds = Counter(each.skill for each in needs).most_common(5)
    alone = sum(each.state == "open" for each in needs)
    return [
        _("Asked how they are: {count}", count=answers.total()),
        _("Safe: {safe} · need help: {need} · can help: {help} · no answer: {silent}",
          safe=answers["safe"], need=answers["need"], help=answers["help"], silent=answers[""]),
        _("Open needs: {count}, of which nobody has taken {alone}", count=len(needs), alone=alone),
        *(joined(skills.label(kind), Verbatim(str(count))) for kind, count in kinds),
        _("Open alerts: {count}, nobody in charge of {untaken}", count=open_alerts, untaken=untaken),
    ]  # fmt: skip


def _shown(moment: Moment, crisis: Crisis) -> Text:
    words = Verbatim(crises.words(moment.tx, crisis))
    if crisis.state == "active" and crisis.ends_at is not None:
        until = Clock(crisis.ends_at, moment.union.time_zone)
        return joined(crisis.reference, words, _("until {time}", time=until))
    states = {
        "declared": _("waits for a second coordinator"),
        "ended": _("is over"),
        "lapsed": _("was not confirmed"),
    }
    return joined(crisis.reference, words, states[crisis.state])


def _buttons(crisis: Crisis) -> tuple[Button, ...]:
    situation_button = Button(_("How it stands"), "/situation")
    ends = Button(_("End it"), f"/endcrisis {crisis.reference}")
    if crisis.state == "declared":
        return Button(_("Confirm"), f"/confirmcrisis {crisis.reference}"), ends
    return situation_button, ends


def _to_coordinators(moment: Moment, crisis: Crisis, text: Any) -> list[Outbound]:
    told = [
        Outbound(each.id, text, title=joined("🔴", crisis.reference), lane=Lane.CRISIS,
                 card=f"crisis:{crisis.id}")
        for each in people.coordinators(moment.tx)
    ]  # fmt: skip
    return [*told, *_in_rooms(moment, crisis)]


def _in_rooms(moment: Moment, crisis: Crisis) -> list[Outbound]:
    text = lines(_shown(moment, crisis), *situation(moment, crisis))
    return [
        Outbound(None, text, room=room.id, lane=Lane.CRISIS, card=f"crisis:{crisis.id}", in_place=True)
        for room in rooms.of_coordinators(moment.tx)
    ]
