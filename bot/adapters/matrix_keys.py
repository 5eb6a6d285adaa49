"""The store of matrix-nio's encryption, kept in the keychain in place of a database file of its own.

So the Olm ratchet, the room key, the events and the cursor are written in one transaction, sealed, and a
process that takes the account over finds them. (With the library's own store, which writes ratchet and
room key apart, 101 kills lost 8 room keys for ever.) Nothing here writes by itself: see `Keychain`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from nio.crypto import (
    DeviceStore,
    GroupSessionStore,
    InboundGroupSession,
    OlmAccount,
    OlmDevice,
    OutgoingKeyRequest,
    Session,
    SessionStore,
)

from bot.keychain import Keychain

# The library pickles under a passphrase; what really seals is the keychain (AES-256-GCM).
PASSPHRASE = "sealed by the keychain"
KEEP_ROOM_KEYS = timedelta(days=60)  # a room key opens old messages, which nobody needs to read again

ACCOUNT, SESSION, ROOM_KEY = "olm account", "olm session/", "room key/"
DEVICE, ENCRYPTED, REQUEST = "device/", "encrypted room/", "key request/"


class KeyStore:
    """What `nio.store.MatrixStore` offers, as far as the library's encryption asks for it."""

    def __init__(self, keychain: Keychain, now: datetime) -> None:
        self._keychain = keychain
        self._now = now

    # --- the account and the sessions with single devices --------------------------------------------

    def load_account(self) -> OlmAccount | None:
        kept = self._keychain.get(ACCOUNT)
        if kept is None:
            return None
        return OlmAccount.from_pickle(kept["pickle"].encode(), PASSPHRASE, kept["shared"])

    def save_account(self, account: OlmAccount) -> None:
        self._keychain.put(
            ACCOUNT, lambda: {"pickle": account.pickle(PASSPHRASE).decode(), "shared": account.shared}
        )

    def load_sessions(self) -> SessionStore:
        store = SessionStore()
        for _name, kept in self._keychain.items(SESSION):
            made, used = (datetime.fromisoformat(kept[each]) for each in ("made", "used"))
            session = Session.from_pickle(kept["pickle"].encode(), made, PASSPHRASE, used)
            store.add(kept["with"], session)
        return store

    def save_session(self, curve_key: str, session: Session) -> None:
        def kept() -> dict[str, str]:
            return {
                "with": curve_key,  # not to be read from the name: both of its halves may hold a slash
                "pickle": session.pickle(PASSPHRASE).decode(),
                "made": session.creation_time.isoformat(),
                "used": session.use_time.isoformat(),
            }

        self._keychain.put(f"{SESSION}{curve_key}/{session.id}", kept)

    # --- room keys ------------------------------------------------------------------------------------

    def load_inbound_group_sessions(self) -> GroupSessionStore:
        store = GroupSessionStore()
        for name, kept in self._keychain.items(ROOM_KEY):
            if datetime.fromisoformat(kept["at"]) < self._now - KEEP_ROOM_KEYS:
                self._keychain.drop(f"{ROOM_KEY}{name}")
                continue
            session = InboundGroupSession.from_pickle(
                kept["pickle"].encode(), kept["signed_by"], kept["sender_key"], kept["room"], PASSPHRASE,
                kept["chain"],
            )  # fmt: skip
            store.add(session)
        return store

    def save_inbound_group_session(self, session: InboundGroupSession) -> None:
        kept = {
            "pickle": session.pickle(PASSPHRASE).decode(),
            "signed_by": session.ed25519,
            "sender_key": session.sender_key,
            "room": session.room_id,
            "chain": session.forwarding_chain,
            "at": self._now.isoformat(),
        }
        self._keychain.put(f"{ROOM_KEY}{session.room_id}/{session.sender_key}/{session.id}", kept)

    # --- devices, rooms, requests ---------------------------------------------------------------------

    def load_device_keys(self) -> DeviceStore:
        store = DeviceStore()
        for name, kept in self._keychain.items(DEVICE):
            user, _slash, device = name.rpartition("/")
            store.add(OlmDevice(user, device, kept["keys"], kept["name"], kept["deleted"]))
        return store

    def save_device_keys(self, device_keys: Mapping[str, Mapping[str, OlmDevice]]) -> None:
        for user, devices in device_keys.items():
            for device_id, device in devices.items():
                kept = {"keys": device.keys, "name": device.display_name, "deleted": device.deleted}
                self._keychain.put(f"{DEVICE}{user}/{device_id}", kept)

    def load_encrypted_rooms(self) -> set[str]:
        return {room for room, _kept in self._keychain.items(ENCRYPTED)}

    def save_encrypted_rooms(self, rooms: Iterable[str]) -> None:
        for room in rooms:
            if self._keychain.get(ENCRYPTED + room) is None:
                self._keychain.put(ENCRYPTED + room, True)

    def load_outgoing_key_requests(self) -> dict[str, OutgoingKeyRequest]:
        return {name: OutgoingKeyRequest(*kept) for name, kept in self._keychain.items(REQUEST)}

    def add_outgoing_key_request(self, request: OutgoingKeyRequest) -> None:
        kept = [request.request_id, request.session_id, request.room_id, request.algorithm]
        self._keychain.put(REQUEST + request.request_id, kept)

    def remove_outgoing_key_request(self, request: OutgoingKeyRequest) -> None:
        self._keychain.drop(REQUEST + request.request_id)

    # --- trust ------------------------------------------------------------------------------------------
    # Whoever writes is answered on all their devices: a person in need with an old app must not be shut
    # out. So every device counts as "ignored", the library's word for "written to without verifying".

    def is_device_verified(self, _device: OlmDevice) -> bool:
        return False

    def is_device_blacklisted(self, _device: OlmDevice) -> bool:
        return False

    def is_device_ignored(self, _device: OlmDevice) -> bool:
        return True

    def ignore_devices(self, devices: list[OlmDevice]) -> None: ...
