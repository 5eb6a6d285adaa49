"""Protection from each other: report, block, ban; and forgetting."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from handlers import (
    alarms,
    cards,
    closing,
    commitments,
    conversing,
    coordinators,
    first_words,
    membership,
    references,
    volunteering,
)
from handlers.context import Context, Moment
from handlers.forms import Again, Answers, Field, Form, Option, start
from handlers.messages import Button, Inbound, Outbound, Text, _, lines
from handlers.stopping import end as stop_need
from handlers.texts import joined
from storage import alerts, conversations, forgetting, needs, offers, open_needs, outbox, people, work
from storage.tables import Person, Talk

LATELY = timedelta(days=30)


def _partners(ctx: Context) -> list[Talk]:
    """The talks of the last weeks, the newest with each other person."""
    seen: dict[Any, Talk] = {}
    for talk in conversations.last_talk_of(ctx.tx, ctx.person.id, opened_after=ctx.now - LATELY):
        if talk.alert_id is None:
            seen.setdefault(conversing.other(talk, ctx.person.id), talk)
    return list(seen.values())


def _partner_options(ctx: Context, answers: Answers) -> tuple[Option, ...]:
    return tuple(Option(str(talk.id), _role(ctx, talk)) for talk in _partners(ctx))


def _role(ctx: Context, talk: Talk) -> Text:
    role = _("the volunteer") if talk.requester_id == ctx.person.id else _("the one who asked")
    return joined(conversing.reference(ctx, talk), role)


def _parse_partner(ctx: Context, inbound: Inbound) -> Any:
    for talk in _partners(ctx):
        if inbound.text == str(talk.id) or conversing.reference(ctx, talk) in inbound.text.upper():
            return str(talk.id)
    return Again(_("Please choose one of them."))


def _only_partner(ctx: Context) -> Answers:
    talks = _partners(ctx)
    return {"talk": str(talks[0].id)} if len(talks) == 1 else {}


def report(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/report: tell coordinators about someone; nobody else learns of it."""
    if not _partners(ctx):
        return [
            ctx.reply(
                _("You have not met anyone through me lately. To reach a coordinator, write SOS."),
                Button(_("SOS"), "/sos"),
            )
        ]
    return start(ctx, REPORT, _only_partner(ctx))


def _reported(ctx: Context, answers: Answers) -> list[Outbound]:
    talk = conversations.talk(ctx.tx, UUID(answers["talk"]))
    if talk is None:
        return [ctx.reply(_("I can't find that case any more."))]
    alert = alarms.open_alert(
        ctx, "report", person_id=ctx.person.id, about_id=conversing.other(talk, ctx.person.id)
    )
    alerts.note(ctx.tx, ctx.now, alert, ctx.person, answers["words"])
    pages = alarms.page(ctx, alert)
    return [
        ctx.reply(
            lines(
                _("Thank you for telling me. The other person is not told."),
                first_words.told(alarms.count(pages)),
            ),
            Button(_("Never match us again"), f"/block {conversing.reference(ctx, talk)}"),
            title=joined(alert.reference),
        ),
        *pages,
    ]


REPORT = Form(
    "report",
    (
        Field("talk", lambda ctx, answers: _("Who is it about?"), _parse_partner, options=_partner_options),
        Field(
            "words",
            lambda ctx, answers: _("What happened? Only coordinators read it."),
            lambda ctx, inbound: inbound.text.strip() or Again(_("Please write it in a few words.")),
        ),
    ),
    _reported,
)


def block(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/block: never be matched with this person again."""
    talks = _partners(ctx)
    quoted = [talk for talk in talks if conversing.reference(ctx, talk) in argument.upper()]
    chosen = quoted or (talks if len(talks) == 1 else [])
    if not talks:
        return [ctx.reply(_("You have not met anyone through me lately."))]
    if not chosen:
        buttons = [Button(_role(ctx, talk), f"/block {conversing.reference(ctx, talk)}") for talk in talks]
        return [ctx.reply(_("Who is it about?"), *buttons)]
    talk = chosen[0]
    other_id = conversing.other(talk, ctx.person.id)
    people.block(ctx.tx, ctx.now, ctx.person.id, other_id)
    ended = [
        message
        for invitation in needs.invitations_between(ctx.tx, ctx.person.id, other_id)
        for message in volunteering.unreachable(ctx, invitation)
    ]
    said = ctx.reply(_("Done. You are not matched with each other any more, and they are not told why."))
    open_talks = conversations.talks_of(ctx.tx, ctx.person.id)
    shared = [each for each in open_talks if conversing.other(each, ctx.person.id) == other_id]
    return [said, *ended, *(message for each in shared for message in _part(ctx, each))]


def _part(ctx: Context, talk: Talk) -> list[Outbound]:
    """Two people who shall not meet again share no open case either."""
    if talk.need_id is None or talk.closed_at is not None:
        return []
    need = needs.get(ctx.tx, talk.need_id)
    commitment = needs.commitment(ctx.tx, need.id, talk.helper_id)
    if commitment is None:
        return []
    asked = commitments.reopen(ctx, need, [commitment], "withdrawn")
    ended = _("{reference} is no longer with you. Thank you for your time.", reference=need.reference)
    return [*asked, cards.need(ctx, need, need.person_id), Outbound(talk.helper_id, ended)]


# --- bans -----------------------------------------------------------------------------------------


def ban(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """Ban the person whom a report is about: they are never matched again; an SOS stays open to them."""
    person = _reported_person(ctx, argument)
    if not coordinators.is_coordinator(ctx):
        return coordinators.refused(ctx, "ban")
    if person is None:
        return [ctx.reply(_("Write /ban and the reference of the report, for example /ban A-2M9D."))]
    person.banned_at = ctx.now
    work.audit(ctx.tx, ctx.now, ctx.person.id, "ban", subject=person)
    told = withdraw_from_everything(ctx, person)
    undo = Button(_("Undo"), f"/unban {argument}")
    return [ctx.reply(_("They are banned. They can still send an SOS."), undo), *told]


def unban(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    if not coordinators.is_coordinator(ctx):
        return coordinators.refused(ctx, "unban")
    person = _reported_person(ctx, argument)
    if person is None:
        return [ctx.reply(_("I don't know that person any more."))]
    person.banned_at = None
    work.audit(ctx.tx, ctx.now, ctx.person.id, "unban", subject=person)
    return [ctx.reply(_("They are no longer banned."))]


def _reported_person(ctx: Context, argument: str) -> Person | None:
    reference = references.read(argument, "A")
    alert = alerts.by_reference(ctx.tx, reference) if reference else None
    return ctx.tx.session.get(Person, alert.about_id) if alert and alert.about_id else None


def withdraw_from_everything(moment: Moment, person: Person) -> list[Outbound]:
    """Someone takes no part any more: offer, commitments, own needs and duties end; others take over."""
    offers.remove(moment.tx, person.id)
    told = volunteering.give_everything_back(moment, person.id)
    for need in open_needs.of(moment.tx, person.id):
        told += stop_need(moment, need)
    if person.coordinator_since is not None:
        told += membership.step_down(moment, person)
    return told


# --- forgetting -----------------------------------------------------------------------------------


def forget(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/forget: delete everything, after one question."""
    if argument != "yes":
        return [
            ctx.reply(
                lines(
                    _("Shall I delete all that I know of you? Your open cases end, and it can't be undone."),
                    _("What others have already read, I can't take back."),
                ),
                Button(_("Yes, delete everything"), "/forget yes", means="yes"),
                Button(_("No"), "/no", means="no"),
            )
        ]
    return forget_now(ctx)


def forget_now(ctx: Context) -> list[Outbound]:
    """End what is open, say goodbye, destroy the key. The goodbye is queued by its own address."""
    told = withdraw_from_everything(ctx, ctx.person)
    for alert in alerts.unresolved(ctx.tx):
        if alert.person_id == ctx.person.id:
            text = _(
                "{reference}: the person deleted their data. Nothing more is known here.",
                reference=alert.reference,
            )
            closing.close(ctx, alert.id, alert.reference)
            alerts.resolve(ctx.tx, ctx.now, alert.id, "the person was forgotten")
            told += alarms.in_rooms(ctx, alert)
            told += [Outbound(to, text) for to in {alert.owner_id, *alerts.paged(ctx.tx, alert.id)} if to]
    goodbye = ctx.rendered(_("Everything is deleted. If you write again, we start again. Take care."))
    outbox.say_goodbye(ctx.tx, ctx.now, ctx.account, goodbye, ctx.union.keep_events)
    work.audit(ctx.tx, ctx.now, None, "forgot a person")
    forgetting.forget(ctx.tx, ctx.now, ctx.person)
    return [message for message in told if message.to != ctx.person.id]
