"""Notes of coordinators: for whoever is in charge now, helps, or takes over later."""

from __future__ import annotations

from typing import Any

from handlers import alert_cards, coordinators
from handlers.context import Context
from handlers.forms import Again, Answers, Field, Form, start
from handlers.messages import Inbound, Lane, Outbound, Text, Verbatim, _
from handlers.texts import joined
from storage import alerts, in_charge, work
from storage.tables import Alert

LONGEST = 2_000
WHAT_TO_KNOW = _("What should the next one know? Only coordinators read it.")


def parse(ctx: Context, inbound: Inbound) -> Any:
    return inbound.text.strip() or Again(_("Please write it in a few words."))


def note(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/note A-2M9D, and the words: kept for the coordinators, never shown to the person."""
    alert = _at_work_on(ctx, argument)
    if alert is None:
        return coordinators.not_own(ctx, "note")
    words = coordinators.words_behind(argument)
    if not words:
        return start(ctx, NOTE, {"alert": alert.reference})
    return _keep(ctx, alert, words)


def _at_work_on(ctx: Context, argument: str) -> Alert | None:
    """The alert of which someone is in charge, or with which they help."""
    own = coordinators.own(ctx, argument)
    if own is not None:
        return own
    alert = coordinators.quoted(ctx, argument)
    helping = (
        alert is not None and alert.state == "taken" and in_charge.helps(ctx.tx, alert.id, ctx.person.id)
    )
    return alert if helping and coordinators.is_coordinator(ctx) else None


def ask_what_to_know(ctx: Context, alert: Alert, first: Text) -> list[Outbound]:
    """Someone has just given an alert back: they may still say what the next one should know."""
    return start(ctx, NOTE, {"alert": alert.reference, "after": True}, first)


def _keep(ctx: Context, alert: Alert, words: str) -> list[Outbound]:
    """Whoever else is at work on it reads the note at once."""
    words = words[:LONGEST]
    in_charge.note(ctx.tx, ctx.now, alert, ctx.person, words)
    work.audit(ctx.tx, ctx.now, ctx.person.id, "noted", case_id=alert.id)
    readers = {alert.owner_id, *in_charge.hands(ctx.tx, alert.id)} if alert.state == "taken" else set()
    text = _("Note of {name}: {words}", name=alert_cards.name(ctx, ctx.person.id), words=Verbatim(words))
    return [
        ctx.reply(_("Kept for the coordinators."), title=joined(alert.reference), lane=Lane.CRISIS),
        *(
            Outbound(each, text, title=joined(alert.reference), lane=Lane.CRISIS, discloses=alert.id)
            for each in sorted(readers - {ctx.person.id, None}, key=str)
        ),
    ]


def _done(ctx: Context, answers: Answers) -> list[Outbound]:
    alert = alerts.by_reference(ctx.tx, answers["alert"])
    after = answers.get("after") and coordinators.may_lead(ctx)
    if alert is None or alert.resolved_at is not None or not (after or _at_work_on(ctx, alert.reference)):
        return coordinators.not_own(ctx, "note")
    if not answers.get("words"):
        return [ctx.reply(_("All right."), lane=Lane.CRISIS)]
    return _keep(ctx, alert, answers["words"])


NOTE = Form(
    "note",
    (
        Field(
            "words",
            lambda ctx, answers: _("{reference}: what shall I note? Only coordinators read it.",
                                   reference=answers["alert"]),
            parse,
            when=lambda answers: not answers.get("after"),
        ),
        Field(
            "words", lambda ctx, answers: WHAT_TO_KNOW, parse,
            when=lambda answers: bool(answers.get("after")), optional=True,
        ),
    ),
    _done,
)  # fmt: skip
