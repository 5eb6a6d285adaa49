"""Drills and whom they reached, warnings before a crisis, and what the bot does by itself again and again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from storage.database import Transaction
from storage.tables import Account, Alert, Drill, DrillPage, EarlyWarning, OutsideCall, Person, Room, Routine

# --- drills -----------------------------------------------------------------------------------------


def begin_drill(
    tx: Transaction, now: datetime, reference: str, begun_by: UUID | None, ends_at: datetime
) -> Drill:
    drill = Drill(id=tx.new_id(), reference=reference, begun_by=begun_by, begun_at=now, next_step_at=ends_at,
                  ended_at=None)  # fmt: skip
    tx.session.add(drill)
    tx.session.flush()
    return drill


def running_drill(tx: Transaction) -> Drill | None:
    return tx.session.scalars(sa.select(Drill).where(Drill.ended_at.is_(None))).first()


def last_drill(tx: Transaction) -> Drill | None:
    """The newest that has ended."""
    query = sa.select(Drill).where(Drill.ended_at.is_not(None)).order_by(Drill.begun_at.desc())
    return tx.session.scalars(query.limit(1)).first()


def drill_by_reference(tx: Transaction, reference: str) -> Drill | None:
    return tx.session.scalars(sa.select(Drill).where(Drill.reference == reference)).first()


def due_drills(tx: Transaction, now: datetime, limit: int) -> list[Drill]:
    query = sa.select(Drill).where(Drill.next_step_at <= now, Drill.ended_at.is_(None))
    return list(tx.session.scalars(query.limit(limit).with_for_update(skip_locked=True)))


def channels(tx: Transaction) -> list[tuple[Person, Account]]:
    """Each account through which a coordinator might be told, with its owner."""
    query = (
        sa.select(Person, Account)
        .join(Account, Account.person_id == Person.id)
        .where(Person.coordinator_since.is_not(None), Person.banned_at.is_(None), Account.reachable.is_(True))
        .order_by(Person.coordinator_since, Person.id, Account.created_at, Account.id)
    )
    return [(person, account) for person, account in tx.session.execute(query)]


def page(tx: Transaction, now: datetime, drill: Drill, channel: Account | Room) -> DrillPage:
    """Write down that a channel was tried."""
    account = channel if isinstance(channel, Account) else None
    made = DrillPage(
        id=tx.new_id(),
        drill_id=drill.id,
        person_id=account.person_id if account else None,
        account_id=account.id if account else None,
        room_id=None if account else channel.id,
        platform=channel.platform,
        asked_at=now,
        answered_at=None,
    )
    tx.session.add(made)
    return made


def pages(tx: Transaction, drill_id: UUID) -> list[DrillPage]:
    query = (
        sa.select(DrillPage).where(DrillPage.drill_id == drill_id).order_by(DrillPage.asked_at, DrillPage.id)
    )
    return list(tx.session.scalars(query))


def outside_calls(tx: Transaction, drill_id: UUID) -> list[OutsideCall]:
    query = sa.select(OutsideCall).where(OutsideCall.drill_id == drill_id).order_by(OutsideCall.way)
    return list(tx.session.scalars(query))


def last_outside_test(tx: Transaction, way: str) -> datetime | None:
    """When a way out of the chats was last seen to work."""
    done = (OutsideCall.way == way, OutsideCall.state == "done")
    return tx.session.scalar(sa.select(sa.func.max(OutsideCall.finished_at)).where(*done))


def in_danger(tx: Transaction) -> bool:
    """Whether an SOS is open: then nothing is rehearsed."""
    query = sa.select(Alert.id).where(Alert.kind == "sos", Alert.resolved_at.is_(None)).limit(1)
    return tx.session.scalar(query) is not None


# --- warnings ---------------------------------------------------------------------------------------


def keep_warnings(
    tx: Transaction, now: datetime, present: Collection[str], again: timedelta
) -> tuple[list[str], bool]:
    """Write down what is amiss now; gives what is to be told (new, or told long ago) and if any has ended."""
    known = {each.name: each for each in tx.session.scalars(sa.select(EarlyWarning))}
    ended = [each for name, each in known.items() if name not in present]
    for each in ended:
        tx.session.delete(each)
    told = []
    for name in present:
        warning = known.get(name)
        if warning is None:
            tx.session.add(EarlyWarning(name=name, since=now, told_at=now))
            told.append(name)
        elif warning.told_at is None or now - warning.told_at >= again:
            warning.told_at = now
            told.append(name)
    return told, bool(ended)


def note_lost_room(tx: Transaction, now: datetime, platform: str) -> None:
    """The bot was put out of a coordinators' room: known until there is one again on that platform."""
    if tx.session.get(EarlyWarning, lost_room(platform)) is None:
        tx.session.add(EarlyWarning(name=lost_room(platform), since=now, told_at=None))


def lost_room(platform: str) -> str:
    return f"room {platform}"


def lost_rooms(tx: Transaction) -> list[str]:
    """The platforms on which a coordinators' room was lost and none stands since."""
    names = tx.session.scalars(sa.select(EarlyWarning.name).where(EarlyWarning.name.startswith("room ")))
    standing = set(tx.session.scalars(sa.select(Room.platform).where(Room.purpose == "coordinators")))
    return sorted(platform for name in names if (platform := name.removeprefix("room ")) not in standing)


# --- routines ---------------------------------------------------------------------------------------


def due_routines(tx: Transaction, now: datetime, limit: int) -> list[Routine]:
    query = sa.select(Routine).where(Routine.next_step_at <= now).order_by(Routine.next_step_at)
    return list(tx.session.scalars(query.limit(limit).with_for_update(skip_locked=True)))
