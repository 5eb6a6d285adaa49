"""A live position: while it lasts, the open cases of the one who shares it follow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from handlers import disclosure, forms, places, skills, sos
from handlers.context import Context
from handlers.forms import Form
from handlers.messages import Inbound, Outbound, Verbatim, _, lines
from handlers.texts import joined
from storage import alerts, needs, open_needs
from storage.tables import Need

QUIET = timedelta(minutes=3)  # between two changes of what a volunteer sees


def moved(ctx: Context, inbound: Inbound, known: Mapping[str, Form]) -> list[Outbound]:
    """A position came as a change of an earlier message, or as a beacon, which never is anything else."""
    alert = alerts.unresolved_of(ctx.tx, ctx.person.id, "sos")
    if alert is not None:
        return sos.moved(ctx, alert, inbound)
    if inbound.place is None or places.read(inbound) is None:
        return []
    form = known.get(ctx.conversation.form) if ctx.conversation is not None else None
    if ctx.conversation is not None and form is not None and forms.asks(ctx, form, "place"):
        return forms.answer(ctx, form, ctx.conversation, inbound)
    return [told for need in open_needs.of(ctx.tx, ctx.person.id) for told in _follow(ctx, need, inbound)]


def _follow(ctx: Context, need: Need, inbound: Inbound) -> list[Outbound]:
    """Keep the newest position of a need that was given with this live position."""
    if need.sealed_place is None or need.for_other:
        return []
    kept = ctx.tx.open(ctx.person.key_id, "need place", need.sealed_place)
    same = kept.get("message") == inbound.message_id and (inbound.message_id or kept.get("live"))
    if not kept.get("pin") or not same:
        return []
    place = places.read(inbound)
    assert place is not None
    kept |= {"latitude": place.latitude, "longitude": place.longitude}
    due = "told_at" not in kept or datetime.fromisoformat(kept["told_at"]) + QUIET <= ctx.now
    helpers = needs.commitments(ctx.tx, need.id) if due else []
    if helpers:
        kept["told_at"] = ctx.now.isoformat()
    need.sealed_place = ctx.tx.seal(ctx.person.key_id, "need place", kept)
    cell = places.coarse(place)
    assert cell is not None
    need.latitude, need.longitude = cell
    return [told for each in helpers for told in _tell(ctx, need, each.person_id)]


def _tell(ctx: Context, need: Need, helper_id: UUID) -> list[Outbound]:
    """The newest place for a volunteer, as far as it is shown to them: one message that is kept current."""
    opened = disclosure.open_need(ctx, helper_id, need)
    if opened is None or opened.place is None or not opened.place.has_coordinates:
        return []
    return [
        Outbound(
            helper_id,
            lines(
                _("They are on the move. The newest place:"),
                Verbatim(f"{opened.place.latitude:.5f}, {opened.place.longitude:.5f}"),
            ),
            title=joined(need.reference, skills.label(need.skill)),
            card=f"place:{need.id}",
            in_place=True,
            discloses=need.id,
        )
    ]
