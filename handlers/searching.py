"""Who could be asked about one part of a need: near first, then farther, then with skills that could do."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from handlers import matching, measures, sizing, skills
from handlers.context import Moment
from handlers.matching import Judgement, Request
from storage import candidates, history, people
from storage.candidates import Candidate, Search
from storage.tables import Need, Part

# The stages of a search, as `Need.widened` counts them: each one sees all that those before it saw.
NEAR, WIDEST, OTHER_SKILLS, COORDINATOR = 0, 2, 3, 4

CONSIDERED_VERIFIED = 512  # of the nearest, among whom few may have been verified
HALF_HOUR = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Option:
    """Someone who can be asked about a part, and with which skill they would help."""

    candidate: Candidate
    skill: str
    score: float  # 0 to 100
    chance: float  # that they accept


@dataclass(slots=True)
class Found:
    """The stage at which a part's search found someone, or its last; who can be asked, the best first."""

    part: Part
    stage: int
    options: list[Option] = field(default_factory=list)
    later: list[tuple[Request, Candidate]] = field(default_factory=list)  # not now, but they may wake


def look(moment: Moment, need: Need, part: Part, but: Collection[UUID] = ()) -> Found:
    """Search from the need's stage on until someone can be asked; nobody of `but`."""
    found = Found(part, need.widened)
    for stage in range(min(need.widened, OTHER_SKILLS), OTHER_SKILLS + 1):
        found = _at_stage(moment, need, part, stage, but)
        found.stage = max(found.stage, need.widened)
        if found.options:
            break
    return found


def _at_stage(moment: Moment, need: Need, part: Part, stage: int, but: Collection[UUID]) -> Found:
    """All who can be asked at one stage; those with the very skill come before the others."""
    found = Found(part, stage)
    kind = skills.of(moment.core, part.skill)
    wanted = (part.skill, *kind.instead) if stage >= OTHER_SKILLS else (part.skill,)
    seen = set(but)
    union = sizing.union_chance(history.answers(moment.tx))
    for skill in wanted:
        # Whoever stands in where nobody unverified may help has to be verified for what they can do.
        verified = kind.verified_only or skills.of(moment.core, skill).verified_only
        near, request = _near(moment, need, skill, min(stage, WIDEST), verified=verified)
        ranked = matching.rank(request, near)
        now = {each.candidate.person_id for each in ranked}
        found.options += [
            _option(each, skill, union) for each in ranked if each.candidate.person_id not in seen
        ]
        found.later += [(request, each) for each in near if each.person_id not in now]
        seen |= now
    return found


def _option(judgement: Judgement, skill: str, union: float) -> Option:
    return Option(judgement.candidate, skill, judgement.score, sizing.chance(union, judgement.candidate))


def _near(
    moment: Moment, need: Need, skill: str, widened: int, *, verified: bool
) -> tuple[list[Candidate], Request]:
    search, request = question(moment, need, skill, widened, verified=verified)
    considered = CONSIDERED_VERIFIED if verified else matching.CONSIDERED
    return candidates.find(moment.tx, moment.now, search, considered), request


def question(
    moment: Moment, need: Need, skill: str, widened: int, *, verified: bool
) -> tuple[Search, Request]:
    """What the index is asked about a need, and by what those it finds are judged."""
    at, zone = max(need.needed_at or moment.now, moment.now), moment.union.time_zone
    in_force = measures.of(moment, need)
    widened, urgent = min(widened + in_force.widened, WIDEST), need.urgent or in_force.wakes
    search = Search(need.id, need.person_id, skill, need.latitude, need.longitude, at, zone, widened=widened)
    language = people.get(moment.tx, need.person_id).language
    request = Request(skill, language, urgent, at, moment.now, zone, verified_only=verified, widened=widened)
    return search, request


def wakes(found: Sequence[Found], now: datetime, until: datetime) -> datetime | None:
    """The first half hour, before `until`, at which someone who can't be asked now could be."""
    waiting = [pair for each in found for pair in each.later]
    moment = now.replace(minute=0 if now.minute < HALF_HOUR.seconds // 60 else 30, second=0, microsecond=0)
    while waiting and (moment := moment + HALF_HOUR) < until:
        for request, candidate in waiting:
            then = replace(request, now=moment, at=max(request.at, moment))
            if matching.judge(then, candidate).refusal is None:
                return moment
    return None
