"""Someone may read along: nothing unasked is written, and one word hides the chat until another."""

from __future__ import annotations

from handlers import alarms, calling, disclosure, first_words
from handlers.context import Context
from handlers.messages import Button, Inbound, Lane, Outbound, Text, lines
from storage import alerts, hiding, work
from storage.tables import Alert

FREELY, UNKNOWN, ANSWERS, AGREED = (
    "freely",
    "unknown",
    "answers",
    "agreed",
)  # how its person may be written to


def begin(alert: Alert) -> None:
    """Until its person says otherwise, they are written to only in answer, and in this account alone."""
    alert.writing, alert.other_account = UNKNOWN, False


def is_watched(alert: Alert) -> bool:
    return alert.writing != FREELY


def moment(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """They say whether this is a good moment: then what to do; else nothing, and the question goes."""
    alert = alerts.unresolved_of(ctx.tx, ctx.person.id, "sos")
    if alert is None:
        return [ctx.reply(first_words.NO_OPEN_ALERT)]
    alert.question = ""
    if argument != "yes":
        alert.writing = ANSWERS
        hiding.take_back_shown(ctx.tx, ctx.now, ctx.account, [inbound.message_id])
        return alarms.keep_current(ctx, alert)
    alert.writing = ANSWERS
    area = disclosure.area(ctx, alert) or (None, None)
    return [
        ctx.reply(
            lines(
                calling.call(ctx, "violence", *area),
                *first_words.WHAT_TO_DO["violence"],
                first_words.told(alerts.told(ctx.tx, alert.id)),
                first_words.ONLY_ANSWERS,
                first_words.HOW_TO_HIDE,
            ),
            Button(first_words.MAY_WRITE, "/maywrite"),
            Button(first_words.MAY_USE_OTHER, "/mayother"),
            Button(first_words.SEND_MY_PLACE, "", asks_place=True),
            Button(first_words.MISTAKE, "/mistake"),
            lane=Lane.CRISIS,
        ),
        *alarms.keep_current(ctx, alert),
    ]


def may_write(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """They agree to be written to when something changes."""
    alert = alerts.unresolved_of(ctx.tx, ctx.person.id, "sos")
    if alert is None:
        return [ctx.reply(first_words.NO_OPEN_ALERT)]
    alert.writing = AGREED
    return [
        _all_right(ctx, first_words.told(alerts.told(ctx.tx, alert.id)) if alert.owner_id is None else None)
    ]


def may_use_other(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """They agree that their other account is used where this one can't be reached."""
    alert = alerts.unresolved_of(ctx.tx, ctx.person.id, "sos")
    if alert is None:
        return [ctx.reply(first_words.NO_OPEN_ALERT)]
    alert.other_account = True
    return [_all_right(ctx, None)]


def _all_right(ctx: Context, more: Text | None) -> Outbound:
    return ctx.reply(lines(first_words.ALL_RIGHT, more), lane=Lane.CRISIS)


# --- hiding, and coming back -------------------------------------------------------------------------


def hide(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """The quick-hide word: both sides go where the platform can; then silence until the return word."""
    ctx.person.hidden_since = ctx.now
    alert = alerts.unresolved_of(ctx.tx, ctx.person.id, "sos")
    own = alerts.message_ids(ctx.tx, alert.id, ctx.account.id) if alert is not None else []
    hiding.take_back_shown(ctx.tx, ctx.now, ctx.account, [*own, inbound.message_id])
    work.audit(ctx.tx, ctx.now, None, "hid the chat", subject=ctx.person)
    return alarms.keep_current(ctx, alert) if alert is not None else []


def come_back(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """The return word: what waited is told, and where things stand."""
    if ctx.person.hidden_since is None:
        return []
    ctx.person.hidden_since = None
    hiding.release(ctx.tx, ctx.now, ctx.person)
    alert = alerts.unresolved_of(ctx.tx, ctx.person.id, "sos")
    if alert is None:
        return [ctx.reply(first_words.HERE_AGAIN, lane=Lane.CRISIS)]
    told = first_words.told(alerts.told(ctx.tx, alert.id)) if alert.owner_id is None else None
    return [
        ctx.reply(lines(first_words.HERE_AGAIN, told), lane=Lane.CRISIS),
        *alarms.keep_current(ctx, alert),
    ]
