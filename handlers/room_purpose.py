"""What a group is for: a coordinator says so, and it ends when one says so or the bot is there no more."""

from __future__ import annotations

from uuid import UUID

from handlers import alert_cards, coordinators
from handlers.context import Context, Moment
from handlers.messages import Button, Inbound, Kind, Lane, Outbound, Text, _, lines
from handlers.reactions import plain
from storage import alerts, duty, people, rooms, work
from storage.tables import Room

QUESTION = "room question"  # the card on which a room's purpose is decided
# Strict sets: a heart or folded hands below an alert are sympathy, and put nobody in charge.
FIRST = frozenset(("👍", "✅", "1"))
SECOND = frozenset(("👎", "❌", "2"))
YES, NO = _("Yes"), _("No")
POINTED = (Kind.REACTION, Kind.PRESS)  # at one message: they say nothing without it


def room_of(ctx: Context, inbound: Inbound) -> Room | None:
    """The group in which something was said, where the core knows it."""
    return rooms.at(ctx.tx, ctx.account.platform, inbound.room) if inbound.room else None


def labels(ctx: Context, label: Text) -> set[str]:
    """A button as the room shows it, and as its reader would say it."""
    render = ctx.core.catalogs.render
    return {render(label, language).casefold() for language in (ctx.union.language, ctx.person.language)}


def joined(ctx: Context, inbound: Inbound) -> list[Outbound]:
    """A coordinator has asked the bot into a group: may alerts be shown there? Others get no answer."""
    if not (inbound.room and coordinators.is_coordinator(ctx)):
        return []
    known = room_of(ctx, inbound)
    if known is not None and known.purpose == rooms.COORDINATORS:
        return []
    if known is not None:
        rooms.remove(ctx.tx, ctx.account.platform, inbound.room)
    room = rooms.add(ctx.tx, ctx.now, ctx.account.platform, inbound.room, ctx.person.id)
    ctx.tx.session.flush()
    blind = inbound.detail.get("reactions") == "no"
    return [
        Outbound(
            None,
            lines(
                _("Shall this be the coordinators' room?"),
                _("I would post every alert here: its reference, its kind, the area, and who of you has it."),
                _("No name and no words of those who ask. Everyone in this room could read it."),
                _("Make me an administrator if a 👍 shall count too. Buttons and replies count without it.")
                if blind
                else None,
            ),
            buttons=(Button(YES, "/coordinators", means="yes"), Button(NO, "/coordinators off", means="no")),
            lane=Lane.CRISIS,
            room=room.id,
            card=QUESTION,
        )
    ]


def answer(ctx: Context, room: Room, inbound: Inbound) -> list[Outbound]:
    """A press, a number, a label or plain words decide what an undecided room is for."""
    if inbound.kind in POINTED:
        row = rooms.by_message(ctx.tx, room, inbound.room, inbound.reply_to)
        if row is None or row.card != QUESTION:
            return []
    elif inbound.kind is not Kind.MESSAGE:
        return []
    wanted = _yes_or_no(ctx, inbound)
    return [] if wanted is None else decide(ctx, inbound, "" if wanted else "off")


def _yes_or_no(ctx: Context, inbound: Inbound) -> bool | None:
    said = plain(inbound.text)
    for meant, signs, label in ((True, FIRST, YES), (False, SECOND, NO)):
        if said in signs or said.casefold() in labels(ctx, label):
            return meant
    if inbound.kind in POINTED:
        return None
    return ctx.core.lexicons.answer(inbound.text, ctx.person.language)


def decide(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/coordinators: show alerts in this room from now on; "off" ends it."""
    if not coordinators.is_coordinator(ctx):
        return coordinators.refused(ctx, "coordinators")
    room = room_of(ctx, inbound)
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
    return [said, *_all_open(ctx, room)]


def _all_open(moment: Moment, room: Room, *, in_place: bool = False) -> list[Outbound]:
    found = alerts.unresolved(moment.tx)
    return [alert_cards.alert_in_room(moment, each, room.id, in_place=in_place) for each in found]


def _end(ctx: Context, room: Room) -> list[Outbound]:
    """The row stays until the bot has left, so that the last word can still be said."""
    room.purpose = rooms.ENDED
    work.audit(ctx.tx, ctx.now, ctx.person.id, "ended a coordinators' room")
    last = _("All right. I post no alerts here and leave this room.")
    return [Outbound(None, last, lane=Lane.CRISIS, room=room.id)]


# --- what the platform does with a room ---------------------------------------------------------------


def left(moment: Moment, inbound: Inbound) -> list[Outbound]:
    """The bot is not in a group any more, which it had been told by its present address."""
    platform, address = inbound.detail["platform"], inbound.detail["room"]
    room = rooms.at(moment.tx, platform, address)
    if room is None or not rooms.is_at(moment.tx, room, address):
        return []  # what is left of a group that the platform has moved
    return _gone(moment, room, address)


def lost(moment: Moment, room_id: UUID) -> list[Outbound]:
    """Nothing can be posted in a group any more."""
    room = rooms.get(moment.tx, room_id)
    if room is None:
        return []
    return _gone(moment, room, str(moment.tx.open(room.key_id, "address", room.sealed_address)))


def _gone(moment: Moment, room: Room, address: str) -> list[Outbound]:
    """A coordinators' room that is gone leaves a gap: coordinators hear of it before an alert is missed."""
    was_theirs = room.purpose == rooms.COORDINATORS
    rooms.remove(moment.tx, room.platform, address)
    if not was_theirs:
        return []
    work.audit(moment.tx, moment.now, None, "lost a coordinators' room")
    readers = duty.on_duty(moment.tx, moment.now) or people.coordinators(moment.tx)
    text = lines(
        _("I can no longer post in a coordinators' room: alerts are not shown there any more."),
        _("To use it again, ask me into it and write /coordinators there."),
    )
    return [Outbound(each.id, text) for each in readers]


def moved(moment: Moment, inbound: Inbound) -> list[Outbound]:
    """A group goes on under another address: what is open is shown there, where it can be changed again."""
    if "room_id" in inbound.detail:  # it was noticed while sending, and has moved already
        room = rooms.get(moment.tx, UUID(inbound.detail["room_id"]))
    else:
        room = rooms.at(moment.tx, inbound.detail["platform"], inbound.detail["room"])
        if room is None or not rooms.move(moment.tx, room, inbound.detail["to"]):
            return []
    if room is None or room.purpose != rooms.COORDINATORS:
        return []
    work.audit(moment.tx, moment.now, None, "a coordinators' room has moved")
    return _all_open(moment, room, in_place=True)
