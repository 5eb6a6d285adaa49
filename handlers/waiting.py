"""What a person in need hears of their alert while nobody has taken charge, and how that is kept true."""

from __future__ import annotations

from datetime import datetime, timedelta

from handlers import alert_cards, calling, escalation, first_words
from handlers.context import Moment
from handlers.messages import Button, Lane, Outbound, Text, Words, _, lines
from handlers.texts import duration, joined
from storage import alerts
from storage import outside as outside_calls
from storage.tables import Alert

UNPROMPTED = ("freely", "agreed")  # ways of writing in which they may hear of us without having written


def next_step(alert: Alert) -> datetime | None:
    """When something is due for an open alert: the next tier, or a word to its person if that is sooner."""
    wait = escalation.word(alert.policy)
    if wait is None or not may_hear(alert) or alert.heard_at is None or alert.widen_at is None:
        return alert.widen_at
    return min(alert.widen_at, alert.heard_at + wait)


def word(
    moment: Moment, alert: Alert, *, told: int | None = None, first: Text | None = None, changed: bool = True
) -> list[Outbound]:
    """Tell the person in need where things stand; in place of what they last heard where nothing changed.

    told: how many know, if that was counted already. Of a kind that has no word of its own they hear only
    `first`, that something has changed.
    """
    hears = may_hear(alert) and (escalation.word(alert.policy) is not None or first is not None)
    if hears:
        alert.heard_at = moment.now
    alert.next_step_at = next_step(alert)  # also where what was due is a word that they want no more
    if not hears:
        return []
    assert alert.person_id is not None
    said = Outbound(
        alert.person_id,
        _standing(moment, alert, first, alerts.told(moment.tx, alert.id) if told is None else told),
        buttons=(Button(first_words.MISTAKE, "/mistake"),) if alert.kind == "sos" else (),
        lane=Lane.CRISIS,
        alert=alert.id,
        card=_card(alert),
        in_place=not changed,
    )
    return [said]


def _standing(moment: Moment, alert: Alert, first: Text | None, told: int) -> Words:
    again = escalation.word(alert.policy)
    return lines(
        first,
        first_words.told(told),
        first_words.ALSO_OUTSIDE if _is_tried_outside(moment, alert) else None,
        first_words.again_within(round(again / timedelta(minutes=1))) if again is not None else None,
        calling.call(moment, alert.danger or "", alert.latitude, alert.longitude)
        if alert.kind == "sos"
        else None,
        joined(alert.reference, duration(moment.now - alert.opened_at)),
    )


def overtaken(moment: Moment, alert: Alert) -> list[Outbound]:
    """Someone has taken charge or it is over: what its person last heard says so too, silently."""
    if alert.heard_at is None or alert.heard_at == alert.opened_at or not may_hear(alert):
        return []
    assert alert.person_id is not None
    if alert.state == "taken" and alert.owner_id is not None:
        text: Words = first_words.taken_by(alert_cards.name(moment, alert.owner_id))
    else:
        text = joined(alert.reference, _("closed"))
    return [Outbound(alert.person_id, text, lane=Lane.CRISIS, card=_card(alert), in_place=True)]


def _card(alert: Alert) -> str:
    return f"standing:{alert.id}"


def may_hear(alert: Alert) -> bool:
    """Whether it is safe to write to the person without having been written to."""
    return alert.person_id is not None and alert.writing in UNPROMPTED


def _is_tried_outside(moment: Moment, alert: Alert) -> bool:
    return bool(moment.union.outside_ways) and outside_calls.has_left(moment.tx, alert.id)
