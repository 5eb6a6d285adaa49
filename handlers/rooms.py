"""In a group: alerts are taken in a coordinators' room; everywhere else only an SOS is heard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

from handlers import alert_cards, commands, coordinators, more_hands, room_purpose, sos, taking
from handlers.context import Context
from handlers.lexicon import Intent
from handlers.messages import Inbound, Kind, Outbound, _
from handlers.reactions import plain
from storage import rooms
from storage.tables import Alert, Outbox, Room

Heard = Mapping[str, Callable[[Context, Inbound, str], list[Outbound]]]

TAKING = room_purpose.FIRST | {"✋", "take"}
TAKE, HELP = _("I take it"), _("I help")


def in_room(ctx: Context, inbound: Inbound, heard: Heard) -> list[Outbound]:
    """What was said or done in a group; `heard` are the commands that are heard in a coordinators' room."""
    room = room_purpose.room_of(ctx, inbound)
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
        return room_purpose.decide(ctx, inbound, argument)
    if room.purpose == rooms.UNDECIDED:
        return room_purpose.answer(ctx, room, inbound)
    if name in heard:
        alert = _alert_of(ctx, _card(ctx, room, inbound))
        return heard[name](ctx, inbound, argument or (alert.reference if alert else ""))
    return _take(ctx, room, inbound)


def _cries_for_help(ctx: Context, inbound: Inbound) -> bool:
    spoken = inbound.kind in (Kind.MESSAGE, Kind.EDIT)
    return spoken and ctx.core.lexicons.crisis(inbound.text) is Intent.SOS


def _card(ctx: Context, room: Room, inbound: Inbound) -> Outbox | None:
    """The card of an alert that is pressed, replied or reacted to."""
    if not inbound.reply_to:
        return None
    row = rooms.by_message(ctx.tx, room, inbound.room, inbound.reply_to)
    return row if row is not None and (row.card or "").startswith("alert:") else None


def _alert_of(ctx: Context, card: Outbox | None) -> Alert | None:
    return ctx.tx.session.get(Alert, UUID((card.card or "").partition(":")[2])) if card is not None else None


def _take(ctx: Context, room: Room, inbound: Inbound) -> list[Outbound]:
    """A press, a reaction or a short reply takes charge, or helps; all other talk is not for us."""
    if inbound.kind not in (*room_purpose.POINTED, Kind.MESSAGE) or not inbound.reply_to:
        return []
    said = plain(inbound.text).casefold()
    if said not in TAKING | room_purpose.labels(ctx, TAKE) | room_purpose.labels(ctx, HELP):
        return []
    card = _card(ctx, room, inbound)
    if card is None:
        return []
    alert = _alert_of(ctx, card)
    if alert is None:
        return coordinators.not_found(ctx)
    if alert_cards.wants_hands(alert):
        return more_hands.assist(ctx, inbound, alert.reference)
    return taking.take(ctx, inbound, alert.reference)
