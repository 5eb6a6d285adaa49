"""Forgetting: nothing of a person ever stood in clear, and their key, rows and words are gone after it."""

from __future__ import annotations

import base64
import io
import sqlite3
import struct
from contextlib import closing
from pathlib import Path
from random import Random
from uuid import UUID

import pytest
import sqlalchemy as sa
from PIL import Image

from bot.settings import SettingsError, read_settings
from bot.setup import open_database
from storage import alerts, conversations, forgetting, inbox, needs, offers, open_needs, outbox, people, work
from storage.database import Database, Transaction
from storage.ledger import Ledger
from storage.people import Known
from storage.sealing import Vault
from storage.tables import Base, Forgotten, Key, Person
from tests.engines import MASTER_KEY, sqlite_url
from tests.storage import BOTH_ENGINES, DAY, HOUR, KEEP, a_need, meet
from tests.world import NOON, World

pytestmark = BOTH_ENGINES

LATITUDE, LONGITUDE = 41.403628, 2.174355
WORDS = (
    "insulín für Zoë",
    "porch lantern is violet",
    "green tin behind it",
    "terrible smoke",
    "ladder and van",
)
NAMES = ("zuleika", "Zuleika")
PIN = [struct.pack(order + "d", number) for order in "<>" for number in (LATITUDE, LONGITUDE)]
PHOTO = "photo of the violet porch"


def raw_files(path: Path) -> bytes:
    """The database file, and the log beside it if there is one."""
    return b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))


def in_clear(path: Path) -> list[str]:
    """What of Zuleika can be read in the raw files of the database, by whoever gets hold of them."""
    raw = raw_files(path)
    assert b"medicine" in raw, "a skill stands in clear, so the words would be found if they did"
    secrets = [*WORDS, *NAMES, str(LATITUDE), str(LONGITUDE), PHOTO]
    encoded = {
        text: [text.encode(), text.encode("utf-16-le"), ascii(text)[1:-1].encode()] for text in secrets
    }
    found = [text for text, forms in encoded.items() if any(form in raw for form in forms)]
    return found + ["the pin" for pin in PIN if pin in raw]


def photo() -> bytes:
    """A photo that says something in its pixels' comment: cleaning leaves only the pixels."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "violet").save(out, format="JPEG", comment=PHOTO.encode())
    return out.getvalue()


async def a_full_life(world: World) -> None:
    """Zuleika offers, asks, talks, sends a photo and an SOS; Ben and Carla are with her."""
    await world.coordinator("carla")
    ben = await world.volunteer("ben")
    zuleika = await world.volunteer("zuleika", offer=f"I can help with {WORDS[4]}")
    await world.need("zuleika", f"I need {WORDS[0]}", (LATITUDE, LONGITUDE))
    await ben.presses("I can")
    await zuleika.says(f"The {WORDS[1]}")
    await zuleika.edits(f"The {WORDS[1]}, the {WORDS[2]}")
    await ben.says("I see it")
    await zuleika.sends_photo(photo(), WORDS[2])
    await zuleika.says(f"/sos {WORDS[3]}")
    await zuleika.sends_place(LATITUDE, LONGITUDE)
    await world.person("carla").presses("I take it")
    await zuleika.says(f"{WORDS[3]} in the hall")


async def zuleikas_key(database: Database) -> UUID:
    index = database.vault.index("address", "console", "zuleika")
    return await database.run(lambda tx: people.load(tx, [index])[index].person.key_id)


async def test_nothing_ever_stands_in_clear_and_less_than_that_after_forgetting(world: World) -> None:
    path = Path(str(world.database.url.database))
    await a_full_life(world)
    assert in_clear(path) == []
    key_id = await zuleikas_key(world.database)
    wrapped = await world.database.run(lambda tx: tx.session.get_one(Key, key_id).wrapped)
    assert wrapped in raw_files(path)
    zuleika = world.person("zuleika")
    world.clear()

    await zuleika.says("/forget")
    await zuleika.presses("Yes, delete everything")
    zuleika.hears("delete all")
    zuleika.hears("Everything is deleted")
    assert in_clear(path) == []
    assert not world.database.vault.knows(key_id)
    assert await world.database.run(lambda tx: tx.session.get(Key, key_id)) is None
    for name in ("ben", "carla"):
        index = world.database.vault.index("address", "console", name)
        known = await world.database.run(lambda tx, i=index: people.load(tx, [i]))  # type: ignore[misc]
        assert index in known
    await world.database.close()
    assert wrapped not in raw_files(path), "not even in a page that is free now"
    assert in_clear(path) == []


# --- row by row, on both engines ---------------------------------------------------------------------


def live(tx: Transaction, name: str, other: Person) -> Known:
    """A person with one of everything, beside another person."""
    known = meet(tx, name, member_since=NOON)
    person, account = known.person, known.account
    need = a_need(tx, person, f"N-{name}")
    talk = conversations.open_talk(tx, NOON, person.id, other.id, need_id=need.id)
    needs.invite(tx, NOON, need, [other.id])
    needs.commit(tx, NOON, need, other.id)
    offers.save(tx, NOON, person, "UTC", offers.Terms(("medicine",), "pills", (1.0, 2.0), 5000))
    photo = work.add_attachment(tx, NOON, person.key_id, "photo", "image/jpeg", b"pixels", DAY)
    alert = alerts.add(tx, reference=f"A-{name}", kind="sos", person_id=person.id, policy={}, opened_at=NOON)
    alerts.note(tx, NOON, alert, person, "smoke", photo)
    work.add_job(tx, NOON, account, person.key_id, "fetch attachment", {"reference": "x"})
    work.audit(tx, NOON, other.id, "opened", subject=person, case_id=need.id, detail="the place")
    work.audit(tx, NOON, person.id, "looked")
    people.agree(tx, NOON, person, "I agree")
    people.block(tx, NOON, person.id, other.id)
    conversations.save_form(tx, NOON, account, person, None, "need", {"words": "pills"})
    outbox.add(tx, NOON, account, person.key_id, {"text": "hello"}, 1)
    other_account = people.account_of(tx, other.id)
    assert other_account is not None
    outbox.add(tx, NOON, other_account, other.key_id, {"text": "said by her"}, 1, talk_id=talk.id)
    outbox.add(tx, NOON, other_account, other.key_id, {"text": "from the bot"}, 1)
    arrival = inbox.Arrival(f"{name} says", name, {"text": "pills"}, False)
    inbox.accept(tx, NOON, "console", [arrival], None, KEEP)
    tx.write()
    return known


def counts(tx: Transaction) -> dict[str, int]:
    count = {
        table.name: tx.session.scalars(sa.select(sa.func.count()).select_from(table)).one()
        for table in Base.metadata.sorted_tables
    }
    del count["routines"]  # they stand there from the beginning and are nobody's
    return {name: number for name, number in count.items() if number}


async def test_all_of_one_person_goes_and_all_of_the_others_stays(database: Database) -> None:
    def before(tx: Transaction) -> tuple[Known, Known]:
        ben = meet(tx, "ben")
        return ben, live(tx, "cleo", ben.person)

    ben, cleo = await database.run(before)
    without = await database.run(counts)
    zuleika = await database.run(lambda tx: live(tx, "zuleika", ben.person))
    await database.run(
        lambda tx: forgetting.forget(tx, NOON + HOUR, tx.session.get_one(Person, zuleika.person.id))
    )

    left = await database.run(counts)
    grown = {name: left[name] - without.get(name, 0) for name in left if left[name] != without.get(name)}
    assert grown == {"audit": 2, "forgotten": 1, "inbox": 1, "outbox": 1}, "nameless facts, Ben's own message"
    assert without.keys() <= left.keys()

    def nameless(tx: Transaction) -> None:
        for table in Base.metadata.sorted_tables:
            if table.name == "forgotten":
                continue
            for row in tx.session.execute(sa.select(table)).mappings():
                traces = {zuleika.person.id, zuleika.person.key_id, zuleika.account.id,
                          zuleika.account.address_index}  # fmt: skip
                assert not traces & {each for each in row.values() if isinstance(each, UUID | bytes)}, table

    await database.run(nameless)
    assert not database.vault.knows(zuleika.person.key_id)
    with pytest.raises(KeyError):
        await database.run(
            lambda tx: people.name_of(tx, zuleika.person) or tx.seal(zuleika.person.key_id, "", "")
        )
    words = await database.run(lambda tx: needs.words_of(tx, open_needs.of(tx, cleo.person.id)[0]))
    assert words == "insulin"
    event = await database.run(lambda tx: inbox.claim(tx, NOON + DAY, "worker", 9, HOUR))
    assert len(event) == 1, "what Zuleika had said is not handled any more, what Cleo said is"


async def test_what_is_queued_in_the_same_turn_goes_too(database: Database) -> None:
    def turn(tx: Transaction) -> None:
        zuleika = meet(tx, "zuleika")
        outbox.add(tx, NOON, zuleika.account, zuleika.person.key_id, {"text": "hello"}, 1)
        forgetting.forget(tx, NOON, zuleika.person)

    await database.run(turn)
    assert await database.run(counts) == {"forgotten": 1}


async def test_a_report_of_the_bot_itself_that_waits_is_not_lost_when_someone_is_forgotten(
    database: Database,
) -> None:
    zuleika = await database.run(lambda tx: people.meet(tx, NOON, "telegram", "zuleika", "en").person.id)

    def report_then_forget(tx: Transaction) -> None:
        inbox.report(tx, NOON, b"", "a fault", {"kind": "fault", "detail": {}}, crisis=True, keep=KEEP)
        forgetting.forget(tx, NOON, people.get(tx, zuleika))

    await database.run(report_then_forget)
    assert len(await database.run(lambda tx: inbox.claim(tx, NOON, "worker", 10, HOUR))) == 1


async def test_a_turn_that_fails_forgets_nobody(database: Database) -> None:
    zuleika = await database.run(lambda tx: live(tx, "zuleika", meet(tx, "ben").person))
    before = await database.run(counts)

    def broken(tx: Transaction) -> None:
        forgetting.forget(tx, NOON, tx.session.get_one(Person, zuleika.person.id))
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await database.run(broken)
    assert await database.run(counts) == before
    opened = await database.run(lambda tx: needs.words_of(tx, open_needs.of(tx, zuleika.person.id)[0]))
    assert opened == "insulin", "the key is found again"


# --- a backup that comes back --------------------------------------------------------------------------


def copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


async def test_who_comes_back_with_a_backup_is_forgotten_again(
    sqlite_database: Database, tmp_path: Path
) -> None:
    """An operator restores yesterday's file and brings the list of the forgotten over, as the manual says."""
    database = sqlite_database
    zuleika = await database.run(lambda tx: live(tx, "zuleika", meet(tx, "ben").person))
    backup = tmp_path / "backup.db"
    copy(Path(str(database.url.database)), backup)
    await database.run(lambda tx: forgetting.forget(tx, NOON, tx.session.get_one(Person, zuleika.person.id)))
    listed = await database.run(
        lambda tx: list(tx.session.execute(sa.select(Forgotten.__table__)).mappings())
    )

    restored = Database(sqlite_url(backup), Vault(MASTER_KEY), Random(3))
    await restored.run(lambda tx: tx.session.execute(sa.insert(Forgotten), [dict(row) for row in listed]))
    assert await restored.run(forgetting.replay) == 1
    assert await restored.run(lambda tx: tx.session.get(Key, zuleika.person.key_id)) is None
    assert not restored.vault.knows(zuleika.person.key_id)
    assert await restored.run(lambda tx: tx.session.get(Person, zuleika.person.id)) is None
    assert await restored.run(forgetting.replay) == 0, "the list stays, and nobody else is on it"
    assert (await restored.run(counts))["forgotten"] == 1
    await restored.close()


async def test_who_comes_back_with_the_whole_file_is_forgotten_again(
    sqlite_database: Database, tmp_path: Path
) -> None:
    """An operator puts yesterday's file in place of today's: what stands beside it still knows."""
    database = sqlite_database
    path = Path(str(database.url.database))
    database.ledger = Ledger(path.with_suffix(".ledger"), database.vault.index)
    zuleika = await database.run(lambda tx: live(tx, "zuleika", meet(tx, "ben").person))
    copy(path, tmp_path / "backup.db")
    await database.run(lambda tx: forgetting.forget(tx, NOON, tx.session.get_one(Person, zuleika.person.id)))
    await database.close()
    for each in path.parent.glob("onecloak.db*"):
        each.unlink()
    (tmp_path / "backup.db").rename(path)

    settings = read_settings(
        None, database_url=sqlite_url(path), master_key=base64.b64encode(MASTER_KEY).decode()
    )
    restored = await open_database(settings, Vault(MASTER_KEY), Random(3))
    try:
        left = await restored.run(counts)
        assert (left["people"], left["forgotten"]) == (1, 1), "Ben is still there"
        assert await restored.run(lambda tx: tx.session.get(Key, zuleika.person.key_id)) is None
        (forgotten,) = await restored.run(lambda tx: list(tx.session.scalars(sa.select(Forgotten))))
        assert (forgotten.person_id, forgotten.forgotten_at) == (zuleika.person.id, NOON)
    finally:
        await restored.close()


async def test_nobody_starts_without_the_list_of_the_forgotten(sqlite_database: Database) -> None:
    path = Path(str(sqlite_database.url.database))
    path.with_suffix(".ledger").mkdir()
    settings = read_settings(
        None, database_url=sqlite_url(path), master_key=base64.b64encode(MASTER_KEY).decode()
    )
    with pytest.raises(SettingsError, match=r"the list of the forgotten, .*onecloak\.ledger, can't be read"):
        await open_database(settings, Vault(MASTER_KEY), Random(3))
