"""`onecloak doctor`: looks at everything the bot depends on, and says what is well and what to do.

It changes nothing: no schema is upgraded, no key made, no login used up, and a running bot goes on beside it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime

from bot import doctor_database, doctor_machine, doctor_union
from bot.adapters import GatewayFault
from bot.app import utc_now
from bot.settings import Settings, SettingsError
from bot.setup import LOCALES, load_core
from storage.database import Database

Now = Callable[[], datetime]


async def examine(settings: Settings, now: Now = utc_now) -> AsyncIterator[str]:
    """One line a finding: "ok", "note" (it may be so), or "!" with the remedy."""
    for line in doctor_machine.examine(settings):
        yield line
    lines, database = await doctor_database.examine(settings, now)
    for line in lines:
        yield line
    try:
        async for line in _union(settings, database, now()):
            yield line
        async for line in _accounts(settings, database, now):
            yield line
    finally:
        if database is not None:
            await database.close()


async def _union(settings: Settings, database: Database | None, now: datetime) -> AsyncIterator[str]:
    if settings.locales_folder or settings.skills_file or not (LOCALES / settings.language).is_dir():
        yield _words(settings)
    async for line in doctor_union.examine(settings, database, now):
        yield line


def _words(settings: Settings) -> str:
    """Whether the union's own files can be read; ours are tested, and loading them takes seconds."""
    try:
        load_core(settings)
    except SettingsError as error:
        return f"! Words: {error}"
    return "ok Words: the union's own texts and phrases can be read."


async def _accounts(settings: Settings, database: Database | None, now: Now) -> AsyncIterator[str]:
    if settings.telegram.token is None and not settings.matrix.homeserver:
        yield "! No account is configured: .env.example shows how."
    if settings.telegram.token is not None:
        async for line in _telegram(settings):
            yield line
        yield await doctor_machine.clock("Telegram", settings.telegram.base_url, now)
    if settings.matrix.homeserver:
        async for line in _matrix(settings, database, now):
            yield line


async def _telegram(settings: Settings) -> AsyncIterator[str]:
    from bot.adapters.telegram import Telegram
    from bot.adapters.telegram_examination import examine as examine_telegram

    assert settings.telegram.token is not None
    adapter = Telegram(settings.telegram.token.get_secret_value(), settings.telegram.base_url)
    try:
        async for line in examine_telegram(adapter):
            yield line
    except GatewayFault as fault:
        yield f"! Telegram: {fault.reason}."
    finally:
        await adapter.stop()


async def _matrix(settings: Settings, database: Database | None, now: Now) -> AsyncIterator[str]:
    from bot.adapters.matrix_examination import NO_LOGIN
    from bot.adapters.matrix_examination import examine as examine_matrix
    from bot.keychain import Keychain

    if database is None:
        yield NO_LOGIN
    else:
        keychain = Keychain(database, "matrix", now)
        async for line in examine_matrix(settings.matrix.homeserver, keychain, now):
            yield line
    yield await doctor_machine.clock("Matrix", settings.matrix.homeserver, now)
