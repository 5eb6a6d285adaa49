"""What an account keeps for its next start: sealed, by name, and as it was put there last."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from storage import keepsakes
from storage.database import Database, Transaction
from storage.tables import Keepsake, Key
from tests.storage import BOTH_ENGINES, empty, some
from tests.world import NOON

pytestmark = BOTH_ENGINES
NAMES = st.text(min_size=1, max_size=40)
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)
CHANGES = st.dictionaries(NAMES, st.none() | VALUES, max_size=6)


async def write(database: Database, changes: dict[str, Any], gateway: str = "matrix") -> None:
    await database.run(lambda tx: keepsakes.write(tx, NOON, gateway, changes))


async def load(database: Database, gateway: str = "matrix") -> dict[str, Any]:
    return await database.run(lambda tx: keepsakes.load(tx, gateway))


async def count(database: Database, table: type[Keepsake | Key]) -> int:
    query = sa.select(sa.func.count()).select_from(table)
    return await database.run(lambda tx: tx.session.scalars(query).one())


@some(15)
@given(rounds=st.lists(CHANGES, max_size=4))
async def test_the_last_of_each_name_is_kept(database: Database, rounds: list[dict[str, Any]]) -> None:
    await empty(database)
    expected: dict[str, Any] = {}
    for changes in rounds:
        await write(database, changes)
        expected = {name: value for name, value in (expected | changes).items() if value is not None}
    assert await load(database) == expected
    assert await count(database, Keepsake) == len(expected)


async def test_neither_names_nor_values_stand_in_clear(database: Database) -> None:
    secret = {"chat/@ana:example.org": "!room:example.org", "login": {"token": "syt_secret"}}
    await write(database, secret)
    await write(database, {"login": {"token": "syt_changed"}})

    def stored(tx: Transaction) -> list[tuple[Any, ...]]:
        found = sa.select(Keepsake.gateway, Keepsake.name, Keepsake.key_id, Keepsake.sealed_value)
        return [tuple(row) for row in tx.session.execute(found)]

    rows = await database.run(stored)
    assert len(rows) == 2
    assert {row[0] for row in rows} == {"matrix"}
    everything = b"|".join(b"%b|%b" % (row[1], row[3]) for row in rows)
    for part in (b"chat", b"@ana", b"!room", b"login", b"token", b"syt_"):
        assert part not in everything
    assert len({row[2] for row in rows}) == 1  # one key for the account


async def test_a_name_tells_two_accounts_apart_only_to_us(database: Database) -> None:
    await write(database, {"login": 1})
    await write(database, {"login": 2}, "other")
    names = sa.select(Keepsake.name)
    assert len(set(await database.run(lambda tx: tx.session.scalars(names).all()))) == 2
    await write(database, {"login": None}, "other")
    assert (await load(database), await load(database, "other")) == ({"login": 1}, {})


async def test_a_value_cannot_be_put_under_another_name(database: Database) -> None:
    """Whoever can write the file can't pass one room's key off as another's: the name is sealed with it."""
    await write(database, {"a": "of a", "b": "of b"})

    def swap(tx: Transaction) -> None:
        first, second = tx.session.scalars(sa.select(Keepsake)).all()
        first.sealed_value, second.sealed_value = second.sealed_value, first.sealed_value

    await database.run(swap)
    assert await load(database) == {"a": "of a", "b": "of b"}


async def test_many_are_written_and_dropped_at_once(database: Database) -> None:
    many = {f"room key/{number}": "k" * 200 for number in range(2000)}
    await write(database, many)
    assert await load(database) == many
    await write(database, dict.fromkeys(many, None) | {"left": 1})
    assert await load(database) == {"left": 1}
    assert await count(database, Key) == 1


async def test_writing_nothing_makes_no_key(database: Database) -> None:
    await write(database, {})
    await write(database, {"never was": None})
    assert await count(database, Key) == 0
