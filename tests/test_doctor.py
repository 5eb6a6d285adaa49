"""`onecloak doctor`: what is well, and what to do where it isn't."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from random import Random

import pytest

from bot.adapters.matrix_login import LOGIN
from bot.app import utc_now
from bot.doctor import examine
from bot.settings import Settings, read_settings
from bot.setup import make_matrix, open_database, open_vault
from storage.database import Database
from tests.bot_api import BotApi
from tests.synapse import PASSWORD, STRICT, Account, Synapse

_numbers = itertools.count(1)


def settings_of(folder: Path, homeserver: str = "", user: str = "", **more: object) -> Settings:
    values = {"homeserver": homeserver, "user": user, "password": PASSWORD}
    url = f"sqlite+aiosqlite:///{folder / 'onecloak.db'}"
    return read_settings(None, database_url=url, matrix=values if homeserver else {}, **more)


async def lines(settings: Settings) -> list[str]:
    found = [line async for line in examine(settings)]
    assert all(line.startswith(("ok ", "! ")) for line in found)
    return found


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
    assert await lines(settings_of(tmp_path)) == ["! No account is configured: .env.example shows how."]


async def test_before_the_first_start_there_is_no_login(tmp_path: Path, synapse: Synapse) -> None:
    settings = settings_of(tmp_path, synapse.url, synapse.user_id("doctored"))
    assert await lines(settings) == [
        "! Matrix: there is no login yet. Set ONECLOAK_MATRIX__PASSWORD and start the bot once."
    ]


async def test_an_account_that_is_well_and_then_is_logged_out(tmp_path: Path, synapse: Synapse) -> None:
    account = await synapse.register(f"doctored-{next(_numbers)}")
    settings = settings_of(tmp_path, f"{synapse.url}/", account.user_id)
    token = await run_once(settings)
    for _twice in range(2):
        assert await lines(settings) == [
            "ok Matrix: the homeserver accepts the bot's login.",
            "ok Matrix: the bot's device is signed by its owner, as apps demand.",
            "ok Matrix: the homeserver let 15 messages through at once, so the bot is not limited.",
        ]
    assert await rooms_of(synapse, account) == []  # the doctor leaves nothing behind
    await synapse.revoke(token)
    [told] = await lines(settings)
    assert told.startswith("! Matrix: the homeserver refused it (M_UNKNOWN_TOKEN). ")
    assert told.endswith("Set ONECLOAK_MATRIX__PASSWORD and restart.")


async def test_a_limited_account_is_told_how_to_be_free(tmp_path: Path) -> None:
    async with Synapse(tmp_path / "strict", STRICT) as strict:
        account = await strict.register("doctored")
        settings = settings_of(tmp_path, strict.url, account.user_id)
        await run_once(settings)
        *well, told = await lines(settings)
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
        assert (await lines(settings))[-1].startswith("ok Matrix: the homeserver let 15 messages through")


async def test_an_unsigned_device_is_named(
    tmp_path: Path, synapse: Synapse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> None: ...

    monkeypatch.setattr("bot.adapters.matrix_signing.Identity.sign_device", lambda *_: None)
    monkeypatch.setattr("bot.adapters.matrix_login.sign_own_device", never)
    account = await synapse.register(f"doctored-{next(_numbers)}")
    settings = settings_of(tmp_path, synapse.url, account.user_id)
    await run_once(settings)
    assert (await lines(settings))[1].startswith("! Matrix: the bot's device is not signed")
    monkeypatch.undo()
    await run_once(settings)  # "Restart the bot; it signs itself."
    assert (await lines(settings))[1].startswith("ok ")


async def test_a_homeserver_that_is_away_is_named(tmp_path: Path, synapse: Synapse) -> None:
    account = await synapse.register(f"doctored-{next(_numbers)}")
    await run_once(settings_of(tmp_path, synapse.url, account.user_id))
    [told] = await lines(settings_of(tmp_path, "http://127.0.0.1:9", account.user_id))
    assert told.startswith("! Matrix: the homeserver cannot be reached (")


async def test_the_token_of_telegram_is_tried(tmp_path: Path) -> None:
    async with BotApi() as api:
        right = {"token": api.token, "base_url": api.base_url}
        assert await lines(settings_of(tmp_path, telegram=right)) == ["ok Telegram: the token is accepted."]
        [told] = await lines(settings_of(tmp_path, telegram=right | {"token": "1000:wrong"}))
        assert told.startswith("! Telegram: ")
        assert "@BotFather" in told
        assert "1000:wrong" not in told
        assert "getUpdates" not in api.calls  # which would take the running bot's place
