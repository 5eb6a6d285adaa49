"""The keychain: what changed in memory is durable together with what depends on it, or not at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import sqlalchemy as sa

from bot.adapters import GatewayFault
from bot.adapters.matrix import Matrix
from bot.adapters.matrix_login import Credentials
from bot.doorkeeper import Doorkeeper
from bot.gateway import Gateway
from bot.holding import Holding
from bot.keychain import Keychain
from storage.database import Database, Transaction
from storage.tables import Fact
from tests.storage import BOTH_ENGINES
from tests.world import Time, make_core

pytestmark = BOTH_ENGINES


def a_keychain(database: Database) -> Keychain:
    return Keychain(database, "matrix", Time())


async def kept(database: Database) -> dict[str, object]:
    """What another process would find."""
    other = a_keychain(database)
    await other.load()
    return dict(other.items(""))


def note(tx: Transaction) -> str:
    """Some other work."""
    tx.session.add(Fact(name="noted", value="1"))
    return "done"


async def is_noted(database: Database) -> bool:
    return await database.run(lambda tx: tx.session.get(Fact, "noted") is not None)


async def test_values_are_known_at_once_and_durable_once_saved(database: Database) -> None:
    keychain = a_keychain(database)
    keychain.put("login", {"token": "t"})
    keychain.put("chat/@ana:x", "!1")
    keychain.put("chat/@ben:x", "!2")
    assert keychain.get("login") == {"token": "t"}
    assert keychain.get("nothing") is None
    assert dict(keychain.items("chat/")) == {"@ana:x": "!1", "@ben:x": "!2"}
    assert await kept(database) == {}
    await keychain.save()
    assert await kept(database) == {"login": {"token": "t"}, "chat/@ana:x": "!1", "chat/@ben:x": "!2"}
    keychain.drop_all("chat/")
    keychain.drop("never was")
    assert list(keychain.items("chat/")) == []
    await keychain.save()
    assert await kept(database) == {"login": {"token": "t"}}


async def test_what_changes_while_one_looks_through_is_no_fault(database: Database) -> None:
    keychain = a_keychain(database)
    keychain.put("a/1", 1)
    keychain.put("a/2", 2)
    for name, _value in keychain.items("a/"):
        keychain.drop(f"a/{name}")
        keychain.put(f"a/{name}{name}", name)
    assert dict(keychain.items("a/")) == {"11": "1", "22": "2"}


async def test_a_load_forgets_what_was_not_saved(database: Database) -> None:
    keychain = a_keychain(database)
    keychain.put("kept", 1)
    await keychain.save()
    keychain.put("kept", 2)
    keychain.put("lost", 3)
    await keychain.load()
    assert dict(keychain.items("")) == {"kept": 1}
    await keychain.save()
    assert await kept(database) == {"kept": 1}


async def test_it_is_written_in_one_transaction_with_other_work(database: Database) -> None:
    keychain = a_keychain(database)
    keychain.put("key", "new")
    assert await keychain.run(note) == "done"
    assert await is_noted(database)
    assert await kept(database) == {"key": "new"}


async def test_if_the_work_fails_nothing_is_written_and_the_change_waits_for_the_next(
    database: Database,
) -> None:
    keychain = a_keychain(database)
    keychain.put("key", "old")
    keychain.put("other", "old")
    await keychain.save()
    keychain.put("key", "new")
    keychain.drop("other")

    def fails(tx: Transaction) -> None:
        note(tx)
        tx.session.flush()
        keychain.put("key", "newer")  # what came meanwhile is not overwritten by what was taken
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        await keychain.run(fails)
    assert not await is_noted(database)
    assert await kept(database) == {"key": "old", "other": "old"}
    assert keychain.get("key") == "newer"
    await keychain.save()
    assert await kept(database) == {"key": "newer"}


@pytest.mark.parametrize("ends_well", [True, False])
async def test_what_changes_during_a_write_belongs_to_the_next(database: Database, ends_well: bool) -> None:
    keychain = a_keychain(database)
    account = ["ratchet 1"]
    keychain.put("account", lambda: list(account))

    def meanwhile(tx: Transaction) -> None:
        account[0] = "ratchet 2"
        keychain.put("account", lambda: list(account))
        keychain.put("room key", "k")
        if not ends_well:
            raise RuntimeError("no")

    if ends_well:
        await keychain.run(meanwhile)
        assert await kept(database) == {"account": ["ratchet 1"]}
    else:
        with pytest.raises(RuntimeError):
            await keychain.run(meanwhile)
        assert await kept(database) == {}
    await keychain.save()
    assert await kept(database) == {"account": ["ratchet 2"], "room key": "k"}


async def test_what_is_staged_is_written_with_its_events_only(database: Database) -> None:
    keychain = a_keychain(database)
    keychain.put("locked/1", "kept")
    await keychain.save()
    keychain.stage("locked/1", None)
    keychain.stage("chat/@ana:x", "!1")
    assert dict(keychain.items("")) == {"chat/@ana:x": "!1"}
    await keychain.save()  # as before a request
    assert await kept(database) == {"locked/1": "kept"}, "the events it stands for are not kept yet"
    await keychain.run(note)
    assert await kept(database) == {"chat/@ana:x": "!1"}
    keychain.discard()
    assert dict(keychain.items("")) == {"chat/@ana:x": "!1"}, "what was written stays"


async def test_what_is_staged_for_events_that_were_not_kept_is_learnt_again(database: Database) -> None:
    keychain = a_keychain(database)
    keychain.put("resend", "DEVICE")
    await keychain.save()
    keychain.stage("resend", None)
    keychain.stage("invite/!1", {"by": "@ana:x"})

    def fails(tx: Transaction) -> None:
        raise GatewayFault("the commit fails")

    with pytest.raises(GatewayFault):
        await keychain.run(fails)
    keychain.discard()
    assert dict(keychain.items("")) == {"resend": "DEVICE"}
    await keychain.run(note)
    assert await kept(database) == {"resend": "DEVICE"}


async def test_a_function_is_asked_when_it_is_written(database: Database) -> None:
    keychain, state = a_keychain(database), {"at": 1}
    keychain.put("account", lambda: dict(state))
    state["at"] = 2
    assert keychain.get("account") == {"at": 2}
    await keychain.save()
    state["at"] = 3
    assert await kept(database) == {"account": {"at": 2}}


async def test_nothing_is_written_where_nothing_has_changed(database: Database) -> None:
    keychain = a_keychain(database)
    keychain.put("key", 1)
    await keychain.save()
    keychain.guard = _refuse
    await keychain.save()
    keychain.put("key", 2)
    with pytest.raises(GatewayFault):
        await keychain.save()


def _refuse(tx: Transaction) -> None:
    raise GatewayFault("another process has it")


@pytest.mark.parametrize("act", [Keychain.save, lambda keychain: keychain.run(note)])
async def test_a_process_that_lost_the_account_writes_nothing(
    database: Database, act: Callable[[Keychain], Awaitable[object]]
) -> None:
    """The guard that the gateway sets: only the holder of the lease changes the keys."""
    keychain, time = a_keychain(database), Time()
    house = Doorkeeper(database, "matrix", time)
    adapter = Matrix("http://127.0.0.1:9", Credentials("@one:cloak.test"), keychain, house, time)
    first = Holding(database, "matrix", "first")
    Gateway(database, adapter, make_core(), first, time)
    keychain.put("key", "of the first")
    with pytest.raises(GatewayFault, match="taken the account over"):
        await keychain.save()
    assert await first.take()
    await keychain.save()
    await first.give_up()
    keychain.put("key", "too late")
    with pytest.raises(GatewayFault, match="taken the account over"):
        await act(keychain)
    assert await kept(database) == {"key": "of the first"}
    assert not await is_noted(database)


async def test_accounts_on_other_platforms_have_keychains_of_their_own(database: Database) -> None:
    matrix, other = a_keychain(database), Keychain(database, "other", Time())
    matrix.put("key", 1)
    other.put("key", 2)
    await matrix.save()
    await other.save()
    assert await kept(database) == {"key": 1}
    other.drop("key")
    await other.save()
    assert await kept(database) == {"key": 1}
    assert await database.run(lambda tx: tx.session.scalar(sa.text("SELECT count(*) FROM keepsakes"))) == 1
