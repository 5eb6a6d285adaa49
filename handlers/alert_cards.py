"""How an alert looks to coordinators, in private and in their rooms."""

from __future__ import annotations

from uuid import UUID

from handlers import cards, disclosure, naming
from handlers.context import Moment
from handlers.messages import Button, Lane, Outbound, Text, Verbatim, Words, _, lines
from handlers.texts import duration, joined
from storage import needs, people
from storage.tables import Alert

ALERT_KINDS = {
    "sos": ("🔴", _("SOS")),
    "unanswered": ("🟠", _("nobody has taken a need")),
    "minor": ("🟠", _("a minor needs help")),
    "unverified": ("🟠", _("nobody near is verified for this")),
    "unfinished": ("🟠", _("nobody has said if a need was met")),
    "missed": ("🟠", _("a volunteer for an urgent need does not answer")),
    "unreachable": ("🟠", _("a volunteer for an urgent need can't be reached")),
    "report": ("🟠", _("someone was reported")),
    "fault": ("⚠️", _("the bot has a fault")),
}


def alert(moment: Moment, case: Alert, to: UUID, *, in_place: bool = False) -> Outbound:
    """The card that pages a coordinator: no name, no words, no place until one takes charge."""
    open_now = case.state == "open"
    return Outbound(
        to,
        _alert_text(moment, case),
        title=alert_title(moment, case),
        buttons=(Button(_("I take it"), f"/take {case.reference}"),) if open_now else (),
        lane=Lane.CRISIS,
        card=f"alert:{case.id}",
        in_place=in_place,
        alert=case.id if open_now else None,
    )


def alert_in_room(moment: Moment, case: Alert, room_id: UUID, *, in_place: bool = False) -> Outbound:
    """The same card in a coordinators' room: of the place only the rough area, and who has it since when."""
    open_now = case.state == "open"
    return Outbound(
        None,
        _alert_text(moment, case),
        title=_title_in_room(moment, case),
        buttons=(Button(_("I take it"), f"/take {case.reference}"),) if open_now else (),
        lane=Lane.CRISIS,
        room=room_id,
        card=f"alert:{case.id}",
        in_place=in_place,
        alert=case.id if open_now else None,
    )


def _title_in_room(moment: Moment, case: Alert) -> Text:
    sign, kind = ALERT_KINDS[case.kind]
    parts: list[Text | Verbatim | str] = [f"{sign} {case.reference}", kind]
    area = disclosure.area(moment, case) if case.state != "resolved" else None
    if area is not None:
        around = _("around {latitude}, {longitude}", latitude=f"{area[0]:.2f}", longitude=f"{area[1]:.2f}")
        parts.append(naming.area(moment, *area, moment.union.language) or around)
    who = _owner(moment, case)
    if case.state == "taken" and case.taken_at is not None:
        who = _("{name} since {time} UTC", name=who, time=f"{case.taken_at:%H:%M}")
    return joined(*parts, duration(moment.now - case.opened_at), who)


def alert_title(moment: Moment, case: Alert) -> Text:
    sign, kind = ALERT_KINDS[case.kind]
    age = duration(moment.now - case.opened_at)
    return joined(f"{sign} {case.reference}", kind, age, _owner(moment, case))


def _alert_text(moment: Moment, case: Alert) -> Words:
    if case.writing != "freely" and case.state != "resolved" and case.person_id is not None:
        hidden = people.get(moment.tx, case.person_id).hidden_since is not None
        return lines(
            _("They may be watched. Write only neutral words."),
            _("They have hidden this chat. What you write waits until they are back.") if hidden else None,
        )
    if case.need_id is None:
        return Verbatim("") if case.kind != "fault" else _("The operator should look at the log.")
    need = needs.get(moment.tx, case.need_id)
    return cards.title(moment, need, moment.union.language)


def _owner(moment: Moment, case: Alert) -> Text | Verbatim:
    if case.state == "resolved":
        return _("closed")
    if case.owner_id is None:
        return _("nobody yet")
    return name(moment, case.owner_id)


def name(moment: Moment, coordinator_id: UUID) -> Text | Verbatim:
    """What a coordinator is called; coordinators act in their own name."""
    known = people.name_of(moment.tx, people.get(moment.tx, coordinator_id))
    return Verbatim(known) if known else _("a coordinator")
