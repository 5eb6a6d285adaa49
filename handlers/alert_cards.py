"""How an alert looks to coordinators, in private and in their rooms.

Read at three in the morning: how bad, what, where and since when come first; then the words, then who knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from handlers import cards, disclosure, first_words, naming
from handlers.context import Moment
from handlers.messages import Button, Lane, Outbound, Text, Verbatim, Words, _, _n, lines
from handlers.texts import duration, joined
from storage import in_charge, needs, people
from storage.tables import Alert, Person

ALERT_KINDS: Mapping[str, Text] = {
    "sos": _("SOS"),
    "unanswered": _("nobody has taken a need"),
    "minor": _("a minor needs help"),
    "unverified": _("nobody near is verified for this"),
    "unfinished": _("nobody has said if a need was met"),
    "missed": _("a volunteer for an urgent need does not answer"),
    "unreachable": _("a volunteer for an urgent need can't be reached"),
    "report": _("someone was reported"),
    "fault": _("the bot has a fault"),
}
FAULT = "⚠️"
SIGNS: Mapping[int, str] = {1: "🔴", 2: "🟠", 3: "🟡"}


def sign(case: Alert) -> str:
    """How bad it is; an SOS of which that is not known yet counts as the worst."""
    if case.kind == "fault":
        return FAULT
    unknown = case.kind == "sos" and (case.danger is None or bool(case.question))
    return SIGNS[1 if unknown else case.severity]


def kind(case: Alert) -> Text:
    """What it is about: the kind of danger, where that is known."""
    known = first_words.KINDS.get(case.danger or "") if case.kind == "sos" else None
    return known or ALERT_KINDS[case.kind]


def alert(moment: Moment, case: Alert, to: UUID, *, in_place: bool = False) -> Outbound:
    """The card that pages a coordinator: no name, no words, no place until one takes charge."""
    language = people.get(moment.tx, to).language
    return Outbound(
        to,
        _alert_text(moment, case, language),
        title=alert_title(moment, case, language),
        buttons=_buttons(case),
        lane=Lane.CRISIS,
        card=f"alert:{case.id}",
        in_place=in_place,
        alert=case.id if case.state == "open" else None,
    )


def alert_in_room(moment: Moment, case: Alert, room_id: UUID, *, in_place: bool = False) -> Outbound:
    """The same card in a coordinators' room, and since when someone has it."""
    return Outbound(
        None,
        _alert_text(moment, case, moment.union.language),
        title=_title_in_room(moment, case),
        buttons=_buttons(case),
        lane=Lane.CRISIS,
        room=room_id,
        card=f"alert:{case.id}",
        in_place=in_place,
        alert=case.id if case.state == "open" else None,
    )


def _buttons(case: Alert) -> tuple[Button, ...]:
    if case.state == "open":
        return (Button(_("I take it"), f"/take {case.reference}"),)
    if wants_hands(case):
        return (Button(_("I help"), f"/assist {case.reference}"),)
    return ()


def wants_hands(case: Alert) -> bool:
    """Whether the one in charge has asked for more hands, and still is in charge."""
    return case.state == "taken" and case.hands_asked_at is not None


def alert_title(moment: Moment, case: Alert, language: str = "") -> Text:
    """The first line of the card; language: of its reader, for the name of the area."""
    return joined(*_beginning(moment, case, language or moment.union.language), *_standing(moment, case))


def _title_in_room(moment: Moment, case: Alert) -> Text:
    who = _standing(moment, case)
    if case.state == "taken" and case.taken_at is not None:
        since = f"{case.taken_at:%H:%M}"
        who = (_("{name} since {time} UTC", name=who[0], time=since), *who[1:])
    return joined(*_beginning(moment, case, moment.union.language), *who)


def _beginning(moment: Moment, case: Alert, language: str) -> tuple[Text | Verbatim | str, ...]:
    """How bad, what, where (only the rough area, and no more once it is over), since when."""
    area = _area(moment, case, language) if case.state != "resolved" else None
    age = duration(moment.now - case.opened_at)
    return (f"{sign(case)} {case.reference}", kind(case), *([area] if area is not None else []), age)


def _area(moment: Moment, case: Alert, language: str) -> Text | Verbatim | None:
    area = disclosure.area(moment, case)
    if area is None:
        return None
    around = _("around {latitude}, {longitude}", latitude=f"{area[0]:.2f}", longitude=f"{area[1]:.2f}")
    return naming.area(moment, *area, language) or around


def _standing(moment: Moment, case: Alert) -> tuple[Text | Verbatim, ...]:
    """Who has it, with how many hands, and of which other alert it is a part."""
    if case.state == "resolved":
        return (_("closed"),)
    if case.owner_id is None:
        return (_("nobody yet"),)
    parts: list[Text | Verbatim] = [name(moment, case.owner_id)]
    helping = len(in_charge.hands(moment.tx, case.id)) if wants_hands(case) else 0
    if helping:
        parts.append(_n("{count} more helps", "{count} more help", helping))
    if case.merged_into_id is not None:
        kept = moment.tx.session.get_one(Alert, case.merged_into_id)
        parts.append(_("same as {reference}", reference=kept.reference))
    return tuple(parts)


def _alert_text(moment: Moment, case: Alert, language: str) -> Words:
    asked = None
    if wants_hands(case) and case.owner_id is not None:
        asked = _("{name} asks for more hands.", name=name(moment, case.owner_id))
    if case.need_id is None:
        fault = _("The operator should look at the log.") if case.kind == "fault" else None
        return lines(*_watched(moment, case), fault, asked)
    need = needs.get(moment.tx, case.need_id)
    return lines(cards.title(moment, need, language), asked)


def _watched(moment: Moment, case: Alert) -> tuple[Text, ...]:
    """What must be known before a word is written to someone who may be watched."""
    if case.writing == "freely" or case.state == "resolved" or case.person_id is None:
        return ()
    neutral = _("They may be watched. Write only neutral words.")
    if people.get(moment.tx, case.person_id).hidden_since is None:
        return (neutral,)
    return neutral, _("They have hidden this chat. What you write waits until they are back.")


# --- one coordinator asked to take over ---------------------------------------------------------------


def offered(moment: Moment, case: Alert, to: Person, by: UUID) -> Outbound:
    """One coordinator asks another to take over; the words open only when they do."""
    return Outbound(
        to.id,
        _("{name} asks you to take over. Until you do, they stay in charge.", name=name(moment, by)),
        title=alert_title(moment, case, to.language),
        buttons=(
            Button(_("I take over"), f"/takeover {case.reference}", means="yes"),
            Button(_("I can't"), f"/takeover {case.reference} no", means="no"),
        ),
        lane=Lane.CRISIS,
        card=f"handover:{case.id}",
    )


def offer_is_over(moment: Moment, case: Alert) -> list[Outbound]:
    """Whoever was asked to take over need not any more: their message is changed in place."""
    to, case.offered_to_id = case.offered_to_id, None
    if to is None or moment.tx.session.get(Person, to) is None:
        return []
    over = _("You need not take over any more. Thank you.")
    card = f"handover:{case.id}"
    title = joined(case.reference)
    return [Outbound(to, over, title=title, lane=Lane.CRISIS, card=card, in_place=True)]


def name(moment: Moment, coordinator_id: UUID) -> Text | Verbatim:
    """What a coordinator is called; coordinators act in their own name."""
    person = moment.tx.session.get(Person, coordinator_id)
    known = people.name_of(moment.tx, person) if person is not None else ""
    return Verbatim(known) if known else _("a coordinator")
