"""Sealing at rest: only the right key, for the right purpose, opens what nobody has touched."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import sealing
from storage.database import Database
from storage.sealing import Vault, WrongMasterKey, decode_master_key, read_or_create_master_key
from storage.tables import Key
from tests.engines import MASTER_KEY
from tests.storage import BOTH_ENGINES, person

pytestmark = BOTH_ENGINES
OTHER_MASTER_KEY = bytes(reversed(MASTER_KEY))
ANA, BEN = UUID(int=1), UUID(int=2)


def vault_with_two_keys() -> Vault:
    vault = Vault(MASTER_KEY)
    vault.new_key(ANA)
    vault.new_key(BEN)
    return vault


@given(st.binary(max_size=500), st.text(max_size=20))
def test_what_was_sealed_opens_again(plain: bytes, purpose: str) -> None:
    vault = vault_with_two_keys()
    sealed = vault.seal(ANA, purpose, plain)
    assert vault.open(ANA, purpose, sealed) == plain
    assert vault.seal(ANA, purpose, plain) != sealed, "the same words never look the same"
    assert len(plain) < 8 or plain not in sealed


@given(st.binary(max_size=200), st.data())
def test_a_single_changed_byte_keeps_it_shut(plain: bytes, data: st.DataObject) -> None:
    vault = vault_with_two_keys()
    sealed = bytearray(vault.seal(ANA, "words", plain))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(WrongMasterKey):
        vault.open(ANA, "words", bytes(sealed))


@given(st.integers(0, 27))
def test_what_was_cut_off_stays_shut(length: int) -> None:
    vault = vault_with_two_keys()
    with pytest.raises(WrongMasterKey):
        vault.open(ANA, "words", vault.seal(ANA, "words", b"")[:length])


def test_neither_another_purpose_nor_another_key_opens_it() -> None:
    vault = vault_with_two_keys()
    sealed = vault.seal(ANA, "words", b"insulin")
    with pytest.raises(WrongMasterKey, match="a sealed name"):
        vault.open(ANA, "name", sealed)
    with pytest.raises(WrongMasterKey):
        vault.open(BEN, "words", sealed)


def test_a_stored_key_opens_only_under_its_own_id_and_master_key() -> None:
    wrapped = Vault(MASTER_KEY).new_key(ANA)
    for master, key_id in ((MASTER_KEY, BEN), (OTHER_MASTER_KEY, ANA)):
        vault = Vault(master)
        with pytest.raises(WrongMasterKey):
            vault.unwrap(key_id, wrapped)
        assert not vault.knows(key_id)


def test_a_forgotten_key_is_gone_from_memory() -> None:
    vault = vault_with_two_keys()
    sealed = vault.seal(ANA, "words", b"insulin")
    vault.forget(ANA)
    vault.forget(ANA)
    assert not vault.knows(ANA)
    assert vault.knows(BEN)
    with pytest.raises(KeyError):
        vault.open(ANA, "words", sealed)


def test_only_so_many_keys_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "REMEMBERED_KEYS", 3)
    vault = Vault(MASTER_KEY)
    for number in range(5):
        vault.new_key(UUID(int=number))
    assert [vault.knows(UUID(int=number)) for number in range(5)] == [False, False, True, True, True]


def test_an_index_is_found_again_but_not_without_the_master_key() -> None:
    vault = Vault(MASTER_KEY)
    assert vault.index("address", "console", "ana") == Vault(MASTER_KEY).index("address", "console", "ana")
    assert vault.index("address", "console", "ana") != Vault(OTHER_MASTER_KEY).index(
        "address", "console", "ana"
    )
    assert vault.index("a", "bc") != vault.index("ab", "c")
    assert vault.index("a", "") != vault.index("a")
    assert len(vault.index("half a \ud83d pair")) == sealing.INDEX_BYTES


def test_the_fingerprint_tells_keys_apart_and_gives_nothing_away() -> None:
    one, other = Vault(MASTER_KEY).fingerprint, Vault(OTHER_MASTER_KEY).fingerprint
    assert one != other
    assert bytes.fromhex(one) not in MASTER_KEY


# --- the key file ---------------------------------------------------------------------------------


def test_the_key_file_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "onecloak.key"
    before = os.umask(0)
    try:
        master, made = read_or_create_master_key(path)
    finally:
        os.umask(before)
    assert made
    assert path.stat().st_mode & 0o777 == 0o600
    assert decode_master_key(path.read_text()) == master
    assert read_or_create_master_key(path) == (master, False)
    assert list(tmp_path.iterdir()) == [path]


def test_processes_that_start_at_once_get_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for number in range(25):
            path = tmp_path / f"{number}.key"
            found = list(pool.map(read_or_create_master_key, [path] * 8))
            assert len({master for master, _ in found}) == 1
            assert sum(made for _, made in found) == 1


@pytest.mark.parametrize("broken", ["open", "fsync", "fdopen", "link"])
def test_a_process_that_ends_while_it_makes_the_key_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """Half a key file would lock the union out for ever: it is there whole, or not at all."""
    path = tmp_path / "onecloak.key"

    def killed(*_args: object, **_more: object) -> None:
        raise SystemExit(9)

    with monkeypatch.context() as patch:
        patch.setattr(os, broken, killed)
        with pytest.raises(SystemExit):
            read_or_create_master_key(path)
    assert not path.exists() or decode_master_key(path.read_text())
    master, _ = read_or_create_master_key(path)
    assert read_or_create_master_key(path) == (master, False)


damages: list[Callable[[bytes], bytes]] = [
    lambda whole: b"",
    lambda whole: whole[:20],
    lambda whole: b"\xff\xfe" + whole,
    lambda whole: base64.b64encode(b"short"),
    lambda whole: whole + whole,
]


@pytest.mark.parametrize("damage", damages)
def test_a_damaged_key_file_is_refused_and_left_as_it_is(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "onecloak.key"
    read_or_create_master_key(path)
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match=r"."):
        read_or_create_master_key(path)
    assert path.read_bytes() == damaged


@pytest.mark.parametrize("text", ["", "x", "é" * 43, "A" * 42 + "==", base64.b64encode(bytes(31)).decode()])
def test_only_the_base64_text_of_32_bytes_is_a_master_key(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_master_key(text)
    with pytest.raises(ValueError, match="32 bytes"):
        Vault(b"too short")


# --- a database and its master key ------------------------------------------------------------------


async def test_a_database_refuses_another_master_key(database: Database) -> None:
    await database.check_master_key()
    await database.check_master_key()
    other = Database(database.url.render_as_string(hide_password=False), Vault(OTHER_MASTER_KEY), Random(2))
    with pytest.raises(WrongMasterKey):
        await other.check_master_key()
    await other.close()
    await database.check_master_key()


async def test_processes_that_use_a_new_database_first_agree(database: Database) -> None:
    await asyncio.gather(*(database.check_master_key() for _ in range(8)))
    await database.check_master_key()


async def test_keys_are_stored_wrapped_and_opened_when_they_are_needed(database: Database) -> None:
    ana = await person(database, "ana")
    sealed = await database.run(lambda tx: tx.seal(ana.person.key_id, "words", {"insulin": [1, "é"]}))
    database.vault.forget(ana.person.key_id)
    assert await database.run(lambda tx: tx.open(ana.person.key_id, "words", sealed)) == {"insulin": [1, "é"]}
    wrapped = await database.run(lambda tx: tx.session.get_one(Key, ana.person.key_id).wrapped)
    assert len(wrapped) == 12 + 32 + 16
    with pytest.raises(KeyError):
        await database.run(lambda tx: tx.open(UUID(int=9), "words", sealed))
