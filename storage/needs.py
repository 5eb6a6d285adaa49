"""Needs, the invitations sent about them, and the commitments that came of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from storage import open_needs, people
from storage.database import Transaction
from storage.ledger import Lasting
from storage.tables import Commitment, Invitation, Need, Part


def add(tx: Transaction, *, parts: Sequence[tuple[str, int]] = (), **columns: Any) -> Need:
    """Store a need and its parts, each a skill and how many helpers it wants; else one of its own skill."""
    need = Need(id=tx.new_id(), wave=0, idle_waves=0, asked_done=0, widened=0, **columns)
    made = [
        Part(id=tx.new_id(), need_id=need.id, position=position, skill=skill, wanted=wanted, taken=0)
        for position, (skill, wanted) in enumerate(parts or ((need.skill, 1),))
    ]
    tx.session.add_all((need, *made))
    open_needs.add(tx, need)
    tx.loaded.invitations[need.id] = []
    tx.loaded.parts[need.id] = made
    return need


def get(tx: Transaction, need_id: UUID) -> Need:
    return tx.session.get_one(Need, need_id)


def by_reference(tx: Transaction, reference: str) -> Need | None:
    return tx.session.scalars(sa.select(Need).where(Need.reference == reference)).first()


def words_of(tx: Transaction, need: Need) -> str:
    return str(said(tx, need)["words"])


def added_to(tx: Transaction, need: Need) -> tuple[str, ...]:
    """What the requester added since, the oldest first."""
    return tuple(each["words"] for each in said(tx, need).get("added", ()))


def source_of(tx: Transaction, need: Need) -> tuple[str, str] | None:
    """The account and the platform's id of the message in which the words came, where they are known."""
    kept = said(tx, need)
    return (kept["account"], kept["message"]) if "account" in kept else None


def said(tx: Transaction, need: Need) -> dict[str, Any]:
    """What the requester said: `words`, `account` and `message` of them, `added` later, `door`."""
    person = people.get(tx, need.person_id)
    kept = tx.open(person.key_id, "need words", need.sealed_words)
    return kept if isinstance(kept, dict) else {"words": str(kept)}


def keep_said(tx: Transaction, need: Need, said: dict[str, Any]) -> None:
    person = people.get(tx, need.person_id)
    need.sealed_words = tx.seal(person.key_id, "need words", said)


def close(tx: Transaction, now: datetime, need: Need, state: str) -> bool:
    """End a need as `done`, `cancelled` or `expired`; False if it had ended already."""
    if not _move(tx, need.id, open_needs.STATES, state):
        return False
    need.closed_at = now
    need.next_step_at = None
    tx.lasting.append(Lasting(state, need.id, now))
    return True


def lock(tx: Transaction, need: Need) -> None:
    """Read a need anew and hold it: nobody accepts, ends or merges it until this transaction is over."""
    tx.session.refresh(need, with_for_update=True)


def merge(tx: Transaction, now: datetime, newer: Need, kept: Need) -> bool:
    """Close an open need as the same as another; those that were merged into it follow."""
    if not _move(tx, newer.id, ("open",), "merged"):
        return False
    newer.same_as_id, newer.next_step_at, newer.closed_at = kept.id, None, now
    for each in merged_into(tx, newer.id):
        each.same_as_id = kept.id
    return True


def merged_into(tx: Transaction, need_id: UUID) -> list[Need]:
    query = sa.select(Need).where(Need.same_as_id == need_id, Need.state == "merged")
    return list(tx.session.scalars(query.order_by(Need.created_at)))


def unmerge(tx: Transaction, need: Need) -> bool:
    """Let a merged need stand on its own again."""
    need.same_as_id, need.closed_at = None, None
    return _move(tx, need.id, ("merged",), "open")


def forsake(tx: Transaction, need: Need) -> None:
    """A merged need is wanted no more by the one who asked for it."""
    need.same_as_id = None
    _move(tx, need.id, ("merged",), "cancelled")


def _move(tx: Transaction, need_id: UUID, allowed: Sequence[str], state: str) -> bool:
    """Change the state only from an allowed one: the condition and the change are one statement."""
    moved = tx.session.execute(
        sa.update(Need)
        .where(Need.id == need_id, Need.state.in_(allowed))
        .values(state=state)
        .returning(Need.id)
    )
    return moved.first() is not None


def due(tx: Transaction, now: datetime, limit: int) -> list[Need]:
    return list(
        tx.session.scalars(
            sa.select(Need)
            .where(Need.next_step_at <= now, Need.state.in_(open_needs.STATES))
            .order_by(Need.next_step_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )


def to_confirm(tx: Transaction, now: datetime, limit: int) -> list[Need]:
    """The open needs whose requesters are to be asked if they are still needed."""
    return list(
        tx.session.scalars(
            sa.select(Need)
            .where(Need.confirm_at <= now, Need.state == "open")
            .order_by(Need.confirm_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )


# --- parts ----------------------------------------------------------------------------------------


def parts(tx: Transaction, need_id: UUID) -> list[Part]:
    """The parts of a need in the order in which they were asked for; there is at least one."""
    if need_id not in tx.loaded.parts:
        query = sa.select(Part).where(Part.need_id == need_id).order_by(Part.position)
        tx.loaded.parts[need_id] = list(tx.session.scalars(query))
    return tx.loaded.parts[need_id]


def part(tx: Transaction, need_id: UUID, part_id: UUID | None) -> Part:
    """One part of a need; the first where None was written down, as before needs had several."""
    found = parts(tx, need_id)
    return next((each for each in found if each.id == part_id), found[0])


def take_part(tx: Transaction, need: Need, part_id: UUID | None) -> bool:
    """Claim a place in a part for one volunteer; False if others were faster or the need has ended.

    When all parts are full the need is taken. Who has its row locked sees neither changed meanwhile.
    """
    lock(tx, need)
    if need.state != "open":
        return False
    if not _count(tx, part(tx, need.id, part_id), Part.taken < Part.wanted, 1):
        return False
    if all(each.taken >= each.wanted for each in parts(tx, need.id)):
        need.state = "taken"
    return True


def give_back(tx: Transaction, need: Need, part_id: UUID | None) -> bool:
    """Free a place in a part again; whether the need is open by that: False if it has ended."""
    lock(tx, need)
    if need.state not in open_needs.STATES or not _count(tx, part(tx, need.id, part_id), Part.taken > 0, -1):
        return False
    need.state = "open"
    return True


def _count(tx: Transaction, counted: Part, condition: sa.ColumnElement[bool], change: int) -> bool:
    """Change how many have taken a part: the condition and the change are one statement."""
    changed = tx.session.execute(
        sa.update(Part)
        .where(Part.id == counted.id, condition)
        .values(taken=Part.taken + change)
        .returning(Part.id)
        .execution_options(synchronize_session=False)
    ).first()
    for each in parts(tx, counted.need_id):
        tx.session.refresh(each)
    return changed is not None


# --- invitations ----------------------------------------------------------------------------------


def invite(tx: Transaction, now: datetime, need: Need, person_ids: Sequence[UUID],
           part_id: UUID | None = None) -> list[Invitation]:  # fmt: skip
    before = [each for each in invitations(tx, need.id) if each.person_id in person_ids]
    if before:  # who was told that it is taken may be asked again when it opens again
        again = (Invitation.need_id == need.id, Invitation.person_id.in_(person_ids))
        tx.session.execute(sa.delete(Invitation).where(*again))
    made = [
        Invitation(id=tx.new_id(), need_id=need.id, person_id=each, part_id=part_id, wave=need.wave,
                   state="pending", asked_at=now)
        for each in person_ids
    ]  # fmt: skip
    tx.session.add_all(made)
    if need.id in tx.loaded.invitations:
        others = [each for each in tx.loaded.invitations[need.id] if each not in before]
        tx.loaded.invitations[need.id] = others + made
    return made


def invitation(tx: Transaction, need_id: UUID, person_id: UUID) -> Invitation | None:
    return tx.session.scalars(
        sa.select(Invitation).where(Invitation.need_id == need_id, Invitation.person_id == person_id)
    ).first()


def invitations(tx: Transaction, need_id: UUID, *states: str) -> list[Invitation]:
    if need_id in tx.loaded.invitations:
        return [each for each in tx.loaded.invitations[need_id] if not states or each.state in states]
    query = sa.select(Invitation).where(Invitation.need_id == need_id)
    if states:
        query = query.where(Invitation.state.in_(states))
    return list(tx.session.scalars(query.order_by(Invitation.asked_at, Invitation.id)))


def pending_of(tx: Transaction, person_id: UUID) -> list[Invitation]:
    return list(
        tx.session.scalars(
            sa.select(Invitation)
            .where(Invitation.person_id == person_id, Invitation.state == "pending")
            .order_by(Invitation.asked_at)
        )
    )


# --- commitments ----------------------------------------------------------------------------------


def commit(tx: Transaction, now: datetime, need: Need, person_id: UUID,
           part_id: UUID | None = None) -> Commitment:  # fmt: skip
    commitment = Commitment(
        id=tx.new_id(), need_id=need.id, person_id=person_id, part_id=part_id, state="active", created_at=now
    )
    tx.session.add(commitment)
    return commitment


def commitments(tx: Transaction, need_id: UUID) -> list[Commitment]:
    """The commitments by which a need is being met now, the oldest first."""
    return list(
        tx.session.scalars(
            sa.select(Commitment)
            .where(Commitment.need_id == need_id, Commitment.state == "active")
            .order_by(Commitment.created_at, Commitment.id)
        )
    )


def commitment(tx: Transaction, need_id: UUID, person_id: UUID) -> Commitment | None:
    """The commitment by which this person is meeting a need now."""
    return next((each for each in commitments(tx, need_id) if each.person_id == person_id), None)


def end_commitment(tx: Transaction, now: datetime, commitment: Commitment, state: str) -> None:
    """End a commitment as done, not_done or withdrawn; its invitation is no acceptance any more."""
    commitment.state, commitment.ended_at = state, now
    accepted = invitation(tx, commitment.need_id, commitment.person_id)
    if accepted is not None and state != "done":
        accepted.state = "returned"


def invitations_between(tx: Transaction, one: UUID, other: UUID) -> list[Invitation]:
    """Open invitations of one person to a need of the other, either way."""
    either = sa.or_(
        sa.and_(Need.person_id == one, Invitation.person_id == other),
        sa.and_(Need.person_id == other, Invitation.person_id == one),
    )
    query = sa.select(Invitation).join(Need, Need.id == Invitation.need_id)
    return list(tx.session.scalars(query.where(either, Invitation.state == "pending")))


def commitments_of(tx: Transaction, person_id: UUID) -> list[Commitment]:
    return list(
        tx.session.scalars(
            sa.select(Commitment)
            .where(Commitment.person_id == person_id, Commitment.state == "active")
            .order_by(Commitment.created_at)
        )
    )
