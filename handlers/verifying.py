"""Verified skills: a coordinator says that they know a person can do it, and may take that back."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from handlers import coordinators, skills, volunteering
from handlers.context import Context
from handlers.messages import Button, Inbound, Outbound, Text, Verbatim, _, lines
from handlers.texts import joined
from storage import duty, offers, people, verifications, work
from storage.tables import Person

SHOWN = 6  # of those who wait and of those who are verified, in one message
MOST_ASKED_AT_ONCE = 8


def unverified(ctx: Context, person: Person, offered: Iterable[str]) -> tuple[str, ...]:
    """Which of these skills a person is asked for only when a coordinator has verified them."""
    guarded = [each for each in offered if skills.of(ctx.core, each).verified_only]
    known = verifications.of(ctx.tx, person.id) if guarded else frozenset()
    return tuple(each for each in guarded if each not in known)


def newly_offered(ctx: Context, offered: Iterable[str]) -> tuple[str, ...]:
    """What the speaker did not offer before: coordinators are not asked twice. To be called before saving."""
    before = offers.of(ctx.tx, ctx.person.id)
    old = before.skills.split() if before is not None and ctx.person.member_since is not None else ()
    return tuple(each for each in offered if each not in old)


def note(ctx: Context, offered: Iterable[str]) -> Text | None:
    """What the speaker is told about it when they offer."""
    waits = unverified(ctx, ctx.person, offered)
    if not waits:
        return None
    return _("Before I ask you for this, a coordinator verifies it: {skills}", skills=_named(waits))


def ask(ctx: Context, person: Person, offered: Iterable[str]) -> list[Outbound]:
    """Coordinators on duty may verify what a member offers; each gets one message."""
    waits = unverified(ctx, person, offered)[:MOST_ASKED_AT_ONCE]
    if not waits:
        return []
    found = duty.on_duty(ctx.tx, ctx.now) or people.coordinators(ctx.tx)
    text = lines(
        _("{name} offers help that needs a verified person.", name=_name(ctx, person)),
        _named(waits),
        _("Do you know that they can do it?"),
    )
    one = len(waits) == 1
    buttons = (
        Button(
            _("Verify") if one else joined(_("Verify"), skills.label(each)),
            f"/verify {person.id} {each}",
            means="yes" if one else "",
        )
        for each in waits
    )
    asked = (*buttons, Button(_("Not now"), "/no", means="no"))
    return [Outbound(each.id, text, buttons=asked) for each in found if each.id != person.id]


def ask_about_offer(ctx: Context, person: Person) -> list[Outbound]:
    """The same for someone who has just become a member and offered before."""
    offer = offers.of(ctx.tx, person.id)
    return ask(ctx, person, offer.skills.split()) if offer is not None else []


def verify(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/verify PERSON SKILL: a coordinator knows that they can do it."""
    if not coordinators.is_coordinator(ctx):
        return coordinators.refused(ctx, "verify")
    person, skill = _read(ctx, argument)
    if person is None or not skills.of(ctx.core, skill).verified_only:
        return _not_found(ctx)
    if person.id == ctx.person.id:
        return [ctx.reply(_("This is about you, so another coordinator must verify it."))]
    if not verifications.verify(ctx.tx, ctx.now, person.id, skill, ctx.person.id):
        return [ctx.reply(_("They are verified for this already."), title=_who(ctx, person, skill))]
    work.audit(ctx.tx, ctx.now, ctx.person.id, "verified", subject=person, detail=skill)
    label = skills.label(skill)
    undo = Button(_("Take it back"), f"/unverify {person.id} {skill}")
    return [
        ctx.reply(_("Verified. I may ask them for it now."), undo, title=_who(ctx, person, skill)),
        Outbound(person.id, _("A coordinator has verified you. I may ask you for: {skill}", skill=label)),
    ]


def unverify(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/unverify PERSON SKILL: take it back, at any time, also for a skill that there is no more."""
    if not coordinators.is_coordinator(ctx):
        return coordinators.refused(ctx, "unverify")
    person, skill = _read(ctx, argument)
    if person is None:
        return _not_found(ctx)
    if not verifications.revoke(ctx.tx, person.id, skill):
        return [ctx.reply(_("They are not verified for this."), title=_who(ctx, person, skill))]
    work.audit(ctx.tx, ctx.now, ctx.person.id, "unverified", subject=person, detail=skill)
    told = lines(
        _("I don't ask you for this any more until a coordinator verifies it again: {skill}",
          skill=skills.label(skill)),
        _("Your other offers stay as they are. Thank you for them."),
    )  # fmt: skip
    redo = Button(_("Verify again"), f"/verify {person.id} {skill}")
    return [
        ctx.reply(_("Taken back. I don't ask them for it any more."), redo, title=_who(ctx, person, skill)),
        Outbound(person.id, told),
        *volunteering.unverified(ctx, person.id),
    ]


def verified(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/verified: who waits to be verified, and who is; a number behind it leaves out the newest so many."""
    if not coordinators.is_coordinator(ctx):
        return coordinators.refused(ctx, "verified")
    start = int(argument) if argument.isascii() and argument.isdigit() and len(argument) < 6 else 0
    guarded = [each.id for each in ctx.core.vocabulary.skills.values() if each.verified_only]
    waits = [] if start else verifications.waiting(ctx.tx, guarded, SHOWN)
    rows = verifications.all_of(ctx.tx, SHOWN + 1, start)
    buttons = [
        Button(joined(_("Verify"), _who(ctx, people.get(ctx.tx, each), skill)), f"/verify {each} {skill}")
        for each, skill in waits
    ]
    buttons += [
        Button(
            joined(_("Take back"), _who(ctx, people.get(ctx.tx, row.person_id), row.skill)),
            f"/unverify {row.person_id} {row.skill}",
        )
        for row in rows[:SHOWN]
    ]
    if len(rows) > SHOWN:
        buttons.append(Button(_("Show more"), f"/verified {start + SHOWN}"))
    text = (
        _("Who waits to be verified, and who is:") if buttons else _("Nobody waits, and nobody is verified.")
    )
    return [ctx.reply(text, *buttons)]


def _not_found(ctx: Context) -> list[Outbound]:
    return [ctx.reply(_("I don't know that person or that kind of help any more."))]


def _read(ctx: Context, argument: str) -> tuple[Person | None, str]:
    written, _space, skill = argument.strip().partition(" ")
    try:
        return ctx.tx.session.get(Person, UUID(written)), skill.strip()
    except ValueError:
        return None, ""


def _named(found: Iterable[str]) -> Text:
    return joined(*(skills.label(each) for each in found))


def _name(ctx: Context, person: Person) -> Text | Verbatim:
    name = people.name_of(ctx.tx, person)
    return Verbatim(name) if name else _("Someone")


def _who(ctx: Context, person: Person, skill: str) -> Text:
    return joined(_name(ctx, person), skills.label(skill))
