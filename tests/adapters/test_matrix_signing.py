"""The bot's login, its device and the identity that signs it, over a real homeserver."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bot.adapters import GatewayFault, Outgoing
from bot.adapters.matrix_client import Client
from bot.adapters.matrix_keys import ACCOUNT
from bot.adapters.matrix_login import LOGIN, RESEND
from bot.adapters.matrix_signing import IDENTITY, USAGES, Identity
from handlers.messages import Kind
from storage.database import Database
from tests.matrix_fixtures import Newcomer
from tests.matrix_world import WatchedMatrix, make_adapter
from tests.synapse import PASSWORD, Account, Synapse
from tests.world import Time

CLIENT = "/_matrix/client/v3"
_numbers = itertools.count(1)


@pytest.fixture
async def account(synapse: Synapse) -> Account:
    """A new account for the bot, with a device of its owner's that has no keys."""
    return await synapse.register(f"signing-{next(_numbers)}")


@asynccontextmanager
async def started(
    database: Database, synapse: Synapse, account: Account, password: str = ""
) -> AsyncIterator[WatchedMatrix]:
    """The bot after its start, until it stops."""
    name = account.user_id[1:].partition(":")[0]
    adapter = make_adapter(database, synapse, name, Time(), password)
    try:
        await adapter.start()
        yield adapter
    finally:
        await adapter.stop()


async def shown(synapse: Synapse, account: Account, token: str) -> dict[str, Any]:
    """What someone is told of the keys of an account."""
    asked: dict[str, Any] = {"device_keys": {account.user_id: []}}
    return await synapse.call("POST", f"{CLIENT}/keys/query", asked, token)


def device_of(adapter: WatchedMatrix) -> str:
    assert adapter.client is not None
    return str(adapter.client.device_id)


def public(keys: dict[str, Any]) -> str:
    [found] = keys["keys"].values()
    return str(found)


def is_signed_by(signed: dict[str, Any], key: str, user: str) -> bool:
    """Whether a signature is there; a wrong one raises (spec, appendix "Checking for a signature")."""
    found = signed["signatures"][user].get(f"ed25519:{key}")
    if found is None:
        return False
    rest = {name: each for name, each in signed.items() if name not in ("signatures", "unsigned")}
    text = json.dumps(rest, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    raw = Ed25519PublicKey.from_public_bytes(base64.b64decode(f"{key}="))
    raw.verify(base64.b64decode(f"{found}=="), text)
    return True


async def test_the_first_start_signs_the_device_within_its_first_upload(
    sqlite_database: Database, synapse: Synapse, account: Account, newcomer: Newcomer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    async def never(*_: object) -> None:
        """Nothing is signed afterwards."""

    monkeypatch.setattr("bot.adapters.matrix_login.sign_own_device", never)
    ana = await newcomer("ana")
    async with started(sqlite_database, synapse, account, PASSWORD) as bot:
        seen = await shown(synapse, account, ana.account.token)
        # The user-signing key is shown to its owner only.
        mine = await shown(synapse, account, account.token)
        master, signing = (seen[f"{usage}_keys"][account.user_id] for usage in ("master", "self_signing"))
        user = mine["user_signing_keys"][account.user_id]
        assert [each["usage"] for each in (master, signing, user)] == [[usage] for usage in USAGES]
        assert is_signed_by(signing, public(master), account.user_id)
        assert is_signed_by(user, public(master), account.user_id)
        device = seen["device_keys"][account.user_id][device_of(bot)]
        assert is_signed_by(device, public(signing), account.user_id)
        assert is_signed_by(device, device["keys"][f"ed25519:{device_of(bot)}"], account.user_id) is False


async def test_a_device_that_was_cut_off_unsigned_is_signed_at_the_next_start(
    sqlite_database: Database, synapse: Synapse, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("bot.adapters.matrix_signing.Identity.sign_device", lambda *_: None)
        patched.setattr("bot.adapters.matrix_login.sign_own_device", lambda *_: _nothing())
        async with started(sqlite_database, synapse, account, PASSWORD):
            pass
    async with started(sqlite_database, synapse, account) as bot:
        seen = await shown(synapse, account, account.token)
        device = seen["device_keys"][account.user_id][device_of(bot)]
        signing = public(seen["self_signing_keys"][account.user_id])
        assert is_signed_by(device, signing, account.user_id)


async def _nothing() -> None: ...


async def test_a_restart_needs_no_password_and_changes_nothing(
    sqlite_database: Database, synapse: Synapse, account: Account
) -> None:
    async with started(sqlite_database, synapse, account, PASSWORD) as bot:
        device, before = device_of(bot), await shown(synapse, account, account.token)
    async with started(sqlite_database, synapse, account) as bot:
        assert device_of(bot) == device
        assert await shown(synapse, account, account.token) == before
        assert bot.keychain.get(RESEND) is None


@pytest.mark.parametrize("lost", ["login", "keys"])
async def test_a_new_device_is_signed_by_the_same_identity(
    sqlite_database: Database, synapse: Synapse, account: Account, lost: str
) -> None:
    async with started(sqlite_database, synapse, account, PASSWORD) as bot:
        device, before = device_of(bot), await shown(synapse, account, account.token)
        if lost == "keys":
            bot.keychain.drop(ACCOUNT)
            await bot.keychain.save()
        else:
            await synapse.revoke(bot.keychain.get(LOGIN)["token"])
    for _twice in range(2):  # without the password it stays so, and nothing is lost by trying
        with pytest.raises(GatewayFault, match="set ONECLOAK_MATRIX__PASSWORD") as fault:
            async with started(sqlite_database, synapse, account):
                pass
        assert fault.value.fatal
    async with started(sqlite_database, synapse, account, PASSWORD) as bot:
        assert device_of(bot) != device
        after = await shown(synapse, account, account.token)
        for keys in ("master_keys", "self_signing_keys", "user_signing_keys"):
            assert after[keys] == before[keys]
        assert after["device_keys"][account.user_id].keys() == {device_of(bot)}
        signing = public(after["self_signing_keys"][account.user_id])
        assert is_signed_by(after["device_keys"][account.user_id][device_of(bot)], signing, account.user_id)
        devices = await synapse.call("GET", f"{CLIENT}/devices", token=account.token)
        left = {each["device_id"] for each in devices["devices"]}
        assert left == {account.device_id, device_of(bot)}
        events, _cursor = await bot.receive(None)
        assert [each.payload["report"] for each in events] == [Kind.RESEND]
        assert bot.keychain is not None
        await bot.keychain.run(lambda tx: None)
        assert (await bot.receive(None))[0] == []  # once


async def test_in_place_of_an_identity_that_others_published_comes_a_new_one(
    sqlite_database: Database, synapse: Synapse, account: Account
) -> None:
    async with started(sqlite_database, synapse, account, PASSWORD):
        before = await shown(synapse, account, account.token)
    body = Identity.new(account.user_id).public_keys()
    auth = {"type": "m.login.password", "password": PASSWORD,
            "identifier": {"type": "m.id.user", "user": account.user_id}}  # fmt: skip
    await synapse.call("POST", f"{CLIENT}/keys/device_signing/upload", body | {"auth": auth}, account.token)
    with pytest.raises(GatewayFault, match="ONECLOAK_MATRIX__PASSWORD once") as fault:
        async with started(sqlite_database, synapse, account):
            pass
    assert fault.value.fatal
    async with started(sqlite_database, synapse, account, PASSWORD) as bot:
        after = await shown(synapse, account, account.token)
        masters = [public(each["master_keys"][account.user_id]) for each in (before, after)]
        assert len({*masters, public(body["master_key"])}) == 3
        signing = public(after["self_signing_keys"][account.user_id])
        assert is_signed_by(after["device_keys"][account.user_id][device_of(bot)], signing, account.user_id)
    async with started(sqlite_database, synapse, account):
        assert (await shown(synapse, account, account.token))["master_keys"] == after["master_keys"]


async def test_a_start_that_was_cut_off_before_publishing_publishes_the_same(
    sqlite_database: Database, synapse: Synapse, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ended(client: Client, *_: object) -> None:
        await client.keychain.save()  # as before every request
        raise GatewayFault("the process ended")

    with monkeypatch.context() as patched:
        patched.setattr("bot.adapters.matrix_signing._publish", ended)
        with pytest.raises(GatewayFault, match="ended"):
            async with started(sqlite_database, synapse, account, PASSWORD):
                pass
    keychain = make_adapter(sqlite_database, synapse, "", Time()).keychain
    await keychain.load()
    kept = Identity.kept(account.user_id, keychain.get(IDENTITY))
    async with started(sqlite_database, synapse, account):
        seen = await shown(synapse, account, account.token)
        assert public(seen["master_keys"][account.user_id]) == kept.public("master")


@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("", "Matrix has no login yet: set ONECLOAK_MATRIX__PASSWORD for the first start"),
        ("wrong", "does not accept ONECLOAK_MATRIX__USER and ONECLOAK_MATRIX__PASSWORD"),
    ],
)
async def test_without_the_right_password_there_is_one_clear_fault(
    sqlite_database: Database, synapse: Synapse, account: Account, password: str, told: str
) -> None:
    with pytest.raises(GatewayFault, match=told) as fault:
        async with started(sqlite_database, synapse, account, password):
            pass
    assert fault.value.fatal
    assert "wrong" not in str(fault.value)
    assert fault.value.__cause__ is fault.value.__context__ is None or fault.value.__suppress_context__


async def test_nothing_of_it_stands_in_clear_in_the_database(
    sqlite_database: Database, synapse: Synapse, account: Account, newcomer: Newcomer
) -> None:
    ana = await newcomer("ana")
    async with started(sqlite_database, synapse, account, PASSWORD) as bot:
        room = await ana.open_chat(account.user_id)
        cursor = None
        while room not in dict(bot.keychain.items("encrypted room/")):
            _events, cursor = await bot.receive(cursor)
            await bot.keychain.run(lambda tx: None)
            await bot.accepted([])
            await ana.sync()
        await bot.send(Outgoing(ana.user_id, "hello", key="1"))
        await ana.until(lambda: ana.heard)
        await bot.keychain.save()
        login, seeds = bot.keychain.get(LOGIN), bot.keychain.get(IDENTITY)
        seen = await shown(synapse, account, account.token)
        device = seen["device_keys"][account.user_id][device_of(bot)]
        secret = {
            PASSWORD, *login.values(), *seeds.values(), *device["keys"].values(), room, ana.user_id,
            public(seen["master_keys"][account.user_id]), *(name for name, _ in bot.keychain.items("")),
            bot.keychain.get(ACCOUNT)["pickle"], "pickle",
        } - {"login", "identity"}  # fmt: skip
    path = Path(sqlite_database.url.database or "")
    stored = b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))
    assert b"keepsakes" in stored  # it is looked for in the right place
    assert len(secret) > 15
    assert [each for each in secret if each.encode() in stored] == []
