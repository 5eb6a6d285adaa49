"""The second way out: who decides that it is taken, what is said on it, and what becomes of it.

What is said names nobody and repeats nobody's words: a gateway for text messages or a siren is not ours.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from handlers import disclosure, naming, waiting
from handlers.context import Moment
from handlers.messages import Outbound
from storage import alerts, outside, work
from storage.tables import Alert, Drill, OutsideCall

MOST_IN_A_DRILL = 3  # attempts: a drill wants to know soon that a way does not work


def call(moment: Moment, alert: Alert) -> None:
    """Try every way that is not being tried already for this alert."""
    ways = moment.union.outside_ways
    trying = outside.unfinished(moment.tx, alert.id) if ways else set()
    for way in ways:
        if way not in trying:
            outside.add(moment.tx, moment.now, way, alert_id=alert.id)
            work.audit(moment.tx, moment.now, None, f"began to call outside by {way}", case_id=alert.id)


def report(moment: Moment, call: OutsideCall) -> dict[str, Any] | None:
    """What is said outside; None where it is not true any more because someone has taken charge."""
    if call.drill_id is not None:
        drill = moment.tx.session.get_one(Drill, call.drill_id)
        about = {"drill": True, "reference": drill.reference, "opened_at": drill.begun_at.isoformat()}
        return None if drill.ended_at is not None else {**about, "attempt": call.attempts}
    alert = moment.tx.session.get(Alert, call.alert_id) if call.alert_id is not None else None
    if alert is None or alert.state != "open":
        return None
    area = disclosure.area(moment, alert)
    name = naming.area(moment, *area, moment.union.language) if area is not None else None
    return {
        "drill": False,
        "reference": alert.reference,
        "kind": alert.kind,
        "danger": alert.danger,
        "severity": alert.severity,
        "state": alert.state,
        "opened_at": alert.opened_at.isoformat(),
        "area": None if area is None else {
            "name": name.words if name is not None else None,
            "latitude": round(area[0], 3),
            "longitude": round(area[1], 3),
        },
        "attempt": call.attempts,
    }  # fmt: skip


def succeeded(moment: Moment, call_id: UUID) -> list[Outbound]:
    """Somebody was told outside; the person in need hears so the first time."""
    done = outside.get(moment.tx, call_id)
    if done is None or done.state == "done":
        return []
    alert = alerts.hold(moment.tx, done.alert_id) if done.alert_id is not None else None
    is_first = alert is not None and not outside.has_left(moment.tx, alert.id)
    outside.finish(moment.now, done, "done")
    work.audit(moment.tx, moment.now, None, f"called outside by {done.way}", case_id=done.alert_id)
    moment.tx.session.flush()
    return waiting.word(moment, alert) if alert is not None and is_first and alert.state == "open" else []


def failed(moment: Moment, call_id: UUID, reason: str) -> None:
    """Try again later, for as long as nobody has taken charge; reason: without anything personal."""
    call = outside.get(moment.tx, call_id)
    if call is None or call.state == "done":
        return
    if call.drill_id is not None and call.attempts >= MOST_IN_A_DRILL:
        outside.finish(moment.now, call, "failed", reason)
    else:
        outside.postpone(moment.now, call, reason)
