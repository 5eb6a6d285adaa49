"""Which handler a message goes to: crisis, command, choice, else whatever the words belong to."""

from __future__ import annotations

import re
from dataclasses import replace

from handlers import (
    commands,
    conversing,
    following,
    forms,
    listening,
    reactions,
    rooms,
    sos,
    welcome,
)
from handlers.contents import COMMANDS, FORMS, HEARD_IN_ROOMS, REPORTS
from handlers.context import Context
from handlers.lexicon import Intent
from handlers.messages import Button, Inbound, Kind, Lane, Outbound, Verbatim, _
from handlers.texts import joined
from storage import alerts, choices, conversations, hiding, outbox
from storage.choices import TOKEN_LENGTH, Options
from storage.tables import Shown, Talk

LONGEST_LABEL = 60
Fitting = tuple[Shown, str, str]  # a message, what it was about, what its fitting button says
# Also for those who are banned.
IN_DANGER = ("sos", "mistake", "danger", "life", "moment", "maywrite", "mayother", "conceal", "return")
FOR_EVERYONE = (*IN_DANGER, "forget", "language")


def route(ctx: Context, inbound: Inbound) -> list[Outbound]:
    """Answer one message of one person."""
    if inbound.kind in REPORTS:
        return REPORTS[inbound.kind](ctx, inbound)
    if inbound.in_room:
        return rooms.in_room(ctx, inbound, HEARD_IN_ROOMS)
    if inbound.kind is Kind.EDIT:
        return _edit(ctx, inbound)
    if inbound.kind is Kind.REACTION:
        return _reacted(ctx, inbound)
    if ctx.person.hidden_since is None and hiding.has_held(ctx.tx, ctx.account):
        hiding.release(ctx.tx, ctx.now, ctx.person)  # they write, so now is a moment to read too
    said = _pressed(ctx, inbound) if inbound.kind is Kind.PRESS else _written(ctx, inbound)
    urgent = any(each.lane is Lane.CRISIS and each.to == ctx.person.id for each in said)
    if not urgent and _may_ask_consent(ctx):
        said += welcome.ask_consent(ctx)
    return said


def _may_ask_consent(ctx: Context) -> bool:
    """Consent is asked once, after the first thing was served, and never in the middle of anything."""
    return (
        ctx.person.consent_asked_at is None
        and ctx.conversation is None
        and ctx.person in ctx.tx.session  # not just forgotten
        and alerts.unresolved_of(ctx.tx, ctx.person.id, "sos") is None
    )


def _written(ctx: Context, inbound: Inbound) -> list[Outbound]:
    """What was typed: a crisis first, then a command, a choice, and what the words belong to."""
    command = commands.read(inbound.text) or _hidden(ctx, inbound)
    crisis = None if command else ctx.core.lexicons.crisis(inbound.text)
    if crisis is Intent.SOS and _leads_one(ctx):
        crisis = Intent.MAYBE_SOS
    if crisis is not None:
        sos.answer_in_their_language(ctx, inbound)
    if crisis is Intent.SOS:
        return [*sos.sos(ctx, inbound, inbound.text), *_also_pass_on(ctx, inbound)]
    if command:
        return _command(ctx, inbound, *command)
    if _is_shut_out(ctx):
        return _banned(ctx)
    chosen = _chosen(ctx, inbound)
    if chosen is not None:
        return chosen
    said = listening.in_context(ctx, inbound)
    if crisis is Intent.MAYBE_SOS:
        said.append(sos.offer_coordinator(ctx, inbound.text))
    return said


def _hidden(ctx: Context, inbound: Inbound) -> tuple[str, str] | None:
    """The words that hide a chat and bring it back, as the commands that they stand for."""
    words = ctx.core.lexicons.crisis_words
    if ctx.person.hidden_since is not None and words.is_return(inbound.text):
        return "return", ""
    if alerts.unresolved_of(ctx.tx, ctx.person.id, "sos") is not None and words.is_hide(inbound.text):
        return "conceal", ""
    return None


def _leads_one(ctx: Context) -> bool:
    """Whether the speaker is a coordinator in charge: they speak of someone else's danger."""
    return any(
        talk.alert_id is not None and talk.helper_id == ctx.person.id
        for talk in conversations.talks_of(ctx.tx, ctx.person.id)
    )


def _also_pass_on(ctx: Context, inbound: Inbound) -> list[Outbound]:
    """An SOS in a talk about a need also reaches the one who is near."""
    talks = [talk for talk in conversations.talks_of(ctx.tx, ctx.person.id) if talk.need_id is not None]
    return conversing.relay(ctx, talks[0], inbound) if len(talks) == 1 and inbound.text else []


def _is_shut_out(ctx: Context) -> bool:
    """A banned person may call for help, be heard while that lasts, and be forgotten; nothing else."""
    return ctx.person.banned_at is not None and alerts.unresolved_of(ctx.tx, ctx.person.id, "sos") is None


def _banned(ctx: Context) -> list[Outbound]:
    return [ctx.reply(_("You can't use this here any more. If someone is in danger, write SOS."))]


def _command(ctx: Context, inbound: Inbound, name: str, argument: str) -> list[Outbound]:
    if ctx.person.banned_at is not None and name not in FOR_EVERYONE:
        return _banned(ctx)
    if name in ("back", "skip"):
        return _move(ctx, name)
    known = COMMANDS.get(name)
    if known is None:
        return welcome.not_understood(ctx, inbound)
    said = known.run(ctx, inbound, argument)
    if name == "language" and ctx.conversation is not None and ctx.conversation.form in FORMS:
        said += forms.repeat(ctx, FORMS[ctx.conversation.form], ctx.conversation, None)
    return said


def _move(ctx: Context, name: str) -> list[Outbound]:
    form = FORMS.get(ctx.conversation.form) if ctx.conversation else None
    if form is None or ctx.conversation is None:
        return welcome.cancel(ctx, Inbound(Kind.MESSAGE), "")
    move = forms.back if name == "back" else forms.skip
    return move(ctx, form, ctx.conversation)


# --- buttons, numbers, labels ---------------------------------------------------------------------


def _pressed(ctx: Context, inbound: Inbound) -> list[Outbound]:
    """A button of another chat, or a forged one, stands for nothing."""
    token, number = inbound.token[:TOKEN_LENGTH], inbound.token[TOKEN_LENGTH:]
    choice = choices.pressed(ctx.tx, token)
    if choice is not None and choice.account_id == ctx.account.id and _is_number(number):
        buttons = choices.options(ctx.tx, ctx.person, choice).options
        if 1 <= int(number) <= len(buttons):
            return _choose(ctx, inbound, choice, buttons[int(number) - 1]["says"])
    return [ctx.reply(_("That button is no longer valid."), *welcome.menu())]


def _reacted(ctx: Context, inbound: Inbound) -> list[Outbound]:
    """An emoji on a message with buttons presses one of them; any other is not for us."""
    row = outbox.by_message(ctx.tx, ctx.account.id, inbound.reply_to)
    if row is None:  # the process may have ended between sending it and learning its id
        row = outbox.unrecorded(ctx.tx, ctx.account.id)
    if row is None or row.choice_id is None or not reactions.presses(inbound.text):
        return []
    choice = choices.get(ctx.tx, row.choice_id)
    if choice is None or choice.account_id != ctx.account.id:
        return [ctx.reply(_("That button is no longer valid."), *welcome.menu())]
    shown = choices.options(ctx.tx, ctx.person, choice).options
    number = reactions.chosen(inbound.text, [each.get("means", "") for each in shown])
    return [] if number is None else _choose(ctx, inbound, choice, shown[number - 1]["says"])


def _choose(ctx: Context, inbound: Inbound, choice: Shown, says: str) -> list[Outbound]:
    """Do what a button stands for: a command, or the answer to the question that it belongs to."""
    meant = replace(inbound, kind=Kind.MESSAGE, text=says, token="", reply_to="")
    if not says and ctx.conversation is None:
        return [ctx.reply(_("Send your position as a place, with your app, or write where you are."))]
    command = commands.read(says)
    if command:
        return _command(ctx, meant, *command)
    if choice.scope and (ctx.conversation is None or not choice.scope.startswith(str(ctx.conversation.id))):
        return [ctx.reply(_("That question was answered before."))]
    ctx.scope = choice.scope
    return listening.in_context(ctx, meant)


def may_be_choice(text: str) -> bool:
    """Whether a text is short enough for a number or a label, and no command."""
    return 0 < len(text) <= LONGEST_LABEL and not text.startswith("/")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 2


def _chosen(ctx: Context, inbound: Inbound) -> list[Outbound] | None:
    """A typed number or label means a button of the newest message; if two could be meant, ask which."""
    text = inbound.text.strip()
    if not may_be_choice(text):
        return None
    recent = [
        (choice, choices.options(ctx.tx, ctx.person, choice))
        for choice in choices.recent(ctx.tx, ctx.account.id)
    ]
    if _is_number(text):
        return _by_number(ctx, inbound, recent, int(text))
    labelled = [
        (choice, shown.summary, option["says"])
        for choice, shown in recent
        for option in shown.options
        if option["label"].casefold() == text.casefold() and option["says"]
    ]
    still_asked = _still_asked(ctx, labelled)
    if still_asked and not _is_older_yes_or_no(ctx, text, still_asked[0], recent[0][0]):
        return _meant(ctx, inbound, still_asked[:1])
    said = _by_answer(ctx, inbound, recent)
    if said is not None:
        return said
    if still_asked:
        return _meant(ctx, inbound, still_asked[:1])
    if labelled and ctx.conversation is None:
        return _choose(ctx, inbound, labelled[0][0], labelled[0][2])
    return None


def _is_older_yes_or_no(ctx: Context, text: str, fitting: Fitting, newest: Shown) -> bool:
    """Whether a label says just yes or no, of an older message, and not of what an SOS still asks."""
    choice, _summary, says = fitting
    alert = alerts.unresolved_of(ctx.tx, ctx.person.id, "sos")
    if choice is newest or (alert is not None and _command_of(says) == alert.question):
        return False
    return ctx.core.lexicons.answer(text, ctx.person.language) is not None


def _command_of(says: str) -> str | None:
    """The name of the command that a button says; None where it is an answer in a form."""
    command = commands.read(says)
    return command[0] if command else None


def _still_asked(ctx: Context, fitting: list[Fitting]) -> list[Fitting]:
    """The buttons that still do something: those of a question that is open, and those that are commands."""
    asked = forms.open_question(ctx, FORMS)
    return [
        (choice, summary, says)
        for choice, summary, says in fitting
        if not choice.scope or choice.scope == asked or commands.read(says)
    ]


def _by_answer(ctx: Context, inbound: Inbound, recent: list[tuple[Shown, Options]]) -> list[Outbound] | None:
    """A plain yes or no is the button of the newest message, if it has one that means it.

    Where another of the same kind came with it, `_meant` asks which.
    """
    if not recent or ctx.conversation is not None:
        return None
    first_words = re.split(r"[,.;:]", inbound.text)[0]  # "yes, I'll go"
    said = ctx.core.lexicons.answer(first_words, ctx.person.language)
    if said is None:
        return None
    wanted = "yes" if said else "no"
    fitting = [
        (choice, shown.summary, option["says"])
        for choice, shown in recent
        for option in shown.options
        if option.get("means") == wanted and option["says"]
    ]
    newest, _shown = recent[0]
    if not fitting or fitting[0][0] is not newest:
        return None
    kind = _command_of(fitting[0][2])
    return _meant(ctx, inbound, [each for each in fitting if _command_of(each[2]) == kind])


def _by_number(
    ctx: Context, inbound: Inbound, recent: list[tuple[Shown, Options]], number: int
) -> list[Outbound] | None:
    fitting = [
        (choice, shown.summary, shown.options[number - 1]["says"])
        for choice, shown in recent
        if 1 <= number <= len(shown.options)
    ]
    still_asked = _still_asked(ctx, fitting) or (fitting if ctx.conversation is None else [])
    return _meant(ctx, inbound, still_asked) if still_asked else None


def _meant(ctx: Context, inbound: Inbound, fitting: list[Fitting]) -> list[Outbound]:
    """Do what the newest of the fitting buttons says, unless another reader or button could be meant."""
    heard = ctx.person.last_heard_at
    unseen = [each for each in fitting if heard is None or each[0].created_at >= heard] or fitting[:1]
    # Several messages that say the same leave nothing to ask.
    summaries = {says: summary for _choice, summary, says in reversed(unseen) if says.startswith("/")}
    meant = [Button(Verbatim(summary), says) for says, summary in summaries.items()]
    talk = _newer_talk(ctx, fitting[0][0])
    if talk is not None:
        about = conversing.reference(ctx, talk)
        passing_on = f"/tell {about} {inbound.text.strip()}"
        meant.append(Button(joined(about, conversing.role(ctx, talk)), passing_on))
    choice, _summary, says = fitting[0]
    if len(meant) > 1 and _command_of(says) != "take":  # a crisis comes before both
        return [ctx.reply(_("Which one do you mean?"), *meant)]
    return _choose(ctx, inbound, choice, says)


def _newer_talk(ctx: Context, choice: Shown) -> Talk | None:
    """The talk in which something was passed on after these buttons were shown: the number may be for it."""
    talks = conversations.talks_of(ctx.tx, ctx.person.id)
    if not talks or ctx.conversation is not None:
        return None
    passed_on = outbox.last_relay(ctx.tx, ctx.account.id)
    return talks[0] if passed_on is not None and passed_on > choice.created_at else None


def _edit(ctx: Context, inbound: Inbound) -> list[Outbound]:
    """New words in an old message: screened like any, passed on where the old ones went, never a new need."""
    if ctx.core.lexicons.crisis(inbound.text) is Intent.SOS and not _leads_one(ctx):
        return [*sos.sos(ctx, inbound, inbound.text), *conversing.edited(ctx, inbound)]
    if _is_shut_out(ctx):
        return _banned(ctx)
    if not inbound.text:
        return following.moved(ctx, inbound, FORMS)
    alert = alerts.unresolved_of(ctx.tx, ctx.person.id, "sos")
    passed_on = conversing.edited(ctx, inbound)
    if alert is not None and not passed_on:
        return sos.said(ctx, alert, inbound)
    return passed_on or [ctx.reply(_("I saw that you changed a message. Please write it as a new one."))]
