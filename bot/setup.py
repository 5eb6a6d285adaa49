"""From settings to the parts of the process: core, vault, database, adapters."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from bot.adapters import Adapter
from bot.own_skills import read_own_skills
from bot.settings import PREFIX, Settings, SettingsError
from handlers.contents import COMMANDS
from handlers.context import Core
from handlers.emergency import load_table
from handlers.lexicon import Lexicons
from handlers.skills import Vocabulary
from handlers.texts import Catalogs
from storage import counters, outages, returning
from storage.database import Database
from storage.ledger import Entries, Ledger
from storage.migrate import NewerSchema, NotUnicode, migrate
from storage.sealing import Vault, WrongMasterKey, decode_master_key, read_or_create_master_key
from storage.sqlite_file import check_file, sqlite_path

if TYPE_CHECKING:
    from bot.adapters.matrix import Matrix
    from bot.outside import Way

AVATAR = Path(__file__).parent / "adapters" / "avatar.png"
LEDGER = ".ledger"  # the ending of its name, beside the database
LOCALES = Path(__file__).parent.parent / "locales"


def load_core(settings: Settings, *, listens: bool = True) -> Core:
    """What turns share; raises SettingsError.

    listens: whether plain words are to be understood. To read the lexicons takes a second.
    """
    own = read_own_skills(settings.skills_file) if settings.skills_file else Vocabulary()
    try:
        catalogs = Catalogs.load(LOCALES, settings.language, settings.locales_folder)
        if settings.language not in catalogs.languages:
            known = ", ".join(catalogs.languages)
            raise SettingsError(f"{PREFIX}LANGUAGE is wrong: there are catalogs for {known}.")
        lexicons = Lexicons.load(LOCALES, own.synonyms, settings.locales_folder) if listens else Lexicons({})
    except ValueError as error:  # only of the union's own files: ours are tested
        raise SettingsError(f"{PREFIX}LOCALES_FOLDER has a file that can't be used: {error}") from None
    return Core(settings.union(), catalogs.with_names(own.names), lexicons, load_table(), own)


def open_vault(settings: Settings) -> tuple[Vault, str]:
    """The vault with its master key, and a word for the operator if the key was made just now."""
    if settings.master_key is not None:
        return Vault(decode_master_key(settings.master_key.get_secret_value())), ""
    path = sqlite_path(settings.database_url)
    if path is None:
        raise SettingsError(
            f"{PREFIX}MASTER_KEY is missing: PostgreSQL needs one. `onecloak key` prints one; keep a copy."
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(unusable(error)) from None
    key_file = path.with_suffix(".key")
    try:
        master, made = read_or_create_master_key(key_file)
    except ValueError:
        raise SettingsError(
            f"{PREFIX}MASTER_KEY is not set and the key file {key_file} is damaged, or no file: restore it."
        ) from None
    return Vault(
        master
    ), f"A master key was made in {key_file}. Keep a copy: without it all is lost." if made else ""


def read_ledger(ledger: Ledger) -> Entries:
    """What the list of the forgotten says; raises SettingsError, for without it nobody may start."""
    try:
        return ledger.read()
    except OSError as error:
        raise SettingsError(
            f"the list of the forgotten, {ledger.path}, can't be read ({error.strerror}): "
            "let the bot's user read and write it."
        ) from None


async def open_database(
    settings: Settings, vault: Vault, random: Random, now: datetime | None = None
) -> Database:
    """Open and upgrade the database; raises SettingsError with what the operator can do.

    If an older copy was put back, whoever was forgotten since is forgotten again before anything starts.
    """
    ledger = Ledger(settings.data_file(LEDGER), vault.index)
    database = Database(settings.database_url, vault, random, ledger)
    path = sqlite_path(settings.database_url)
    try:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            check_file(path)
        listed = read_ledger(ledger)
        await migrate(database.engine)
        await database.empty_log()
        await database.check_master_key()
        await database.run(lambda tx: counters.catch_up(tx.session.connection()))
        moment = now or datetime.now(UTC)
        await database.run(lambda tx: returning.replay(tx, moment, listed))
        known = await database.run(lambda tx: returning.lasting(tx, moment))
        ledger.add(ledger.entries(known).without(listed))
    except WrongMasterKey:
        await database.close()
        raise SettingsError(
            f"{PREFIX}MASTER_KEY is wrong: the database was sealed with another one. Set that one."
        ) from None
    except NewerSchema as error:
        await database.close()
        raise SettingsError(f"{PREFIX}DATABASE_URL leads to a newer database. {error}") from None
    except NotUnicode as error:
        await database.close()
        raise SettingsError(
            f"{PREFIX}DATABASE_URL leads to a database that lacks most letters, for {error}: "
            "make one with ENCODING 'UTF8' (TEMPLATE template0)."
        ) from None
    except faults(database) as error:
        await database.close()
        stays = outages.is_damaged(error) or outages.is_refused(error)
        passes = outages.remedy(error) and not stays
        raise (NotNow if passes else SettingsError)(unusable(error)) from None
    return database


class NotNow(SettingsError):
    """The database can't be used at this moment; as soon as its trouble is mended, it can."""


def faults(database: Database) -> tuple[type[Exception], ...]:
    """What opening can raise; PostgreSQL's driver, which has errors of its own, is loaded only where used."""
    if database.is_sqlite:
        return OSError, SQLAlchemyError, sqlite3.Error
    from asyncpg import PostgresError

    return OSError, SQLAlchemyError, PostgresError


def unusable(error: Exception) -> str:
    """One sentence for the operator about a database that cannot be opened."""
    if (words := outages.remedy(error)) and not outages.is_refused(error):
        return f"the database can't be used: {words}."
    if outages.is_no_database(error):
        return (
            f"{PREFIX}DATABASE_URL leads to a file that is no database, or whose head is damaged: name the "
            "right one, or bring the newest backup back with `onecloak restore --replace`."
        )
    return (
        f"{PREFIX}DATABASE_URL leads to no database that can be used ({type(error).__name__}): check that "
        "the file or the server is there, and that its name, user and password are right."
    )


def menu_commands(core: Core) -> dict[str, Sequence[tuple[str, str]]]:
    """The platform's command menu in each language; "" is for everyone else."""
    summaries = [(name, command.summary) for name, command in COMMANDS.items() if command.summary]
    menus: dict[str, Sequence[tuple[str, str]]] = {
        language: [(name, core.catalogs.render(summary, language)) for name, summary in summaries]
        for language in core.catalogs.languages
    }
    return {"": menus[core.union.language], **menus}


def make_adapters(
    settings: Settings, core: Core, database: Database, now: Callable[[], datetime]
) -> list[Adapter]:
    """The adapters of all configured accounts; each is imported only here, when it is used."""
    adapters: list[Adapter] = []
    if settings.telegram.token is not None:
        from bot.adapters.telegram import Telegram
        from bot.doorkeeper import Doorkeeper

        hook = None
        if settings.telegram.webhook_url:
            from bot.adapters.telegram_webhook import Hook

            secret = settings.telegram.webhook_secret.get_secret_value()
            if not secret:
                raise SettingsError(f"{PREFIX}TELEGRAM__WEBHOOK_SECRET is missing: the webhook needs one.")
            host, _, port = settings.telegram.webhook_listen.rpartition(":")
            hook = Hook(settings.telegram.webhook_url, host.strip("[]"), int(port), secret)

        adapters.append(
            Telegram(
                settings.telegram.token.get_secret_value(),
                settings.telegram.base_url,
                commands=menu_commands(core),
                doorkeeper=Doorkeeper(database, Telegram.platform, now),
                hook=hook,
            )
        )
    if settings.matrix.homeserver:
        adapters.append(make_matrix(settings, database, now))
    return adapters


def make_ways(settings: Settings) -> dict[str, Way]:
    """How somebody is told outside the chats, by name; what they need is loaded only where there is one."""
    ways: dict[str, Way] = {}
    if not settings.outside_ways():
        return ways
    from bot.ways import Command, Webhook, hush

    hush()
    if settings.outside_command:
        ways["command"] = Command(settings.outside_command)
    if settings.outside_webhook.get_secret_value():
        ways["webhook"] = Webhook(settings.outside_webhook.get_secret_value())
    return ways


def make_matrix(settings: Settings, database: Database, now: Callable[[], datetime]) -> Matrix:
    """The Matrix account; raises SettingsError where a setting of it is missing."""
    if not settings.matrix.user:
        raise SettingsError(f"{PREFIX}MATRIX__USER is missing: the bot's id, such as @onecloak:example.org.")
    from bot.adapters.matrix import Matrix
    from bot.adapters.matrix_login import Credentials
    from bot.adapters.matrix_manners import Profile
    from bot.doorkeeper import Doorkeeper
    from bot.keychain import Keychain

    return Matrix(
        settings.matrix.homeserver,
        Credentials(settings.matrix.user, settings.matrix.password.get_secret_value()),
        Keychain(database, Matrix.platform, now),
        Doorkeeper(database, Matrix.platform, now),
        now,
        Profile(settings.name, AVATAR.read_bytes()),
        commands=tuple(COMMANDS),
    )
