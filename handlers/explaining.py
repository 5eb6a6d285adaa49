"""Why each person was or was not asked: for the operator, in English, without names and places."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from uuid import UUID

from handlers import matching, references, searching, skills
from handlers.context import Moment
from handlers.messages import Text
from storage import candidates, needs, overlooked
from storage.candidates import Search
from storage.tables import Need

SHOWN = 200  # people at most, the nearest
STATES = {
    "pending": "asked, has not answered yet",
    "accepted": "asked, and accepted",
    "declined": "asked, and said no",
    "expired": "asked, and did not answer in time",
    "returned": "accepted, and gave it back or did not finish",
    "unreachable": "asked, but could not be reached",
}


def explain(moment: Moment, reference: str) -> list[str]:
    """A line for each of the nearest people who offer what a need wants."""
    need = needs.by_reference(moment.tx, references.read(reference, "N") or "")
    if need is None:
        return ["There is no need with this reference."]
    asked = needs.invitations(moment.tx, need.id)
    lines = [f"{need.reference}: {need.state}, {_count(len(asked), 'person', 'people')} asked so far."]
    for part in needs.parts(moment.tx, need.id):
        lines += _of_skill(moment, need, part.skill)
    return lines


def _of_skill(moment: Moment, need: Need, skill: str) -> Iterator[str]:
    verified = skills.of(moment.core, skill).verified_only
    widened = min(need.widened, searching.WIDEST)
    search, request = searching.question(moment, need, skill, widened, verified=verified)
    count, near = overlooked.everyone(moment.tx, search, SHOWN)
    label = _english(moment, skills.label(skill))
    yield f"{label}: {_count(count, 'person offers', 'people offer')} it; the nearest {len(near)} are shown."
    may = {each.person_id: each for each in candidates.load(moment.tx, moment.now, search, near)}
    judged = {each: matching.judge(request, may[each]) for each in may}
    near.sort(key=lambda pair: -judged[pair[0]].score if pair[0] in judged else 0.0)
    for person_id, _distance in near:
        said = _past(moment, need, person_id) or _obstacles(moment, search, person_id)
        yield f"  {name(person_id)}  {said or _judgement(moment, judged[person_id])}"


def name(person_id: UUID) -> str:
    """What the operator sees of someone: always the same letters, from which nobody can be told."""
    number = int.from_bytes(sha256(b"explain" + person_id.bytes).digest()[:4])
    return "V-" + "".join(references.ALPHABET[number >> shift & 31] for shift in (25, 20, 15, 10, 5, 0))


def _past(moment: Moment, need: Need, person_id: UUID) -> str:
    invitation = needs.invitation(moment.tx, need.id, person_id)
    return STATES.get(invitation.state, "") if invitation is not None else ""


def _obstacles(moment: Moment, search: Search, person_id: UUID) -> str:
    found = overlooked.obstacles(moment.tx, moment.now, search, person_id)
    return f"not asked: {', '.join(found)}" if found else ""


def _judgement(moment: Moment, judgement: matching.Judgement) -> str:
    if judgement.refusal is not None:
        return f"not asked: {_english(moment, judgement.refusal)}"
    reasons = "; ".join(_english(moment, each) for each in judgement.reasons)
    return f"could be asked, {judgement.score:.1f} points: {reasons}"


def _english(moment: Moment, text: Text) -> str:
    return moment.core.catalogs.render(text, "en")


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
