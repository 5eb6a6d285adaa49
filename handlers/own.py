"""A person's own needs, found by what they quote."""

from __future__ import annotations

from handlers import references
from handlers.context import Context
from handlers.messages import Outbound, _
from storage import needs, open_needs
from storage.tables import Need


def mine(ctx: Context, text: str) -> Need | None:
    """The person's own open need that a text quotes, or their only one."""
    reference = references.read(text, "N")
    if reference is not None:
        found = needs.by_reference(ctx.tx, reference)
        return found if found is not None and found.person_id == ctx.person.id else None
    own = open_needs.of(ctx.tx, ctx.person.id)
    return own[0] if len(own) == 1 else None


def unknown(ctx: Context) -> list[Outbound]:
    return [ctx.reply(_("I can't find that case among yours. /my shows them."))]
