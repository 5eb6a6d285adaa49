"""What was written to the bot and could not be read: its key came late, or will never come."""

from __future__ import annotations

from handlers import calling, conversing
from handlers.context import Context, Moment
from handlers.messages import Inbound, Lane, Outbound, _, lines
from storage import alerts, people


def locked(ctx: Context, inbound: Inbound) -> list[Outbound]:
    """Something that can't be read yet: in an SOS it is told at once, else the person after a while."""
    if inbound.detail.get("late"):
        text = lines(
            _("I could not read your last message. Please send it again."),
            _("If someone is in danger:"),
            calling.call(ctx),
        )
        return [ctx.reply(text, lane=Lane.CRISIS)]
    alert = alerts.unresolved_of(ctx.tx, ctx.person.id, "sos")
    if alert is None:
        return []
    text_now = _("They wrote something that I can't read yet.")
    if alert.owner_id is not None and alert.owner_id != ctx.person.id:
        talk = conversing.talk_about(ctx, alert.id)
        return [
            Outbound(
                alert.owner_id,
                text_now,
                title=conversing.heading(ctx, talk, ctx.person.id) if talk else None,
                lane=Lane.CRISIS,
                talk=talk.id if talk else None,
            )
        ]
    words = ctx.core.catalogs.render(text_now, ctx.union.language)
    alerts.note(ctx.tx, ctx.now, alert, ctx.person, words, source=(ctx.account.id, inbound.message_id))
    return []


def resend(moment: Moment, inbound: Inbound) -> list[Outbound]:
    """An account lost its keys: whoever has something open there is asked to say again what matters."""
    text = _("The last messages of the past minutes may not have reached me. Please send again what matters.")
    return [
        Outbound(
            known.person.id,
            text,
            account=known.account.id,
            lane=Lane.CRISIS if in_danger else Lane.REPLY,
        )
        for known, in_danger in people.with_open_case(moment.tx, inbound.detail["platform"])
    ]
