"""The list outside of the database: it outlives it, names nobody, and loses nothing when the disk fails."""

from __future__ import annotations

import itertools
import re
import shutil
from datetime import timedelta
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from storage import alerts, forgetting, needs, returning
from storage.database import Database, Transaction
from storage.ledger import (
    FORGOTTEN,
    FREED,
    RESOLVED,
    TAKEN,
    Charge,
    Entries,
    Lasting,
    Ledger,
    fingerprint,
)
from storage.sealing import Vault
from storage.tables import Person
from tests.engines import MASTER_KEY, sqlite_url
from tests.storage import MINUTE, a_need, meet
from tests.world import NOON

VAULT = Vault(MASTER_KEY)
ANA, CASE = UUID(int=1, version=4), UUID(int=2, version=4)


def ledger_in(folder: Path) -> Ledger:
    return Ledger(folder / "data" / "onecloak.ledger", VAULT.index)


def ana_is_forgotten(ledger: Ledger) -> Entries:
    return ledger.entries([Lasting(FORGOTTEN, ANA, NOON)])


def test_what_is_added_is_read_again_and_names_nobody(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    assert ledger.read() == Entries()
    ledger.add(ana_is_forgotten(ledger))
    ledger.add(ledger.entries([Lasting("done", CASE, NOON)]))
    read = ledger_in(tmp_path).read()
    assert read.forgotten == {fingerprint(VAULT.index, FORGOTTEN, ANA): NOON}
    assert read.ended == {fingerprint(VAULT.index, RESOLVED, CASE): ("done", NOON)}
    text = ledger.path.read_text()
    assert str(ANA) not in text
    assert ANA.hex not in text
    assert ledger.path.stat().st_mode & 0o077 == 0, "nobody else can read it"
    other = Vault(bytes(32))
    assert fingerprint(other.index, FORGOTTEN, ANA) not in text, (
        "without the master key nobody is found in it"
    )


def test_who_is_in_charge_last_is_known_in_whatever_order_it_is_read(tmp_path: Path) -> None:
    """Carla takes it, gives it back, Dora takes it; two lists of two machines are read together."""
    carla, dora = UUID(int=3, version=4), UUID(int=4, version=4)
    ledger = ledger_in(tmp_path)
    happened = [
        Lasting(TAKEN, CASE, NOON, carla),
        Lasting(FREED, CASE, NOON + MINUTE),
        Lasting(TAKEN, CASE, NOON + 2 * MINUTE, dora),
    ]
    for each in happened:
        ledger.add(ledger.entries([each]))
    case, last = fingerprint(VAULT.index, RESOLVED, CASE), fingerprint(VAULT.index, TAKEN, dora)
    assert ledger_in(tmp_path).read().charges == {case: Charge(NOON + 2 * MINUTE, last)}
    for one, other in itertools.permutations([ledger.entries([each]) for each in happened], 2):
        both = one.with_all(other).charges[case]
        assert both.since == max(one.charges[case].since, other.charges[case].since)
    assert ledger.entries(happened[1:2]).charges == {case: Charge(NOON + MINUTE)}, "nobody is"
    assert ledger.entries(happened).without(ledger_in(tmp_path).read()) == Entries()
    text = ledger.path.read_text()
    assert fingerprint(VAULT.index, FORGOTTEN, dora) not in text, "one list does not betray the other"
    ledger.path.write_text(f"taken {case} {NOON.isoformat()}\nfreed {case} {NOON.isoformat()} {last}\n")
    assert ledger_in(tmp_path).read() == Entries(), "half lines"


def test_a_line_that_a_power_cut_left_half_spoils_no_other(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    ledger.add(ledger.entries([Lasting("done", CASE, NOON)]))
    with ledger.path.open("a") as file:
        file.write("forgotten 00ff")
    ledger.add(ana_is_forgotten(ledger))
    read = ledger.read()
    assert (len(read.forgotten), len(read.ended)) == (1, 1)
    with ledger.path.open("ab") as file:
        file.write(b"\xff\xfe\x00 nothing\nforgotten " + b"0" * 32 + b" 2026-99-99T00:00:00+00:00\n")
    assert ledger.read() == read


def test_what_cannot_be_written_is_kept_and_written_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "data").write_text("where the folder should be")
    ledger = ledger_in(tmp_path)
    ledger.add(ana_is_forgotten(ledger))
    assert "the list of the forgotten can't be written" in caplog.text
    assert str(ANA) not in caplog.text
    (tmp_path / "data").unlink()
    ledger.add(ledger.entries([Lasting("done", CASE, NOON)]))
    assert len(ledger.read().forgotten) == 1


@pytest.fixture
async def database(sqlite_template: Path, tmp_path: Path) -> Database:
    path = tmp_path / "data" / "onecloak.db"
    path.parent.mkdir()
    shutil.copy(sqlite_template, path)
    return Database(sqlite_url(path), VAULT, Random(1), ledger_in(tmp_path))


async def test_who_is_forgotten_and_what_ends_is_written_down_once_it_is_committed(
    database: Database, tmp_path: Path
) -> None:
    def live(tx: Transaction) -> tuple[UUID, UUID, UUID]:
        zuleika, ana = meet(tx, "zuleika").person, meet(tx, "ana").person
        need = a_need(tx, ana)
        alert = alerts.add(tx, reference="A-1", kind="sos", person_id=ana.id, policy={}, opened_at=NOON)
        return zuleika.id, need.id, alert.id

    zuleika, need, alert = await database.run(live)

    def leave(tx: Transaction) -> None:
        forgetting.forget(tx, NOON, tx.session.get_one(Person, zuleika))
        assert needs.close(tx, NOON, needs.get(tx, need), "done")
        assert alerts.resolve(tx, NOON, alert, "they were helped")

    def leave_and_fail(tx: Transaction) -> None:
        leave(tx)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await database.run(leave_and_fail)
    assert ledger_in(tmp_path).read() == Entries(), "what was rolled back never happened"
    await database.run(leave)
    read = ledger_in(tmp_path).read()
    assert set(read.forgotten) == {fingerprint(VAULT.index, FORGOTTEN, zuleika)}
    assert {name: end[0] for name, end in read.ended.items()} == {
        fingerprint(VAULT.index, RESOLVED, need): "done",
        fingerprint(VAULT.index, RESOLVED, alert): "resolved",
    }
    known = await database.run(lambda tx: returning.lasting(tx, NOON + timedelta(days=1)))
    assert ledger_in(tmp_path).entries(known) == read, "the database says the same"
    assert re.fullmatch(r"(\n?\w+ [0-9a-f]{32} \S+\n)+", (tmp_path / "data" / "onecloak.ledger").read_text())
    await database.close()
