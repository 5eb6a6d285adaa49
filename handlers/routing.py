"""Which handler a message goes to: crisis, way out, command, choice, form, talk, plain words, help."""

from __future__ import annotations

import re
from dataclasses import replace

from handlers import conversing, coordinators, forms, membership, needs, offers, sos, welcome
from handlers.contents import COMMANDS, FORMS, REPORTS
from handlers.context import Context
from handlers.lexicon import Intent
from handlers.messages import Button, Inbound, Kind, Outbound, Text, _
from storage import alerts, conversations
from storage.conversations import TOKEN_LENGTH
from storage.tables import Choice, Talk

LONGEST_LABEL = 60
COMMAND = re.compile(r"^/([a-z]+)(?:\s+(.*))?$", re.IGNORECASE | re.DOTALL)


def route(ctx: Context, inbound: Inbound) -> list[Outbound]:
    """Answer one message of one person."""
    if inbound.kind in REPORTS:
        return REPORTS[inbound.kind](ctx, inbound)
    if inbound.in_room:
        return in_room(ctx, inbound)
    if inbound.kind is Kind.EDIT:
        return _edit(ctx, inbound)
    if inbound.kind is Kind.PRESS:
        found = _pressed(ctx, inbound)
        if isinstance(found, list):
            return found
        inbound = found
    said = _answer(ctx, inbound)
    if _may_ask_consent(ctx, inbound):
        said += welcome.ask_consent(ctx)
    return said


def _may_ask_consent(ctx: Context, inbound: Inbound) -> bool:
    """Consent is asked once, after the first thing was served, and never in the middle of anything."""
    return (
        ctx.person.consent_asked_at is None
        and ctx.conversation is None
        and inbound.kind is not Kind.PRESS
        and ctx.person in ctx.tx.session  # not just forgotten
        and alerts.unresolved_of(ctx.tx, ctx.person.id, "sos") is None
    )


def _answer(ctx: Context, inbound: Inbound) -> list[Outbound]:
    command = COMMAND.match(inbound.text.strip())
    crisis = None if command else ctx.core.lexicons.crisis(inbound.text)
    if crisis is Intent.SOS:
        return sos.sos(ctx, inbound, inbound.text)
    if ctx.person.banned_at is not None and not (
        command and command[1].lower() in ("sos", "mistake", "forget")
    ):
        return _banned(ctx, inbound)
    if command:
        return _command(ctx, inbound, command[1].lower(), (command[2] or "").strip())
    chosen = _chosen(ctx, inbound)
    if isinstance(chosen, list):
        return chosen
    if chosen is not None:
        return _answer_chosen(ctx, chosen)
    said = _in_context(ctx, inbound)
    if crisis is Intent.MAYBE_SOS:
        said.append(sos.offer_coordinator(ctx))
    return said


def _answer_chosen(ctx: Context, inbound: Inbound) -> list[Outbound]:
    """A choice is the text that it stands for; its text is ours, so it is never a crisis by accident."""
    command = COMMAND.match(inbound.text)
    if command:
        return _command(ctx, inbound, command[1].lower(), (command[2] or "").strip())
    return _in_context(ctx, inbound)


def _command(ctx: Context, inbound: Inbound, name: str, argument: str) -> list[Outbound]:
    if name in ("back", "skip"):
        return _move(ctx, name)
    known = COMMANDS.get(name)
    if known is None:
        return welcome.not_understood(ctx, inbound)
    return known.run(ctx, inbound, argument)


def _move(ctx: Context, name: str) -> list[Outbound]:
    form = FORMS.get(ctx.conversation.form) if ctx.conversation else None
    if form is None or ctx.conversation is None:
        return welcome.cancel(ctx, Inbound(Kind.MESSAGE), "")
    move = forms.back if name == "back" else forms.skip
    return move(ctx, form, ctx.conversation)


# --- buttons, numbers, labels ---------------------------------------------------------------------


def _pressed(ctx: Context, inbound: Inbound) -> Inbound | list[Outbound]:
    """The text that a button stands for; a button of another chat, or a forged one, stands for nothing."""
    token, number = inbound.token[:TOKEN_LENGTH], inbound.token[TOKEN_LENGTH:]
    choice = conversations.pressed(ctx.tx, token)
    if choice is not None and choice.account_id == ctx.account.id and number.isdigit():
        picked = _pick(ctx, choice, int(number), inbound)
        if picked is not None:
            return picked
    return [ctx.reply(_("That button is no longer valid."), *welcome.menu())]


def _pick(ctx: Context, choice: Choice, number: int, inbound: Inbound) -> Inbound | None:
    if not 1 <= number <= len(choice.options):
        return None
    option = choice.options[number - 1]
    ctx.scope = choice.scope
    return replace(inbound, kind=Kind.MESSAGE, text=option["says"], token="", reply_to="")


def may_be_choice(text: str) -> bool:
    """Whether a text is short enough for a number or a label, and no command."""
    return 0 < len(text) <= LONGEST_LABEL and not text.startswith("/")


def _chosen(ctx: Context, inbound: Inbound) -> Inbound | list[Outbound] | None:
    """A typed number or label means a button of the newest message; if two could be meant, ask which."""
    text = inbound.text.strip()
    if not may_be_choice(text):
        return None
    recent = conversations.recent_choices(ctx.tx, ctx.account.id)
    if not recent:
        return None
    if text.isdigit() and len(text) <= 2:
        return _by_number(ctx, inbound, recent, int(text))
    for choice in recent:
        for number, option in enumerate(choice.options, 1):
            if option["label"].casefold() == text.casefold() and option["says"]:
                return _pick(ctx, choice, number, inbound)
    return None


def _by_number(
    ctx: Context, inbound: Inbound, recent: list[Choice], number: int
) -> Inbound | list[Outbound] | None:
    heard = ctx.person.last_heard_at
    unseen = [
        choice
        for choice in recent
        if (heard is None or choice.created_at > heard) and number <= len(choice.options)
    ]
    if len(unseen) > 1:
        buttons = [
            Button(Text(_summary(ctx, choice)), choice.options[number - 1]["says"])
            for choice in unseen
            if choice.options[number - 1]["says"]
        ]
        return [ctx.reply(_("Which one do you mean?"), *buttons)]
    return _pick(ctx, recent[0], number, inbound)


def _summary(ctx: Context, choice: Choice) -> str:
    return str(ctx.tx.open(ctx.person.key_id, "summary", choice.sealed_summary))


# --- what the words belong to ---------------------------------------------------------------------


def _in_context(ctx: Context, inbound: Inbound) -> list[Outbound]:
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
            coordinators.touch(ctx, alert)
        elif alert.kind == "sos":
            return sos.said(ctx, alert, inbound)
    return conversing.relay(ctx, talk, inbound)


def _plain_words(ctx: Context, inbound: Inbound) -> list[Outbound]:
    """A sentence that asks or offers starts its form with what was said already filled in."""
    if inbound.text:
        understood = ctx.core.lexicons.understand(inbound.text, ctx.person.language)
        if understood.intent is Intent.NEED:
            return forms.start(ctx, needs.NEED, needs.from_words(ctx, inbound.text))
        if understood.intent is Intent.OFFER:
            return forms.start(ctx, offers.OFFER, offers.from_words(ctx, inbound.text))
        if understood.intent is Intent.THANKS:
            return welcome.thanks(ctx)
        if understood.intent is Intent.GREETING:
            return welcome.welcome(ctx, inbound, "")
        if understood.skills:
            return _need_or_offer(ctx)
    return welcome.not_understood(ctx, inbound)


def _need_or_offer(ctx: Context) -> list[Outbound]:
    return [ctx.reply(_("Do you need this, or can you give it?"), *welcome.menu())]


def _edit(ctx: Context, inbound: Inbound) -> list[Outbound]:
    """New words in an old message: screened like any, passed on where the old ones went, never a new need."""
    if ctx.core.lexicons.crisis(inbound.text) is Intent.SOS:
        return sos.sos(ctx, inbound, inbound.text)
    alert = alerts.unresolved_of(ctx.tx, ctx.person.id, "sos")
    if not inbound.text:
        return sos.moved(ctx, alert, inbound) if alert is not None else []
    passed_on = conversing.edited(ctx, inbound)
    if alert is not None and not passed_on:
        return sos.said(ctx, alert, inbound)
    return passed_on or [ctx.reply(_("I saw that you changed a message. Please write it as a new one."))]


def in_room(ctx: Context, inbound: Inbound) -> list[Outbound]:
    """In a group only an SOS is heard, and answered in private: a group is no place for a case."""
    command = COMMAND.match(inbound.text.strip())
    if ctx.core.lexicons.crisis(inbound.text) is Intent.SOS or (command and command[1].lower() == "sos"):
        return sos.sos(ctx, inbound, "")
    return []


def _banned(ctx: Context, inbound: Inbound) -> list[Outbound]:
    return [ctx.reply(_("You can't use this here any more. If someone is in danger, write SOS."))]
