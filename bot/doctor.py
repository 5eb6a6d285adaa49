"""`onecloak doctor`: looks at each account and says in plain lines what is well and what to do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from random import SystemRandom

from bot.adapters import GatewayFault
from bot.app import utc_now
from bot.settings import Settings, SettingsError
from bot.setup import load_core, open_database, open_vault


async def examine(settings: Settings) -> AsyncIterator[str]:
    """One line a finding: "ok", or "!" with the remedy; raises SettingsError."""
    if settings.locales_folder is not None:
        yield _words(settings)
    if settings.telegram.token is None and not settings.matrix.homeserver:
        yield "! No account is configured: .env.example shows how."
    if settings.telegram.token is not None:
        yield await _telegram(settings)
    if settings.matrix.homeserver:
        async for line in _matrix(settings):
            yield line


def _words(settings: Settings) -> str:
    """Whether the union's own texts and phrases can be read."""
    try:
        load_core(settings)
    except SettingsError as error:
        return f"! Words: {error}"
    return "ok Words: the union's own texts and phrases can be read."


async def _telegram(settings: Settings) -> str:
    from bot.adapters.telegram import Telegram

    assert settings.telegram.token is not None
    adapter = Telegram(settings.telegram.token.get_secret_value(), settings.telegram.base_url)
    try:
        await adapter.check()
    except GatewayFault as fault:
        return f"! Telegram: {fault.reason}."
    finally:
        await adapter.stop()
    return "ok Telegram: the token is accepted."


async def _matrix(settings: Settings) -> AsyncIterator[str]:
    from bot.adapters.matrix_examination import examine as examine_matrix
    from bot.keychain import Keychain

    vault, _word = open_vault(settings)
    database = await open_database(settings, vault, SystemRandom())
    try:
        keychain = Keychain(database, "matrix", utc_now)
        async for line in examine_matrix(settings.matrix.homeserver, keychain, utc_now):
            yield line
    finally:
        await database.close()
