"""One person with several accounts: joining another chat with a code, and setting one apart again."""

from __future__ import annotations

from datetime import timedelta

from handlers import skills, volunteering
from handlers.context import Context
from handlers.messages import Button, Inbound, Outbound, Text, Verbatim, Words, _, lines
from handlers.texts import duration, joined
from storage import linking, needs, offers, outbox, people, work
from storage.tables import Account, Person

CODE_LIFE = timedelta(minutes=10)
YES = "yes"  # behind a code: whoever writes it made it themselves


def show(ctx: Context, code: str) -> list[Outbound]:
    """Give the code, and say what it does before anyone else can make use of it."""
    return [
        ctx.reply(
            lines(
                _("Write this code to me in your other chat. It is valid once, for {time}.",
                  time=duration(CODE_LIFE)),
                Verbatim(code),
                _("Whoever writes it becomes the same person as you here: they read what you read and act "
                  "in your name. Share it with nobody."),
            )
        )
    ]  # fmt: skip


def maker(ctx: Context, code: str) -> Person | None:
    return linking.maker(ctx.tx, ctx.now, code)


def why_not(ctx: Context, maker: Person) -> list[Outbound]:
    """What stands against joining the one who speaks to the one who made the code; it stays valid."""
    if maker.id == ctx.person.id:
        return [ctx.reply(_("This code is for your other chat: write it to me there."))]
    if maker.banned_at is not None or ctx.person.banned_at is not None:
        return [ctx.reply(_("You can't use this here any more. If someone is in danger, write SOS."))]
    if ctx.person.coordinator_since is not None and maker.coordinator_since is None:
        return [ctx.reply(_("As a coordinator, write /link here, and the code in the other chat."))]
    mine = linking.open_cases(ctx.tx, ctx.person.id)
    if not mine:
        return []
    free = not linking.open_cases(ctx.tx, maker.id)
    way = (
        _("Or join the other way round: write /link here, and the code in the other chat.") if free else None
    )
    still_open = _("This chat has open cases: {references}.", references=tuple(mine))
    return [ctx.reply(lines(still_open, _("Please close them first, then write the code again."), way))]


def ask(ctx: Context, code: str) -> list[Outbound]:
    """Before a code is used: whoever was talked into writing that of a stranger would become theirs."""
    return [
        ctx.reply(
            lines(
                _("This code joins this chat to the person who made it. They will read what comes here and "
                  "act in your name."),
                _("Go on only if you made it yourself, in your other chat. Did you?"),
            ),
            Button(_("Yes, I made it myself"), f"/link {code} {YES}", means="yes"),
            Button(_("No"), "/no", means="no"),
        )
    ]  # fmt: skip


def join(ctx: Context, maker: Person) -> list[Outbound]:
    """This account, and what is kept of its person, becomes the maker's; both chats are told."""
    gone = ctx.person
    told = [each for each in _give_back_doubles(ctx, maker) if each.to != gone.id]
    offer = _offer_that_stays(ctx, maker)
    linking.join(ctx.tx, maker, gone)
    others = [each for each in people.accounts(ctx.tx, maker.id) if each.id != ctx.account.id]
    ctx.person, ctx.conversation, ctx.regrouped = maker, None, True
    work.audit(ctx.tx, ctx.now, maker.id, "joined an account", subject=maker)
    said = ctx.reply(
        lines(
            _("Done. This chat and your other one are the same person now."),
            offer,
            _("I write to you where you wrote last. /unlink sets a chat apart again."),
        )
    )
    here = _platform(ctx.account)
    text = _("Your account on {platform} was joined. If that was not you, write /unlink.", platform=here)
    return [said, *(_to(maker, each, lines(text, offer)) for each in others), *told]


def _give_back_doubles(ctx: Context, maker: Person) -> list[Outbound]:
    """Nobody is asked twice about one need, nor about their own: the next volunteer is asked instead."""
    told: list[Outbound] = []
    for invitation in needs.pending_of(ctx.tx, ctx.person.id):
        need = needs.get(ctx.tx, invitation.need_id)
        if need.person_id == maker.id or needs.invitation(ctx.tx, need.id, maker.id) is not None:
            told += volunteering.unreachable(ctx, invitation)
    return told


def _offer_that_stays(ctx: Context, maker: Person) -> Text | None:
    """Of two offers the one of the chat that made the code; None where there are no two."""
    offer = offers.of(ctx.tx, maker.id)
    if offer is None or offers.of(ctx.tx, ctx.person.id) is None:
        return None
    what = joined(*(skills.label(each) for each in offer.skills.split()))
    return _("You had two offers. This one stays: {offer}. The other is deleted.", offer=what)


# --- setting apart --------------------------------------------------------------------------------


def unlink(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/unlink: choose one of the person's accounts, which then stands on its own."""
    own = people.accounts(ctx.tx, ctx.person.id)
    if len(own) < 2:
        return [ctx.reply(_("This is your only chat with me. To delete everything, write /forget."))]
    chosen = next((each for each in own if str(each.id) == argument.strip()), None)
    if chosen is not None:
        return _set_apart(ctx, chosen, [each for each in own if each is not chosen])
    own.sort(key=lambda each: each.id != ctx.account.id)
    return [
        ctx.reply(
            _("Which chat shall stand on its own? It then knows nothing of you, and the others keep all."),
            *(Button(_label(ctx, each), f"/unlink {each.id}") for each in own),
            Button(_("Keep them together"), "/no"),
        )
    ]


def _label(ctx: Context, account: Account) -> Text:
    if account.id == ctx.account.id:
        return joined(_("This chat"), _platform(account))
    last = duration(ctx.now - (account.last_spoke_at or account.created_at))
    return joined(_platform(account), _("used {time} ago", time=last))


def _platform(account: Account) -> str:
    return account.platform.capitalize()


def _set_apart(ctx: Context, account: Account, left: list[Account]) -> list[Outbound]:
    """The account is told by its own address, because it is nobody's after that."""
    text = _("This chat stands on its own now. I know nothing of you here any more.")
    outbox.say_goodbye(ctx.tx, ctx.now, account, ctx.rendered(text), ctx.union.keep_events)
    linking.set_apart(ctx.tx, ctx.now, account)
    ctx.regrouped = True
    work.audit(ctx.tx, ctx.now, ctx.person.id, "set an account apart", subject=ctx.person)
    if account.id == ctx.account.id:  # what else is said in this turn is said where they are still known
        ctx.account = max(left, key=lambda each: (each.reachable, each.last_spoke_at or each.created_at))
        ctx.conversation, ctx.thread = None, ""
    told = _(
        "Your account on {platform} stands on its own now. I don't write to you there any more.",
        platform=_platform(account),
    )
    return [_to(ctx.person, each, told) for each in left]


def _to(person: Person, account: Account, text: Words) -> Outbound:
    return Outbound(person.id, text, account=account.id)
