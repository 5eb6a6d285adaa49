"""Settings: all are documented, a wrong one is one clear sentence, and none gives a secret away."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import subprocess
import sys
from pathlib import Path
from random import Random

import asyncpg
import pytest
from pydantic import BaseModel

from bot.app import utc_now
from bot.running import run
from bot.settings import PREFIX, Settings, SettingsError, read_settings
from bot.setup import load_core, make_adapters, make_ways, open_database, open_vault
from bot.ways import Command, Webhook
from storage.database import Database
from storage.sealing import Vault
from tests.engines import MASTER_KEY, create_postgres
from tests.world import make_core

ROOT = Path(__file__).parent.parent
EXAMPLE = (ROOT / ".env.example").read_text()
KEY = base64.b64encode(MASTER_KEY).decode()
OTHER_KEY = base64.b64encode(bytes(32)).decode()
SECRETS = {"PASSWORD": "p4ssw0rd-of-ana", "TOKEN": "123456:t0ken-of-the-union", "KEY": KEY}


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the operator's environment nor their .env reaches a test."""
    for name in list(os.environ):
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def names(model: type[BaseModel], prefix: str = PREFIX) -> list[str]:
    """Every variable that the settings know, those of groups included."""
    found = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found += names(inner, f"{prefix}{name.upper()}__")
        else:
            found.append(f"{prefix}{name.upper()}")
    return found


def from_file(path: Path, text: str) -> Settings:
    path.write_text(text)
    return read_settings(path)


def sentence(error: pytest.ExceptionInfo[SettingsError]) -> str:
    """The text of an error, which must be one line and one or two sentences."""
    text = str(error.value)
    assert "\n" not in text
    assert text.endswith(".")
    assert len(text) < 250
    assert not any(secret in text for secret in SECRETS.values())
    return text


# --- .env.example -----------------------------------------------------------------------------------


def test_every_setting_is_documented_and_nothing_else() -> None:
    assert re.findall(r"^# (ONECLOAK_\w+)=", EXAMPLE, re.MULTILINE) == names(Settings)


def test_every_setting_is_commented_out_and_explained() -> None:
    """A line of explanation stands right above each; a copied example changes nothing."""
    blocks = [block.split("\n") for block in EXAMPLE.strip().split("\n\n")]
    assert all(line.startswith("# ") for block in blocks for line in block)
    for *explanation, setting in blocks[1:]:
        assert len(explanation) == 1, setting
        assert explanation[0].endswith((".", "name")), setting
        assert "=" in setting


def test_the_example_loads_and_shows_what_holds_without_it(tmp_path: Path) -> None:
    uncommented = re.sub(r"^# (?=ONECLOAK_\w+=)", "", EXAMPLE, flags=re.MULTILINE)
    assert uncommented.count("\nONECLOAK_") == len(names(Settings))
    assert from_file(tmp_path / "a", uncommented) == read_settings(None)
    assert from_file(tmp_path / "b", EXAMPLE) == read_settings(None)


# --- wrong values ----------------------------------------------------------------------------------

WRONG = {
    "DATABASE_URL": ["nonsense", "mysql://h/db", "sqlite:///x.db", "sqlite+aiosqlite://",
                     "sqlite+aiosqlite:///:memory:",
                     f"postgresql+asyncpg://ana:x@{SECRETS['PASSWORD']}:{SECRETS['PASSWORD']}/db"],
    "MASTER_KEY": ["short", KEY[:-4], SECRETS["TOKEN"]],
    "COUNTRY": ["Spain", "E", "12"], "COUNTRIES": ["Spain", "ES FR"],
    "CENTRE": ["here", "41", "91,2", "41,181", "41,2,3"], "AREA_KILOMETRES": ["0", "5001"],
    "TIME_ZONE": ["Madrid", "CEST/summer"], "SILENCE_PERCENT": ["0", "91"],
    "DRILL_EVERY_DAYS": ["-1", "366"], "ALIVE_URL": ["example.org", "ftp://example.org"],
    "ALERTS_CARRIED": ["0", "21"], "OUTSIDE_COMMAND": ['call "it'],
    "OUTSIDE_WEBHOOK": ["sms.example.org", "ftp://example.org"],
    "MOST_ASKED": ["0", "101", "five"],
    "WAVE_MINUTES": ["0", "10081", "1.5"],
    "URGENT_WAVE_MINUTES": ["0", "x"],
    "KEEP_EVENTS_HOURS": ["0", "721"],
    "KEEP_ATTACHMENTS_DAYS": ["0", "91"],
    "LARGEST_ATTACHMENT_MEGABYTES": ["0", "21"],
    "BACKUP_KEY": ["short", KEY[:-4]], "KEEP_BACKUP_KEYS_DAYS": ["0", "91"],
    "KEEP_BACKUPS_DAYS": ["0", "3651"],
    "LOCALES_FOLDER": ["nowhere/at/all"], "LOG_LEVEL": ["LOUD"], "LOG_FORMAT": ["xml"],
    "LISTEN": ["everywhere", "0", "70000", ":9464", "127.0.0.1:"], "NAME": ["x" * 61],
    "TELEGRAM": ["x", "[]"], "MATRIX": ["x", "[]"],
    "TELEGRAM__BASE_URL": ["api.example.org", "ftp://example.org"],
    "TELEGRAM__WEBHOOK_URL": ["cloak.example.org", "ftp://example.org"],
    "TELEGRAM__WEBHOOK_LISTEN": ["8080", "localhost", "localhost:http", ":8080", "127.0.0.1:0", "h:65536"],
    "TELEGRAM__WEBHOOK_SECRET": ["too short", "with a space in the middle", "ä" * 20, "x" * 257],
    "MATRIX__HOMESERVER": ["matrix.example.org", "ftp://example.org"],
    "MATRIX__USER": ["onecloak", "@onecloak", "onecloak:example.org", "@one cloak:example.org", "@:x"],
    "CONSOLE": ["100"], "CONSOLE__WIDTH": ["19", "wide"],
}  # fmt: skip
ANY_TEXT = {
    "LANGUAGE",
    "SKILLS_FILE",
    "BACKUP_FOLDER",
    "EMERGENCY_NUMBER",
    "TELEGRAM__TOKEN",
    "MATRIX__PASSWORD",
}  # judged elsewhere


def test_there_is_a_wrong_value_for_every_setting() -> None:
    assert {f"{PREFIX}{name}" for name in WRONG.keys() | ANY_TEXT} >= set(names(Settings))


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, each in WRONG.items() for value in each])
def test_a_wrong_value_is_one_sentence_that_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    with pytest.raises(SettingsError) as from_a_file:
        from_file(tmp_path / "env", f"{PREFIX}{name}={value}\n")
    assert sentence(from_a_file).startswith(f"{PREFIX}{name} is wrong: ")
    monkeypatch.setenv(f"{PREFIX}{name}", value)
    with pytest.raises(SettingsError) as from_the_environment:
        read_settings(None)
    assert sentence(from_the_environment) == sentence(from_a_file)


@pytest.mark.parametrize(
    "name", [f"{PREFIX}WAVESIZE", f"{PREFIX}MATRIX__PASWORD", f"{PREFIX}DATABASE", "TOKEN"]
)
def test_a_misspelt_variable_is_not_passed_over(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError) as error:
        from_file(tmp_path / "env", f"{name}=3\n")
    assert sentence(error) == f"{name} is not a setting of One Cloak; .env.example lists them all."


def test_a_language_without_a_catalog_is_refused() -> None:
    with pytest.raises(SettingsError) as error:
        load_core(read_settings(None, language="xx"))
    assert sentence(error) == "ONECLOAK_LANGUAGE is wrong: there are catalogs for en, es."


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "env"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError) as error:
        read_settings(path)
    assert sentence(error) == f"{path} cannot be read: save it as UTF-8."


def test_what_is_set_is_used_and_empty_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ONECLOAK_MOST_ASKED", "3")
    monkeypatch.setenv("ONECLOAK_COUNTRY", "es")
    lines = ("MOST_ASKED=4", "WAVE_MINUTES=", "CONSOLE__WIDTH=60", "LOG_LEVEL=debug", "NAME=Neighbours",
             "MATRIX__HOMESERVER=https://example.org", "MATRIX__USER=@bot:example.org:8448")  # fmt: skip
    found = from_file(tmp_path / "env", "".join(f"{PREFIX}{line}\n" for line in lines))
    assert (found.most_asked, found.wave_minutes, found.console.width) == (3, 15, 60)
    assert (found.country, found.log_level, found.name) == ("ES", "DEBUG", "Neighbours")
    assert (found.matrix.homeserver, found.matrix.user) == ("https://example.org", "@bot:example.org:8448")
    union = found.union()
    assert (union.country, union.most_asked, union.wave_wait.total_seconds()) == ("ES", 3, 900)
    assert union.largest_attachment == 10_000_000


def test_no_secret_is_shown_by_settings(tmp_path: Path) -> None:
    url = f"postgresql+asyncpg://ana:{SECRETS['PASSWORD']}@example.org/db"
    password = f"MATRIX__PASSWORD={SECRETS['PASSWORD']}"
    lines = (f"DATABASE_URL={url}", f"MASTER_KEY={KEY}", f"TELEGRAM__TOKEN={SECRETS['TOKEN']}", password)
    found = from_file(tmp_path / "env", "".join(f"{PREFIX}{line}\n" for line in lines))
    assert found.database_url == url
    assert found.telegram.token is not None
    assert found.matrix.password.get_secret_value() == SECRETS["PASSWORD"]
    for shown in (repr(found), str(found), f"{found.telegram}", f"{found.matrix}", repr(found.master_key)):
        assert not any(secret in shown for secret in SECRETS.values())


# --- keys and databases ------------------------------------------------------------------------------


def sqlite_settings(folder: Path, **values: str) -> Settings:
    return read_settings(
        None, database_url=f"sqlite+aiosqlite:///{folder / 'union' / 'onecloak.db'}", **values
    )


def _is_named_as_damaged(settings: Settings) -> None:
    with pytest.raises(SettingsError) as error:
        open_vault(settings)
    assert sentence(error).startswith("ONECLOAK_MASTER_KEY is not set and the key file ")


def test_the_key_file_is_made_and_used_again_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    settings = sqlite_settings(tmp_path)
    first, word = open_vault(settings)
    key_file = tmp_path / "union" / "onecloak.key"
    assert str(key_file) in word
    second, nothing = open_vault(settings)
    assert (second.fingerprint, nothing) == (first.fingerprint, "")
    key_file.write_text(key_file.read_text()[:10])
    _is_named_as_damaged(settings)
    key_file.unlink()
    os.mkfifo(key_file)  # on which nobody writes: it would be waited for without an end
    _is_named_as_damaged(settings)
    assert (
        open_vault(sqlite_settings(tmp_path, master_key=KEY))[0].fingerprint == Vault(MASTER_KEY).fingerprint
    )


def test_postgres_needs_a_master_key() -> None:
    with pytest.raises(SettingsError) as error:
        open_vault(read_settings(None, database_url="postgresql+asyncpg://example.org/db"))
    assert sentence(error).startswith("ONECLOAK_MASTER_KEY is missing: PostgreSQL needs one.")


async def opened(settings: Settings) -> Database:
    return await open_database(settings, open_vault(settings)[0], Random(1))


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_another_master_key_is_refused(tmp_path: Path, postgres: str, engine: str) -> None:
    async def story() -> None:
        url = f"sqlite+aiosqlite:///{tmp_path / 'onecloak.db'}"
        if engine == "postgres":
            url = await create_postgres(postgres, "another_master_key")
        await (await opened(read_settings(None, database_url=url, master_key=KEY))).close()
        with pytest.raises(SettingsError) as error:
            await opened(read_settings(None, database_url=url, master_key=OTHER_KEY))
        assert sentence(error).startswith(
            "ONECLOAK_MASTER_KEY is wrong: the database was sealed with another"
        )

    asyncio.run(story())


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    async def story() -> None:
        database = await opened(sqlite_settings(tmp_path))
        async with database.engine.begin() as connection:
            await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        await database.close()
        with pytest.raises(SettingsError) as error:
            await opened(sqlite_settings(tmp_path))
        assert sentence(error).startswith("ONECLOAK_DATABASE_URL leads to a newer database. The database has")

    asyncio.run(story())


async def test_a_database_that_lacks_letters_is_not_begun(postgres: str) -> None:
    """A Latin one: who writes in another script could not be answered."""
    plain = postgres.replace("+asyncpg", "").replace("/NAME", "/postgres")
    operator = await asyncpg.connect(plain)
    await operator.execute(
        "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    )
    await operator.close()
    settings = read_settings(None, database_url=postgres.replace("/NAME", "/latin"), master_key=KEY)
    with pytest.raises(SettingsError) as error:
        await opened(settings)
    assert sentence(error) == (
        "ONECLOAK_DATABASE_URL leads to a database that lacks most letters, for its encoding is LATIN1: "
        "make one with ENCODING 'UTF8' (TEMPLATE template0)."
    )


def test_a_homeserver_needs_an_account() -> None:
    settings = read_settings(None, matrix={"homeserver": "https://example.org"})
    unopened = Database(settings.database_url, Vault(MASTER_KEY), Random(1))
    with pytest.raises(SettingsError) as error:
        make_adapters(settings, make_core(settings.union()), unopened, utc_now)
    assert sentence(error).startswith("ONECLOAK_MATRIX__USER is missing: the bot's id, such as @")


def test_a_webhook_needs_a_secret() -> None:
    settings = read_settings(None, telegram={"token": "1:a", "webhook_url": "https://example.org/telegram"})
    unopened = Database(settings.database_url, Vault(MASTER_KEY), Random(1))
    with pytest.raises(SettingsError) as error:
        make_adapters(settings, make_core(settings.union()), unopened, utc_now)
    assert sentence(error).startswith("ONECLOAK_TELEGRAM__WEBHOOK_SECRET is missing")


@pytest.mark.parametrize("role", ["worker", "gateway"])
def test_one_file_has_one_process_with_all_roles(tmp_path: Path, role: str) -> None:
    with pytest.raises(SettingsError) as error:
        asyncio.run(run(sqlite_settings(tmp_path), asyncio.Event(), tmp_path / "alive", role))
    assert sentence(error).startswith("only one process may use a SQLite file: leave --role")


def test_a_gateway_needs_an_account(postgres: str) -> None:
    async def story() -> None:
        settings = read_settings(
            None, database_url=await create_postgres(postgres, "no_account"), master_key=KEY
        )
        with pytest.raises(SettingsError) as error:
            await run(settings, asyncio.Event(), Path("unused"), "gateway")
        assert sentence(error).startswith("there is no account for a gateway: set ONECLOAK_TELEGRAM__TOKEN")

    asyncio.run(story())


UNANSWERED = {
    "a closed port": "postgresql+asyncpg://ana:p4ssw0rd-of-ana@127.0.0.1:1/db",
    "no socket": "postgresql+asyncpg://ana:p4ssw0rd-of-ana@/db?host={tmp_path}",
    "no such database": "{postgres}",
    "a folder": "sqlite+aiosqlite:///{tmp_path}",
    "a file that is something else": "sqlite+aiosqlite:///{tmp_path}/something.else",
    "under a file": "sqlite+aiosqlite:///{tmp_path}/something.else/onecloak.db",
}


@pytest.mark.parametrize("where", UNANSWERED)
def test_a_database_that_does_not_answer_is_one_sentence(tmp_path: Path, postgres: str, where: str) -> None:
    (tmp_path / "something.else").write_text("no database, but long enough to be taken for one. " * 100)
    nowhere = postgres.replace("/NAME", "/nowhere")
    url = UNANSWERED[where].format(tmp_path=tmp_path, postgres=nowhere)
    with pytest.raises(SettingsError) as error:
        asyncio.run(opened(read_settings(None, database_url=url, master_key=KEY)))
    assert sentence(error).startswith("ONECLOAK_DATABASE_URL leads to ")


# --- the command -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("MOST_ASKED", "0", "ONECLOAK_MOST_ASKED is wrong: input should be greater than or equal to 1."),
        ("LANGUAGE", "xx", "ONECLOAK_LANGUAGE is wrong: there are catalogs for en, es."),
        (
            "DATABASE_URL",
            "postgresql+asyncpg://h/db",
            "ONECLOAK_MASTER_KEY is missing: PostgreSQL needs one.",
        ),
        ("TELEGRAM__TOKN", "x", "ONECLOAK_TELEGRAM__TOKN is not a setting of One Cloak;"),
    ],
)
def test_the_command_says_it_in_one_line_and_fails(tmp_path: Path, name: str, value: str, told: str) -> None:
    (tmp_path / ".env").write_text(f"{PREFIX}{name}={value}\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-m", "bot", "run"], cwd=tmp_path, env=environment, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode != 0
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"One Cloak cannot go on: {told}")
    assert ended.stderr.count("\n") == 1


def test_the_ways_out_of_the_chats_are_those_that_are_set(tmp_path: Path) -> None:
    assert make_ways(read_settings(None)) == {}
    lines = (
        f"{PREFIX}OUTSIDE_COMMAND=/usr/bin/call '+34 123' \n",
        f"{PREFIX}OUTSIDE_WEBHOOK=https://x.org/a?key=b\n",
    )
    found = from_file(tmp_path / "env", "".join(lines))
    assert found.union().outside_ways == ("command", "webhook")
    assert make_ways(found) == {
        "command": Command("/usr/bin/call '+34 123'"), "webhook": Webhook("https://x.org/a?key=b")
    }  # fmt: skip
    assert "key=b" not in repr(found)
    assert "+34" not in repr(found)
