"""What coordinators do: take charge, hand back, resolve, see the board, go on and off duty."""

from __future__ import annotations

from handlers import alarms, alert_cards, cards, closing, disclosure, neighbours, references
from handlers.context import Context
from handlers.escalation import quiet
from handlers.messages import Button, Inbound, Lane, Outbound, Text, Verbatim, _, lines
from handlers.texts import joined
from storage import alerts, conversations, work
from storage import needs as stored
from storage.tables import Alert

NOT_FOR_YOU = _("That is for coordinators. If you are one, ask the operator for a code.")


def is_coordinator(ctx: Context) -> bool:
    return ctx.person.coordinator_since is not None and ctx.person.banned_at is None


def refused(ctx: Context, action: str) -> list[Outbound]:
    work.audit(ctx.tx, ctx.now, ctx.person.id, f"refused {action}")
    return [ctx.reply(NOT_FOR_YOU)]


def _alert(ctx: Context, argument: str) -> Alert | None:
    """The alert that a text quotes, or the only one that is not resolved."""
    reference = references.read(argument, "A")
    if reference is not None:
        return alerts.by_reference(ctx.tx, reference)
    found = alerts.unresolved(ctx.tx)
    return found[0] if len(found) == 1 else None


def _not_found(ctx: Context) -> list[Outbound]:
    return [ctx.reply(_("I can't find that alert. /board shows those that are open."), lane=Lane.CRISIS)]


def take(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """Take charge: one owner, the others' cards say who it is, the person is told."""
    alert = _alert(ctx, argument)
    if not is_coordinator(ctx) and not neighbours.may_take(ctx, alert):
        return refused(ctx, "take")
    if alert is None:
        return _not_found(ctx)
    if ctx.person.id in (alert.person_id, alert.about_id):
        return [ctx.reply(_("This one is about you, so someone else must take it."), lane=Lane.CRISIS)]
    if not alerts.take(ctx.tx, ctx.now, alert.id, ctx.person.id, ctx.now + quiet(alert.policy)):
        ctx.tx.session.refresh(alert)
        return [ctx.reply(alert_cards.alert_title(ctx, alert), lane=Lane.CRISIS)]
    ctx.tx.session.refresh(alert)
    work.audit(ctx.tx, ctx.now, ctx.person.id, "took charge", case_id=alert.id)
    others = alarms.keep_current(ctx, alert)
    told: list[Outbound] = []
    if alert.person_id is not None:
        conversations.open_talk(ctx.tx, ctx.now, alert.person_id, ctx.person.id, alert_id=alert.id)
        told.append(_told_who(ctx, alert))
    return [_details(ctx, alert), *_attachments(ctx, alert), *told, *others]


def _attachments(ctx: Context, alert: Alert) -> list[Outbound]:
    """Photos and recordings that the person sent before anyone was in charge."""
    return [
        ctx.reply(
            Verbatim(""),
            title=joined(alert.reference),
            attachment=note.attachment_id,
            lane=Lane.CRISIS,
            discloses=alert.id,
        )
        for note in alerts.notes(ctx.tx, alert.id)
        if note.attachment_id is not None
    ]


def _told_who(ctx: Context, alert: Alert) -> Outbound:
    assert alert.person_id is not None
    who = alert_cards.name(ctx, ctx.person.id)
    text = _("{name} has taken charge of this, for the coordinators. Write here and I pass it on.", name=who)
    about = (
        joined(alert.reference)
        if alert.need_id is None
        else cards.title(ctx, stored.get(ctx.tx, alert.need_id))
    )
    return Outbound(alert.person_id, text, title=about, lane=Lane.CRISIS)


def _details(ctx: Context, alert: Alert) -> Outbound:
    """What opens to the one in charge: the words, the place, the person's other case."""
    opened = disclosure.open_alert(ctx, ctx.person.id, alert)
    said = opened.words if opened else ()
    place = opened.place if opened else None
    parts: list[Text | Verbatim | None] = [Verbatim(f"“{words}”") for words in said]
    if alert.need_id is not None:
        need = stored.get(ctx.tx, alert.need_id)
        of_need = disclosure.open_need(ctx, ctx.person.id, need)
        parts.append(cards.title(ctx, need, ctx.person.language))
        if of_need is not None:
            parts += [Verbatim(f"“{words}”") for words in of_need.words]
            place = place or of_need.place
    if place is not None and place.words:
        parts.append(Verbatim(f"📍 {place.words}"))
    if alert.person_id is not None:
        parts.append(_("What you write here reaches them, and what they write reaches you."))
    return ctx.reply(
        lines(_("You are in charge of this now."), *parts),
        *_owner_buttons(ctx, alert),
        title=alert_cards.alert_title(ctx, alert),
        place=place if place is not None and place.has_coordinates else None,
        lane=Lane.CRISIS,
        discloses=alert.id,
    )


def _owner_buttons(ctx: Context, alert: Alert) -> tuple[Button, ...]:
    ban: tuple[Button, ...] = ()
    if alert.kind == "report" and alert.about_id is not None:
        ban = (Button(_("Ban the reported person"), f"/ban {alert.reference}"),)
    return (
        *ban,
        Button(_("Resolve"), f"/resolve {alert.reference}"),
        Button(_("Hand back"), f"/handback {alert.reference}"),
    )


def _own(ctx: Context, argument: str) -> Alert | None:
    """The alert of which this coordinator is in charge: the quoted one, or their only one."""
    reference = references.read(argument, "A")
    own = [each for each in alerts.unresolved(ctx.tx) if each.owner_id == ctx.person.id]
    if reference is not None:
        own = [each for each in own if each.reference == reference]
    return own[0] if len(own) == 1 else None


def resolve(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """The one in charge says that it is over."""
    alert = _own(ctx, argument)
    if alert is None:
        return _not_found(ctx) if is_coordinator(ctx) else refused(ctx, "resolve")
    work.audit(ctx.tx, ctx.now, ctx.person.id, "resolved", case_id=alert.id)
    said = [ctx.reply(_("{reference} is resolved. Thank you. Take a breath.", reference=alert.reference),
                      lane=Lane.CRISIS)]  # fmt: skip
    was_read = closing.WAS_READ if closing.close(ctx, alert.id, alert.reference) else None
    if alert.person_id is not None:
        text = _(
            "{reference} is closed by the coordinator. If it is not over, write SOS.",
            reference=alert.reference,
        )
        said.append(
            Outbound(
                alert.person_id, lines(text, was_read), buttons=(Button(_("SOS"), "/sos"),), lane=Lane.CRISIS
            )
        )
    return said + alarms.end(ctx, alert, "resolved by a coordinator")


def hand_back(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """The one in charge cannot go on: the escalation begins again."""
    alert = _own(ctx, argument)
    if alert is None:
        return _not_found(ctx) if is_coordinator(ctx) else refused(ctx, "handback")
    work.audit(ctx.tx, ctx.now, ctx.person.id, "handed back", case_id=alert.id)
    said = ctx.reply(
        _("{reference} goes back to the others. Thank you.", reference=alert.reference), lane=Lane.CRISIS
    )
    return [said, *alarms.back_to_queue(ctx, alert)]


def still(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """The one in charge is awake and on it."""
    alert = _own(ctx, argument)
    if alert is None:
        return _not_found(ctx) if is_coordinator(ctx) else refused(ctx, "still")
    touch(ctx, alert)
    return [ctx.reply(_("Thank you."), lane=Lane.CRISIS)]


def touch(ctx: Context, alert: Alert) -> None:
    """The one in charge has done something: the question if they are still there starts anew."""
    alert.owner_asked = False
    alert.next_step_at = ctx.now + quiet(alert.policy)


def board(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/board: the open alerts, the most pressing kind and the oldest first."""
    if not is_coordinator(ctx):
        return refused(ctx, "board")
    order = list(alert_cards.ALERT_KINDS)
    found = sorted(alerts.unresolved(ctx.tx), key=lambda each: (order.index(each.kind), each.opened_at))
    if not found:
        return [ctx.reply(_("No alert is open."))]
    buttons = [
        Button(joined(_("I take it"), each.reference), f"/take {each.reference}")
        for each in found[:8]
        if each.state == "open"
    ]
    return [ctx.reply(lines(*(alert_cards.alert_title(ctx, each) for each in found[:30])), *buttons)]
