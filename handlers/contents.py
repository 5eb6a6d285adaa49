"""The table of contents: every command, form, report and clock duty of One Cloak, in one place to read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handlers import (
    alarms,
    completing,
    conversing,
    coordinators,
    linking,
    membership,
    needs,
    offers,
    reports,
    retracting,
    rooms,
    safety,
    sos,
    unread,
    verifying,
    volunteering,
    waves,
    welcome,
)
from handlers.context import Context, Moment
from handlers.forms import Form
from handlers.messages import Inbound, Kind, Outbound, Text, _
from storage import alerts as stored_alerts
from storage import needs as stored_needs
from storage.database import Transaction
from storage.tables import Alert, Need

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
    # for the one who asked
    "stop": Command(needs.stop),
    "urgent": Command(needs.urgent),
    "confirm": Command(completing.confirm),
    "notdone": Command(completing.not_done),
    # for volunteers
    "accept": Command(volunteering.accept),
    "decline": Command(volunteering.decline),
    "eta": Command(volunteering.eta),
    "done": Command(completing.done),
    "withdraw": Command(volunteering.withdraw),
    "pause": Command(volunteering.pause),
    "resume": Command(volunteering.resume),
    "nooffer": Command(offers.remove),
    # for coordinators
    "take": Command(coordinators.take, in_room=True),
    "still": Command(coordinators.still, in_room=True),
    "handback": Command(coordinators.hand_back, in_room=True),
    "resolve": Command(coordinators.resolve, in_room=True),
    "board": Command(coordinators.board, in_room=True),
    "duty": Command(coordinators.duty, in_room=True),
    "coordinators": Command(rooms.decide),
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
    form.name: form for form in (needs.NEED, offers.OFFER, conversing.WHICH, safety.REPORT)
}

# What the process reports about a person whom the core knows.
REPORTS: dict[Kind, Callable[[Context, Inbound], list[Outbound]]] = {
    Kind.BLOCKED: reports.blocked,
    Kind.UNBLOCKED: reports.unblocked,
    Kind.FETCHED: conversing.fetched,
    Kind.UNFETCHED: conversing.unfetched,
    Kind.JOINED: rooms.joined,
    Kind.REDACTED: retracting.redacted,
    Kind.LOCKED: unread.locked,
}

# What the process reports about itself.
OWN_REPORTS: dict[Kind, Callable[[Moment, Inbound], list[Outbound]]] = {
    Kind.UNDELIVERED: reports.undelivered,
    Kind.FAULT: reports.fault,
    Kind.RESEND: unread.resend,
}


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that becomes due: how the clock finds it, and what it does with each."""

    name: str
    find: Callable[[Transaction, datetime, int], Sequence[Any]]
    run: Callable[[Moment, Any], list[Outbound]]
    next_due: Callable[[Transaction], datetime | None]


def _need_is_due(moment: Moment, need: Need) -> list[Outbound]:
    return waves.due(moment, need) if need.state == "open" else completing.due(moment, need)


def _alert_is_due(moment: Moment, alert: Alert) -> list[Outbound]:
    return alarms.due(moment, alert)


DUTIES: tuple[Duty, ...] = (
    Duty("alerts", stored_alerts.due, _alert_is_due, stored_alerts.next_due),
    Duty("needs", stored_needs.due, _need_is_due, stored_needs.next_due),
)
