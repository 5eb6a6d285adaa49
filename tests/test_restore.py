"""A backup is made beside the running bot and brought back: nothing that ended or was forgotten is undone."""

from __future__ import annotations

import base64
import io
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.backup import KEYS, MAIN, backup, examine, found_in, prune
from bot.health import Asking
from bot.metrics import Metrics
from bot.restore import Wish, restore
from bot.settings import Settings, SettingsError, Stopped
from storage import inbox, keepsakes, outbox
from storage.database import Transaction
from storage.dumping import dump, snapshot
from storage.tables import Account, Alert, Base, Cursor, Key, Outbox, Person
from tests.engines import MASTER_KEY, create_postgres
from tests.restoring import KEY, MORNING, bytes_of, files, living, lose, opened, rows_of, settings_in, text_of
from tests.storage import DAY, HOUR, KEEP, MINUTE
from tests.storage.test_forgetting import WORDS, a_full_life, in_clear
from tests.world import NOON, Time


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return settings_in(tmp_path)


# --- the backup -------------------------------------------------------------------------------------------


async def test_neither_file_has_a_word_in_clear_or_what_opens_the_other(
    settings: Settings, tmp_path: Path
) -> None:
    async with living(settings) as world:
        await a_full_life(world)
        said = await backup(settings, NOON)
        wrapped = await world.database.run(lambda tx: list(tx.session.scalars(sa.select(Key.wrapped))))
        await world.person("ben").says("/my")
        assert world.person("ben").inbox, "the bot goes on meanwhile"
    main, keys = files(tmp_path)
    assert str(main) in said[0]
    assert "read it back" in said[0]
    assert str(keys) in said[1]
    assert len(wrapped) > 3
    encoded = [base64.b64encode(each) for each in wrapped]
    open_main, open_keys = opened(main, b"b"), opened(keys, b"k")
    assert all(each in open_keys for each in encoded)
    assert not any(each in open_main for each in encoded), "the keys lie in a file of their own"
    for path in (main, keys):
        raw = path.read_bytes()
        assert not any(word.encode() in raw for word in (*WORDS, "medicine"))
        assert KEY not in raw
        assert path.stat().st_mode & 0o077 == 0
    for plain in (open_main, open_keys):
        assert not any(each in plain for each in (KEY, text_of(KEY).encode(), text_of(MASTER_KEY).encode()))
        assert not any(word.encode() in plain for word in WORDS), "sealed within the seal"
    assert not list(main.parent.glob("*.part"))


async def test_the_backup_sees_one_moment_and_holds_up_nobody(settings: Settings) -> None:
    async with living(settings) as world:
        await world.person("ana").says("hello")

        async with snapshot(settings.database_url) as connection:
            before = await connection.scalar(sa.select(sa.func.count()).select_from(Person.__table__))
            await world.person("ben").says("hello")
            assert world.person("ben").inbox, "he was answered at once"
            main, keys = io.BytesIO(), io.BytesIO()
            dumped = await dump(connection, main, keys, NOON, [])
        assert dumped.rows["people"] == before == 1
        assert dumped.rows["accounts"] == 1
        assert main.getvalue().count(b'"table":') == len(Base.metadata.tables) - 1


async def test_the_last_good_backup_is_known_to_the_bot_that_runs(settings: Settings, tmp_path: Path) -> None:
    """One that could not be written is none; and a restored database knows only of the one before its own."""
    async with living(settings) as world:

        async def last() -> float:
            exposed = await Metrics(world.app, Asking(world.database), tmp_path, world.time).exposed()
            found = re.search(rb"^onecloak_last_backup_timestamp_seconds (\S+)$", exposed, re.MULTILINE)
            assert found is not None
            return float(found[1])

        assert await last() == 0, "none was made"
        await backup(settings, NOON)
        assert await last() == NOON.timestamp()
        await backup(settings, NOON + DAY)
        (tmp_path / "full").write_text("no folder")
        with pytest.raises(Stopped, match="can't be written"):
            await backup(settings, NOON + 2 * DAY, tmp_path / "full")
        assert await last() == (NOON + DAY).timestamp()
    await lose(settings)
    await restore(settings, Wish(), MORNING)
    async with living(settings, Time(MORNING), seed=2) as world:
        assert await last() == NOON.timestamp(), "the second has not its own moment in it"


async def test_old_keys_go_and_the_newest_of_each_stay(settings: Settings, tmp_path: Path) -> None:
    async with living(settings) as world:
        for day in range(0, 40, 4):
            world.time.moment = NOON + day * DAY
            said = await backup(settings, world.time())
    folder = tmp_path / "data" / "backups"
    assert [made_at for made_at, _path in found_in(folder, KEYS)] == [NOON + day * DAY for day in (32, 36)]
    assert [made_at for made_at, _path in found_in(folder, MAIN)] == [
        NOON + day * DAY for day in range(8, 40, 4)
    ]
    assert "Removed 1 key files that were kept for 7 days." in said
    for path in [path for each in (KEYS, MAIN) for _made_at, path in found_in(folder, each)[:-1]]:
        path.unlink()
    prune(settings, NOON + 400 * DAY, folder)
    assert [len(found_in(folder, each)) for each in (KEYS, MAIN)] == [1, 1]


@pytest.mark.parametrize("wrong", [datetime(1970, 1, 1, tzinfo=UTC), NOON + 400 * DAY])
async def test_a_backup_that_a_wrong_clock_dates_removes_nothing_and_is_not_taken_for_the_newest(
    settings: Settings, tmp_path: Path, wrong: datetime
) -> None:
    """What came after it would look older for a year, and be passed over when it is needed."""
    folder = tmp_path / "data" / "backups"
    async with living(settings) as world:
        for day in range(3):
            await backup(settings, NOON + day * DAY)
        await world.person("ana").says("hello")
        await backup(settings, wrong)
        assert [len(found_in(folder, each)) for each in (KEYS, MAIN)] == [4, 4], "none was removed"
        await world.person("ben").says("hello")
        said = await backup(settings, NOON + 3 * DAY)
    early = [line for line in said if line.startswith("Dated in the future: ")]
    assert bool(early) is (wrong > NOON), "the operator is told, and decides"
    await lose(settings)
    await restore(settings, Wish(), NOON + 3 * DAY)
    async with living(settings, Time(NOON + 3 * DAY), seed=2) as world:
        count = sa.select(sa.func.count()).select_from(Person)
        assert await world.database.run(lambda tx: tx.session.scalar(count)) == 2, "it knows ben too"


async def test_a_clock_that_stays_ahead_is_believed_with_the_backup_after(
    settings: Settings, tmp_path: Path
) -> None:
    """As after a long rest of the bot: key files of the forgotten must not stay for ever."""
    folder = tmp_path / "data" / "backups"
    async with living(settings):
        for day in (0, 1, 400, 401):
            await backup(settings, NOON + day * DAY)
    assert [made_at for made_at, _path in found_in(folder, KEYS)] == [NOON + day * DAY for day in (400, 401)]


async def test_without_a_key_of_its_own_there_is_no_backup(settings: Settings, tmp_path: Path) -> None:
    async with living(settings):
        with pytest.raises(Stopped, match=r"ONECLOAK_BACKUP_KEY is missing\. `onecloak key` prints one"):
            await backup(settings_in(tmp_path, backup_key=None), NOON)
        with pytest.raises(Stopped, match="ONECLOAK_BACKUP_KEY is the master key"):
            await backup(settings_in(tmp_path, backup_key=text_of(MASTER_KEY)), NOON)
        with pytest.raises(SettingsError, match="ONECLOAK_MASTER_KEY is wrong"):
            await backup(settings_in(tmp_path, master_key=text_of(bytes(32))), NOON)
        (tmp_path / "full").write_text("no folder")
        with pytest.raises(Stopped, match=r"can't be written to .*full .*make room there"):
            await backup(settings, NOON, tmp_path / "full")
        assert not (tmp_path / "data" / "backups").exists() or not list(
            (tmp_path / "data" / "backups").iterdir()
        )
    with pytest.raises(Stopped, match="there is no database"):
        await backup(settings_in(tmp_path / "elsewhere"), NOON)


# --- and back ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_all_comes_back_as_it_was_on_either_engine(
    settings: Settings, tmp_path: Path, postgres: str, engine: str
) -> None:
    """Made on SQLite; brought back into an empty place on both, where the bot has not run in between."""
    async with living(settings) as world:
        await a_full_life(world)
        before = await rows_of(world.database)
        await backup(settings, NOON)
    await lose(settings)
    if engine == "postgres":
        settings = settings_in(
            tmp_path, database_url=await create_postgres(postgres, "comes_back"),
            backup_folder=tmp_path / "data" / "backups",
        )  # fmt: skip
    said = await restore(settings, Wish(nothing_since=True), NOON + HOUR)
    assert said[-1] == "The bot can start now."
    async with living(settings, Time(NOON + MINUTE), seed=2) as world:
        after = await rows_of(world.database)
        changed = [name for name in before if before[name] != after[name]]
        assert changed in ([], ["leases"]), "whoever held a lease does not hold it any more"
        number = await world.database.run(lambda tx: tx.session.scalar(sa.select(sa.func.max(Outbox.id))))
        await world.person("ben").says("/my")
        world.person("ben").hears("N-")
        newer = await world.database.run(lambda tx: tx.session.scalar(sa.select(sa.func.max(Outbox.id))))
        assert newer is not None
        assert number is not None
        assert newer > number + 500_000, "no number of a message is given twice"
        if engine == "sqlite":
            assert in_clear(Path(str(world.database.url.database))) == []
    with pytest.raises(Stopped, match="there is a database already"):
        await restore(settings, Wish(), NOON + HOUR)
    said = await restore(settings, Wish(replace=True), NOON + HOUR)
    assert "before" in said[1]
    assert "delete it within 7 days" in said[1]
    async with living(settings, Time(NOON + 2 * HOUR), seed=3) as world:
        assert (await rows_of(world.database))["accounts"] == before["accounts"]


@pytest.mark.parametrize("what_is_left", ["the list beside it", "a newer backup", "the database itself"])
async def test_who_was_forgotten_since_is_forgotten_again_before_anything_starts(
    settings: Settings, tmp_path: Path, what_is_left: str
) -> None:
    async with living(settings) as world:
        await world.person("ben").says("hello")
        zuleika = await world.volunteer("zuleika")
        await backup(settings, NOON)
        await zuleika.says("/forget")
        await zuleika.presses("Yes, delete everything")
        if what_is_left == "a newer backup":
            await backup(settings, NOON + HOUR)
    old = found_in(tmp_path / "data" / "backups", MAIN)[0][1]
    path = settings.data_file(".db")
    if what_is_left == "the database itself":
        settings.data_file(".ledger").unlink()
    else:
        await lose(settings, ledger=what_is_left == "a newer backup")
    said = await restore(settings, Wish(old, replace=path.exists()), MORNING)
    assert any("1 people forgotten again" in line for line in said)
    async with living(settings, Time(MORNING), seed=2) as world:
        count = sa.select(sa.func.count()).select_from(Person.__table__)
        assert await world.database.run(lambda tx: tx.session.scalar(count)) == 1, "only Ben is known"
    assert settings.data_file(".ledger").read_text().count("forgotten") >= 1, "it is known from now on too"


async def test_what_may_have_been_said_is_not_said_again_and_whoever_waits_is_told(
    settings: Settings,
) -> None:
    async with living(settings) as world:
        await world.coordinator("carla")
        ben = await world.volunteer("ben")
        await world.need("ana")
        await ben.presses("I can")
        await world.person("dan").says("/sos the curtains are burning")
        world.clear()

        def on_the_way(tx: Transaction) -> None:
            """An answer, a relayed word, a page: none has left when the backup is made."""
            account = tx.session.scalars(
                sa.select(Account).join(Person).where(Person.member_since.is_not(None))
            ).first()
            assert account is not None
            person = tx.session.get_one(Person, account.person_id)
            alert = tx.session.scalars(sa.select(Alert)).one()
            for text, columns in (
                ("an answer", {"lane": 1}),
                ("a relayed word", {"lane": 0, "source_account_id": account.id}),
                ("a page", {"lane": 0, "alert_id": alert.id}),
            ):
                outbox.add(tx, world.time(), account, person.key_id, {"text": text}, **columns)

        await world.database.run(on_the_way)
        await backup(settings, world.time())
    await lose(settings)
    said = await restore(settings, Wish(), NOON + HOUR)
    assert any("2 messages that were on their way not sent" in line for line in said), said
    async with living(settings, Time(NOON + HOUR), seed=2) as world:
        await world.settle()
        heard = [message.text for friend in world.people.values() for message in friend.inbox]
        assert "an answer" not in heard
        assert "a relayed word" not in heard
        assert heard.count("a page") == 1, "in a crisis twice is better than never"
        for name in ("ana", "dan"):
            assert any("send again what matters" in each.text for each in world.person(name).inbox), name
        assert any("the bot has a fault" in each.text for each in world.person("carla").inbox)


async def test_an_old_matrix_device_never_speaks_again(settings: Settings) -> None:
    from bot.adapters.matrix_keys import ACCOUNT, SESSION
    from bot.adapters.matrix_login import LOGIN
    from bot.adapters.matrix_signing import IDENTITY

    kept = {ACCOUNT: {"pickle": "x"}, f"{SESSION}a/b": {"with": "a"}, IDENTITY: {"master": "y"},
            LOGIN: {"device": "OLD"}}  # fmt: skip

    def device(tx: Transaction) -> None:
        keepsakes.write(tx, NOON, "matrix", kept)
        inbox.accept(tx, NOON, "matrix", [], "s123", KEEP)

    async with living(settings) as world:
        await world.database.run(device)
        await backup(settings, NOON)
    said = await restore(settings, Wish(replace=True, nothing_since=True), NOON + HOUR)
    assert not any("Matrix" in line for line in said)
    async with living(settings, seed=2) as world:
        assert await world.database.run(lambda tx: keepsakes.load(tx, "matrix")) == kept
        changed = {SESSION + "a/b": {"with": "a", "used": "once more"}}
        await world.database.run(lambda tx: keepsakes.write(tx, NOON, "matrix", changed))
    with pytest.raises(Stopped, match="--nothing-since is not true"):
        await restore(settings, Wish(replace=True, nothing_since=True), NOON + 2 * HOUR)
    said = await restore(settings, Wish(replace=True), NOON + 2 * HOUR)
    assert any("set ONECLOAK_MATRIX__PASSWORD for the next start" in line for line in said)
    async with living(settings, seed=3) as world:
        left = await world.database.run(lambda tx: keepsakes.load(tx, "matrix"))
        assert left.keys() == {IDENTITY, LOGIN}, "who it is stays, what it spoke with is gone"
        assert await world.database.run(lambda tx: tx.session.get(Cursor, "matrix")) is None


# --- what is refused --------------------------------------------------------------------------------------


async def test_what_does_not_fit_is_refused_in_a_clear_line_and_nothing_is_changed(
    settings: Settings, tmp_path: Path
) -> None:
    async with living(settings) as world:
        await backup(settings, NOON)
        await world.person("ana").says("hello")
        await backup(settings, NOON + DAY)
    (_first, old_keys), (_second, new_keys) = found_in(tmp_path / "data" / "backups", KEYS)
    (_first, old), (_second, main) = found_in(tmp_path / "data" / "backups", MAIN)
    good = main.read_bytes()
    before = settings.data_file(".db").read_bytes()
    only = Wish(main, new_keys, replace=True)

    async def refused(wish: Wish = only, settings: Settings = settings) -> str:
        with pytest.raises(Stopped) as error:
            await restore(settings, wish, MORNING)
        text = str(error.value)
        assert "\n" not in text
        assert text.endswith(".")
        return text

    for spoilt in (good[: len(good) // 2], good[:-1], good[:100] + bytes([good[100] ^ 1]) + good[101:], b""):
        main.write_bytes(spoilt)
        assert f"{main} can't be used: it is" in await refused()
    main.write_bytes(good)
    assert "another backup key" in await refused(
        settings=settings_in(tmp_path, backup_key=text_of(bytes(32)))
    )
    assert "another master key" in await refused(
        settings=settings_in(tmp_path, master_key=text_of(bytes(32)))
    )
    assert "older than the backup" in await refused(Wish(main, old_keys, replace=True))
    assert "can't be used: it is not such a file" in await refused(Wish(new_keys, new_keys, replace=True))
    assert "there is a database already" in await refused(Wish(main))
    assert "there is no file" in await refused(Wish(), settings_in(tmp_path, backup_folder=tmp_path))
    assert "the master key is missing" in await refused(settings=settings_in(tmp_path, master_key=None))
    assert settings.data_file(".db").read_bytes() == before
    assert "is whole" in (await restore(settings, Wish(main, only_check=True), MORNING))[0]
    assert not list((tmp_path / "data").glob("*restor*"))
    with (tmp_path / "data" / "onecloak.db").open("r+b") as file:  # even a spoilt one is only moved aside
        file.write(b"spoilt")
    said = await restore(settings, Wish(old, replace=True), MORNING)
    assert bytes_of(said[1].split(" is kept in ")[1].split(". ")[0]).startswith(b"spoilt")
    assert examine(old, KEY, MAIN).made_at == NOON


async def test_the_database_of_another_union_is_not_replaced(settings: Settings, tmp_path: Path) -> None:
    async with living(settings):
        await backup(settings, NOON)
    other = settings_in(
        tmp_path / "other", master_key=text_of(bytes(32)), backup_folder=tmp_path / "data" / "backups"
    )
    async with living(other):
        pass
    wish = settings_in(tmp_path / "other", backup_folder=tmp_path / "data" / "backups")
    with pytest.raises(Stopped, match="belongs to another union"):
        await restore(wish, Wish(replace=True), MORNING)
