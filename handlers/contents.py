"""The table of contents: every command, form, report and clock duty of One Cloak, in one place to read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handlers import (
    alarms,
    board,
    commitments,
    completing,
    conversing,
    covers,
    crisis_mode,
    drills,
    handing_over,
    home,
    inviting,
    limiting,
    linking,
    membership,
    merging,
    more_hands,
    needs,
    noting,
    offers,
    on_call,
    readiness,
    recurring,
    reports,
    resolving,
    retracting,
    roll_call,
    room_purpose,
    safety,
    same_incident,
    showing,
    sos,
    still,
    stopping,
    taking,
    unread,
    verifying,
    volunteering,
    watched,
    waves,
    welcome,
)
from handlers.context import Context, Moment
from handlers.forms import Form
from handlers.messages import Inbound, Kind, Outbound, Text, _
from storage import alerts as stored_alerts
from storage import commitments as stored_commitments
from storage import crises as stored_crises
from storage import due
from storage import needs as stored_needs
from storage import readiness as stored_readiness
from storage.database import Transaction
from storage.tables import Need

Handler = Callable[[Context, Inbound, str], list[Outbound]]


@dataclass(frozen=True, slots=True)
class Command:
    """What `/name` does. With a summary it stands in the platform's menu."""

    run: Handler
    summary: Text | None = None
    in_room: bool = False  # also heard in a coordinators' room, and answered in private


COMMANDS: dict[str, Command] = {
    # for everyone
    "need": Command(needs.need, _("Ask for help")),
    "offer": Command(offers.offer, _("Offer help")),
    "my": Command(welcome.my, _("My cases and my offer")),
    "home": Command(home.home, _("My home, to be chosen with one tap")),
    "sos": Command(sos.sos, _("Someone is in danger")),
    "help": Command(welcome.help_, _("What this bot can do")),
    "cancel": Command(welcome.cancel, _("Leave this question")),
    "language": Command(welcome.language, _("Change the language")),
    "link": Command(membership.link, _("Join your other account")),
    "forget": Command(safety.forget, _("Delete everything about me")),
    "start": Command(welcome.welcome),
    "agree": Command(welcome.agree),
    "no": Command(welcome.no),
    "join": Command(membership.join),
    "unlink": Command(linking.unlink),
    "report": Command(safety.report),
    "block": Command(safety.block),
    "contact": Command(conversing.contact),
    "share": Command(conversing.share),
    "tell": Command(conversing.tell),
    "mistake": Command(sos.mistake),
    "rollcall": Command(roll_call.answer),
    "danger": Command(sos.danger),
    "life": Command(sos.life),
    "moment": Command(watched.moment),
    "maywrite": Command(watched.may_write),
    "mayother": Command(watched.may_use_other),
    "conceal": Command(watched.hide),
    "return": Command(watched.come_back),
    # for the one who asked
    "stop": Command(stopping.stop),
    "urgent": Command(stopping.urgent),
    "confirm": Command(completing.confirm),
    "notdone": Command(completing.not_done),
    "needed": Command(still.needed),
    "norepeat": Command(recurring.stop_repeating),
    "show": Command(showing.show),
    "hide": Command(showing.hide),
    # for volunteers
    "accept": Command(volunteering.accept),
    "decline": Command(volunteering.decline),
    "eta": Command(commitments.eta),
    "onmyway": Command(commitments.on_my_way),
    "here": Command(commitments.here),
    "done": Command(completing.done),
    "withdraw": Command(commitments.withdraw),
    "pause": Command(volunteering.pause),
    "resume": Command(volunteering.resume),
    "kinds": Command(offers.kinds),
    "nooffer": Command(offers.remove),
    "limits": Command(limiting.limits),
    "zone": Command(limiting.zone),
    # for coordinators
    "take": Command(taking.take, in_room=True),
    "still": Command(taking.still, in_room=True),
    "ask": Command(inviting.ask, in_room=True),
    "hands": Command(more_hands.ask, in_room=True),
    "assist": Command(more_hands.assist, in_room=True),
    "unassist": Command(more_hands.stop, in_room=True),
    "note": Command(noting.note),
    "handover": Command(handing_over.hand_over, in_room=True),
    "takeover": Command(handing_over.take_over, in_room=True),
    "handback": Command(handing_over.hand_back, in_room=True),
    "resolve": Command(resolving.resolve, in_room=True),
    "falsealarm": Command(resolving.false_alarm, in_room=True),
    "merge": Command(merging.merge),
    "apart": Command(same_incident.apart),
    "two": Command(merging.two),
    "board": Command(board.board, in_room=True),
    "stats": Command(board.stats, in_room=True),
    "duty": Command(on_call.duty, in_room=True),
    "who": Command(on_call.who, in_room=True),
    "crisis": Command(crisis_mode.declare),
    "confirmcrisis": Command(crisis_mode.confirm),
    "endcrisis": Command(crisis_mode.end),
    "situation": Command(crisis_mode.show, in_room=True),
    "ready": Command(readiness.ready),
    "drill": Command(drills.drill),
    "present": Command(drills.present, in_room=True),
    "carries": Command(on_call.carries),
    "cover": Command(covers.cover),
    "covering": Command(covers.covering),
    "swap": Command(covers.swap),
    "swapped": Command(covers.swapped),
    "coordinators": Command(room_purpose.decide),
    "code": Command(membership.code),
    "letin": Command(membership.let_in),
    "verify": Command(verifying.verify),
    "unverify": Command(verifying.unverify),
    "verified": Command(verifying.verified),
    "ban": Command(safety.ban),
    "unban": Command(safety.unban),
    "leave": Command(membership.leave),
}

HEARD_IN_ROOMS = {name: command.run for name, command in COMMANDS.items() if command.in_room}

FORMS: dict[str, Form] = {
    form.name: form
    for form in (
        needs.NEED,
        needs.SAME,
        showing.DOOR,
        offers.OFFER,
        offers.KINDS,
        limiting.LIMITS,
        home.HOME,
        conversing.WHICH,
        safety.REPORT,
        crisis_mode.CRISIS,
        handing_over.HAND_OVER,
        noting.NOTE,
        resolving.OUTCOME,
    )
}

# What the process reports about a person whom the core knows.
REPORTS: dict[Kind, Callable[[Context, Inbound], list[Outbound]]] = {
    Kind.BLOCKED: reports.blocked,
    Kind.UNBLOCKED: reports.unblocked,
    Kind.FETCHED: conversing.fetched,
    Kind.UNFETCHED: conversing.unfetched,
    Kind.JOINED: room_purpose.joined,
    Kind.REDACTED: retracting.redacted,
    Kind.LOCKED: unread.locked,
}

# What the process reports about itself.
OWN_REPORTS: dict[Kind, Callable[[Moment, Inbound], list[Outbound]]] = {
    Kind.UNDELIVERED: reports.undelivered,
    Kind.FAULT: reports.fault,
    Kind.LEFT: room_purpose.left,
    Kind.MOVED: room_purpose.moved,
    Kind.RESEND: unread.resend,
}


Run = Callable[[Moment, Sequence[Any]], list[Outbound]]


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that becomes due: how the clock finds it, and what it does with those found together."""

    name: str  # of the kind, as `storage.due` tells when the next of it is due
    find: Callable[[Transaction, datetime, int], Sequence[Any]]
    run: Run
    column: str = "next_step_at"  # of the row: when it is due


def _needs_are_due(moment: Moment, found: Sequence[Need]) -> list[Outbound]:
    """Those who seek helpers are looked after together, so that not all ask the same volunteers."""
    told = waves.due(moment, [need for need in found if need.state == "open"])
    return told + _one_by_one(completing.due)(moment, [need for need in found if need.state == "taken"])


def _one_by_one(run: Callable[[Moment, Any], list[Outbound]]) -> Run:
    """A duty that looks after each by itself; what one has changed the next one finds written."""

    def each(moment: Moment, found: Sequence[Any]) -> list[Outbound]:
        told: list[Outbound] = []
        for one in found:
            told += run(moment, one)
            moment.tx.session.flush()
        return told

    return each


DUTIES: tuple[Duty, ...] = (
    Duty(due.ALERTS, stored_alerts.due, alarms.all_due),
    Duty(due.NEEDS, stored_needs.due, _needs_are_due),
    Duty(due.COMMITMENTS, stored_commitments.due, _one_by_one(commitments.due), column="check_at"),
    Duty(due.STILL_NEEDED, stored_needs.to_confirm, _one_by_one(still.due), column="confirm_at"),
    Duty(due.CRISES, stored_crises.due, _one_by_one(crisis_mode.due)),
    Duty(due.DRILLS, stored_readiness.due_drills, _one_by_one(drills.due)),
    Duty(due.ROUTINES, stored_readiness.due_routines, readiness.due),
)
