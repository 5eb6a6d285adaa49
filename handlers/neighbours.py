"""Contacts in neighbouring unions: told when nobody here has taken charge, of kind and area only."""

from __future__ import annotations

from handlers import alert_cards, disclosure, naming
from handlers.context import Context, Moment
from handlers.messages import Button, Lane, Outbound, Text, Verbatim, _, lines
from handlers.texts import duration, joined
from storage import alerts
from storage.tables import Alert, Person

ROLE = "neighbour"
NOBODY_YET, TAKEN, CLOSED = _("nobody yet"), _("someone has it"), _("closed")
_STANDING = {"open": NOBODY_YET, "taken": TAKEN, "resolved": CLOSED}


def is_neighbour(person: Person) -> bool:
    """Whether someone is a contact of a neighbouring union and not a coordinator of this one."""
    return person.neighbour_since is not None and person.coordinator_since is None


def join(ctx: Context) -> list[Outbound]:
    """Someone has come with a neighbour's code."""
    ctx.person.neighbour_since = ctx.person.neighbour_since or ctx.now
    said = lines(
        _("Welcome. You are the contact of a neighbouring union now."),
        _("I write to you only when nobody here has taken charge of an alert. You may then take it."),
        _("/leave ends it."),
    )
    return [ctx.reply(said)]


def leave(ctx: Context) -> list[Outbound]:
    ctx.person.neighbour_since = None
    return [ctx.reply(_("I write to you of no alerts any more. Thank you."))]


def may_take(ctx: Context, alert: Alert | None) -> bool:
    """Whether a neighbour may take charge: of what they were told about."""
    if alert is None or not is_neighbour(ctx.person) or ctx.person.banned_at is not None:
        return False
    return ctx.person.id in alerts.pages(ctx.tx, alert.id)


def card(moment: Moment, alert: Alert, to: Person, *, in_place: bool = False) -> Outbound:
    """The card that tells someone of an alert: a coordinator's, or that of a neighbour."""
    if not is_neighbour(to):
        return alert_cards.alert(moment, alert, to.id, in_place=in_place)
    is_open = alert.state == "open"
    return Outbound(
        to.id,
        _("A neighbouring union asks: can you take charge?") if is_open else Verbatim(""),
        title=_title(moment, alert, to.language),
        buttons=(Button(_("I take it"), f"/take {alert.reference}"),) if is_open else (),
        lane=Lane.CRISIS,
        card=f"alert:{alert.id}",
        in_place=in_place,
        alert=alert.id if is_open else None,
    )


def _title(moment: Moment, alert: Alert, language: str) -> Text:
    area = disclosure.area(moment, alert) if alert.state != "resolved" else None
    name = naming.area(moment, *area, language) if area is not None else None
    parts: list[Text | Verbatim | str] = [
        f"{alert_cards.sign(alert)} {alert.reference}",
        alert_cards.kind(alert),
    ]
    if name is not None:
        parts.append(name)
    return joined(*parts, duration(moment.now - alert.opened_at), _STANDING[alert.state])
