"""More hands for an alert: other coordinators who see what it is about, while one goes on to be in charge."""

from __future__ import annotations

from handlers import alarms, alert_cards, closing, coordinators, first_words, handing_over, taking
from handlers.context import Context
from handlers.messages import Button, Inbound, Lane, Outbound, _, _n
from handlers.texts import joined
from storage import duty, in_charge, work
from storage.tables import Alert, Person


def ask(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/hands A-2M9D: ask those on duty; asked once more, all who have not been asked yet."""
    alert = coordinators.own(ctx, argument)
    if alert is None:
        return coordinators.not_own(ctx, "more hands")
    asked = _to_ask(ctx, alert)
    if not asked:
        return [ctx.reply(handing_over.NOBODY_ELSE, lane=Lane.CRISIS)]
    alert.hands_asked_at = ctx.now
    in_charge.asked(ctx.tx, ctx.now, alert, asked)
    taking.touch(ctx, alert)
    work.audit(ctx.tx, ctx.now, ctx.person.id, "asked for more hands", case_id=alert.id)
    told = _n("I have asked {count} coordinator to help.", "I have asked {count} coordinators to help.",
              len(asked))  # fmt: skip
    return [
        ctx.reply(told, title=joined(alert.reference), lane=Lane.CRISIS),
        *(alert_cards.alert(ctx, alert, each.id) for each in asked),
        *alarms.in_rooms(ctx, alert, in_place=False),
    ]


def _to_ask(ctx: Context, alert: Alert) -> list[Person]:
    """Those on duty who do not help yet; the second time, or where nobody is on duty, everybody."""
    helping = set(in_charge.hands(ctx.tx, alert.id))
    free = [each for each in handing_over.others(ctx, alert) if each.id not in helping]
    if alert.hands_asked_at is not None:
        return free
    there = {each.id for each in duty.on_duty(ctx.tx, ctx.now)}
    return [each for each in free if each.id in there] or free


def assist(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/assist A-2M9D: one more coordinator helps; the one in charge and the person hear of it."""
    if not coordinators.is_coordinator(ctx):
        return coordinators.refused(ctx, "assist")
    alert = coordinators.quoted(ctx, argument)
    if alert is None:
        return coordinators.not_found(ctx)
    if taking.is_about(ctx, alert):
        return [ctx.reply(taking.ABOUT_YOU, lane=Lane.CRISIS)]
    in_charge.hold(ctx.tx, alert)
    owner = alert.owner_id
    if not alert_cards.wants_hands(alert) or owner is None or owner == ctx.person.id:
        return [ctx.reply(alert_cards.alert_title(ctx, alert, ctx.person.language), lane=Lane.CRISIS)]
    if not in_charge.join(ctx.tx, ctx.now, alert, ctx.person.id):
        return [_details(ctx, alert)]
    work.audit(ctx.tx, ctx.now, ctx.person.id, "helps", case_id=alert.id)
    helps = _("{name} helps you with this now.", name=alert_cards.name(ctx, ctx.person.id))
    return [
        _details(ctx, alert),
        *taking.attachments(ctx, alert),
        Outbound(owner, helps, title=joined(alert.reference), lane=Lane.CRISIS),
        *taking.to_person(ctx, alert, first_words.more_hands(1)),
        *alarms.keep_current(ctx, alert),
    ]


def _details(ctx: Context, alert: Alert) -> Outbound:
    assert alert.owner_id is not None
    name = alert_cards.name(ctx, alert.owner_id)
    return taking.view(
        ctx, alert, _("You help {name} with this now.", name=name),
        _("{name} writes with the person. What you note here, {name} reads at once.", name=name),
        Button(_("Add a note"), f"/note {alert.reference}"),
        Button(_("I can't help any more"), f"/unassist {alert.reference}"),
    )  # fmt: skip


def stop(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/unassist A-2M9D: a coordinator helps no more; what was open to them is closed."""
    alert = coordinators.quoted(ctx, argument)
    if alert is None or not in_charge.leave(ctx.tx, ctx.person.id, alert.id):
        return coordinators.not_own(ctx, "stop helping")
    closing.close(ctx, alert.id, alert.reference, ctx.person.id)
    work.audit(ctx.tx, ctx.now, ctx.person.id, "helps no more", case_id=alert.id)
    gone = _("{name} can't help with this any more.", name=alert_cards.name(ctx, ctx.person.id))
    thanks = ctx.reply(_("Thank you for your help."), lane=Lane.CRISIS)
    if alert.owner_id is None or alert.resolved_at is not None:
        return [thanks]
    told = Outbound(alert.owner_id, gone, title=joined(alert.reference), lane=Lane.CRISIS)
    return [thanks, told, *alarms.keep_current(ctx, alert)]
