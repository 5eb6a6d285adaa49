"""Somebody gets hold of a copy of the database: what they can read in it, and what after /forget."""

from __future__ import annotations

import base64
import itertools
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from storage import cells, forgetting
from storage.database import TRIED_AGAIN_AFTER, Database, Transaction
from storage.dumping import snapshot
from storage.sealing import Vault, WrongMasterKey
from storage.tables import Base, Key, Person
from tests.conversations.acts import photo_with_secrets
from tests.conversations.chats import code_of, links, there, two_platforms
from tests.engines import MASTER_KEY
from tests.storage import meet
from tests.world import NOON, TelegramPlatform, World

LATITUDE, LONGITUDE = 41.403628, 2.174355  # where Zuleika lives
HOME_OF_BEN = (41.398712, 2.163498)
TELEGRAM_ID, PHONE = 7309114455, "+34698745123"
ZULEIKAS = (
    "insulinorama", "violetporch", "greentinbox", "smokestair", "ladderwagon", "bellthirdfloor",
    "capitalletters", "captionrose", "prescriptionfile",
)  # fmt: skip
BENS = ("gardenshed", "seeitnow")
NAMES = ("zuleika", "benedetto", "carlotta")


@dataclass
class NotingVault(Vault):
    """A vault that notes for which purposes something was sealed, so that all of them can be tried."""

    master: bytes = MASTER_KEY
    purposes: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__(self.master)

    def seal(self, key_id: UUID, purpose: str, plain: bytes) -> bytes:
        self.purposes.add(purpose)
        return super().seal(key_id, purpose, plain)


@pytest.fixture
async def lived(sqlite_database: Database, tmp_path: Path) -> AsyncIterator[World]:
    database = Database(str(sqlite_database.url), NotingVault(), Random(3))
    try:
        async with two_platforms(database, tmp_path) as world:
            await the_day(world)
            yield world
    finally:
        await database.close()


async def the_day(world: World) -> None:
    """Zuleika, on two platforms, offers, asks, shows, talks, sends files, cries for help."""
    telegram = world.platforms[1]
    assert isinstance(telegram, TelegramPlatform)
    telegram._names["zuleika"] = telegram.api.person(TELEGRAM_ID, "Zuleika", username="zuleika_tg")
    carla = await world.coordinator("carlotta")
    ben = await world.volunteer("benedetto", f"I can fetch medicine with my {BENS[0]}", HOME_OF_BEN)
    zuleika = await world.volunteer("zuleika", f"I can help with ladder and van, {ZULEIKAS[4]}")
    other = there(world, "zuleika")
    await links(other, await code_of(zuleika))
    world.clear()

    reference = await world.need("zuleika", f"I need insulin, {ZULEIKAS[0]}", (LATITUDE, LONGITUDE))
    await ben.presses("I can")
    await zuleika.says(f"The {ZULEIKAS[1]}")
    await ben.says(f"I {BENS[1]}")
    await other.says(f"Behind it a {ZULEIKAS[2]}")
    await other.edits(f"Behind it a {ZULEIKAS[2]}, on the left")
    await zuleika.sends_photo(photo_with_secrets(), ZULEIKAS[7])
    await other.sends_document(f"{ZULEIKAS[8]}.pdf", ZULEIKAS[8].encode())
    await zuleika.says(f"/show {reference} door")
    await zuleika.says(f"{ZULEIKAS[5]}, left")
    telegram.person("zuleika").shares_contact(PHONE)
    await world.settle()
    await other.says(f"/show {reference} phone")

    await zuleika.says(f"/sos {ZULEIKAS[3]}")
    await zuleika.sends_place(LATITUDE, LONGITUDE)
    await carla.presses("I take it")
    await zuleika.says(f"{ZULEIKAS[3]} in the hall")
    await carla.says(f"/note she is deaf, {ZULEIKAS[6]}")
    await carla.says("We are coming")
    await ben.blocks_the_bot()
    await zuleika.says(f"The {ZULEIKAS[1]} again")
    await world.forward(minutes=40)


# --- what whoever has the copy can read -------------------------------------------------------------------

SECRETS = (*ZULEIKAS, *BENS, *NAMES, "zuleika_tg", PHONE, PHONE[1:], str(TELEGRAM_ID), "SecretCamera")
PINS = ((LATITUDE, LONGITUDE), HOME_OF_BEN)


def forms(text: str) -> Iterable[bytes]:
    """How a text could stand in a file: as it is, in other encodings, as hexadecimal digits, in base64."""
    for each in (text, text.upper(), text.capitalize()):
        plain = each.encode()
        yield from (plain, each.encode("utf-16-le"), each.encode("utf-16-be"), plain.hex().encode())
        for before in range(3):  # three ways, by where it begins
            encoded = base64.b64encode(b"?" * before + plain)
            yield encoded[4 if before else 0 : len(encoded) - 4]


def numbers() -> Iterable[tuple[str, bytes]]:
    for place in PINS:
        for number in place:
            yield f"{number}", str(number).encode()
            for order in "<>":
                yield f"{number} ({order})", struct.pack(f"{order}d", number)
    yield "the id on Telegram", TELEGRAM_ID.to_bytes(6, "big")  # as SQLite keeps it


def in_clear(path: Path) -> list[str]:
    """What can be read in the file, in its log, and in what else stands beside it."""
    all_of_it = raw(path)
    assert b"medicine" in all_of_it, "a skill stands in clear, so the words would be found if they did"
    found = [text for text in SECRETS if any(form in all_of_it for form in forms(text))]
    return found + [name for name, form in numbers() if form in all_of_it]


def raw(path: Path) -> bytes:
    return b"".join(each.read_bytes() for each in sorted(path.parent.glob(f"{path.name}*")))


def test_the_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    for hidden in (
        b"\x00Violetporch", "violetporch".encode("utf-16-le"), base64.b64encode(b"The violetporch is blue"),
        struct.pack(">d", LATITUDE), TELEGRAM_ID.to_bytes(6, "big"), b"tel:34698745123",
    ):  # fmt: skip
        path.write_bytes(b"medicine" + hidden)
        assert len(in_clear(path)) >= 1, hidden


async def test_no_word_name_number_or_place_of_a_whole_day_can_be_read_in_the_files(lived: World) -> None:
    path = Path(str(lived.database.url.database))
    assert path.with_name(f"{path.name}-wal").exists(), "the log is looked at too"
    assert in_clear(path) == []
    opened = await everything(lived)
    missing = [each for each in (*ZULEIKAS, *BENS, PHONE, str(TELEGRAM_ID)) if each not in opened]
    assert missing == [], "all of it is kept, sealed; so the search has something to find"


# Every column of text that is not sealed, by what may stand in it.
CLEAR = {
    "words of ours": """
        alerts.kind alerts.danger alerts.question alerts.state alerts.writing alerts.outcome alert_steps.tier
        attachments.media audit.action choices.scope codes.role commitments.state commitments.shows
        conversations.form crises.state early_warnings.name facts.name facts.value inbox.gateway inbox.outcome
        invitations.state jobs.gateway jobs.kind keepsakes.gateway leases.name needs.skill needs.state
        offer_skills.skill offers.skills offers.travel offers.not_wanted outbox.gateway outbox.state
        outbox.reason outbox.card outside_calls.way outside_calls.state outside_calls.reason parts.skill
        roll_calls.answer rooms.platform rooms.purpose routines.name verifications.skill accounts.platform
        consents.wording cursors.gateway drill_pages.platform alerts.policy crises.measures
    """,
    "references and tokens, by chance": """
        alerts.reference crises.reference drills.reference needs.reference choices.token
    """,
    "languages, time zones, hours": """
        people.language people.time_zone consents.language offers.hours offers.languages shifts.time_zone
    """,
    "a platform's numbers of messages, and where its stream is": """
        outbox.message_id outbox.more_ids outbox.source_message_id alert_notes.message_id cursors.value
    """,
    "the sort of a file": "attachments.mime",
    "processes": "inbox.claimed_by outbox.claimed_by leases.holder",
    "public places": """
        places.batch places.country places.kind places.name places.time_zone place_names.key place_names.name
        place_names.language place_typos.key place_typos.batch
    """,
}


def test_every_column_of_text_is_sealed_or_was_looked_at() -> None:
    known = {name for names in CLEAR.values() for name in names.split()}
    found = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, sa.String | sa.JSON)
    }
    assert found - known == set(), "a new column of text: is it sealed, or what may stand in it?"
    assert known - found == set()


async def test_what_stands_in_clear_is_of_ours_and_every_place_is_the_middle_of_its_cell(
    lived: World,
) -> None:
    """Also what a later change might let in: words in a kind, a name in a reason, an exact place."""
    rows = await lived.database.run(all_rows)
    for name, values in columns(rows, sa.String):
        for value in filter(None, values):
            assert not any(each in str(value).casefold() for each in SECRETS), name
            assert len(str(value)) < 80, f"{name} is as long as words of people"
    for name, each in ((name, row) for name, found in rows.items() for row in found if "latitude" in row):
        if each["latitude"] is None:
            continue
        place = (each["latitude"], each["longitude"])
        assert place == pytest.approx(cells.snap(*place)), f"{name} is finer than a cell"
        assert all(cells.distance(*place, *pin) > 1 for pin in PINS), name
    assert {name for name, found in rows.items() for row in found if row.get("latitude")} >= {
        "alerts", "needs", "offers", "offer_skills",
    }  # fmt: skip


# --- and after /forget ------------------------------------------------------------------------------------


async def test_after_forget_no_key_that_is_left_opens_anything_of_hers(lived: World) -> None:
    zuleika = lived.person("zuleika")
    path = Path(str(lived.database.url.database))
    before = await wrapped_keys(lived.database)
    await zuleika.says("/forget")
    await zuleika.presses("Yes, delete everything")
    opened = await everything(lived)
    hers = (*(each for each in ZULEIKAS if each != NOTED), "zuleika", PHONE, str(TELEGRAM_ID), str(LATITUDE))
    assert [each for each in hers if each in opened] == []
    assert BENS[0] in opened, "what Ben said of himself is still his"
    assert in_clear(path) == []
    gone = before - await wrapped_keys(lived.database)
    assert len(gone) == 1
    assert not any(each in raw(path) for each in gone), "neither in a free page nor in the log, at once"

    await lived.forward(days=4)
    # A leap is doubted: what is due to be destroyed goes by the hours that the bot runs.
    for _hour in range(13):
        await lived.forward(hours=1)
    assert NOTED not in await everything(lived), "what Carla noted of her is gone with Carla's own event"
    assert in_clear(path) == []


NOTED = "capitalletters"


async def test_a_destroyed_key_leaves_the_log_once_nobody_reads_it_any_more(
    sqlite_database: Database,
) -> None:
    """A backup is being made while Zuleika is forgotten: it sees the state of before until it is done."""
    database, path = sqlite_database, Path(str(sqlite_database.url.database))
    person = await database.run(lambda tx: meet(tx, "zuleika").person)
    (wrapped,) = await wrapped_keys(database)
    assert wrapped in raw(path)
    async with snapshot(str(database.url)) as reading:
        await reading.scalar(sa.select(sa.func.count()).select_from(Person.__table__))
        await database.run(lambda tx: forgetting.forget(tx, NOON, tx.session.get_one(Person, person.id)))
        assert wrapped in raw(path), "what somebody reads just now can't be cut off"
    for _ in range(TRIED_AGAIN_AFTER):
        await database.run(lambda tx: tx.session.scalar(sa.select(Key.id)))
    assert wrapped not in raw(path)
    assert await wrapped_keys(database) == set()


# --- reading ----------------------------------------------------------------------------------------------

Rows = dict[str, list[dict[str, Any]]]


def all_rows(tx: Transaction) -> Rows:
    return {
        str(table.name): [dict(row) for row in tx.session.execute(sa.select(table)).mappings()]
        for table in Base.metadata.sorted_tables
    }


def columns(rows: Rows, kind: type[Any]) -> Iterable[tuple[str, set[Any]]]:
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, kind):
                yield f"{table.name}.{column.name}", {row[column.name] for row in rows[str(table.name)]}


async def wrapped_keys(database: Database) -> set[bytes]:
    return await database.run(lambda tx: set(tx.session.scalars(sa.select(Key.wrapped))))


async def everything(world: World) -> str:
    """All that is sealed, opened with each key that is left, by whoever has the master key too."""
    noted = world.database.vault
    assert isinstance(noted, NotingVault)
    rows = await world.database.run(all_rows)
    vault = Vault(MASTER_KEY)
    for key in rows["keys"]:
        vault.unwrap(key["id"], key["wrapped"])
    sealed = {
        row[name]
        for found in rows.values()
        for row in found
        for name in row
        if name.startswith("sealed_") and row[name]
    }
    assert len(sealed) > 20
    opened = []
    for each in sealed:
        for key_id, purpose in itertools.product((key["id"] for key in rows["keys"]), noted.purposes):
            with suppress(WrongMasterKey):
                opened.append(vault.open(key_id, purpose, each))
    return "\n".join(each.decode(errors="replace").casefold() for each in opened)
