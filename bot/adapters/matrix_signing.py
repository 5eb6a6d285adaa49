"""Cross-signing: the bot vouches for its own device, or apps would shut it out.

Since 2026 clients neither write to nor read from devices that their owner has not signed (matrix-spec
pull request 2301, from MSC4153). matrix-nio has no cross-signing, so the three keys of the spec, section
"Cross-signing", are made here once, kept sealed, and used to sign each new device.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bot.adapters import GatewayFault
from bot.adapters.matrix_client import Client
from bot.adapters.matrix_wire import MatrixError

IDENTITY = "identity"
USAGES = ("master", "self_signing", "user_signing")


@dataclass(frozen=True, slots=True)
class Identity:
    """The three private keys of an account, which outlive its devices."""

    user_id: str
    keys: dict[str, Ed25519PrivateKey]  # by usage

    @classmethod
    def new(cls, user_id: str) -> Identity:
        return cls(user_id, {usage: Ed25519PrivateKey.generate() for usage in USAGES})

    @classmethod
    def kept(cls, user_id: str, seeds: dict[str, str]) -> Identity:
        keys = {
            usage: Ed25519PrivateKey.from_private_bytes(base64.b64decode(seeds[usage])) for usage in USAGES
        }
        return cls(user_id, keys)

    def seeds(self) -> dict[str, str]:
        return {usage: base64.b64encode(key.private_bytes_raw()).decode() for usage, key in self.keys.items()}

    def public(self, usage: str) -> str:
        raw = self.keys[usage].public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return _unpadded(raw)

    def sign(self, usage: str, value: dict[str, Any]) -> None:
        """Add a signature to a JSON object (spec, appendix "Signing JSON")."""
        unsigned = {name: each for name, each in value.items() if name not in ("signatures", "unsigned")}
        text = json.dumps(unsigned, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        signature = _unpadded(self.keys[usage].sign(text.encode()))
        mine = value.setdefault("signatures", {}).setdefault(self.user_id, {})
        mine[f"ed25519:{self.public(usage)}"] = signature

    def sign_device(self, device_keys: dict[str, Any]) -> None:
        self.sign("self_signing", device_keys)

    def public_keys(self) -> dict[str, Any]:
        """The body of `/keys/device_signing/upload`: the master key vouches for the two others."""
        body = {}
        for usage in USAGES:
            public = self.public(usage)
            key = {"user_id": self.user_id, "usage": [usage], "keys": {f"ed25519:{public}": public}}
            if usage != "master":
                self.sign("master", key)
            body[f"{usage}_key"] = key
        return body


def _unpadded(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Published:
    """What the homeserver shows others of the account."""

    device: dict[str, Any] | None  # the keys of this device, None if there are none
    master: str  # the public master key, "" if there is none


async def published(client: Client) -> Published:
    """Ask for what others see of the account; raises MatrixError."""
    found = await client.call("POST", "/keys/query", {"device_keys": {client.user_id: []}})
    device = found.get("device_keys", {}).get(client.user_id, {}).get(client.device_id)
    master = found.get("master_keys", {}).get(client.user_id, {})
    return Published(
        device if isinstance(device, dict) else None, next(iter(master.get("keys", {}).values()), "")
    )


async def ensure_identity(client: Client, password: str, master: str) -> Identity:
    """The account's identity, made and published at first use; raises MatrixError or GatewayFault.

    The keys are durable here before the homeserver knows them; a start that was cut off publishes the same.
    Where others were published in their place new ones are made: Synapse never takes replaced keys again.
    """
    seeds = client.keychain.get(IDENTITY)
    identity = Identity.kept(client.user_id, seeds) if seeds else None
    if identity is not None and master == identity.public("master"):
        return identity
    if identity is None or master:
        identity = Identity.new(client.user_id)
        client.keychain.put(IDENTITY, identity.seeds())
    await _publish(client, identity, password)
    return identity


async def sign_own_device(client: Client, identity: Identity, keys: dict[str, Any] | None) -> None:
    """Sign this device where the homeserver shows its keys unsigned; raises MatrixError.

    A new device is signed within its first upload of keys, so that nobody ever sees it unsigned.
    """
    if keys is None or is_signed(keys, identity):
        return
    keys.pop("unsigned", None)
    identity.sign_device(keys)
    body = {client.user_id: {client.device_id: keys}}
    answered = await client.call("POST", "/keys/signatures/upload", body)
    if answered.get("failures"):  # refused, although the answer is "200 OK"
        raise MatrixError("the homeserver does not take the signature of the bot's device")


def is_signed(device_keys: dict[str, Any], identity: Identity) -> bool:
    mine = device_keys.get("signatures", {}).get(identity.user_id, {})
    return f"ed25519:{identity.public('self_signing')}" in mine


async def _publish(client: Client, identity: Identity, password: str) -> None:
    """Upload the public keys; the first time most homeservers ask for no password."""
    try:
        await client.call_as_owner("POST", "/keys/device_signing/upload", identity.public_keys(), password)
    except MatrixError as error:
        if error.status != 401 or error.token_is_gone:
            raise
        raise GatewayFault(
            "the homeserver asks for the password to publish the bot's identity: "
            "set ONECLOAK_MATRIX__PASSWORD once and restart",
            fatal=True,
        ) from None
