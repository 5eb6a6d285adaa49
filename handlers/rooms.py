"""In a group: a coordinators' room is opened and worked in; everywhere else only an SOS is heard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

from handlers import alert_cards, commands, coordinators, more_hands, sos, taking
from handlers.context import Context
from handlers.lexicon import Intent
from handlers.messages import Button, Inbound, Kind, Lane, Outbound, Text, _, lines
from handlers.reactions import plain
from storage import alerts, rooms, work
from storage.tables import Alert, Room

Heard = Mapping[str, Callable[[Context, Inbound, str], list[Outbound]]]

QUESTION = "room question"  # the card on which a room's purpose is decided
# Strict sets: a heart or folded hands below an alert are sympathy, and put nobody in charge.
FIRST = frozenset(("👍", "✅", "1"))
SECOND = frozenset(("👎", "❌", "2"))
TAKING = FIRST | {"✋", "take"}
YES, NO, TAKE, HELP = _("Yes"), _("No"), _("I take it"), _("I help")


def in_room(ctx: Context, inbound: Inbound, heard: Heard) -> list[Outbound]:
    """What was said or done in a group; `heard` are the commands that are heard in a coordinators' room."""
    room = rooms.at(ctx.tx, ctx.account.platform, inbound.room) if inbound.room else None
    command = commands.read(inbound.text) if inbound.kind is Kind.MESSAGE else None
    name, argument = command or ("", "")
    speaks_for_others = (
        room is not None and room.purpose == rooms.COORDINATORS and coordinators.is_coordinator(ctx)
    )
    if name == "sos" or (not speaks_for_others and _cries_for_help(ctx, inbound)):
        # A group is no place for a case: the words stay there, and the answer comes in private.
        return sos.sos(ctx, inbound, "")
    if room is None or room.purpose == rooms.ENDED:
        return []
    if name == "coordinators":
        return decide(ctx, inbound, argument)
    if room.purpose == rooms.UNDECIDED:
        return _answer(ctx, room, inbound)
    if name in heard:
        alert = _alert_of(ctx, room, inbound)
        return heard[name](ctx, inbound, argument or (alert.reference if alert else ""))
    return _take(ctx, room, inbound)


def _cries_for_help(ctx: Context, inbound: Inbound) -> bool:
    spoken = inbound.kind in (Kind.MESSAGE, Kind.EDIT)
    return spoken and ctx.core.lexicons.crisis(inbound.text) is Intent.SOS


# --- what a room is for ---------------------------------------------------------------------------


def joined(ctx: Context, inbound: Inbound) -> list[Outbound]:
    """A coordinator has asked the bot into a group: may alerts be shown there? Others get no answer."""
    if not (inbound.room and coordinators.is_coordinator(ctx)):
        return []
    known = rooms.at(ctx.tx, ctx.account.platform, inbound.room)
    if known is not None and known.purpose == rooms.COORDINATORS:
        return []
    if known is not None:
        rooms.remove(ctx.tx, ctx.account.platform, inbound.room)
    room = rooms.add(ctx.tx, ctx.now, ctx.account.platform, inbound.room, ctx.person.id)
    ctx.tx.session.flush()
    return [
        Outbound(
            None,
            lines(
                _("Shall this be the coordinators' room?"),
                _("I would post every alert here: its reference, its kind, the area, and who of you has it."),
                _("No name and no words of those who ask. Everyone in this room could read it."),
            ),
            buttons=(Button(YES, "/coordinators", means="yes"), Button(NO, "/coordinators off", means="no")),
            lane=Lane.CRISIS,
            room=room.id,
            card=QUESTION,
        )
    ]


def _answer(ctx: Context, room: Room, inbound: Inbound) -> list[Outbound]:
    """A press, a number, a label or plain words decide what an undecided room is for."""
    if inbound.kind is Kind.REACTION:
        row = rooms.by_message(ctx.tx, room.id, inbound.reply_to)
        if row is None or row.card != QUESTION:
            return []
    elif inbound.kind is not Kind.MESSAGE:
        return []
    wanted = _yes_or_no(ctx, inbound)
    return [] if wanted is None else decide(ctx, inbound, "" if wanted else "off")


def _yes_or_no(ctx: Context, inbound: Inbound) -> bool | None:
    said = plain(inbound.text)
    for meant, signs, label in ((True, FIRST, YES), (False, SECOND, NO)):
        if said in signs or said.casefold() in _labels(ctx, label):
            return meant
    if inbound.kind is Kind.REACTION:
        return None
    return ctx.core.lexicons.answer(inbound.text, ctx.person.language)


def _labels(ctx: Context, label: Text) -> set[str]:
    """A button as the room shows it, and as its reader would say it."""
    render = ctx.core.catalogs.render
    return {render(label, language).casefold() for language in (ctx.union.language, ctx.person.language)}


def decide(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/coordinators: show alerts in this room from now on; "off" ends it."""
    if not coordinators.is_coordinator(ctx):
        return coordinators.refused(ctx, "coordinators")
    room = rooms.at(ctx.tx, ctx.account.platform, inbound.room) if inbound.room else None
    if room is None:
        return [ctx.reply(_("Ask me into a room of coordinators, and write /coordinators there."))]
    if argument.lower() == "off":
        return _end(ctx, room)
    if room.purpose == rooms.COORDINATORS:
        already = _("This is the coordinators' room already.")
        return [Outbound(None, already, lane=Lane.CRISIS, room=room.id)]
    room.purpose = rooms.COORDINATORS
    ctx.tx.session.flush()
    work.audit(ctx.tx, ctx.now, ctx.person.id, "opened a coordinators' room")
    said = Outbound(
        None,
        lines(
            _("This is the coordinators' room now. I post alerts here."),
            _("To take one, press 👍 on it or reply with 1. What is said comes to you in private."),
            _("/coordinators off ends it."),
        ),
        lane=Lane.CRISIS,
        room=room.id,
    )
    # A room that begins late knows what is open already.
    return [said, *(alert_cards.alert_in_room(ctx, each, room.id) for each in alerts.unresolved(ctx.tx))]


def _end(ctx: Context, room: Room) -> list[Outbound]:
    """The row stays until the bot has left, so that the last word can still be said."""
    room.purpose = rooms.ENDED
    work.audit(ctx.tx, ctx.now, ctx.person.id, "ended a coordinators' room")
    last = _("All right. I post no alerts here and leave this room.")
    return [Outbound(None, last, lane=Lane.CRISIS, room=room.id)]


# --- work in a coordinators' room -----------------------------------------------------------------


def _alert_of(ctx: Context, room: Room, inbound: Inbound) -> Alert | None:
    """The alert whose card is replied or reacted to."""
    row = rooms.by_message(ctx.tx, room.id, inbound.reply_to) if inbound.reply_to else None
    kind, _colon, alert_id = ((row.card or "") if row else "").partition(":")
    return ctx.tx.session.get(Alert, UUID(alert_id)) if kind == "alert" else None


def _take(ctx: Context, room: Room, inbound: Inbound) -> list[Outbound]:
    """A reaction or a short reply to a card takes charge, or helps; all other talk is not for us."""
    if inbound.kind not in (Kind.REACTION, Kind.MESSAGE) or not inbound.reply_to:
        return []
    said = plain(inbound.text).casefold()
    if said not in TAKING | _labels(ctx, TAKE) | _labels(ctx, HELP):
        return []
    row = rooms.by_message(ctx.tx, room.id, inbound.reply_to)
    if row is None or not (row.card or "").startswith("alert:"):
        return []
    alert = _alert_of(ctx, room, inbound)
    if alert is None:
        gone = _("I can't find that alert. /board shows those that are open.")
        return [ctx.reply(gone, lane=Lane.CRISIS)]
    if alert_cards.wants_hands(alert):
        return more_hands.assist(ctx, inbound, alert.reference)
    return taking.take(ctx, inbound, alert.reference)
