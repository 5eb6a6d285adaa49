"""Crisis mode: declared emergencies, the members in their areas, and what these have answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from storage import cells
from storage.database import Transaction
from storage.tables import Alert, Crisis, Need, Offer, Person, RollCall

KM_IN_DEGREE = 110.5  # at the least


def add(tx: Transaction, now: datetime, words: str, **columns: Any) -> Crisis:
    """Write down a declared emergency; its words have a key of their own, for they are nobody's alone."""
    key_id = tx.new_key(now)
    made = Crisis(id=tx.new_id(), state="declared", key_id=key_id, declared_at=now,
                  sealed_words=tx.seal(key_id, "crisis words", words), **columns)  # fmt: skip
    tx.session.add(made)
    tx.session.flush()
    return made


def words(tx: Transaction, crisis: Crisis) -> str:
    return str(tx.open(crisis.key_id, "crisis words", crisis.sealed_words))


def by_reference(tx: Transaction, reference: str) -> Crisis | None:
    return tx.session.scalars(sa.select(Crisis).where(Crisis.reference == reference)).first()


def under_way(tx: Transaction) -> list[Crisis]:
    """Those declared or active, the oldest first."""
    query = sa.select(Crisis).where(Crisis.state.in_(("declared", "active"))).order_by(Crisis.declared_at)
    return list(tx.session.scalars(query))


def active(tx: Transaction) -> Sequence[Crisis]:
    """The confirmed ones, asked once in a transaction."""
    if tx.loaded.crises is None:
        with tx.asking(Crisis):
            tx.loaded.crises = list(tx.session.scalars(sa.select(Crisis).where(Crisis.state == "active")))
    return tx.loaded.crises


def move(tx: Transaction, crisis: Crisis, before: str, after: str, **columns: Any) -> bool:
    """Change the state of an emergency; False if another was faster."""
    moved = tx.session.execute(
        sa.update(Crisis)
        .where(Crisis.id == crisis.id, Crisis.state == before)
        .values(state=after, **columns)
        .returning(Crisis.id)
    )
    tx.loaded.crises = None
    done = moved.first() is not None
    tx.session.refresh(crisis)
    return done


def due(tx: Transaction, now: datetime, limit: int) -> list[Crisis]:
    query = sa.select(Crisis).where(Crisis.next_step_at <= now).order_by(Crisis.next_step_at)
    return list(tx.session.scalars(query.limit(limit).with_for_update(skip_locked=True)))


def covers(crisis: Crisis, latitude: float | None, longitude: float | None) -> bool:
    """Whether a cell lies in the area of an emergency."""
    if latitude is None or longitude is None:
        return False
    return cells.distance(crisis.latitude, crisis.longitude, latitude, longitude) <= crisis.radius


# --- the roll-call ------------------------------------------------------------------------------------


def call_the_roll(tx: Transaction, crisis: Crisis) -> int:
    """Write down everyone in the area who is known by a cell, each once; returns how many."""
    found = {
        row.person_id
        for table in (Offer, Need)
        for row in tx.session.execute(_near(crisis, table))
        if covers(crisis, row.latitude, row.longitude)
    }
    rows = [{"crisis_id": crisis.id, "person_id": each, "answer": ""} for each in sorted(found)]
    if rows:
        tx.session.connection().execute(sa.insert(RollCall), rows)
    return len(rows)


def _near(crisis: Crisis, table: type[Offer] | type[Need]) -> sa.Select[UUID, float | None, float | None]:
    """Those of a table within a box around the area; the circle is judged afterwards."""
    reach = crisis.radius / 1_000 / KM_IN_DEGREE
    within = table.latitude.between(crisis.latitude - reach, crisis.latitude + reach)
    still = Need.state.in_(("open", "taken")) if table is Need else sa.true()
    return (
        sa.select(table.person_id, table.latitude, table.longitude)
        .join(Person, Person.id == table.person_id)
        .where(within, Person.banned_at.is_(None), still)
    )


def to_ask(tx: Transaction, crisis_id: UUID, limit: int) -> list[RollCall]:
    query = sa.select(RollCall).where(RollCall.crisis_id == crisis_id, RollCall.asked_at.is_(None))
    return list(tx.session.scalars(query.order_by(RollCall.person_id).limit(limit).with_for_update()))


def to_tell_over(tx: Transaction, crisis_id: UUID, limit: int) -> list[RollCall]:
    """Who was asked and has not heard yet that it has ended."""
    query = sa.select(RollCall).where(
        RollCall.crisis_id == crisis_id, RollCall.asked_at.is_not(None), RollCall.told_over_at.is_(None)
    )
    return list(tx.session.scalars(query.order_by(RollCall.person_id).limit(limit).with_for_update()))


def of_person(tx: Transaction, crisis_id: UUID, person_id: UUID) -> RollCall | None:
    return tx.session.get(RollCall, (crisis_id, person_id))


def answers(tx: Transaction, crisis_id: UUID) -> Counter[str]:
    """How many have answered what; "" counts those who were asked and are silent."""
    query = (
        sa.select(RollCall.answer, sa.func.count())
        .where(RollCall.crisis_id == crisis_id, RollCall.asked_at.is_not(None))
        .group_by(RollCall.answer)
    )
    return Counter({row[0]: row[1] for row in tx.session.execute(query)})


def open_needs(tx: Transaction, crisis: Crisis) -> list[Need]:
    query = sa.select(Need).where(Need.state.in_(("open", "taken")))
    return [each for each in tx.session.scalars(query) if covers(crisis, each.latitude, each.longitude)]


def open_alerts(tx: Transaction) -> tuple[int, int]:
    """How many alerts are open, and for how many of them nobody has taken charge."""
    query = sa.select(Alert.state, sa.func.count()).where(Alert.resolved_at.is_(None)).group_by(Alert.state)
    counts = {row[0]: row[1] for row in tx.session.execute(query)}
    return sum(counts.values()), counts.get("open", 0)
