"""`onecloak doctor`: what is well, and what to do where it isn't."""

from __future__ import annotations

import base64
import itertools
import os
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from bot import doctor_machine
from bot.adapters.matrix_login import LOGIN
from bot.app import utc_now
from bot.backup import backup
from bot.doctor import examine
from bot.doctor_database import durability
from bot.doctor_machine import judged
from bot.doctor_union import unreviewed
from bot.settings import Settings, read_settings
from bot.setup import LOCALES, make_matrix, open_database, open_vault
from handlers.emergency import load_table
from storage import outside
from storage.database import Database, Transaction
from storage.migrate import NEWEST
from tests.bot_api import BotApi
from tests.engines import MASTER_KEY, create_postgres
from tests.synapse import PASSWORD, STRICT, Account, Synapse
from tests.world import console_world

_numbers = itertools.count(1)


def settings_of(folder: Path, homeserver: str = "", user: str = "", **more: object) -> Settings:
    values = {"homeserver": homeserver, "user": user, "password": PASSWORD}
    url = f"sqlite+aiosqlite:///{folder / 'onecloak.db'}"
    return read_settings(None, database_url=url, matrix=values if homeserver else {}, **more)


async def lines(settings: Settings, now: Callable[[], datetime] = utc_now) -> list[str]:
    found = [line async for line in examine(settings, now)]
    assert all(line.startswith(("ok ", "note ", "! ")) for line in found)
    return found


async def about(settings: Settings, topic: str, now: Callable[[], datetime] = utc_now) -> list[str]:
    """What is found of one thing."""
    return [line for line in await lines(settings, now) if line.split(" ", 1)[1].startswith(f"{topic}: ")]


async def opened(settings: Settings) -> Database:
    return await open_database(settings, open_vault(settings)[0], Random(1))


async def run_once(settings: Settings) -> str:
    """The bot has been started once; gives its token."""
    database = await opened(settings)
    matrix = make_matrix(settings, database, utc_now)
    try:
        await matrix.start()
        return str(matrix.keychain.get(LOGIN)["token"])
    finally:
        await matrix.stop()
        await database.close()


async def rooms_of(synapse: Synapse, account: Account) -> list[str]:
    found = await synapse.call("GET", "/_matrix/client/v3/joined_rooms", token=account.token)
    return list(found["joined_rooms"])


async def test_without_an_account_it_says_so(tmp_path: Path) -> None:
    assert "! No account is configured: .env.example shows how." in await lines(settings_of(tmp_path))


async def test_before_the_first_start_there_is_no_login(tmp_path: Path, synapse: Synapse) -> None:
    settings = settings_of(tmp_path, synapse.url, synapse.user_id("doctored"))
    assert await about(settings, "Matrix") == [
        "! Matrix: there is no login yet. Set ONECLOAK_MATRIX__PASSWORD and start the bot once."
    ]


async def test_an_account_that_is_well_and_then_is_logged_out(tmp_path: Path, synapse: Synapse) -> None:
    account = await synapse.register(f"doctored-{next(_numbers)}")
    settings = settings_of(tmp_path, f"{synapse.url}/", account.user_id)
    token = await run_once(settings)
    for _twice in range(2):
        assert await about(settings, "Matrix") == [
            "ok Matrix: the homeserver accepts the bot's login.",
            "ok Matrix: the bot's device is signed by its owner, as apps demand.",
            "ok Matrix: the homeserver let 15 messages through at once, so the bot is not limited.",
        ]
    assert await rooms_of(synapse, account) == []  # the doctor leaves nothing behind
    await synapse.revoke(token)
    [told] = await about(settings, "Matrix")
    assert told.startswith("! Matrix: the homeserver refused it (M_UNKNOWN_TOKEN). ")
    assert told.endswith("Set ONECLOAK_MATRIX__PASSWORD and restart.")


async def test_a_limited_account_is_told_how_to_be_free(tmp_path: Path) -> None:
    async with Synapse(tmp_path / "strict", STRICT) as strict:
        account = await strict.register("doctored")
        settings = settings_of(tmp_path, strict.url, account.user_id)
        await run_once(settings)
        *well, told = await about(settings, "Matrix")
        assert len(well) == 2
        assert all(line.startswith("ok Matrix: ") for line in well)
        assert re.match(r"! Matrix: the homeserver limits the bot: \d+ of 15 messages had to wait\. ", told)
        call = f"POST {strict.url}/_synapse/admin/v1/users/%40doctored%3Acloak.test/override_ratelimit"
        assert call in told
        assert '{"messages_per_second": 0, "burst_count": 0}' in told
        assert await rooms_of(strict, account) == []

        # An administrator does what the doctor says, to the letter.
        path = call.removeprefix(f"POST {strict.url}")
        body = {"messages_per_second": 0, "burst_count": 0}
        await strict.call("POST", path, body, await strict.admin_token())
        assert (await about(settings, "Matrix"))[-1].startswith(
            "ok Matrix: the homeserver let 15 messages through"
        )


async def test_an_unsigned_device_is_named(
    tmp_path: Path, synapse: Synapse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> None: ...

    monkeypatch.setattr("bot.adapters.matrix_signing.Identity.sign_device", lambda *_: None)
    monkeypatch.setattr("bot.adapters.matrix_login.sign_own_device", never)
    account = await synapse.register(f"doctored-{next(_numbers)}")
    settings = settings_of(tmp_path, synapse.url, account.user_id)
    await run_once(settings)
    assert (await about(settings, "Matrix"))[1].startswith("! Matrix: the bot's device is not signed")
    monkeypatch.undo()
    await run_once(settings)  # "Restart the bot; it signs itself."
    assert (await about(settings, "Matrix"))[1].startswith("ok ")


async def test_a_homeserver_that_is_away_is_named(tmp_path: Path, synapse: Synapse) -> None:
    account = await synapse.register(f"doctored-{next(_numbers)}")
    await run_once(settings_of(tmp_path, synapse.url, account.user_id))
    away = settings_of(tmp_path, "http://127.0.0.1:9", account.user_id)
    [told] = await about(away, "Matrix")
    assert told.startswith("! Matrix: the homeserver cannot be reached (")


# --- Telegram -----------------------------------------------------------------------------------------


async def test_the_token_of_telegram_is_tried(tmp_path: Path) -> None:
    async with BotApi() as api:
        right = {"token": api.token, "base_url": api.base_url}
        assert await about(settings_of(tmp_path, telegram=right), "Telegram") == [
            "ok Telegram: the token is accepted.",
            "ok Telegram: no webhook is set, so the bot receives by asking.",
            "ok Telegram: the bot can be added to groups, such as a coordinators' room.",
            "ok Telegram: of groups the bot is given only what is meant for it.",
            "ok Telegram: its limits are kept (30 messages a second, 1 a chat, 20 a minute a group).",
        ]
        wrong = settings_of(tmp_path, telegram=right | {"token": "1000:wrong"})
        [told] = await about(wrong, "Telegram")
        assert told.startswith("! Telegram: ")
        assert "@BotFather" in told
        assert "1000:wrong" not in told
        assert "getUpdates" not in api.calls  # which would take the running bot's place
        assert "deleteWebhook" not in api.calls  # nor is anything changed


async def test_what_hinders_telegram_is_named_with_its_remedy(tmp_path: Path) -> None:
    async with BotApi() as api:
        settings = settings_of(tmp_path, telegram={"token": api.token, "base_url": api.base_url})
        api.webhook = "https://elsewhere.example.org/secret-path"
        api.bot |= {"can_read_all_group_messages": True, "can_join_groups": False}
        for number in range(501):
            api.raw({"update_id": number})
        _token, webhook, waiting, groups, privacy, _limits = await about(settings, "Telegram")
    assert webhook.startswith("! Telegram: a webhook is set")
    assert "secret-path" not in webhook
    assert waiting.startswith("! Telegram: 501 messages wait")
    assert groups.startswith("note ")
    assert "/setjoingroups" in groups
    assert privacy.startswith("note ")
    assert "/setprivacy" in privacy


async def test_a_clock_that_is_wrong_is_compared_with_the_platforms(tmp_path: Path) -> None:
    async with BotApi() as api:
        settings = settings_of(tmp_path, telegram={"token": api.token, "base_url": api.base_url})
        assert await about(settings, "Clock") == ["ok Clock: it agrees with Telegram's."]
        [told] = await about(settings, "Clock", lambda: utc_now() - timedelta(minutes=3))
        assert re.match("! Clock: it is 1(79|80|81) seconds behind Telegram's", told)
        assert "NTP" in told
        away = settings_of(tmp_path, telegram={"token": api.token, "base_url": "http://127.0.0.1:9/bot"})
    [unknown] = await about(away, "Clock")
    assert unknown.startswith("note Clock: it can't be compared")


# --- the database and its key -------------------------------------------------------------------------


async def test_before_the_first_start_nothing_is_made(tmp_path: Path) -> None:
    assert await about(settings_of(tmp_path), "Database") == [
        "note Database: there is none yet; the first start makes it."
    ]
    assert os.listdir(tmp_path) == []


async def test_a_database_that_is_well(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    await (await opened(settings)).close()
    assert await about(settings, "Database") == [
        "ok Database: it answers.",
        f"ok Database: its schema ({NEWEST}) is this version's.",
        "ok Database: its file is sound.",
    ]
    [key] = await about(settings, "Key")
    assert key.startswith("ok Key: ")


@pytest.mark.parametrize(("schema", "told"), [("0001", "upgrades it"), ("9999", "start the newer One Cloak")])
async def test_another_schema_is_named_and_left_as_it_is(tmp_path: Path, schema: str, told: str) -> None:
    settings = settings_of(tmp_path)
    database = await opened(settings)
    change = sa.text("UPDATE alembic_version SET version_num = :schema").bindparams(schema=schema)
    await database.run(lambda tx: tx.session.execute(change).close())
    await database.close()
    for _twice in range(2):
        _answers, found = await about(settings, "Database")
        assert found.startswith(f"! Database: its schema is {schema}")
        assert told in found


async def test_a_backup_that_is_missing_or_too_old_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cron made one in the night of the first day, and has failed since."""
    monkeypatch.chdir(tmp_path)
    settings = settings_of(tmp_path, backup_key=base64.b64encode(bytes(range(32))).decode())
    await (await opened(settings)).close()
    (told,) = await about(settings, "Backup")
    assert told.startswith("! Backup: none was made yet. Put `onecloak backup` into cron or a timer")
    night = utc_now()
    await backup(settings, night)
    (told,) = await about(settings, "Backup", lambda: night + timedelta(hours=40))
    assert told == f"ok Backup: the last good one is of {night:%Y-%m-%d %H:%M} UTC."
    (told,) = await about(settings, "Backup", lambda: night - timedelta(days=400))
    assert told.startswith("! Backup: the last good one is of "), told
    assert "still to come: the clock was wrong then or is now" in told
    (told,) = await about(settings, "Backup", lambda: night + timedelta(hours=49))
    assert told.startswith(
        f"! Backup: the last good one is of {night:%Y-%m-%d %H:%M} UTC, older than 2 days."
    )


async def test_a_key_that_is_lost_or_another_is_named(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    await (await opened(settings)).close()
    other = settings_of(tmp_path, master_key=base64.b64encode(bytes(32)).decode())
    [told] = await about(other, "Key")
    assert told.startswith("! Key: ONECLOAK_MASTER_KEY is not the one")
    (tmp_path / "onecloak.key").unlink()
    [told] = await about(settings, "Key")
    assert "put your copy of it back" in told
    assert not (tmp_path / "onecloak.key").exists()  # a new one would open nothing


async def test_a_postgres_tells_of_its_clock_and_its_durability(postgres: str) -> None:
    url = await create_postgres(postgres, f"doctored_{next(_numbers)}")
    key = base64.b64encode(MASTER_KEY).decode()
    settings = read_settings(None, database_url=url, master_key=key)
    assert (await about(settings, "Database"))[-1].startswith("! Database: it is empty.")
    await (await opened(settings)).close()
    assert (await about(settings, "Clock"))[0] == "ok Clock: it agrees with the database's."
    assert [line.split(" ")[0] for line in await about(settings, "Disk") if "durable" in line] == ["ok"]
    found = await about(settings, "Database")
    assert found[:2] == ["ok Database: it answers.", f"ok Database: its schema ({NEWEST}) is this version's."]
    assert "is on its disk" in found[2] or "fsync off" in found[2]
    assert not any("encoding" in line for line in found)
    wrong = read_settings(None, database_url=url.replace("doctored", "nowhere"), master_key=key)
    [told] = await about(wrong, "Database")
    assert told.startswith("! Database: ONECLOAK_DATABASE_URL leads to no database that can be used")


def test_a_postgres_that_loses_what_it_confirms_or_lacks_letters_is_named() -> None:
    sound = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "max_connections": "100",
             "server_encoding": "UTF8"}  # fmt: skip
    assert list(durability(sound)) == ["ok Database: what is committed is on its disk."]
    lost, few, latin = durability(
        {**sound, "fsync": "off", "max_connections": "10", "server_encoding": "LATIN1"}
    )
    assert lost.startswith("! Database: fsync off")
    assert few.startswith("! Database: it allows only 10 connections")
    assert latin.startswith("! Database: its encoding is LATIN1")


# --- the machine --------------------------------------------------------------------------------------


async def test_files_that_others_may_read_or_change_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = settings_of(tmp_path)
    await (await opened(settings)).close()
    (tmp_path / ".env").write_text("")
    database, key, env = tmp_path / "onecloak.db", tmp_path / "onecloak.key", Path(".env")
    for path, mode in ((env, 0o600), (database, 0o644), (key, 0o600), (tmp_path, 0o700)):
        path.chmod(mode)
    assert all(line.startswith("ok ") for line in await about(settings, "Rights"))
    for path, mode, told in (
        (env, 0o644, "can read .env: chmod 600"), (key, 0o640, f"can read {key}: chmod 600"),
        (database, 0o666, f"can change {database}"), (tmp_path, 0o777, f"what is in {tmp_path}: chmod 700"),
    ):  # fmt: skip
        before = path.stat().st_mode
        path.chmod(mode)
        [bad] = [line for line in await about(settings, "Rights") if line.startswith("! ")]
        assert told in bad
        path.chmod(before)


def test_space_speed_limits_and_listener_are_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged(0.004) == "ok Disk: a durable write takes 4.0 milliseconds."
    assert judged(0.2).startswith("! Disk: a durable write takes 200.0 milliseconds")

    def found(**more: Any) -> list[str]:
        return list(doctor_machine.examine(settings_of(tmp_path, **more)))

    for free, told in ((10**8, "! Disk: only 0.1"), (10**9, "note Disk: 1.0"), (10**10, "ok Disk: 10.0")):
        monkeypatch.setattr("shutil.disk_usage", lambda _folder, free=free: SimpleNamespace(free=free))
        assert any(line.startswith(told) for line in found())
    monkeypatch.setattr("resource.getrlimit", lambda _which: (256, 4_096))
    assert any(line.startswith("! Limits: only 256 files") for line in found())
    assert not any("Listener" in line for line in found(listen="9464"))
    assert any(line.startswith("note Listener: ") for line in found(listen="0.0.0.0:9464"))


# --- the union ----------------------------------------------------------------------------------------


async def test_the_number_to_call_is_known_or_asked_for(tmp_path: Path) -> None:
    async def told(**more: Any) -> str:
        [line] = await about(settings_of(tmp_path, **more), "Emergency number")
        return line

    assert "ONECLOAK_COUNTRY is not set" in await told()
    assert await told(country="ES") == "ok Emergency number: 112."
    assert await told(country="ES", emergency_number="061") == "ok Emergency number: 061."
    unsure = next(row.country for row in load_table().values() if not row.sure and row.general)
    assert (await told(country=unsure)).startswith("note Emergency number: ")


async def test_words_that_no_native_speaker_has_read_are_named(tmp_path: Path) -> None:
    own = tmp_path / "own"
    (own / "en").mkdir(parents=True)
    [told] = await about(settings_of(tmp_path), "Words")
    assert told.startswith("note Words: no native speaker has read the crisis phrases of en.")
    (own / "en" / "crisis.toml").write_text("# Reviewed by a native speaker: yes\n", encoding="utf-8")
    readable, told = await about(settings_of(tmp_path, locales_folder=own), "Words")
    assert readable.startswith("ok Words: the union's own")
    assert told.startswith("ok Words: native speakers have read")
    assert unreviewed({"en", "es"}, [LOCALES, own]) == ["es"]


async def test_coordinators_and_the_languages_of_the_people_are_looked_at(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    database = await opened(settings)
    async with console_world(database) as world:
        await world.coordinator("carla")
        assert (await about(settings, "Coordinators"))[0].startswith("! Coordinators: 1 can be reached, 2 or")
        await (await world.coordinator("dora")).says("/language es")
        assert await about(settings, "Coordinators") == ["ok Coordinators: 2 can be reached."]
        assert "crisis phrases of en, es." in (await about(settings, "Words"))[-1]
    await database.close()


async def test_the_second_way_out_is_there_and_was_tried(tmp_path: Path) -> None:
    way = "Second way out"
    assert (await about(settings_of(tmp_path), way))[0].startswith("note Second way out: there is none")
    broken, untried = await about(settings_of(tmp_path, outside_command="nowhere-to-be-found --now"), way)
    assert broken.startswith("! Second way out: the program of ONECLOAK_OUTSIDE_COMMAND is not there")
    assert untried.startswith("note Second way out: the command was not tried lately")
    settings = settings_of(tmp_path, outside_command="true")
    database = await opened(settings)

    def tried(tx: Transaction) -> None:
        outside.finish(utc_now(), outside.add(tx, utc_now(), "command"), "done")

    await database.run(tried)
    await database.close()
    assert await about(settings, way) == ["ok Second way out: the command was tried and works."]


async def test_the_address_of_the_sign_of_life_is_knocked_at_but_not_visited(tmp_path: Path) -> None:
    sign = "Sign of life"
    assert (await about(settings_of(tmp_path), sign))[0].startswith("note Sign of life: ONECLOAK_ALIVE_URL")
    [away] = await about(settings_of(tmp_path, alive_url="http://127.0.0.1:9/x"), sign)
    assert away.startswith("! Sign of life: nobody answers")
    async with BotApi() as api:
        there = settings_of(tmp_path, alive_url=f"{api.base_url}x/getMe")
        assert await about(there, sign) == ["ok Sign of life: somebody listens at its address."]
        assert api.calls == []
