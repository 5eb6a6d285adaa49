"""A person takes a message back: what was passed on of it is taken back too, as far as that goes."""

from __future__ import annotations

from uuid import UUID

from handlers import alarms, places
from handlers.context import Context
from handlers.messages import Inbound, Kind, Outbound, Text, _, lines
from handlers.sos import PIN
from storage import alerts, corrections, needs, open_needs, outbox, work
from storage.tables import AlertNote, Need


def redacted(ctx: Context, inbound: Inbound) -> list[Outbound]:
    """Say what was taken back, that it may have been read, and that a case goes on; else nothing."""
    copies = _copies(ctx, inbound.message_id)
    notes, told = _notes(ctx, inbound.message_id)
    files = work.drop_jobs(ctx.tx, ctx.account.id, ctx.person.key_id, inbound.message_id)
    need = _need_from(ctx, inbound.message_id)
    if not (copies or notes or files or need):
        return []
    goes_on = need or next(iter(open_needs.of(ctx.tx, ctx.person.id)), None)
    taken_back = _("I have taken that message back here too. Someone may have read it already.")
    said = ctx.reply(
        lines(
            taken_back if copies or notes or files else None,
            _goes_on(goes_on.reference) if goes_on is not None else None,
        )
    )
    return [said, *told]


def _goes_on(reference: str) -> Text:
    return _("{reference} goes on with what you said. /stop ends it.", reference=reference)


def _copies(ctx: Context, message_id: str) -> bool:
    """Take back what was passed on; an edit of a copy is the same message for its reader."""
    copies = outbox.relayed_from(ctx.tx, ctx.account.id, message_id)
    for copy in copies:
        if copy.state == "waiting" or (copy.state in ("sending", "sent") and copy.edits_id is None):
            corrections.take_back(ctx.tx, ctx.now, copy, {"text": "", "retract": "all"})
            copy.discloses_id = None
        copy.source_message_id = None  # a second word about the same message finds nothing any more
    return any(copy.state in ("dropped", "sending", "sent") for copy in copies)


def _notes(ctx: Context, message_id: str) -> tuple[bool, list[Outbound]]:
    """Delete what was kept for coordinators, the place of an alert as well if the message was one."""
    notes = alerts.notes_from(ctx.tx, ctx.account.id, message_id)
    told: list[Outbound] = []
    gone = {note.id for note in notes}
    for note in notes:
        if _was_place(ctx, note) and not _has_later_place(ctx, note, gone):
            told += _without_place(ctx, note.alert_id)
        if note.attachment_id is not None:
            work.drop_attachment(ctx.tx, note.attachment_id)
        ctx.tx.session.delete(note)
    return bool(notes), told


def _was_place(ctx: Context, note: AlertNote) -> bool:
    words = str(ctx.tx.open(note.key_id, "alert note", note.sealed_words))
    place = places.read(Inbound(Kind.MESSAGE, text=words))
    return words == PIN or (place is not None and place.has_coordinates)


def _has_later_place(ctx: Context, note: AlertNote, gone: set[UUID]) -> bool:
    """Whether the person told another place since, so that the one which the alert keeps is not this."""
    return any(
        each.said_at > note.said_at and each.id not in gone and _was_place(ctx, each)
        for each in alerts.notes(ctx.tx, note.alert_id)
    )


def _without_place(ctx: Context, alert_id: UUID) -> list[Outbound]:
    alert = alerts.get(ctx.tx, alert_id)
    alert.sealed_place = None
    alert.latitude = alert.longitude = None  # the rough area told of it as well
    return alarms.keep_current(ctx, alert)


def _need_from(ctx: Context, message_id: str) -> Need | None:
    """The open need whose words came in a message."""
    source = (str(ctx.account.id), message_id)
    own = open_needs.of(ctx.tx, ctx.person.id)
    return next((need for need in own if needs.source_of(ctx.tx, need) == source), None)
