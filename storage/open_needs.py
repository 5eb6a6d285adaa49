"""Questions about the open needs, asked once for all the turns of a batch."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain, islice
from uuid import UUID

import sqlalchemy as sa

from storage.among import among
from storage.database import Transaction
from storage.tables import Need

STATES = ("open", "taken")
_OF_THESE = (
    sa.select(Need).where(among(Need.person_id, "people"), Need.state.in_(STATES)).order_by(Need.created_at)
)
_ALIKE = (
    sa.select(Need)
    .where(Need.latitude == sa.bindparam("latitude"), Need.longitude == sa.bindparam("longitude"))
    .where(Need.skill == sa.bindparam("skill"))
    .where(Need.state.in_(STATES), Need.created_at >= sa.bindparam("since"))
    .order_by(Need.created_at.desc(), Need.id)
    .limit(sa.bindparam("most"))
)
_WAITING = (
    sa.select(Need)
    .where(Need.next_step_at > sa.bindparam("now"), Need.next_step_at <= sa.bindparam("until"))
    .where(Need.created_at > sa.bindparam("since"), Need.state == "open")
    .limit(sa.bindparam("most"))
)


def add(tx: Transaction, need: Need) -> None:
    """A need that was made just now is among the answers too."""
    tx.loaded.needs.append(need)
    if need.person_id in tx.loaded.open_needs:
        tx.loaded.open_needs[need.person_id].append(need)
    alike = tx.loaded.needs_alike.get((need.latitude, need.longitude, need.skill))
    if alike is not None:
        alike.insert(0, need)


def of(tx: Transaction, person_id: UUID) -> list[Need]:
    """The open needs of a person, the oldest first."""
    known = tx.loaded.open_needs
    if person_id not in known:
        unknown = {person_id, *tx.loaded.speakers} - known.keys()
        with tx.asking(Need):
            found = list(tx.session.scalars(_OF_THESE, {"people": unknown}))
        known |= {each: [] for each in unknown}
        for need in found:
            known[need.person_id].append(need)
    return [need for need in known[person_id] if need.state in STATES]


def like(tx: Transaction, made: Need, since: datetime, limit: int) -> Iterator[Need]:
    """Of the newest open needs for the same help in the same cell, those of other people; newest first."""
    where = (made.latitude, made.longitude, made.skill)
    known = tx.loaded.needs_alike
    if where not in known:
        latitude, longitude, skill = where
        asked = {"latitude": latitude, "longitude": longitude, "skill": skill, "since": since, "most": limit}
        if any(isinstance(row, Need) for row in tx.session.dirty):
            tx.write()
        with tx.asking():
            found = list(tx.session.scalars(_ALIKE, asked))
        made_now = (each for each in reversed(tx.loaded.needs) if each not in found)
        alike = [each for each in made_now if (each.latitude, each.longitude, each.skill) == where]
        known[where] = alike + found
    others = (each for each in known[where] if each.state in STATES and each.person_id != made.person_id)
    return islice(others, limit)


def opened_lately(tx: Transaction, since: datetime, now: datetime, within: timedelta, most: int) -> int:
    """How many open needs are new and wait for their next step, counted up to `most`.

    Found by the moment of that step, which is within the time that a wave waits. Those of this transaction
    count by the same rule, and the one whose first step is just being looked for counts too: whether needs
    come in one batch or one by one must make no difference.
    """
    if tx.loaded.opened_lately is None:
        asked = {"now": now, "until": now + within, "since": since, "most": most}
        with tx.asking():
            tx.loaded.opened_lately = list(tx.session.scalars(_WAITING, asked))
    before = tx.loaded.opened_lately
    counted = (
        need
        for need in chain(before, (each for each in tx.loaded.needs if each not in before))
        if need.state == "open" and (need.next_step_at is None or now < need.next_step_at <= now + within)
    )
    return sum(1 for _need in islice(counted, most))
