"""Who belongs to the union: codes, letting in, coordinators who come and go."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

from handlers import alarms, coordinators, handing_over, linking, neighbours, references, verifying
from handlers.context import Context, Moment
from handlers.messages import Button, Inbound, Outbound, Text, Verbatim, _, lines
from handlers.texts import duration, joined
from storage import alerts, duty, in_charge, people, work
from storage.tables import Person

MEMBER, COORDINATOR, LINK = "member", "coordinator", "link"
CODE = re.compile(r"^\s*([0-9A-Z]{4})[-– ]([0-9A-Z]{4})[-– ]([0-9A-Z]{4})\s*$", re.IGNORECASE)
MOST_WRONG_CODES = 5
WRONG_CODES_REST = timedelta(hours=1)


def new_code(random_characters: str) -> str:
    """Twelve characters in groups of four: 60 bits, far from guessable at five tries an hour."""
    return "-".join(random_characters[start : start + 4] for start in (0, 4, 8))


def read_code(text: str) -> str | None:
    found = CODE.match(text)
    if found is None:
        return None
    return "-".join(found.groups()).upper().translate(str.maketrans("OIL", "011"))


def join(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/join CODE: become a member, or a coordinator, with a code that the union gave."""
    return _use(ctx, argument, is_own=False)


def _use(ctx: Context, argument: str, *, is_own: bool) -> list[Outbound]:
    """is_own: the speaker has said that they made it themselves, in their other chat."""
    code = read_code(argument)
    if code is None:
        return [ctx.reply(_("Write /join and then the code, for example /join AB12-CD34-EF56."))]
    if _too_many_tries(ctx):
        return [ctx.reply(_("There were too many wrong codes. Please wait an hour and try again."))]
    maker = linking.maker(ctx, code)
    refused = linking.why_not(ctx, maker) if maker is not None else []
    if refused:
        return refused
    if maker is not None and not is_own:
        return linking.ask(ctx, code)
    role = work.use_code(ctx.tx, ctx.now, code)
    if role is None or (role == LINK and maker is None):  # its maker may be gone meanwhile
        ctx.person.wrong_codes += 1
        ctx.person.wrong_code_at = ctx.now
        return [ctx.reply(_("This code is not valid. Please check it, or ask for a new one."))]
    ctx.person.wrong_codes = 0
    if maker is not None:
        return linking.join(ctx, maker)
    if role == neighbours.ROLE:
        work.audit(ctx.tx, ctx.now, ctx.person.id, f"joined as {role}", subject=ctx.person)
        return neighbours.join(ctx)
    ctx.person.member_since = ctx.person.member_since or ctx.now
    work.audit(ctx.tx, ctx.now, ctx.person.id, f"joined as {role}", subject=ctx.person)
    if role != COORDINATOR:
        welcome = ctx.reply(_("Welcome. You are a member now."), Button(_("I can help"), "/offer"))
        return [welcome, *verifying.ask_about_offer(ctx, ctx.person)]
    ctx.person.coordinator_since = ctx.person.coordinator_since or ctx.now
    ctx.person.on_duty = True
    ctx.tx.session.flush()
    alerts.hurry(ctx.tx, ctx.now, alerts.reaching_nobody(ctx.tx))
    return [
        ctx.reply(
            lines(
                _("Welcome. You are a coordinator now, and on duty."),
                _("I write to you when someone must take charge. Please turn on the sound for this chat."),
            ),
            Button(_("Open alerts"), "/board"),
            Button(_("Go off duty"), "/duty off"),
        )
    ]


def _too_many_tries(ctx: Context) -> bool:
    last = ctx.person.wrong_code_at
    if last is None or ctx.now - last > WRONG_CODES_REST:
        ctx.person.wrong_codes = 0
    return ctx.person.wrong_codes >= MOST_WRONG_CODES


def code(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/code: a coordinator makes a code that lets one person in as a member."""
    if not coordinators.is_coordinator(ctx):
        return coordinators.refused(ctx, "code")
    text = make_code(ctx, MEMBER, 1)
    valid = _("This code lets one person in. It is valid for {time}.", time=duration(ctx.union.code_life))
    return [ctx.reply(lines(valid, Verbatim(text)))]


def make_code(
    ctx: Moment, role: str, uses: int, lasts: timedelta | None = None, person_id: UUID | None = None
) -> str:
    text = new_code("".join(ctx.tx.random.choices(references.ALPHABET, k=12)))
    work.add_code(ctx.tx, ctx.now, text, role, uses, lasts or ctx.union.code_life, person_id)
    return text


def link(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/link: a code that joins another account to this person; /link CODE yes: join this to who made it."""
    written, _space, answer = argument.rpartition(" ")
    if written and answer.casefold() == linking.YES:
        return _use(ctx, written, is_own=True)
    if argument:
        return join(ctx, inbound, argument)
    return linking.show(ctx, make_code(ctx, LINK, 1, linking.CODE_LIFE, ctx.person.id))


# --- being let in ---------------------------------------------------------------------------------


def ask_to_be_let_in(ctx: Context, what: Text, terms: Text | None) -> list[Outbound]:
    """An offer of someone whom the union does not know yet: coordinators may let them in."""
    found = duty.on_duty(ctx.tx, ctx.now) or people.coordinators(ctx.tx)
    others = [each for each in found if each.id != ctx.person.id]
    said = ctx.reply(
        lines(
            _("Thank you. Before I ask you to help, the union has to know you."),
            _("If you have a member's code, write it here."),
            _("I understood: {terms}.", terms=terms) if terms else None,
            _("I have asked a coordinator to let you in.")
            if others
            else _("There is no coordinator to ask now."),
        ),
        title=what,
    )
    name = Verbatim(people.name_of(ctx.tx, ctx.person))
    asked = [
        Outbound(
            each.id,
            lines(
                _("{name} offers help and is not a member yet.", name=name if name.words else _("Someone")),
                what,
            ),
            buttons=(
                Button(_("Let in"), f"/letin {ctx.person.id}", means="yes"),
                Button(_("Not now"), "/no", means="no"),
            ),
        )
        for each in others
    ]
    return [said, *asked]


def let_in(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """A coordinator vouches for someone."""
    if not coordinators.is_coordinator(ctx):
        return coordinators.refused(ctx, "letin")
    person = _person(ctx, argument)
    if person is None:
        return [ctx.reply(_("I don't know that person any more."))]
    if person.member_since is not None:
        return [ctx.reply(_("They are a member already."))]
    person.member_since = ctx.now
    work.audit(ctx.tx, ctx.now, ctx.person.id, "let in", subject=person)
    welcome = _("A coordinator has let you in. I ask you when someone nearby needs what you offer.")
    done = ctx.reply(_("Done. They are a member now."))
    return [done, Outbound(person.id, welcome), *verifying.ask_about_offer(ctx, person)]


def _person(ctx: Context, argument: str) -> Person | None:
    try:
        return ctx.tx.session.get(Person, UUID(argument.strip()))
    except ValueError:
        return None


# --- coordinators come and go ------------------------------------------------------------------------


def leave(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/leave: stop being a coordinator; what one was in charge of goes back to the others."""
    if neighbours.is_neighbour(ctx.person):
        return [*neighbours.leave(ctx), *_give_back(ctx, ctx.person)]
    if not coordinators.is_coordinator(ctx):
        return coordinators.refused(ctx, "leave")
    told = step_down(ctx, ctx.person)
    return [ctx.reply(_("You are not a coordinator any more. Thank you for all you did.")), *told]


def step_down(ctx: Moment, person: Person) -> list[Outbound]:
    person.coordinator_since, person.on_duty = None, False
    return _give_back(ctx, person)


def _give_back(ctx: Moment, person: Person) -> list[Outbound]:
    """What someone was in charge of goes back to the others."""
    ctx.tx.session.flush()
    told = handing_over.out_of_reach(ctx, person)
    in_charge.leave(ctx.tx, person.id)
    for alert in in_charge.of_owner(ctx.tx, person.id):
        if alert.owner_id == person.id:  # else it went back with the incident of which it was a part
            told += alarms.back_to_queue(ctx, alert)
    return told


def standing(moment: Moment, person: Person) -> Text:
    if person.coordinator_since is not None:
        there = person in duty.on_duty(moment.tx, moment.now)
        return joined(_("coordinator"), _("on duty") if there else _("off duty"))
    return _("member") if person.member_since is not None else _("not a member yet")
