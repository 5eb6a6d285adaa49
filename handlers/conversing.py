"""Talks through the bot: two people write to each other and neither sees who the other is."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

from handlers import disclosure, places, waiting
from handlers.context import Context, Moment
from handlers.forms import Again, Answers, Field, Form, Option, start
from handlers.messages import (
    Attachment,
    Button,
    Inbound,
    Kind,
    Lane,
    Outbound,
    Text,
    Verbatim,
    Words,
    _,
    lines,
)
from handlers.texts import joined
from storage import alerts, conversations, needs, outbox, people, work
from storage.tables import Talk

TALK_CLOSED = _("That talk is closed. Your message was not passed on.")


def other(talk: Talk, person_id: UUID) -> UUID:
    return talk.helper_id if talk.requester_id == person_id else talk.requester_id


def reference(moment: Moment, talk: Talk) -> str:
    if talk.need_id is not None:
        return needs.get(moment.tx, talk.need_id).reference
    assert talk.alert_id is not None
    return alerts.get(moment.tx, talk.alert_id).reference


def talk_about(ctx: Context, case_id: UUID) -> Talk | None:
    """The person's open talk about a case."""
    for talk in conversations.talks_of(ctx.tx, ctx.person.id):
        if case_id in (talk.need_id, talk.alert_id):
            return talk
    return None


def lane(talk: Talk) -> Lane:
    return Lane.CRISIS if talk.alert_id is not None else Lane.REPLY


def heading(moment: Moment, talk: Talk, writer_id: UUID) -> Text:
    """Who writes, as far as the reader may know it: a coordinator's name, else the part they play."""
    about = reference(moment, talk)
    if writer_id == talk.requester_id:
        return joined(about, _("from the one who asked"))
    if talk.alert_id is not None:
        return joined(about, _("from a coordinator"))
    return joined(about, _("from your volunteer"))


def relay(ctx: Context, talk: Talk, inbound: Inbound) -> list[Outbound]:
    """Pass a message on. Nothing is said back: it is a talk, and a failure is told."""
    if inbound.attachment is not None:
        return fetch(ctx, inbound, talk)
    text: Words = Verbatim(inbound.text or inbound.contact)
    if inbound.place is not None and not inbound.text:
        text = _("A place:")
    passed_on = pass_on(ctx, talk, ctx.person.id, text, (ctx.account.id, inbound.message_id), inbound)
    if not _reader_is_watched(ctx, talk):
        return [passed_on]
    waits = _("They may be watched. Your words wait until they write again.")
    return [replace(passed_on, waits=True), ctx.reply(waits, lane=Lane.CRISIS)]


def _reader_is_watched(ctx: Context, talk: Talk) -> bool:
    """Whether what a coordinator writes must not arrive unasked."""
    if talk.alert_id is None or talk.helper_id != ctx.person.id:
        return False
    return not waiting.may_hear(alerts.get(ctx.tx, talk.alert_id))


def pass_on(
    moment: Moment, talk: Talk, writer_id: UUID, text: Words, source: tuple[UUID, str],
    inbound: Inbound | None = None, attachment: UUID | None = None,
) -> Outbound:  # fmt: skip
    return Outbound(
        other(talk, writer_id),
        text,
        title=heading(moment, talk, writer_id),
        place=inbound.place if inbound else None,
        attachment=attachment,
        lane=lane(talk),
        talk=talk.id,
        relay_of=source,
        discloses=(talk.need_id or talk.alert_id) if inbound and inbound.place else None,
        edits_relay=inbound is not None and inbound.kind is Kind.EDIT,
    )


def fetch(ctx: Context, inbound: Inbound, talk: Talk | None = None) -> list[Outbound]:
    """Have a photo, a recording or a file fetched and cleaned; it comes back as an event of its own."""
    attachment = inbound.attachment
    assert attachment is not None
    if attachment.size > ctx.union.largest_attachment:
        return [ctx.reply(_("That file is too large for me to pass on. Please send a smaller one."))]
    payload = {
        "reference": attachment.reference,
        "media": str(attachment.media),
        "mime": attachment.mime,
        "talk": str(talk.id) if talk else "",
        "message_id": inbound.message_id,
        "text": inbound.text,
    }
    work.add_job(ctx.tx, ctx.now, ctx.account, ctx.person.key_id, "fetch attachment", payload)
    return []


def fetched(ctx: Context, inbound: Inbound) -> list[Outbound]:
    """A fetched attachment goes to the talk it was meant for, or to the alert that is open."""
    detail = inbound.detail
    attachment_id, words = UUID(detail["attachment"]), Verbatim(detail["text"])
    source = (ctx.account.id, detail["message_id"])
    talk = conversations.talk(ctx.tx, UUID(detail["talk"])) if detail["talk"] else None
    if talk is not None and talk.closed_at is None:
        return [pass_on(ctx, talk, ctx.person.id, words, source, attachment=attachment_id)]
    alert = alerts.unresolved_of(ctx.tx, ctx.person.id, "sos")
    if alert is None:
        return [ctx.reply(TALK_CLOSED)]
    owner_talk = talk_about(ctx, alert.id)
    if owner_talk is not None:
        return [pass_on(ctx, owner_talk, ctx.person.id, words, source, attachment=attachment_id)]
    alerts.note(ctx.tx, ctx.now, alert, ctx.person, f"[{detail['media']}]", attachment_id, source)
    return []


def unfetched(ctx: Context, inbound: Inbound) -> list[Outbound]:
    return [
        ctx.reply(
            _("I could not pass on what you sent. Please send it as a photo, or write it in words."),
            lane=Lane.CRISIS if alerts.unresolved_of(ctx.tx, ctx.person.id, "sos") else Lane.REPLY,
        )
    ]


def edited(ctx: Context, inbound: Inbound) -> list[Outbound]:
    """An edit follows the copy that was passed on, while the talk is open."""
    for copy in outbox.relayed_from(ctx.tx, ctx.account.id, inbound.message_id):
        talk = conversations.talk(ctx.tx, copy.talk_id) if copy.talk_id else None
        if (
            talk is not None
            and talk.closed_at is None
            and ctx.person.id in (talk.requester_id, talk.helper_id)
        ):
            return [
                pass_on(ctx, talk, ctx.person.id, Verbatim(inbound.text),
                        (ctx.account.id, inbound.message_id), inbound)
            ]  # fmt: skip
    return []


def replied_talk(ctx: Context, inbound: Inbound) -> Talk | None:
    """The talk of the message that is replied to; "closed" ones are returned too, to be told apart."""
    if not inbound.reply_to:
        return None
    row = outbox.by_message(ctx.tx, ctx.account.id, inbound.reply_to)
    if row is None or row.talk_id is None:
        return None
    return conversations.talk(ctx.tx, row.talk_id)


def ask_which(ctx: Context, inbound: Inbound) -> list[Outbound]:
    """Several talks are open and the message names none: keep it as an open question until it is clear."""
    kept: Answers = {"message_id": inbound.message_id, "text": inbound.text}
    if inbound.place is not None:
        kept["place"] = places.to_json(inbound.place)
    if inbound.attachment is not None:
        kept["attachment"] = asdict(inbound.attachment)
    return start(ctx, WHICH, kept)


def _which_options(ctx: Context, answers: Answers) -> tuple[Option, ...]:
    return tuple(
        Option(str(talk.id), joined(reference(ctx, talk), role(ctx, talk)))
        for talk in conversations.talks_of(ctx.tx, ctx.person.id)
    )


def _parse_which(ctx: Context, inbound: Inbound) -> Any:
    for talk in conversations.talks_of(ctx.tx, ctx.person.id):
        if inbound.text == str(talk.id) or reference(ctx, talk) in inbound.text.upper():
            return str(talk.id)
    return Again(_("Please choose one, or cancel and write it again."))


def _which_done(ctx: Context, answers: Answers) -> list[Outbound]:
    talk = conversations.talk(ctx.tx, UUID(answers["talk"]))
    if talk is None or talk.closed_at is not None:
        return [ctx.reply(TALK_CLOSED)]
    attachment = answers.get("attachment")
    kept = Inbound(
        Kind.MESSAGE,
        text=answers["text"],
        message_id=answers["message_id"],
        place=places.from_json(answers.get("place")),
        attachment=Attachment(**attachment) if attachment else None,
    )
    return [ctx.reply(_("Passed on.")), *relay(ctx, talk, kept)]


WHICH = Form(
    "which",
    (
        Field(
            "talk",
            lambda ctx, answers: _("You have more than one talk open. Who is this for?"),
            _parse_which,
            options=_which_options,
        ),
    ),
    _which_done,
)


def role(ctx: Context, talk: Talk) -> Text:
    if talk.requester_id == ctx.person.id:
        return _("coordinator") if talk.alert_id else _("your volunteer")
    return _("the one who asked")


def share(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """Agree to exchange contacts; they are opened only when both have agreed."""
    talk = conversing_talk(ctx, argument)
    if talk is None:
        return [ctx.reply(_("There is no open talk in which a contact could be shared."))]
    if ctx.account.sealed_contact is None:
        return [ctx.reply(_("I don't know a contact of yours. Send me your contact card or your number: "
                            "write /contact and the number."))]  # fmt: skip
    if talk.requester_id == ctx.person.id:
        talk.requester_shares = True
    else:
        talk.helper_shares = True
    partner_id = other(talk, ctx.person.id)
    if not (talk.requester_shares and talk.helper_shares):
        about = reference(ctx, talk)
        ask = Outbound(
            partner_id,
            _("{reference}: the other person would like to share their contact with you. "
              "They get yours only if you agree too.", reference=about),
            buttons=(
                Button(_("Share my contact"), f"/share {about}", means="yes"),
                Button(_("No"), "/no", means="no"),
            ),
        )  # fmt: skip
        return [ctx.reply(_("I have asked the other person. Contacts open when both agree.")), ask]
    return [_contact(ctx, talk, partner_id, ctx.person.id), _contact(ctx, talk, ctx.person.id, partner_id)]


def _contact(ctx: Context, talk: Talk, of_id: UUID, to_id: UUID) -> Outbound:
    subject = people.get(ctx.tx, of_id)
    account = people.account_of(ctx.tx, of_id)
    case_id = talk.need_id or talk.alert_id
    assert case_id is not None
    found = disclosure.contact_of(ctx, to_id, subject, case_id, account) if account else ""
    opened = lines(_("You both agreed. Their contact:"), Verbatim(found))
    return Outbound(to_id, opened, talk=talk.id, discloses=case_id)


def tell(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """Pass on what follows the reference: the answer to "Which one do you mean?" """
    quoted, _space, words = argument.partition(" ")
    talk = conversing_talk(ctx, quoted)
    return relay(ctx, talk, replace(inbound, text=words)) if talk else [ctx.reply(TALK_CLOSED)]


def conversing_talk(ctx: Context, argument: str) -> Talk | None:
    """The open talk that a text quotes, or the only one."""
    talks = conversations.talks_of(ctx.tx, ctx.person.id)
    quoted = [talk for talk in talks if reference(ctx, talk) in argument.upper()]
    if quoted:
        return quoted[0]
    return talks[0] if len(talks) == 1 else None


def contact(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """Keep the contact that a person wants to be able to share."""
    given = (inbound.contact or argument).strip()[:200]
    if not given:
        return [ctx.reply(_("Write /contact and then your number or name."))]
    ctx.account.sealed_contact = ctx.tx.seal(ctx.person.key_id, "contact", given)
    return [ctx.reply(_('Kept. Nobody sees it unless you press "Share my contact" and they do too.'))]
