"""The first words, consent, language, the menu, and the answer to what nobody understood."""

from __future__ import annotations

from handlers import cards, limiting, limits, membership, skills
from handlers.context import Context
from handlers.messages import Button, Inbound, Lines, Outbound, Text, Verbatim, _, lines
from handlers.texts import joined, own_name
from storage import alerts, conversations, needs, offers, open_needs, people

CONSENT = _(
    "To help, I keep what you write to me, sealed, until your case is over, and your rough area. "
    "Volunteers see your words and your place only when they accept, coordinators when they take charge. "
    "You can delete everything at any time with /forget. Is that all right?"
)


def menu() -> tuple[Button, ...]:
    return (
        Button(_("I need help"), "/need"),
        Button(_("I can help"), "/offer"),
        Button(_("SOS"), "/sos"),
    )


def welcome(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/start: who this is, and what can be done here; a code behind it is used at once."""
    if membership.read_code(argument) is not None:
        return membership.join(ctx, inbound, argument)
    languages = [
        Button(Text(own_name(each)), f"/language {each}")
        for each in ctx.core.catalogs.languages
        if each != ctx.person.language
    ]
    consent = CONSENT if ctx.person.consented_at is None else None
    agree_button = (Button(_("I agree"), "/agree", means="yes"),) if consent else ()
    ctx.person.consent_asked_at = ctx.person.consent_asked_at or ctx.now
    return [
        ctx.reply(
            lines(
                _("Hello, this is One Cloak. Here neighbours help each other."),
                _("Write what you need or what you can do, in your own words. In danger write SOS."),
                consent,
            ),
            *menu(),
            *languages,
            *agree_button,
        )
    ]


def ask_consent(ctx: Context) -> list[Outbound]:
    """Asked once, after the first request has been served, never before."""
    ctx.person.consent_asked_at = ctx.now
    return [
        ctx.reply(
            CONSENT,
            Button(_("I agree"), "/agree", means="yes"),
            Button(_("Delete everything"), "/forget", means="no"),
        )
    ]


def agree(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    people.agree(ctx.tx, ctx.now, ctx.person, ctx.rendered(CONSENT))
    return [ctx.reply(_("Thank you."))]


def help_(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/help: what can be written here."""
    for_coordinators = (
        _("For coordinators: /board, /duty, /code, /leave.") if ctx.person.coordinator_since else None
    )
    return [
        ctx.reply(
            lines(
                _("Write what you need or what you can do, in your own words. In danger write SOS."),
                _("/my shows your cases. /report and /block protect you. /language changes the language. "
                  "/forget deletes everything."),
                for_coordinators,
            ),
            *menu(),
        )
    ]  # fmt: skip


def not_understood(ctx: Context, inbound: Inbound) -> list[Outbound]:
    """An honest answer to what could not be placed; never silence."""
    if inbound.attachment is not None:
        text = _("I can't read voice messages, pictures or files. Please write it in words, or choose.")
    elif inbound.place is not None:
        text = _("Thank you for the place. What is it about?")
    else:
        text = _("I am a simple bot and did not understand that. Please choose, or say it in other words.")
    return [ctx.reply(text, *menu())]


def no(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/no: nothing changes; behind it "menu" shows what can be said, to who has no open question."""
    buttons = menu() if argument == "menu" and ctx.conversation is None else ()
    return [ctx.reply(_("All right."), *buttons)]


def thanks(ctx: Context) -> list[Outbound]:
    return [ctx.reply(_("You are welcome. I am here when you need me."))]


def language(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/language: from now on everything is said in this language, the open question too."""
    wanted = argument.strip().lower()
    named = {own_name(each).casefold(): each for each in ctx.core.catalogs.languages}
    chosen = named.get(wanted.casefold(), wanted)
    if chosen not in ctx.core.catalogs.languages:
        buttons = [Button(Text(own_name(each)), f"/language {each}") for each in ctx.core.catalogs.languages]
        return [ctx.reply(_("Which language should I write in?"), *buttons)]
    ctx.person.language = chosen
    offers.change(ctx.tx, ctx.now, ctx.person, ctx.union.time_zone)
    return [ctx.reply(_("From now on I write to you in English."), *menu())]


def my(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/my: the person's open needs, what they have accepted, and their offer."""
    said: list[Outbound] = [
        cards.need(ctx, need, ctx.person.id) for need in open_needs.of(ctx.tx, ctx.person.id)
    ]
    parts: list[Text | Verbatim | None] = [membership.standing(ctx, ctx.person)]
    buttons: list[Button] = []
    alert = alerts.unresolved_of(ctx.tx, ctx.person.id, "sos")
    if alert is not None:
        parts.append(joined(alert.reference, _("SOS"), _("open")))
        buttons.append(Button(_("It was a mistake"), "/mistake"))
    for commitment in needs.commitments_of(ctx.tx, ctx.person.id):
        need = needs.get(ctx.tx, commitment.need_id)
        parts.append(joined(cards.title(ctx, need, ctx.person.language), _("accepted by you")))
        buttons += [
            Button(joined(_("It is done"), need.reference), f"/done {need.reference}"),
            Button(joined(_("I can't after all"), need.reference), f"/withdraw {need.reference}"),
        ]
    offer = offers.of(ctx.tx, ctx.person.id)
    if offer is not None:
        what = joined(*(skills.label(each) for each in offer.skills.split()))
        parts.append(_("Your offer: {skills}", skills=what))
        parts += limits.summary(offer, ctx.person, ctx.union, ctx.now)
        paused = offer.paused_until is not None and offer.paused_until > ctx.now
        rest = Button(_("Ask me again"), "/resume") if paused else Button(_("Pause me for a week"), "/pause")
        buttons += [*limiting.change_buttons(), rest, Button(_("Take my offer back"), "/nooffer")]
    elif not said and not buttons:
        parts.append(_("You have no open case and no offer."))
    return [*said, ctx.reply(Lines(tuple(parts)), *(buttons or menu()))]


def cancel(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/cancel: leave the open question."""
    if ctx.conversation is None:
        return [ctx.reply(_("There is nothing to cancel. Your open cases stay; /my shows them."), *menu())]
    conversations.close_form(ctx.tx, ctx.conversation)
    ctx.conversation = None
    return [ctx.reply(_("Cancelled. I have kept nothing."), *menu())]
