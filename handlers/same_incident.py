"""Two alerts about one incident: one is kept, the other follows it, and each person keeps their own talk."""

from __future__ import annotations

from handlers import alarms, alert_cards, coordinators, first_words, references, taking
from handlers.context import Context
from handlers.messages import Button, Inbound, Lane, Outbound, _
from storage import alerts, in_charge, work
from storage.tables import Alert

NOT_MERGED = {"report", "fault"}  # they are about no incident


def merge(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/merge A-kept A-other: the one in charge of the first says that both are one incident."""
    pair = _both(ctx, argument)
    if len(pair) != 2:
        return (
            coordinators.not_found(ctx) if coordinators.may_lead(ctx) else coordinators.refused(ctx, "merge")
        )
    kept = coordinators.own(ctx, pair[0].reference)
    other = pair[1]
    if kept is None and coordinators.own(ctx, other.reference) is not None:  # named the other way round
        kept, other = coordinators.own(ctx, other.reference), pair[0]
    if kept is None:
        return coordinators.not_own(ctx, "merge")
    if kept.merged_into_id is not None:
        kept = alerts.get(ctx.tx, kept.merged_into_id)
    about_me = ctx.person.id in (other.person_id, other.about_id)
    fits = (
        other.id != kept.id and not about_me and other.kind not in NOT_MERGED and kept.kind not in NOT_MERGED
    )
    in_charge.hold(ctx.tx, other)
    was_open = other.state == "open"
    if not fits or not in_charge.merge(ctx.tx, ctx.now, other.id, kept):
        who = alert_cards.alert_title(ctx, other, ctx.person.language)
        return [ctx.reply(_("These can't be made one: the other is someone else's, or closed."),
                          title=who, lane=Lane.CRISIS)]  # fmt: skip
    ctx.tx.session.refresh(other)
    work.audit(ctx.tx, ctx.now, ctx.person.id, "merged", case_id=other.id)
    return _merged(ctx, kept, other, was_open=was_open)


def _both(ctx: Context, argument: str) -> list[Alert]:
    read = (references.read(word, "A") for word in argument.split())
    found = (alerts.by_reference(ctx.tx, each) for each in read if each is not None)
    return [each for each in found if each is not None][:2]


def _merged(ctx: Context, kept: Alert, other: Alert, *, was_open: bool) -> list[Outbound]:
    """Who had nobody in charge until now hears who it is; who had the same one need hear nothing."""
    done = _("{other} goes on together with {kept}.", other=other.reference, kept=kept.reference)
    apart = Button(_("They are two"), f"/apart {other.reference}")
    said = [ctx.reply(done, apart, lane=Lane.CRISIS)]
    if was_open:
        taken = first_words.taken_by(alert_cards.name(ctx, ctx.person.id))
        return [*said, *taking.begin(ctx, other, taken)]
    return [*said, *alarms.keep_current(ctx, other)]


def apart(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/apart A-other: they are two after all; the speaker stays in charge of both."""
    alert = coordinators.own(ctx, argument)
    if alert is None or alert.merged_into_id is None:
        return coordinators.not_own(ctx, "apart")
    stand_alone(ctx, alert)
    work.audit(ctx.tx, ctx.now, ctx.person.id, "set apart", case_id=alert.id)
    done = _("{reference} stands on its own again. You stay in charge.", reference=alert.reference)
    return [ctx.reply(done, lane=Lane.CRISIS), *alarms.keep_current(ctx, alert)]


def stand_alone(ctx: Context, alert: Alert) -> None:
    alert.merged_into_id, alert.owner_asked = None, False
    alert.next_step_at = taking.asked_at(ctx, alert)
    ctx.tx.session.flush()
