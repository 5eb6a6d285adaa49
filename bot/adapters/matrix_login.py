"""Logging in: with the password once, then with the token that is kept sealed; and knowing a lost device."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from bot.adapters import GatewayFault
from bot.adapters.matrix_client import Client
from bot.adapters.matrix_keys import ACCOUNT, DEVICE, ENCRYPTED, REQUEST, ROOM_KEY, SESSION
from bot.adapters.matrix_signing import Identity, Published, ensure_identity, published, sign_own_device
from bot.adapters.matrix_wire import TOKEN_REFUSED, MatrixError

log = logging.getLogger(__name__)

LOGIN, RESEND = "login", "resend"
OF_A_DEVICE = (ACCOUNT, SESSION, ROOM_KEY, DEVICE, ENCRYPTED, REQUEST)
NO_PASSWORD = "Matrix has no login yet: set ONECLOAK_MATRIX__PASSWORD for the first start"
KEYS_LOST = (
    "the keys of the bot's Matrix device are lost or not its own, so the device is given up: "
    "set ONECLOAK_MATRIX__PASSWORD once and restart, and a new one is made"
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """The account's Matrix id, and its password if the operator has set it."""

    user: str
    password: str = ""


async def log_in(client: Client, credentials: Credentials) -> Identity:
    """Bring a signed device to life, a new one in place of one that was lost; returns who signed it.

    Raises MatrixError where the homeserver fails, GatewayFault where the operator must act.
    """
    kept = client.keychain.get(LOGIN)
    shown = None if kept is None else await _resume(client, kept, credentials)
    if shown is None:
        await _new_device(client, credentials, replaced=kept is not None)
        shown = await published(client)
        if kept is not None:
            log.warning("a new Matrix device was made in place of the one that was lost")
    identity = await ensure_identity(client, credentials.password, shown.master)
    await client.upload_keys(identity.sign_device)
    await sign_own_device(client, identity, shown.device)
    if kept is not None and kept["device"] != client.device_id:
        await _remove_device(client, kept["device"], credentials.password)
    return identity


async def _resume(client: Client, kept: dict[str, str], credentials: Credentials) -> Published | None:
    """Go on as the kept device, and give what others see of it; None if it must never be used again."""
    if kept["user"].lower() != credentials.user.lower():
        raise GatewayFault(
            "ONECLOAK_MATRIX__USER is another account than the one whose login is kept here: "
            "a new account needs a new database",
            fatal=True,
        )
    _use(client, kept)
    try:
        await client.call("GET", "/account/whoami")
    except MatrixError as error:
        if not error.token_is_gone:
            raise
        if not credentials.password:
            raise GatewayFault(TOKEN_REFUSED, fatal=True) from None
        return None
    shown = await published(client)
    if _keys_fit(client, shown.device):
        client.load_store()
        return shown
    if not credentials.password:
        raise GatewayFault(KEYS_LOST, fatal=True)
    return None


def _keys_fit(client: Client, shown: dict[str, Any] | None) -> bool:
    """Whether what we keep is what others see of this device.

    A device whose keys were lost can't be mended: all that is sent to it stays unreadable for ever.
    """
    kept = client.keychain.get(ACCOUNT)
    if kept is None:
        return False  # also where nothing is shown: a login without keys was cut off, or its keys are gone
    if shown is None:
        return not kept["shared"]
    client.load_store()
    mine = client.olm.account.identity_keys
    keys: dict[str, Any] = shown.get("keys", {})
    return all(keys.get(f"{kind}:{client.device_id}") == mine[kind] for kind in ("ed25519", "curve25519"))


async def _new_device(client: Client, credentials: Credentials, *, replaced: bool) -> None:
    """Log in as a device that never was; the keys of an older one go, the identity stays."""
    if not credentials.password:
        raise GatewayFault(NO_PASSWORD, fatal=True)
    client.access_token = ""
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": credentials.user},
        "password": credentials.password,
        "initial_device_display_name": "One Cloak",
    }
    try:
        made = await client.call("POST", "/login", body)
    except MatrixError as error:
        if error.code in ("M_FORBIDDEN", "M_USER_DEACTIVATED", "M_INVALID_USERNAME"):
            raise GatewayFault(
                "the homeserver does not accept ONECLOAK_MATRIX__USER and ONECLOAK_MATRIX__PASSWORD",
                fatal=True,
            ) from None
        raise
    for prefix in OF_A_DEVICE:
        client.keychain.drop_all(prefix)
    login = {"user": made["user_id"], "device": made["device_id"], "token": made["access_token"]}
    client.keychain.put(LOGIN, login)
    if replaced:  # what was said to the lost device lately is lost with it
        client.keychain.put(RESEND, made["device_id"])
    _use(client, login)
    client.load_store()
    await client.keychain.save()


def _use(client: Client, login: dict[str, str]) -> None:
    client.user_id, client.device_id, client.access_token = login["user"], login["device"], login["token"]


async def _remove_device(client: Client, device: str, password: str) -> None:
    """Take the lost device off the account, so that nobody writes to it any more; the bot works without."""
    try:
        await client.call_as_owner("DELETE", f"/devices/{device}", {}, password)
    except MatrixError as error:
        log.warning("the lost device could not be removed (%s): remove it by hand", error.reason)
