"""Whoever is in charge asks one volunteer directly, out of the order of the waves, within their limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from handlers import (
    asking,
    cards,
    coordinators,
    disclosure,
    matching,
    naming,
    references,
    skills,
    stopping,
    taking,
    waiting,
    waves,
)
from handlers.context import Context, Moment
from handlers.matching import Judgement, Request
from handlers.messages import Button, Inbound, Lane, Outbound, Text, Verbatim, _, lines
from handlers.searching import WIDEST
from handlers.texts import joined
from storage import alerts, candidates, offers, open_needs, people, work
from storage import needs as stored
from storage.candidates import Candidate, Search
from storage.tables import Alert, Need

MOST_SHOWN = 5
LOOKED_AT = 64
MOST_NEEDS = 3

# What may help at once with a danger, the likeliest first.
KINDS_FOR: Mapping[str, tuple[str, ...]] = {
    "medical": ("first_aid", "nursing", "transport", "medicine"),
    "fire": ("shelter", "transport", "clothes", "first_aid"),
    "violence": ("shelter", "transport", "accompanying", "counselling"),
    "self_harm": ("counselling", "company", "accompanying"),
    "missing": ("searching", "reunite", "transport"),
    "trapped": ("locks", "digging", "carrying", "animal_rescue"),
    "shelter": ("shelter", "warm_place", "bedding", "food"),
    "child": ("counselling", "transport", "shelter"),
    "disaster": ("boats", "pumping", "digging", "shelter"),
}
FOR_ANYTHING = ("first_aid", "transport", "company", "shelter")


def ask(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/ask A-2M9D: who could help; with a kind of help: who of them; with one of these: ask that person."""
    alert = coordinators.own(ctx, argument)
    if alert is None:
        return coordinators.not_own(ctx, "ask a volunteer")
    obstacle = _obstacle(ctx, alert)
    if obstacle is not None:
        return [ctx.reply(obstacle, title=joined(alert.reference), lane=Lane.CRISIS)]
    said = coordinators.words_behind(argument).split()
    skill = said[0] if said and said[0] in ctx.core.vocabulary.skills else None
    need = _need(ctx, alert, skill)
    kinds = _lacking(ctx, need) if need is not None else None
    if skill is None and kinds is not None and len(kinds) == 1:
        skill = kinds[0]
    if skill is None or (kinds is not None and skill not in kinds):
        return [_which_kind(ctx, alert, kinds or _kinds(ctx, alert))]
    found = _best(ctx, alert, need, skill)
    chosen = next((each for each in found if str(each.candidate.person_id) in said[1:]), None)
    if chosen is not None:
        return _invite(ctx, alert, need, skill, chosen.candidate)
    first = _("Whom shall I ask? They may always say no.")
    if len(said) > 1:
        first = _("They can't be asked any more. Here is who can:")
    return [_shown(ctx, alert, need, skill, found[:MOST_SHOWN], first)]


def _obstacle(ctx: Context, alert: Alert) -> Text | None:
    """Why nobody can be sent to this person."""
    if alert.person_id is None or alert.kind == "report":
        return _("There is nobody to send a volunteer to.")
    if people.get(ctx.tx, alert.person_id).minor_since is not None:
        return _("They are under 18: I send nobody to them alone. Please look after it yourself.")
    if not waiting.may_hear(alert):
        return _("They may be watched. Agree with them first if someone may come.")
    if not open_needs.of(ctx.tx, alert.person_id) and disclosure.area(ctx, alert) is None:
        return _("I don't know where they are. Ask them for their place first.")
    return None


def _need(ctx: Context, alert: Alert, skill: str | None) -> Need | None:
    """The person's open need which lacks helpers: that of the alert, else one for this kind of help."""
    assert alert.person_id is not None
    if alert.need_id is not None:
        need = stored.get(ctx.tx, alert.need_id)
        return need if need.state == "open" else None
    found = [each for each in open_needs.of(ctx.tx, alert.person_id) if each.state == "open"]
    if skill is not None:
        return next((each for each in found if skill in _lacking(ctx, each)), None)
    return found[0] if len(found) == 1 and disclosure.area(ctx, alert) is None else None


def _lacking(ctx: Context, need: Need) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.skill for part in waves.lacking(ctx, need)))


def _kinds(ctx: Context, alert: Alert) -> tuple[str, ...]:
    """What the person asks for already, and what may help with the danger."""
    assert alert.person_id is not None
    asked = [each for each in open_needs.of(ctx.tx, alert.person_id) if each.state == "open"][:MOST_NEEDS]
    wanted = [skill for each in asked for skill in _lacking(ctx, each)]
    likely = KINDS_FOR.get(alert.danger or "", FOR_ANYTHING) if alert.kind == "sos" else ()
    return tuple(dict.fromkeys((*wanted, *likely)))


def _which_kind(ctx: Context, alert: Alert, kinds: tuple[str, ...]) -> Outbound:
    buttons = (Button(skills.label(each), f"/ask {alert.reference} {each}") for each in kinds)
    asked = _("Which kind of help?")
    return ctx.reply(asked, *buttons, title=joined(alert.reference), lane=Lane.CRISIS)


# --- who could be asked -------------------------------------------------------------------------------


def _best(ctx: Context, alert: Alert, need: Need | None, skill: str) -> list[Judgement]:
    """The best who can be asked now; whoever agreed to be woken for it is, all other limits hold."""
    assert alert.person_id is not None
    requester, at = people.get(ctx.tx, alert.person_id), _at(ctx, need)
    place = disclosure.area(ctx, alert)
    if need is not None and need.latitude is not None and need.longitude is not None:
        place = (need.latitude, need.longitude)
    kind, zone = skills.of(ctx.core, skill), ctx.union.time_zone
    latitude, longitude = place or (None, None)
    search = Search(need.id if need is not None else alert.id, requester.id, skill, latitude, longitude, at,
                    zone, widened=WIDEST)  # fmt: skip
    request = Request(skill, requester.language, _is_urgent(alert, need), at, ctx.now, zone,
                      verified_only=kind.verified_only, widened=WIDEST)  # fmt: skip
    return matching.rank(request, candidates.find(ctx.tx, ctx.now, search, LOOKED_AT))


def _at(moment: Moment, need: Need | None) -> datetime:
    wanted = need.needed_at if need is not None else None
    return max(wanted or moment.now, moment.now)


def _is_urgent(alert: Alert, need: Need | None) -> bool:
    return alert.kind == "sos" or alert.severity == 1 or (need is not None and need.urgent)


def _shown(
    ctx: Context, alert: Alert, need: Need | None, skill: str, found: list[Judgement], first: Text
) -> Outbound:
    """Candidates by kind, area and a rough class of distance; no name, no place."""
    label = skills.label(skill)
    if not found:
        nobody = _("There is nobody I can ask for this now: {kind}", kind=label)
        other = (Button(_("Other kinds of help"), f"/ask {alert.reference}"),) if need is None else ()
        return ctx.reply(nobody, *other, title=joined(alert.reference), lane=Lane.CRISIS)
    who = [_line(ctx, number, each.candidate, label) for number, each in enumerate(found, 1)]
    buttons = (
        Button(_("Ask number {number}", number=number),
               f"/ask {alert.reference} {skill} {each.candidate.person_id}")
        for number, each in enumerate(found, 1)
    )  # fmt: skip
    return ctx.reply(lines(first, *who), *buttons, title=joined(alert.reference), lane=Lane.CRISIS)


def _line(ctx: Context, number: int, candidate: Candidate, label: Text) -> Text:
    offer = offers.of(ctx.tx, candidate.person_id)
    area = None
    if offer is not None:
        area = naming.area(ctx, offer.latitude, offer.longitude, ctx.person.language)
    parts: list[Text | Verbatim | str] = [f"{number}", label]
    parts += [area] if area is not None else []
    parts.append(matching.distance_class(candidate))
    parts += [_("verified")] if candidate.verified else []
    return joined(*parts)


# --- asking one ---------------------------------------------------------------------------------------


def _invite(
    ctx: Context, alert: Alert, need: Need | None, skill: str, candidate: Candidate
) -> list[Outbound]:
    told: list[Outbound] = []
    if need is None:
        need = _for_the_alert(ctx, alert, skill)
        told = taking.to_person(ctx, alert, _("A coordinator asks volunteers for you: {kind}",
                                              kind=skills.label(skill)))  # fmt: skip
    stored.lock(ctx.tx, need)
    part = next((each for each in waves.lacking(ctx, need) if each.skill == skill), None)
    if need.state != "open" or part is None:
        return [ctx.reply(_("{reference} is no longer open. Thank you.", reference=need.reference),
                          lane=Lane.CRISIS)]  # fmt: skip
    need.wave = max(need.wave, 1)
    [asked] = stored.invite(ctx.tx, ctx.now, need, [candidate.person_id], part.id)
    work.audit(ctx.tx, ctx.now, ctx.person.id, "asked a volunteer", case_id=need.id)
    taking.touch(ctx, alert)
    area = naming.area(ctx, need.latitude, need.longitude, candidate.language)
    card = cards.invitation(need, asked, candidate, skill, candidate.zone, area=area)
    if _is_urgent(alert, need):
        card = replace(card, lane=Lane.CRISIS)
    again = Button(_("Ask another one"), f"/ask {alert.reference} {skill}")
    done = _("Asked. You will hear if they accept {reference}.", reference=need.reference)
    return [ctx.reply(done, again, title=joined(alert.reference), lane=Lane.CRISIS), card, *told]


def _for_the_alert(ctx: Context, alert: Alert, skill: str) -> Need:
    """A need of the person in danger, in a coordinator's words: their own are not passed to volunteers."""
    assert alert.person_id is not None
    person = people.get(ctx.tx, alert.person_id)
    place, cell = alert.sealed_place, disclosure.area(ctx, alert)
    kept = ctx.tx.open(person.key_id, "alert place", place) if place is not None else None
    words = ctx.core.catalogs.render(skills.label(skill), person.language)
    need = stored.add(
        ctx.tx,
        reference=references.new(ctx.tx, Need),
        person_id=person.id,
        skill=skill,
        urgent=True,
        state="open",
        sealed_words=ctx.tx.seal(person.key_id, "need words", {"words": words, "alert": str(alert.id)}),
        sealed_place=ctx.tx.seal(person.key_id, "need place", kept) if kept is not None else None,
        latitude=cell[0] if cell else None,
        longitude=cell[1] if cell else None,
        for_other=False,
        created_at=ctx.now,
        # If the one who is asked now does not answer, the waves go on from here.
        next_step_at=ctx.now + ctx.union.urgent_wave_wait,
        confirm_at=asking.first_confirm(urgent=True, needed_at=None, now=ctx.now),
        confirm_asked=0,
    )
    ctx.tx.session.flush()
    return need


def accepted(moment: Moment, need: Need) -> list[Outbound]:
    """A volunteer has accepted what a coordinator asked for: the one in charge hears of it."""
    alert_id = stored.said(moment.tx, need).get("alert")
    alert = alerts.get(moment.tx, UUID(alert_id)) if alert_id else None
    if alert is None or alert.owner_id is None or alert.resolved_at is not None:
        return []
    text = _("A volunteer has accepted {reference}.", reference=need.reference)
    return [Outbound(alert.owner_id, text, title=joined(alert.reference), lane=Lane.CRISIS)]


def over(moment: Moment, alert: Alert) -> list[Outbound]:
    """The alert has ended: what a coordinator asked for because of it, and nobody has accepted, is over."""
    if alert.kind != "sos" or alert.person_id is None:
        return []
    told: list[Outbound] = []
    for need in open_needs.of(moment.tx, alert.person_id):
        mine = stored.said(moment.tx, need).get("alert") == str(alert.id)
        if mine and not stored.commitments(moment.tx, need.id):
            told += stopping.end(moment, need)
    return told
