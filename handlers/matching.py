"""Who is asked, in which order, and why: pure functions over candidates that the index has found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from handlers.messages import Text, _, _n
from handlers.texts import joined
from storage import hours
from storage.candidates import Candidate

CONSIDERED = 64  # the nearest who may be asked: only they are judged

# --- what decides ---------------------------------------------------------------------------------

# The most that each part of the score can give. Together 100, so that a point is a hundredth.
SOON = 30.0  # halved for each quarter of an hour of travel
WITHIN_RADIUS = 15.0  # the whole at their door, none at the edge of how far they go
LANGUAGE = 15.0  # a shared language; without one, someone has to interpret
FREE_HANDS = 10.0  # the share of their capacity that is not promised to anyone
RESTED = 10.0  # the whole when not asked for a week: the same people must not always be asked
ANSWERS = 15.0  # the share of questions that they said yes to
VERIFIED = 5.0  # a coordinator has seen that they can do it

# Volunteers say yes to a third of the questions before we know them: published response rates run from
# 17 to 47 percent. The guess weighs as much as six questions.
GUESSED_YES, GUESSED_QUESTIONS = 2, 6

REST = timedelta(minutes=10)  # between two questions to one person; an urgent need does not wait for it
MOST_OPEN = 2  # questions that wait for someone's answer
LONG_RESTED = timedelta(days=7)

QUARTER = 15.0  # minutes
FEW_MINUTES, ABOUT_A_QUARTER = 10.0, 20.0

# Metres in a minute as the crow flies, detours and waiting included: about 3.5, 11, 11, 24 km/h in a town.
PACE = {"foot": 58.0, "bicycle": 180.0, "bus": 180.0, "car": 400.0}
USUAL_PACE = 120.0  # of someone who did not say how they travel


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for, as far as it decides who is asked; `at` is when the help is wanted (UTC)."""

    skill: str
    language: str
    urgent: bool
    at: datetime
    now: datetime
    union_zone: str
    verified_only: bool = False
    widened: int = 0


@dataclass(frozen=True, slots=True)
class Judgement:
    """If someone is asked, and if so with which points, in the order of `_REASONS`."""

    candidate: Candidate
    refusal: Text | None
    points: tuple[float, ...] = ()

    @property
    def score(self) -> float:
        """Between 0 and 100."""
        return sum(self.points)

    @property
    def reasons(self) -> tuple[Text, ...]:
        """What the points were given for, each with its number."""
        return tuple(
            joined(reason(self.candidate), f"{each:.1f}")
            for reason, each in zip(_REASONS, self.points, strict=False)
        )


def rank(request: Request, candidates: Sequence[Candidate]) -> list[Judgement]:
    """Those who can be asked, the best first; among equals the nearer, then by their random ids."""
    judged = [judge(request, each) for each in candidates]
    return sorted((each for each in judged if each.refusal is None), key=_order)


def _order(judgement: Judgement) -> tuple[float, float, int]:
    """Points are compared to a thousandth, so that no rounding of a sum decides."""
    far = judgement.candidate.distance
    return (
        -round(judgement.score, 3),
        far if far is not None else float("inf"),
        judgement.candidate.person_id.int,
    )


def judge(request: Request, candidate: Candidate) -> Judgement:
    """Why someone is not asked, or what speaks for asking them."""
    refusal = _refusal(request, candidate)
    return Judgement(candidate, refusal, () if refusal else _points(request, candidate))


# --- refusals -------------------------------------------------------------------------------------


def _refusal(request: Request, candidate: Candidate) -> Text | None:
    """The first reason that holds, from what lasts longest to what passes soonest."""
    if not candidate.reaches:
        return _("It is farther than they go.")
    if request.skill in candidate.not_wanted:
        return _("They don't want to be asked for this.")
    if request.verified_only and not candidate.verified:
        return _("Nobody has verified that they can do this.")
    if not hours.is_free(candidate.hours, candidate.zone, request.at):
        return _("They are not free at that time.")
    return _too_much(request, candidate) or _asleep(request, candidate)


def _too_much(request: Request, candidate: Candidate) -> Text | None:
    if candidate.active >= candidate.capacity:
        return _("They have promised as much as they can do at a time.")
    if candidate.asked_this_week >= candidate.weekly_limit:
        return _("They have been asked often enough this week.")
    if candidate.pending >= MOST_OPEN:
        return _("They have not answered other questions yet.")
    last = candidate.last_asked_at
    if last is not None and request.now - last < REST and not request.urgent:
        return _("They were asked a few minutes ago.")
    return None


def _asleep(request: Request, candidate: Candidate) -> Text | None:
    """Quiet hours hold for the question, not for the help: it is now that their telephone would ring."""
    if request.urgent and candidate.wakes_for_urgent:
        return None
    if hours.is_quiet(candidate.quiet_from, candidate.quiet_until, candidate.zone, request.now):
        return _("It is their quiet time.")
    return None


# --- points, and what is said of them ---------------------------------------------------------------


def _points(request: Request, candidate: Candidate) -> tuple[float, ...]:
    minutes = minutes_away(candidate)
    distance = candidate.distance
    last = candidate.last_asked_at
    asked = candidate.accepted + candidate.declined + candidate.silent
    return (
        0.0 if minutes is None else SOON * 2 ** (-minutes / QUARTER),
        0.0 if distance is None else WITHIN_RADIUS * (1 - distance / candidate.reach),
        LANGUAGE if request.language in candidate.languages else 0.0,
        FREE_HANDS * (1 - candidate.active / candidate.capacity),
        RESTED if last is None else RESTED * max(0.0, min(1.0, (request.now - last) / LONG_RESTED)),
        ANSWERS * (candidate.accepted + GUESSED_YES) / (asked + GUESSED_QUESTIONS),
        VERIFIED if candidate.verified else 0.0,
    )


def _of_radius(candidate: Candidate) -> Text:
    if candidate.distance is None:
        return _("how far they go, compared with the way: not known")
    share = round(100 * candidate.distance / candidate.reach, -1)
    return _("the way is about {share} percent of how far they go", share=f"{share:.0f}")


def _load(candidate: Candidate) -> Text:
    return _("promises now: {active} of {capacity}", active=candidate.active, capacity=candidate.capacity)


def _rest(candidate: Candidate) -> Text:
    return _n(
        "asked {count} time in seven days", "asked {count} times in seven days", candidate.asked_this_week
    )


def _answers(candidate: Candidate) -> Text:
    return _(
        "answers so far: {accepted} yes, {declined} no, {silent} none",
        accepted=candidate.accepted, declined=candidate.declined, silent=candidate.silent,
    )  # fmt: skip


def _language(candidate: Candidate) -> Text:
    return _("a shared language")


def _verified(candidate: Candidate) -> Text:
    return _("verified by a coordinator")


# --- how far --------------------------------------------------------------------------------------


def minutes_away(candidate: Candidate) -> float | None:
    """Roughly how long they travel, from the middle of a cell to another's; None if that is not known."""
    if candidate.distance is None:
        return None
    return candidate.distance / PACE.get(candidate.travel, USUAL_PACE)


def how_far(candidate: Candidate) -> Text:
    """A rough class of travel time, never a distance: from several distances a place could be computed."""
    return _rough(
        candidate,
        _("I don't know how far it is from you."),
        _("It is a few minutes from you."),
        _("It is about a quarter of an hour from you."),
        _("It is half an hour or more from you."),
    )


def distance_class(candidate: Candidate) -> Text:
    """The same class for a coordinator who looks for someone."""
    return _rough(
        candidate,
        _("distance not known"),
        _("a few minutes away"),
        _("about a quarter of an hour away"),
        _("half an hour or more away"),
    )


def _rough(candidate: Candidate, unknown: Text, near: Text, farther: Text, far: Text) -> Text:
    minutes = minutes_away(candidate)
    if minutes is None:
        return unknown
    if minutes <= FEW_MINUTES:
        return near
    return farther if minutes <= ABOUT_A_QUARTER else far


_REASONS = (how_far, _of_radius, _language, _load, _rest, _answers, _verified)
