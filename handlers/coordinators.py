"""What every coordinator's command begins with: whether the right is theirs, and which alert is meant."""

from __future__ import annotations

import re

from handlers import references
from handlers.context import Context
from handlers.messages import Lane, Outbound, _
from storage import alerts, in_charge, work
from storage.tables import Alert

NOT_FOR_YOU = _("That is for coordinators. If you are one, ask the operator for a code.")


def is_coordinator(ctx: Context) -> bool:
    return ctx.person.coordinator_since is not None and ctx.person.banned_at is None


def may_lead(ctx: Context) -> bool:
    """Whether someone may take charge: a coordinator, or a contact in a neighbouring union."""
    neighbour = ctx.person.neighbour_since is not None and ctx.person.banned_at is None
    return neighbour or is_coordinator(ctx)


def refused(ctx: Context, action: str) -> list[Outbound]:
    work.audit(ctx.tx, ctx.now, ctx.person.id, f"refused {action}")
    return [ctx.reply(NOT_FOR_YOU)]


def quoted(ctx: Context, argument: str) -> Alert | None:
    """The alert that a text quotes, or the only one that is not resolved."""
    reference = references.read(argument, "A")
    if reference is not None:
        return alerts.by_reference(ctx.tx, reference)
    return in_charge.only_open(ctx.tx)


def own(ctx: Context, argument: str) -> Alert | None:
    """The alert of which the speaker is in charge, held: the quoted one, or their only one."""
    found = in_charge.of_owner(ctx.tx, ctx.person.id, _divided(argument)[0])
    return found[0] if len(found) == 1 else None


def not_own(ctx: Context, action: str) -> list[Outbound]:
    """What is answered where `own` found none: that it is not theirs, or that they have no such right."""
    return not_found(ctx) if may_lead(ctx) else refused(ctx, action)


def not_found(ctx: Context) -> list[Outbound]:
    return [ctx.reply(_("I can't find that alert. /board shows those that are open."), lane=Lane.CRISIS)]


def words_behind(argument: str) -> str:
    """What stands behind the reference of an alert, or all where none is quoted."""
    return _divided(argument)[1]


def _divided(argument: str) -> tuple[str | None, str]:
    """A reference in front and the words behind it; "alarm" alone is a word and no reference."""
    first, _space, rest = argument.strip().partition(" ")
    is_reference = references.PATTERN.fullmatch(first) and re.search(r"[-–\d]", first)
    reference = references.read(first, "A") if is_reference else None
    return (reference, rest.strip()) if reference is not None else (None, argument.strip())
