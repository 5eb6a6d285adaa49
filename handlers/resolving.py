"""An alert ends: how it ended is asked first, so that one press too many ends nothing."""

from __future__ import annotations

from handlers import alarms, closing, coordinators, first_words, inviting, on_call, outcomes, taking
from handlers.context import Context
from handlers.forms import Again, Answers, Field, Form, start
from handlers.messages import Button, Inbound, Lane, Outbound, Text, _, lines
from handlers.texts import joined
from storage import in_charge, work
from storage.tables import Alert

LONGEST = 2_000


def resolve(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/resolve A-2M9D helped: the one in charge says that it is over, and how it ended."""
    alert = coordinators.own(ctx, argument)
    if alert is None:
        return coordinators.not_own(ctx, "resolve")
    said = coordinators.words_behind(argument)
    if not said:
        return [_ask(ctx, alert)]
    if said == "other":
        return start(ctx, OUTCOME, {"alert": alert.reference})
    if said in outcomes.CHOICES:
        return _end(ctx, alert, outcomes.CHOICES[said][0])
    return _in_other_words(ctx, alert, said)


def false_alarm(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/falsealarm A-2M9D: nobody was in danger."""
    alert = coordinators.own(ctx, argument)
    if alert is None:
        return coordinators.not_own(ctx, "false alarm")
    return _end(ctx, alert, outcomes.FALSE_ALARM)


def _ask(ctx: Context, alert: Alert) -> Outbound:
    buttons = (
        Button(label, f"/resolve {alert.reference} {word}")
        for word, (_stored, label) in outcomes.CHOICES.items()
    )
    return ctx.reply(_("How did it end?"), *buttons, title=joined(alert.reference), lane=Lane.CRISIS)


def _in_other_words(ctx: Context, alert: Alert, words: str) -> list[Outbound]:
    in_charge.note(ctx.tx, ctx.now, alert, ctx.person, words[:LONGEST])
    return _end(ctx, alert, outcomes.OTHER)


def _end(ctx: Context, alert: Alert, outcome: str) -> list[Outbound]:
    """End the alert, and those of the same incident; each of their people hears of their own."""
    said = [
        ctx.reply(
            _("{reference} is resolved. Thank you. Take a breath.", reference=alert.reference),
            lane=Lane.CRISIS,
        ),
        *on_call.rest_after(ctx, alert),
    ]
    for each in (*in_charge.merged_into(ctx.tx, alert.id), alert):
        work.audit(ctx.tx, ctx.now, ctx.person.id, f"resolved: {outcome}", case_id=each.id)
        was_read = closing.WAS_READ if closing.close(ctx, each.id, each.reference) else None
        over = lines(_over(each, outcome), was_read)
        said += taking.to_person(ctx, each, over, Button(_("SOS"), "/sos"), titled=False)
        said += [*alarms.end(ctx, each, outcome), *inviting.over(ctx, each)]
    return said


def _over(alert: Alert, outcome: str) -> Text:
    """What the person hears; after a false alarm nobody shall be ashamed to write again."""
    if outcome != outcomes.FALSE_ALARM or alert.kind != "sos":
        return first_words.closed(alert.reference)
    return _(
        "{reference} is closed: nobody is in danger. It was right to write. You can write SOS at any time.",
        reference=alert.reference,
    )


def _done(ctx: Context, answers: Answers) -> list[Outbound]:
    alert = coordinators.own(ctx, answers["alert"])
    if alert is None:
        return coordinators.not_own(ctx, "resolve")
    return _in_other_words(ctx, alert, answers["words"])


OUTCOME = Form(
    "outcome",
    (
        Field(
            "words",
            lambda ctx, answers: _("{reference}: how did it end? Write it in a few words.",
                                   reference=answers["alert"]),
            lambda ctx, inbound: inbound.text.strip() or Again(_("Please write it in a few words.")),
        ),
    ),
    _done,
)  # fmt: skip
