"""matrix-nio's client: its encryption and its knowledge of rooms, on our own wire and in our own store.

The library would wait, retry and write by itself. Here a request is made once, its failure has a name, and
no request leaves before all that it depends on is durable.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from nio import AsyncClient, AsyncClientConfig, MatrixRoom, OlmEvent
from nio.crypto import Olm
from nio.responses import KeysClaimResponse, KeysQueryResponse, KeysUploadResponse

from bot.adapters.matrix_keys import KeyStore
from bot.adapters.matrix_wire import NO_ANSWER, MatrixError, answer, quoted, unanswered
from bot.keychain import Keychain

log = logging.getLogger(__name__)

API = "/_matrix/client/v3"
ANSWER_SECONDS = 20.0
CLAIM_AGAIN = timedelta(minutes=1)
LARGEST_FILE = 50_000_000  # bytes; what a sender claims beforehand need not be true


class Client(AsyncClient):  # type: ignore[misc]  # the library has no types
    """One device of one account on one homeserver."""

    def __init__(self, homeserver: str, keychain: Keychain, now: Callable[[], datetime]) -> None:
        config = AsyncClientConfig(store_sync_tokens=False, max_limit_exceeded=0, max_timeouts=0)
        super().__init__(homeserver, config=config)
        self.keychain = keychain
        self._now = now
        self.failures = 0
        self.wants_fallback_key = False
        self._sharing = asyncio.Lock()
        self._short: dict[str, datetime] = {}  # rooms whose key some device lacks, and when to try again

    def load_store(self) -> None:
        """Open the encryption of this device from the keychain, or begin it."""
        self.store = KeyStore(self.keychain, self._now())
        self.olm = Olm(self.user_id, self.device_id, self.store)
        self.encrypted_rooms = self.store.load_encrypted_rooms()

    async def call(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, seconds: float = ANSWER_SECONDS
    ) -> dict[str, Any]:
        """Ask the homeserver once; `path` without the API's prefix. Raises MatrixError."""
        data = None if body is None else json.dumps(body)
        return await self._ask(method, path, data, "application/json", seconds)

    async def call_as_owner(
        self, method: str, path: str, body: dict[str, Any], password: str
    ) -> dict[str, Any]:
        """Ask for what may want the password; raises MatrixError, of status 401 where it is missing."""
        try:
            return await self.call(method, path, body)
        except MatrixError as error:
            if error.status != 401 or "flows" not in error.body or not password:
                raise
            auth = {
                "type": "m.login.password",
                "identifier": {"type": "m.id.user", "user": self.user_id},
                "password": password,
                "session": error.body.get("session", ""),
            }
            return await self.call(method, path, {**body, "auth": auth})

    async def upload(self, body: bytes, mime: str) -> str:
        """Store a file on the homeserver and return its mxc address; raises MatrixError."""
        sent = await self._ask("POST", "/_matrix/media/v3/upload", body, mime, 60.0)
        return str(sent.get("content_uri", ""))

    async def download(self, address: str) -> bytes:
        """The bytes behind an mxc address; raises MatrixError."""
        server, _slash, media = address.removeprefix("mxc://").partition("/")
        path = f"/_matrix/client/v1/media/download/{quoted(server)}/{quoted(media)}"
        try:
            response = await self.send("GET", path, None, self._headers(""), timeout=60.0)
            async with response:
                if response.status >= 400:
                    await answer(response)
                body = bytearray()
                async for part in response.content.iter_any():
                    body += part
                    if len(body) > LARGEST_FILE:
                        raise MatrixError("the file is too big", 413)
                return bytes(body)
        except NO_ANSWER as error:
            raise unanswered(error) from None

    async def _ask(
        self, method: str, path: str, data: str | bytes | None, mime: str, seconds: float
    ) -> dict[str, Any]:
        await self.keychain.save()
        whole = path if path.startswith("/_") else f"{API}{path}"
        try:
            response = await self.send(method, whole, data, self._headers(mime), timeout=seconds)
            async with response:
                return await answer(response)
        except NO_ANSWER as error:
            raise unanswered(error) from None

    def _headers(self, mime: str) -> dict[str, str]:
        headers = {"Content-Type": mime} if mime else {}
        if self.access_token:
            headers["Authorization"] = f"Bearer {self.access_token}"
        return headers

    # --- keys -------------------------------------------------------------------------------------------

    def _handle_decrypt_to_device(self, event: Any) -> Any:
        """Take in what a device sent; where the library fails on it, that device's session is made anew.

        (It raises where a message was made with a one-time key that is not ours, or is no message at all.
        The room keys that others sent beside it, and the rooms of the same sync, would be lost.)
        """
        try:
            return super()._handle_decrypt_to_device(event)
        except Exception as error:  # noqa: BLE001 (a wall, see above)
            self.failures += 1
            log.warning("what a device sent could not be taken in (%s)", type(error).__name__)
            if isinstance(event, OlmEvent):
                self.olm._mark_device_for_unwedging(event.sender, event.sender_key)
            return None

    async def upload_keys(self, sign: Callable[[dict[str, Any]], None]) -> None:
        """Upload what the homeserver is short of; `sign` adds our owner's signature to the device's keys."""
        if not (self.should_upload_keys or self.wants_fallback_key):
            return
        body = self.olm.share_keys() if self.should_upload_keys else {}
        if self.wants_fallback_key or "device_keys" in body:
            body["fallback_keys"] = self._fallback_key()
        self.olm.save_account()  # the private halves are durable before the public ones are known
        if "device_keys" in body:
            sign(body["device_keys"])
        counts = (await self.call("POST", "/keys/upload", body)).get("one_time_key_counts", {})
        response = KeysUploadResponse(counts.get("curve25519", 0), counts.get("signed_curve25519", 0))
        await self.receive_response(response)
        self.wants_fallback_key = False

    def _fallback_key(self) -> dict[str, Any]:
        """A key for those who first write when all others are used up, as after a long silence of the bot.

        (Spec, "One-time and fallback keys"; the library makes none.)
        """
        account = self.olm.account._account
        account.generate_fallback_key()
        signed = {}
        for key_id, key in account.fallback_key.items():
            value: dict[str, Any] = {"key": key.to_base64(), "fallback": True}
            signature = self.olm.sign_json(value)
            value["signatures"] = {self.user_id: {f"ed25519:{self.device_id}": signature}}
            signed[f"signed_curve25519:{key_id}"] = value
        return signed

    async def query_keys(self) -> None:
        """Learn the devices of those who have new ones; their rooms get new keys."""
        if not self.should_query_keys:
            return
        asked = list(self.users_for_key_query)
        found = await self.call("POST", "/keys/query", {"device_keys": {user: [] for user in asked}})
        response = KeysQueryResponse.from_dict(found)
        if not isinstance(response, KeysQueryResponse):
            raise MatrixError("the homeserver's list of devices cannot be read")
        await self.receive_response(response)
        # Who does not exist any more has no devices; those of a homeserver that is away are asked for again.
        away = set(found.get("failures", {}))
        self.users_for_key_query.difference_update(
            user for user in asked if user.partition(":")[2] not in away
        )

    async def send_key_messages(self) -> None:
        """Open sessions anew where they broke, and ask again for keys that were lost with them."""
        if self.should_claim_keys:
            await self._claim(self.get_users_for_key_claiming())
        for message in list(self.outgoing_to_device_messages):
            await self.call("PUT", f"/sendToDevice/{message.type}/{uuid4()}", message.as_dict())
            self.olm._mark_to_device_message_as_sent(message)

    async def _claim(self, devices: dict[str, list[str]]) -> None:
        wanted = {user: dict.fromkeys(each, "signed_curve25519") for user, each in devices.items()}
        found = await self.call("POST", "/keys/claim", {"one_time_keys": wanted})
        response = KeysClaimResponse.from_dict(found, "")
        if isinstance(response, KeysClaimResponse):
            await self.receive_response(response)

    async def encrypted(
        self, room: MatrixRoom, kind: str, content: dict[str, Any], readers: set[str] | None = None
    ) -> dict[str, Any]:
        """Encrypt for all devices of a room's members, sharing a new room key first where it needs one.

        readers: the only people who may get the key, None for all members.
        Call it with the room locked: two at once would use a key that is not shared yet.
        """
        if not room.members_synced:
            await self._learn_members(room)
        async with self._sharing:  # a question about devices at a time
            await self.query_keys()
        if room.room_id in self._short and self._now() >= self._short[room.room_id]:
            self.invalidate_outbound_session(room.room_id)  # some devices had no keys to give: once more
        while self.olm.should_share_group_session(room.room_id):
            await self._share(room, readers)
        _kind, cipher = self.encrypt(room.room_id, kind, content)
        return dict(cipher)

    async def _learn_members(self, room: MatrixRoom) -> None:
        joined = (await self.call("GET", f"/rooms/{quoted(room.room_id)}/joined_members")).get("joined", {})
        for user, profile in joined.items():
            room.add_member(user, profile.get("display_name"), profile.get("avatar_url"))
        room.members_synced = True
        self.olm.update_tracked_users(room)

    async def _share(self, room: MatrixRoom, readers: set[str] | None) -> None:
        """Share a new room key; if someone or a device comes or goes meanwhile, it is not taken as shared."""
        missing = self.get_missing_sessions(room.room_id)
        if missing:
            await self._claim(missing)
        self._short.pop(room.room_id, None)
        if self.get_missing_sessions(room.room_id):
            self._short[room.room_id] = self._now() + CLAIM_AGAIN
        self.olm.create_outbound_group_session(room.room_id)
        session = self.olm.outbound_group_sessions[room.room_id]
        before = self._devices(room)
        users = [user for user in room.users if readers is None or user in readers]
        for devices, messages in self.olm.share_group_session_parallel(room.room_id, users, True):
            await self.call("PUT", f"/sendToDevice/m.room.encrypted/{uuid4()}", messages)
            session.users_shared_with.update(devices)
        if self._devices(room) == before and self.olm.outbound_group_sessions.get(room.room_id) is session:
            session.shared = True

    def _devices(self, room: MatrixRoom) -> set[tuple[str, str]]:
        return {
            (user, device.id) for user in room.users for device in self.device_store.active_user_devices(user)
        }
