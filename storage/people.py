"""People, their accounts, membership and blocks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm.attributes import set_committed_value

from storage.among import among
from storage.database import Transaction
from storage.tables import Account, Alert, Block, Commitment, Consent, Need, Person

MOST_MOVES = 5  # changes of one's own place (offer, home)
MOVES_WITHIN = timedelta(days=1)


class Known(NamedTuple):
    """An account with its person."""

    account: Account
    person: Person


def address_index(tx: Transaction, platform: str, chat: str) -> bytes:
    return tx.vault.index("address", platform, chat)


_BEHIND = (
    sa.select(Account, Person)
    .join(Person, Person.id == Account.person_id)
    .where(among(Account.address_index, "indexes"))
    .order_by(Person.id)
    .with_for_update(of=Person)
)


def load(tx: Transaction, indexes: Sequence[bytes]) -> dict[bytes, Known]:
    """The known people behind addresses, by address index, their keys opened, their rows locked.

    Rows are locked in one order, so that two workers never wait for each other in a circle.
    """
    rows = tx.session.execute(_BEHIND, {"indexes": indexes})
    known = {account.address_index: Known(account, person) for account, person in rows}
    tx.load_keys(each.person.key_id for each in known.values())
    return known


def meet(tx: Transaction, now: datetime, platform: str, chat: str, language: str) -> Known:
    """Make a person and their account from the first message that they send."""
    key_id = tx.new_key(now)
    person = Person(id=tx.new_id(), key_id=key_id, language=language, created_at=now,
                    on_duty=False, wrong_codes=0)  # fmt: skip
    account = Account(
        id=tx.new_id(),
        person_id=person.id,
        platform=platform,
        address_index=address_index(tx, platform, chat),
        sealed_address=tx.seal(key_id, "address", chat),
        reachable=True,
        last_spoke_at=now,
        created_at=now,
    )
    tx.session.add_all((person, account))
    tx.loaded.talks[person.id], tx.loaded.alerts[person.id], tx.loaded.choices[account.id] = [], [], []
    return Known(account, person)


def is_coordinator_at(tx: Transaction, platform: str, chat: str) -> bool:
    """Whether an address is a coordinator's private chat."""
    query = (
        sa.select(Person.id)
        .join(Account, Account.person_id == Person.id)
        .where(Account.address_index == address_index(tx, platform, chat))
        .where(Person.coordinator_since.is_not(None), Person.banned_at.is_(None))
    )
    return tx.session.scalar(query) is not None


def strangers(tx: Transaction, platform: str, chats: Collection[str]) -> set[str]:
    """Those addresses that are nobody's account."""
    indexes = {address_index(tx, platform, chat): chat for chat in chats}
    known = tx.session.scalars(sa.select(Account.address_index).where(Account.address_index.in_(indexes)))
    return set(chats) - {indexes[index] for index in known}


def with_open_case(tx: Transaction, platform: str) -> list[tuple[Known, bool]]:
    """Everyone on a platform with something open, each with whether that is an alert: their own or taken."""
    need = sa.exists().where(Need.person_id == Person.id, Need.state.in_(("open", "taken")))
    commitment = sa.exists().where(Commitment.person_id == Person.id, Commitment.state == "active")
    own = sa.or_(Alert.person_id == Person.id, Alert.owner_id == Person.id)
    alert = sa.exists().where(own, Alert.resolved_at.is_(None))
    rows = tx.session.execute(
        sa.select(Account, Person, alert)
        .join(Person, Person.id == Account.person_id)
        .where(Account.platform == platform, Account.reachable.is_(True))
        .where(sa.or_(need, commitment, alert))
        .order_by(Account.created_at, Account.id)
    ).all()
    tx.load_keys(person.key_id for _account, person, _alert in rows)
    return [(Known(account, person), in_danger) for account, person, in_danger in rows]


def get(tx: Transaction, person_id: UUID) -> Person:
    """A person who is known; whoever writes or is written to was loaded with the batch."""
    loaded = tx.session.identity_map.get((Person, (person_id,), None))
    return loaded if isinstance(loaded, Person) else tx.session.get_one(Person, person_id)


def accounts(tx: Transaction, person_id: UUID) -> list[Account]:
    return list(tx.session.scalars(sa.select(Account).where(Account.person_id == person_id)))


def heard(tx: Transaction, now: datetime, person: Person) -> None:
    """Remember when a person was last answered; of all in a batch that is written with one statement."""
    set_committed_value(person, "last_heard_at", now)
    tx.pending.heard.add(person.id)
    tx.pending.heard_at = now


def spoke(tx: Transaction, now: datetime, account: Account) -> None:
    """Remember in which of their accounts a person last spoke; written as above."""
    set_committed_value(account, "last_spoke_at", now)
    tx.pending.spoke.add(account.id)
    tx.pending.heard_at = now


def clock_went_back(tx: Transaction, now: datetime) -> None:
    """Nobody has spoken later than just before now: else what follows would count as older than that."""
    just_before = now - timedelta.resolution
    for column in (Person.last_heard_at, Account.last_spoke_at):
        ahead = sa.update(column.class_).where(column > now).values({column.key: just_before})
        tx.session.execute(ahead.execution_options(synchronize_session=False))


def account_of(tx: Transaction, person_id: UUID) -> Account | None:
    """Where the person is spoken to: the reachable account in which they last spoke."""
    tx.write()
    return tx.session.scalars(
        sa.select(Account)
        .where(Account.person_id == person_id)
        .order_by(Account.reachable.desc(), Account.last_spoke_at.desc().nulls_last())
        .limit(1)
    ).first()


_REACHED = (
    sa.select(Account, Person)
    .join(Person, Person.id == Account.person_id)
    .where(among(Account.person_id, "people"))
    .order_by(Account.reachable, Account.last_spoke_at.asc().nulls_first())
)


def reach(tx: Transaction, person_ids: Sequence[UUID]) -> dict[UUID, Known]:
    """Many people with the accounts in which they are spoken to (see `account_of`), with one statement."""
    known = tx.loaded.reached
    unknown = [person_id for person_id in person_ids if person_id not in known]
    if unknown:
        with tx.asking():
            found = tx.session.execute(_REACHED, {"people": unknown})
            known |= {account.person_id: (account, person) for account, person in found}
        tx.load_keys(known[person_id][1].key_id for person_id in unknown if person_id in known)
    return {person_id: Known(*known[person_id]) for person_id in person_ids if person_id in known}


def may_move(now: datetime, person: Person) -> bool:
    """Whether someone may change their own place again: from many changes others could be located."""
    fresh = person.moves_since is None or now - person.moves_since >= MOVES_WITHIN
    return fresh or person.moves < MOST_MOVES


def move(now: datetime, person: Person) -> bool:
    """Count a change of someone's own place; False, and nothing is counted, if it is one too many."""
    if not may_move(now, person):
        return False
    if person.moves_since is None or now - person.moves_since >= MOVES_WITHIN:
        person.moves, person.moves_since = 0, now
    person.moves += 1
    return True


def name_of(tx: Transaction, person: Person) -> str:
    return str(tx.open(person.key_id, "name", person.sealed_name)) if person.sealed_name else ""


def agree(tx: Transaction, now: datetime, person: Person, wording: str) -> None:
    """Record that the person agreed, with the wording that they read."""
    person.consented_at = now
    tx.session.add(
        Consent(id=tx.new_id(), person_id=person.id, language=person.language, wording=wording, agreed_at=now)
    )


_REACHABLE = sa.exists().where(Account.person_id == Person.id, Account.reachable.is_(True))
_COORDINATORS = (
    sa.select(Person)
    .where(Person.coordinator_since.is_not(None), Person.banned_at.is_(None), _REACHABLE)
    .order_by(Person.coordinator_since, Person.id)
)


def coordinators(tx: Transaction) -> list[Person]:
    """The coordinators that can be reached, the longest-serving first."""
    return list(tx.session.scalars(_COORDINATORS))


def neighbours(tx: Transaction) -> list[Person]:
    """The contacts in neighbouring unions that can be reached."""
    query = sa.select(Person).where(
        Person.neighbour_since.is_not(None), Person.banned_at.is_(None), _REACHABLE
    )
    return list(tx.session.scalars(query.order_by(Person.neighbour_since, Person.id)))


def all_coordinators(tx: Transaction) -> list[Person]:
    """Every coordinator, reachable or not, in the order in which they came."""
    query = sa.select(Person).where(Person.coordinator_since.is_not(None))
    return list(tx.session.scalars(query.order_by(Person.coordinator_since, Person.id)))


def block(tx: Transaction, now: datetime, blocker_id: UUID, blocked_id: UUID) -> None:
    if tx.session.get(Block, (blocker_id, blocked_id)) is None:
        tx.session.add(Block(blocker_id=blocker_id, blocked_id=blocked_id, created_at=now))


def blocked_with(tx: Transaction, person_id: UUID) -> set[UUID]:
    """Everyone whom this person blocked or who blocked this person."""
    rows = tx.session.execute(
        sa.select(Block.blocker_id, Block.blocked_id).where(
            sa.or_(Block.blocker_id == person_id, Block.blocked_id == person_id)
        )
    )
    return {other for row in rows for other in row if other != person_id}
