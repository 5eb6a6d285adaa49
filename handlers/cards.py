"""The cards: how a need, an invitation and an alert look to those who read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from handlers import first_words, limits, matching, measures, naming, skills
from handlers.context import Moment
from handlers.messages import Button, Clock, Lane, Outbound, Text, Verbatim, Words, _, _n, lines
from handlers.texts import duration, joined, wanted_at
from storage import alerts, needs, open_needs, people
from storage.candidates import Candidate
from storage.tables import Commitment, Invitation, Need

# --- a need, as its requester sees it -------------------------------------------------------------


def need(moment: Moment, case: Need, to: UUID, *, in_place: bool = False) -> Outbound:
    """The card of a need: its reference, where it stands, when the requester hears again."""
    active = needs.commitments(moment.tx, case.id) if case.wave else []
    return Outbound(
        to,
        standing(moment, case),
        title=title(moment, case, whole=True),
        buttons=need_buttons(case, active),
        card=f"need:{case.id}",
        in_place=in_place,
    )


def title(moment: Moment, case: Need, language: str = "", *, whole: bool = False) -> Text:
    """Name a need, "N-7K3Q · Fetch medicine · Gràcia"; whole: all kinds; language: of the area."""
    language = language or people.get(moment.tx, case.person_id).language
    kinds = [each.skill for each in needs.parts(moment.tx, case.id)] if whole else [case.skill]
    area = naming.area(moment, case.latitude, case.longitude, language)
    urgent = _("urgent") if case.urgent else None
    parts: tuple[Text | Verbatim | None, ...] = (*(skills.label(each) for each in kinds), area, urgent)
    return joined(case.reference, *(part for part in parts if part is not None))


def need_buttons(case: Need, active: Sequence[Commitment] = ()) -> tuple[Button, ...]:
    stop = Button(_("Stop"), f"/stop {case.reference}")
    sos = Button(_("SOS"), "/sos")
    if case.state not in open_needs.STATES:
        return ()
    done = Button(_("It is done"), f"/done {case.reference}")
    shown = _show_buttons(case, active)
    if case.state == "open":
        urgent = () if case.urgent else (Button(_("It is urgent"), f"/urgent {case.reference}"),)
        return (*((done, *shown) if active else ()), stop, *urgent, sos)
    return (done, *shown, stop, sos)


def _show_buttons(case: Need, active: Sequence[Commitment]) -> tuple[Button, ...]:
    """What the requester may still open or close to those who have accepted."""
    shown, buttons = [each.shows.split() for each in active], []
    if any("door" not in each for each in shown):
        buttons.append(Button(_("Show my door"), f"/show {case.reference} door"))
    if any("phone" not in each for each in shown):
        buttons.append(Button(_("Show my phone"), f"/show {case.reference} phone"))
    if any("place" not in each for each in shown):
        buttons.append(Button(_("Show my place"), f"/show {case.reference} place"))
    if any("place" in each for each in shown):
        buttons.append(Button(_("Hide my place"), f"/hide {case.reference} place"))
    return tuple(buttons)


ENDED = {
    "done": _("Done. Thank you for telling me."),
    "cancelled": _("Stopped."),
    "expired": _("I have stopped asking. You can ask again at any time."),
    "merged": _("Someone else asked for the same. I look after both together."),
}


def zone_of(moment: Moment, person_id: UUID) -> str:
    """In which time zone a person's hours are said."""
    return limits.zone_of(people.get(moment.tx, person_id), moment.union)


def standing(moment: Moment, case: Need) -> Words:
    """Where a need stands, in words that say only what happened."""
    if case.state in ENDED:
        return ENDED[case.state]
    when = wanted_at(case.needed_at, case.repeats_every, zone_of(moment, case.person_id))
    active = needs.commitments(moment.tx, case.id) if case.wave else []
    if case.state == "taken":
        return lines(when, *_accepted(moment, case, active))
    if people.get(moment.tx, case.person_id).minor_since is not None and not active:
        return lines(when, first_words.FOR_MINORS, _coordinators_know(moment, case))
    if not case.wave and case.next_step_at is not None:
        return lines(when, _("I start asking in {time}. Nobody is asked before.",
                             time=duration(case.next_step_at - moment.now)))  # fmt: skip
    return lines(when, *(_accepted(moment, case, active) if active else ()), *_seeking(moment, case))


def _accepted(moment: Moment, case: Need, active: Sequence[Commitment]) -> list[Text | None]:
    zone = zone_of(moment, case.person_id)
    helpers = wanted(moment, case)
    several = helpers > 1
    sees = any("place" in each.shows.split() for each in active)
    return [
        _("Someone has accepted. Write here and I pass it on.") if not several else
        _("{taken} of {wanted} helpers have accepted. Write here and I pass it on.",
          taken=len(active), wanted=helpers),
        *(_progress(each, zone) for each in active),
        _("They see your words and your place until this is done.") if sees else
        _("They see your words until this is done. Your place is closed."),
    ]  # fmt: skip


def _progress(commitment: Commitment, zone: str) -> Text | None:
    """How far one volunteer is; the hour stays true when the card grows old."""
    if commitment.here_at is not None:
        return _("Your volunteer is there.")
    if commitment.arrives_at is not None:
        expected = Clock(commitment.arrives_at, zone, day=False)
        if commitment.on_my_way_at is not None:
            return _("Your volunteer is on the way, expected at {time}.", time=expected)
        return _("Your volunteer is expected at {time}.", time=expected)
    return _("Your volunteer is on the way.") if commitment.on_my_way_at is not None else None


def wanted(moment: Moment, case: Need) -> int:
    """How many helpers a need wants, over all its parts."""
    return sum(each.wanted for each in needs.parts(moment.tx, case.id))


def _seeking(moment: Moment, case: Need) -> list[Text | None]:
    asked = needs.invitations(moment.tx, case.id)
    silent = sum(each.state == "pending" for each in asked)
    refused = sum(each.state == "declined" for each in asked)
    return [
        _asked(len(asked)),
        _n("{count} said no.", "{count} said no.", refused) if refused else None,
        _n("{count} has not answered yet.", "{count} have not answered yet.", silent) if silent else None,
        _coordinators_know(moment, case),
        _until(moment, case),
    ]


def _asked(count: int) -> Text:
    if not count:
        return _("There is nobody I can ask for this yet.")
    return _n("I have asked {count} person.", "I have asked {count} people.", count)


def _coordinators_know(moment: Moment, case: Need) -> Text | None:
    for alert in alerts.of_need(moment.tx, case):
        if alert.state == "taken":
            return _("A coordinator has taken charge of it.")
        return first_words.told(alerts.told(moment.tx, alert.id))
    return None


def _until(moment: Moment, case: Need) -> Text | None:
    if case.next_step_at is None:
        return None
    left = duration(case.next_step_at - moment.now)
    return _("You will hear from me within {time}, whatever happens.", time=left)


def wave_wait(moment: Moment, case: Need) -> timedelta:
    wait = moment.union.urgent_wave_wait if case.urgent else moment.union.wave_wait
    return wait / measures.of(moment, case).sooner


# --- an invitation --------------------------------------------------------------------------------


def invitation(
    case: Need,
    asked: Invitation,
    candidate: Candidate,
    skill: str,
    zone: str,
    *,
    area: Verbatim | None = None,
    instead: bool = False,
) -> Outbound:
    """One volunteer is asked: kind of help, area, rough distance; neither words nor place of the need.

    zone: in which the hour is said, such as "Europe/Madrid".
    instead: they don't offer this skill but another one that could do, and are told so.
    """
    when: Text | None = wanted_at(case.needed_at, case.repeats_every, zone)
    if when is None:
        when = _("urgent") if case.urgent else _("as soon as you can")
    return Outbound(
        candidate.person_id,
        lines(
            _("Can you help a neighbour with this?"),
            _("It is not what you offered, but you may be able to do it.") if instead else None,
            matching.how_far(candidate),
            _("The address and the details open when you accept. You may always say no."),
        ),
        title=joined(skills.label(skill), *([area] if area is not None else []), when, case.reference),
        buttons=(
            Button(_("I can"), f"/accept {case.reference}", means="yes"),
            Button(_("Not now"), f"/decline {case.reference}", means="no"),
            Button(_("Pause me for a week"), "/pause"),
        ),
        lane=Lane.INVITATION,
        invitation=asked.id,
    )
