"""What plain words belong to: an open form, a talk, an open alert, a new need or offer, else help."""

from __future__ import annotations

from handlers import (
    commitments,
    conversing,
    forms,
    membership,
    needs,
    offers,
    pausing,
    sos,
    taking,
    volunteering,
    welcome,
)
from handlers.contents import FORMS
from handlers.context import Context
from handlers.lexicon import Intent
from handlers.messages import Button, Inbound, Outbound, _
from storage import alerts, conversations
from storage.tables import Talk


def in_context(ctx: Context, inbound: Inbound) -> list[Outbound]:
    """An open form comes before a talk, a talk that is replied to before the only open one."""
    if ctx.conversation is not None and ctx.conversation.form in FORMS:
        return forms.answer(ctx, FORMS[ctx.conversation.form], ctx.conversation, inbound)
    if inbound.contact:
        return conversing.contact(ctx, inbound, "")
    if membership.read_code(inbound.text) is not None:
        return membership.join(ctx, inbound, inbound.text)
    replied = conversing.replied_talk(ctx, inbound)
    if replied is not None:
        return _to_talk(ctx, replied, inbound)
    alert = alerts.unresolved_of(ctx.tx, ctx.person.id, "sos")
    if alert is not None:
        return sos.said(ctx, alert, inbound)
    talks = conversations.talks_of(ctx.tx, ctx.person.id)
    if len(talks) == 1:
        return _to_talk(ctx, talks[0], inbound)
    if talks:
        return conversing.ask_which(ctx, inbound)
    return _plain_words(ctx, inbound)


def _to_talk(ctx: Context, talk: Talk, inbound: Inbound) -> list[Outbound]:
    if ctx.person.id not in (talk.requester_id, talk.helper_id):
        return _plain_words(ctx, inbound)
    if talk.closed_at is not None:
        return [ctx.reply(_("That talk is closed. Your message was not passed on."), *welcome.menu())]
    if talk.alert_id is not None:
        alert = alerts.get(ctx.tx, talk.alert_id)
        if alert.owner_id == ctx.person.id:
            taking.touch(ctx, alert)
        elif alert.kind == "sos":
            return sos.said(ctx, alert, inbound)
    elif talk.helper_id == ctx.person.id and talk.need_id is not None:
        commitments.spoke(ctx, talk.need_id)
    return conversing.relay(ctx, talk, inbound)


def _plain_words(ctx: Context, inbound: Inbound) -> list[Outbound]:
    """A sentence that asks or offers starts its form with what was said already filled in."""
    if inbound.text:
        rest = pausing.asked(inbound.text)
        if rest is not None:
            return volunteering.pause(ctx, inbound, rest)
        understood = ctx.core.lexicons.understand(inbound.text, ctx.person.language)
        unread = _("I can't read what you attached, only your words.") if inbound.attachment else None
        if understood.intent is Intent.NEED:
            return forms.start(
                ctx, needs.NEED, needs.from_words(ctx, inbound.text, inbound, understood), unread
            )
        if understood.intent is Intent.OFFER:
            return forms.start(ctx, offers.OFFER, offers.from_words(ctx, inbound.text), unread)
        if understood.intent is Intent.THANKS:
            return welcome.thanks(ctx)
        if understood.intent is Intent.GREETING:
            return welcome.welcome(ctx, inbound, "")
        if understood.skills:
            return _need_or_offer(ctx, inbound.text)
        if understood.intent is Intent.MAYBE_SOS and not inbound.attachment:
            return []  # whether they are in danger is asked next, and nothing beside it
        if ctx.core.lexicons.answer(inbound.text, ctx.person.language) is not None:
            return welcome.no(ctx, inbound, "")
    return welcome.not_understood(ctx, inbound)


def _need_or_offer(ctx: Context, words: str) -> list[Outbound]:
    need, offer = Button(_("I need it"), f"/need {words}"), Button(_("I can give it"), f"/offer {words}")
    return [ctx.reply(_("Do you need this, or can you give it?"), need, offer, Button(_("SOS"), "/sos"))]
