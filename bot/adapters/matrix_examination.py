"""Looking at the Matrix account from outside: is it logged in, signed, and free to speak in an emergency."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

from bot.adapters.matrix_client import Client
from bot.adapters.matrix_login import LOGIN
from bot.adapters.matrix_rooms import EXAMINATION
from bot.adapters.matrix_signing import IDENTITY, Identity, is_signed, published
from bot.adapters.matrix_wire import MatrixError, quoted
from bot.keychain import Keychain

PROBES = 15  # more than the ten events that Synapse's default (rc_message) lets through at once
PATIENCE = timedelta(minutes=1)
NO_LOGIN = "! Matrix: there is no login yet. Set ONECLOAK_MATRIX__PASSWORD and start the bot once."
HOW_TO_LIFT = """To lift it, an administrator of the homeserver sends this once:
    POST {homeserver}/_synapse/admin/v1/users/{user}/override_ratelimit
    Authorization: Bearer THE-ADMINISTRATOR'S-TOKEN
    {{"messages_per_second": 0, "burst_count": 0}}
  On another homeserver than Synapse, ask for the same. Until then an alert to many people leaves slowly."""


async def examine(homeserver: str, keychain: Keychain, now: Callable[[], datetime]) -> AsyncIterator[str]:
    """One line a finding, "ok" or "!" with the remedy. Logs in nowhere and changes no key."""
    await keychain.load()
    login, seeds = keychain.get(LOGIN), keychain.get(IDENTITY)
    if login is None or seeds is None:
        yield NO_LOGIN
        return
    client = Client(homeserver.rstrip("/"), keychain, now)
    client.user_id, client.device_id, client.access_token = login["user"], login["device"], login["token"]
    try:
        await client.call("GET", "/account/whoami")
        yield "ok Matrix: the homeserver accepts the bot's login."
        yield await _signature(client, Identity.kept(login["user"], seeds))
        yield await _limit(client, homeserver)
    except MatrixError as error:
        remedy = " Set ONECLOAK_MATRIX__PASSWORD and restart." if error.token_is_gone else ""
        yield f"! Matrix: {error.reason}.{remedy}"
    finally:
        await client.close()


async def _signature(client: Client, identity: Identity) -> str:
    seen = await published(client)
    keys = seen.device
    if seen.master and seen.master != identity.public("master"):
        return (
            "! Matrix: somebody has given the account another identity, so its device is not trusted. "
            "Set ONECLOAK_MATRIX__PASSWORD and restart the bot; it makes a new one."
        )
    if keys is not None and is_signed(keys, identity):
        return "ok Matrix: the bot's device is signed by its owner, as apps demand."
    return "! Matrix: the bot's device is not signed, so apps may hide it. Restart the bot; it signs itself."


async def _limit(client: Client, homeserver: str) -> str:
    """Speak quickly in a room where nobody is, and see if the homeserver asks to wait."""
    made = await client.call("POST", "/createRoom", {"creation_content": {"type": EXAMINATION}})
    room = quoted(made["room_id"])
    try:
        results = await asyncio.gather(
            *(
                client.call("PUT", f"/rooms/{room}/send/m.room.message/doctor{number}", _PROBE)
                for number in range(PROBES)
            ),
            return_exceptions=True,
        )
        failures = [each for each in results if isinstance(each, BaseException)]
    finally:
        await _leave(client, room)
    for failure in failures:
        if not isinstance(failure, MatrixError) or failure.wait is None:
            raise failure
    if not failures:
        return f"ok Matrix: the homeserver let {PROBES} messages through at once, so the bot is not limited."
    told = f"! Matrix: the homeserver limits the bot: {len(failures)} of {PROBES} messages had to wait. "
    return told + HOW_TO_LIFT.format(homeserver=homeserver.rstrip("/"), user=quoted(client.user_id))


async def _leave(client: Client, room: str) -> None:
    """Leave nothing behind; where the probes have used up what is allowed, after the wait asked for."""
    for action in ("leave", "forget"):
        try:
            await client.call("POST", f"/rooms/{room}/{action}", {})
        except MatrixError as error:
            if error.wait is None or error.wait > PATIENCE:
                raise
            await asyncio.sleep(error.wait.total_seconds())
            await client.call("POST", f"/rooms/{room}/{action}", {})


_PROBE = {"msgtype": "m.notice", "body": "one of the doctor's probes"}
